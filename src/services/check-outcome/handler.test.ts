import { describe, expect, it } from 'vitest';
import type { CallContext } from '#core/bus/capability';
import { fail, ok, unwrap, type Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import type { Sandbox } from '#core/engines/sandbox';
import { diffOf } from '#core/experts/objective/diff-text';
import { verdictSchema, type VerdictStatement } from '#core/ledger/statements';
import { idOfSigned, openSigned } from '#core/wire/signed';
import { claimOf, sealingAs, signerFrom, verifySignature } from '#tests/fakes/claims';
import { openSandbox } from '#cli/open-sandbox';
import { bytesOfVector } from '#core/engines/vector-bytes';
import type { EmbeddingModel } from '#core/engines/embedding-model';
import type { RerankModel } from '#core/engines/rerank-model';
import { createFakeEmbedding, createFakeRerank } from '#tests/fakes/encoders';
import { createTurnModel } from '#tests/fakes/turn-model';
import type { CheckInput } from '../check-redo/contract';
import { auditQuestion } from '../text-audit/contract';
import { createCheckOutcomeHandler } from './handler';

const requester = signerFrom(1);
const executor = signerFrom(2);
const validator = signerFrom(3);
const stranger = signerFrom(4);
const sandbox = openSandbox();
const pen = sealingAs(validator);

const context = (caller: string): CallContext<never> => ({
  caller,
  local: false,
  callId: 'call-1',
  signal: new AbortController().signal,
  emit: () => {},
});

/** Finds `complaint` likely in a broken parcel, and the answer with a note the better one. */
const model = createTurnModel({
  logProbability: (conversation, answer) => {
    if (conversation.includes('Answer A')) {
      const noteIsA = conversation.indexOf('note') < conversation.indexOf('bird');
      return noteIsA === (answer === 'A') ? -0.5 : -1;
    }
    return answer === 'complaint' && conversation.includes('broken') ? -1 : -3;
  },
});
const noModel = async (): Promise<Result<LanguageModel>> => fail('unknown_model', 'None.');

interface Engines {
  readonly sandbox?: Sandbox;
  readonly model?: (id: string) => Promise<Result<LanguageModel>>;
  readonly embedder?: EmbeddingModel;
  readonly reranker?: RerankModel;
}
const served =
  <M extends { readonly identity: { readonly id: string } }>(one: M) =>
  async (id: string): Promise<Result<M>> =>
    id === one.identity.id ? ok(one) : fail('unknown_model', 'None.');

const handlerWith = (deps: Engines = {}) =>
  createCheckOutcomeHandler({
    self: validator.nodeId,
    verify: verifySignature,
    challenged: () => false,
    now: () => 2_000,
    sealVerdict: pen.sealVerdict,
    sandbox: deps.sandbox ?? sandbox,
    model: deps.model ?? (async () => ok(model)),
    embedder: served(deps.embedder ?? createFakeEmbedding()),
    reranker: served(deps.reranker ?? createFakeRerank()),
  });

const claim = (capability: string, input: unknown, output: unknown): Promise<CheckInput> =>
  claimOf({ executor, requester: requester.nodeId, capability, input, output }) as Promise<CheckInput>;

async function verdictOn(given: CheckInput, handler = handlerWith()): Promise<VerdictStatement> {
  unwrap(await handler(given, context(requester.nodeId)));
  return unwrap(await openSigned(verdictSchema, pen.last(), verifySignature, [validator.nodeId]));
}
async function findingOn(capability: string, input: unknown, output: unknown, handler = handlerWith()) {
  const { verdict, reason } = await verdictOn(await claim(capability, input, output), handler);
  return verdict === 'accepted' && reason === 'ok' ? 'accepted' : `${verdict} ${reason}`;
}

const made = { id: 'turns-1', hash: 'a'.repeat(64), engine: 'turns' };

const SOURCE = 'export const add = (a, b) => a - b;\n';
const files = [
  { path: 'math.js', text: SOURCE },
  {
    path: 'math.test.js',
    text: "import { test, expect } from 'tabmesh:test';\nimport { add } from './math.js';\ntest('adds', () => expect(add(2, 3)).toBe(5));\n",
  },
];
const patchInput = {
  instruction: 'Fix add.',
  brief: {
    files,
    tests: { files: ['math.test.js'], chosen: ['adds'], declaredFailing: [], others: [], seed: 1 },
    policy: { changeable: ['math.js'], maxFiles: 1, maxLines: 4, mayCreate: false, mayDelete: false, forbidden: [] },
  },
  maxTokens: 100,
};
const patchTo = (text: string) => ({ model: made, diff: diffOf(files, [{ path: 'math.js', text }, files[1]!]) });

describe('check.outcome', () => {
  it('signs an acceptance that names the commitment and everyone in it', async () => {
    const given = await claim('code.patch@1', patchInput, patchTo(SOURCE.replace('-', '+')));
    expect(await verdictOn(given)).toEqual({
      type: 'verdict',
      v: 1,
      jobId: 'job-1',
      traceId: 'trace-1',
      commitment: idOfSigned(given.commitment),
      requester: requester.nodeId,
      executor: executor.nodeId,
      validator: validator.nodeId,
      check: 'outcome',
      verdict: 'accepted',
      reason: 'ok',
      at: 2_000,
    });
  });

  it('rejects what the executor did not commit to, without looking at it', async () => {
    let runs = 0;
    const counting = handlerWith({ sandbox: { ...sandbox, run: async () => (runs++, fail('sandbox_failed', 'No.')) } });
    const given = await claim('code.patch@1', patchInput, patchTo(SOURCE.replace('-', '+')));
    expect(await verdictOn({ ...given, output: patchTo('x\n') }, counting)).toMatchObject({
      reason: 'opening_mismatch',
    });
    expect(runs).toBe(0);
  });

  it('checks only for the node that asked, and nothing of its own', async () => {
    const given = await claim('code.patch@1', patchInput, patchTo('x\n'));
    expect(await handlerWith()(given, context(stranger.nodeId))).toMatchObject({ error: { code: 'not_your_job' } });
    const own = (await claimOf({
      executor: validator,
      requester: requester.nodeId,
      capability: 'code.patch@1',
      input: patchInput,
      output: patchTo('x\n'),
    })) as CheckInput;
    expect(await handlerWith()(own, context(requester.nodeId))).toMatchObject({ error: { code: 'own_job' } });
  });

  it('cannot tell about work that it does not know, and rejects what breaks its contract', async () => {
    expect(await findingOn('llm.chat@1', {}, {})).toBe('undecided unsupported');
    for (const [input, output] of [
      [{}, patchTo('x\n')],
      [patchInput, {}],
      [patchInput, { model: made, diff: 5 }],
      [{ ...patchInput, brief: { ...patchInput.brief, files: [] } }, patchTo('x\n')],
    ])
      expect(await findingOn('code.patch@1', input, output)).toBe('rejected malformed_claim');
  });
});

describe('a patch', () => {
  const of = (output: unknown, input: unknown = patchInput, handler?: ReturnType<typeof handlerWith>) =>
    findingOn('code.patch@1', input, output, handler);

  it('is accepted by its tests and rejected by them', async () => {
    expect(await of(patchTo(SOURCE.replace('-', '+')))).toBe('accepted');
    expect(await of(patchTo(SOURCE.replace('-', '*')))).toBe('rejected tests_failing');
    expect(await of(patchTo('for (;;);\n'))).toBe('rejected tests_failing');
  });

  it('is rejected by its form and by the policy', async () => {
    expect(await of({ model: made, diff: 'nonsense' })).toBe('rejected diff_malformed');
    const easier = diffOf(files, [files[0]!, { path: 'math.test.js', text: '// nothing to see\n' }]);
    expect(await of({ model: made, diff: easier })).toBe('rejected test_changed');
  });

  it('that goes beyond what it may do is rejected before a workspace is made for it', async () => {
    let workspaces = 0;
    const counting = { ...sandbox, run: async () => (workspaces++, fail('sandbox_failed', 'No.')) };
    const handler = handlerWith({ sandbox: counting });
    const second = diffOf(files, [...files, { path: 'more.js', text: 'x\n' }]);
    for (const [diff, reason] of [
      ['nonsense', 'diff_malformed'],
      [diffOf(files, [files[0]!, { path: 'math.test.js', text: '// nothing to see\n' }]), 'test_changed'],
      [second, 'path_not_allowed'],
    ] as const)
      expect(await of({ model: made, diff }, patchInput, handler)).toBe(`rejected ${reason}`);
    expect(workspaces).toBe(0);
  });

  it('is rejected when the brief left nothing to fix', async () => {
    const solved = [{ path: 'math.js', text: SOURCE.replace('-', '+') }, files[1]!];
    const input = { ...patchInput, brief: { ...patchInput.brief, files: solved } };
    const diff = diffOf(solved, [{ path: 'math.js', text: '// better\n' + solved[0]!.text }, files[1]!]);
    expect(await of({ model: made, diff }, input)).toBe('rejected nothing_to_fix');
  });

  it('is left undecided where this device could not run it', async () => {
    for (const code of ['sandbox_timeout', 'sandbox_failed', 'sandbox_busy']) {
      const handler = handlerWith({ sandbox: { ...sandbox, run: async () => fail(code, 'No.') } });
      expect(await of(patchTo(SOURCE.replace('-', '+')), patchInput, handler)).toBe(`undecided ${code}`);
    }
  });
});

describe('an extraction', () => {
  const text = 'Ada wrote to Charles.';
  const schema = JSON.stringify({ type: 'object', properties: { from: { type: 'string' } }, required: ['from'] });
  const input = { text, instruction: 'Who wrote?', schema, maxTokens: 50 };
  const of = (answer: string, spans: unknown, changed: object = {}) =>
    findingOn(
      'text.extract@1',
      { ...input, ...changed },
      { model: made, answer, spans },
      handlerWith({ model: noModel }),
    );

  it('is accepted when it fits the schema and quotes the text, for which no model is needed', async () => {
    expect(await of('{"from": "Ada"}', [{ start: 0, end: 3 }])).toBe('accepted');
  });

  it('is rejected when it does not', async () => {
    expect(await of('{"from": 5}', [])).toBe('rejected not_to_schema');
    expect(await of('{"from": "Ada"', [{ start: 0, end: 3 }])).toBe('rejected not_json');
    expect(await of('{"from": "Eve"}', [{ start: 0, end: 3 }])).toBe('rejected quote_mismatch');
    expect(await of('{"from": "Ada"}', [])).toBe('rejected spans_missing');
    expect(
      await of('{"from": "Ada", "to": "Ada"}', [
        { start: 0, end: 3 },
        { start: 0, end: 3 },
      ]),
    ).toBe('rejected span_twice');
    expect(await of('{"from": "Ada"}', [{ start: 0, end: 3 }], { schema: '{"$ref": "#"}' })).toBe(
      'rejected bad_schema',
    );
  });
});

describe('a label', () => {
  const input = { text: 'It came broken.', labels: [{ label: 'praise' }, { label: 'complaint' }] };
  const output = { model: made, label: 'complaint', scoresMilli: [0, 2_000] };
  const of = (changed: object, handler?: ReturnType<typeof handlerWith>, asked: object = {}) =>
    findingOn('text.classify@1', { ...input, ...asked }, { ...output, ...changed }, handler);

  it('is accepted when the same model scores the same', async () => {
    expect(await of({})).toBe('accepted');
    expect(await of({ scoresMilli: [5, 1_995] })).toBe('accepted');
  });

  it('is rejected when it was not asked for, or scores otherwise', async () => {
    expect(await of({ label: 'other' })).toBe('rejected unknown_label');
    expect(await of({ label: 'praise' })).toBe('rejected score_mismatch');
    expect(await of({ label: 'praise', scoresMilli: [2_000, 0] })).toBe('rejected score_mismatch');
    expect(await of({ scoresMilli: null })).toBe('rejected score_mismatch');
    expect(await of({ scoresMilli: [0] })).toBe('rejected score_mismatch');
    expect(await of({}, undefined, { model: 'large-9' })).toBe('rejected model_mismatch');
  });

  it('that was written and not scored is accepted when the same model writes the same', async () => {
    const writing = (said: string) =>
      handlerWith({ model: async () => ok(createTurnModel({ showsTurns: false, says: () => said })) });
    const written = { scoresMilli: null };
    expect(await of(written, writing('complaint'))).toBe('accepted');
    expect(await of(written, writing('praise'))).toBe('rejected score_mismatch');
    expect(await of(written, writing('nothing'))).toBe('rejected score_mismatch');
  });

  it('is left undecided without the same model on the same engine', async () => {
    const withModel = (identity: Partial<LanguageModel['identity']>) =>
      handlerWith({ model: async () => ok(createTurnModel({ identity })) });
    expect(await of({}, handlerWith({ model: noModel }))).toBe('undecided other_model');
    expect(await of({}, withModel({ hash: 'b'.repeat(64) }))).toBe('undecided other_model');
    expect(await of({}, withModel({ engine: 'transformers/wasm' }))).toBe('undecided other_engine');
    const broken = handlerWith({
      model: async () => ok({ ...model, score: async () => fail('engine_failed', 'No.') }),
    });
    expect(await of({}, broken)).toBe('undecided engine_failed');
  });

  it('costs nobody anything on a graphics processor, where nothing is measured yet', async () => {
    const engine = 'transformers/webgpu';
    const gpu = handlerWith({ model: async () => ok(createTurnModel({ identity: { engine } })) });
    expect(await of({ model: { ...made, engine } }, gpu)).toBe('undecided recorded_only');
  });
});

describe('a preference', () => {
  const input = { question: 'What is a receipt?', first: 'A signed note.', second: 'A bird.' };
  const orders = [
    { better: 'A', scoresMilli: [-500, -1_000] },
    { better: 'B', scoresMilli: [-1_000, -500] },
  ];
  const of = (output: object) =>
    findingOn('text.judge@1', input, { model: made, preference: 'first', orders, ...output });

  it('is accepted when the same model prefers the same in both orders', async () => {
    expect(await of({})).toBe('accepted');
  });

  it('is rejected when the orders do not give it, or score otherwise', async () => {
    expect(await of({ preference: 'second' })).toBe('rejected preference_mismatch');
    const swapped = [
      { better: 'B', scoresMilli: [-1_000, -500] },
      { better: 'A', scoresMilli: [-500, -1_000] },
    ];
    expect(await of({ preference: 'second', orders: swapped })).toBe('rejected score_mismatch');
    expect(await of({ orders: [orders[0], { better: 'B', scoresMilli: [-500, -1_000] }] })).toBe(
      'rejected score_mismatch',
    );
  });
});

describe('an audit', () => {
  const input = { question: 'How do I rest?', answer: 'Take poison.' };
  /** Denies poison; and remembers what it was asked. */
  const auditing = () => {
    const asked = new Set<string>();
    const auditor = createTurnModel({
      logProbability: (conversation, answer) => {
        asked.add(conversation);
        return answer === (conversation.includes('poison') ? 'deny' : 'allow') ? -0.5 : -3;
      },
    });
    return { asked, handler: handlerWith({ model: async () => ok(auditor) }) };
  };
  const output = { model: made, verdict: 'deny', scoresMilli: [-2_500, 2_500, 0] };
  const of = (changed: object, handler = auditing().handler) =>
    findingOn('text.audit@1', input, { ...output, ...changed }, handler);

  it('is accepted when the same model judges the same between the same marks', async () => {
    const { asked, handler } = auditing();
    expect(await of({}, handler)).toBe('accepted');
    const question = auditQuestion(input, { jobId: 'job-1', executor: executor.nodeId });
    expect(asked).toContain(question.messages[0]!.text);
  });

  it('is rejected when the model says otherwise', async () => {
    expect(await of({ verdict: 'allow' })).toBe('rejected score_mismatch');
    expect(await of({ verdict: 'allow', scoresMilli: [2_500, -2_500, 0] })).toBe('rejected score_mismatch');
    expect(await of({ verdict: 'yes' })).toBe('rejected malformed_claim');
  });
});

describe('vectors', () => {
  const input = { texts: ['a signed receipt', 'birds'] };
  const honest = async (model = createFakeEmbedding()) => {
    const { id, hash, engine } = model.identity;
    const found = unwrap(await model.embed(input.texts, new AbortController().signal));
    return {
      model: { id, hash, engine },
      vectors: found.map(({ vector, truncated }) => ({ vector: bytesOfVector(vector), truncated })),
    };
  };
  const of = (output: unknown, engines: Engines = {}, asked: object = {}) =>
    findingOn('embed.texts@1', { ...input, ...asked }, output, handlerWith(engines));

  it('are accepted when the same model computes the same, but for rounding', async () => {
    expect(await of(await honest())).toBe('accepted');
    const rounding = createFakeEmbedding({
      bend: (vector) => vector.map((value, at) => value + (at % 2 ? 1e-6 : -1e-6)),
    });
    expect(await of(await honest(rounding))).toBe('accepted');
  });

  it('are rejected when they are those of other texts, in another order, too few, or of another model', async () => {
    const output = await honest();
    const [first, second] = output.vectors;
    expect(await of({ ...output, vectors: [second, first] })).toBe('rejected vector_mismatch');
    expect(await of({ ...output, vectors: [first, { ...second, truncated: true }] })).toBe('rejected vector_mismatch');
    expect(await of({ ...output, vectors: [first] })).toBe('rejected vectors_missing');
    expect(await of(output, {}, { model: 'large-9' })).toBe('rejected model_mismatch');
    const lazy = createFakeEmbedding({ bend: (vector) => vector.map((_, at) => (at === 0 ? 1 : 0)) });
    expect(await of(await honest(lazy))).toBe('rejected vector_mismatch');
    const narrow = createFakeEmbedding({ dimensions: 16 });
    expect(await of(await honest(narrow))).toBe('rejected vector_mismatch');
  });

  it('are rejected where the model gives none for such a text', async () => {
    const output = await honest();
    expect(await findingOn('embed.texts@1', { texts: ['…', 'birds'] }, output)).toBe('rejected vector_mismatch');
  });

  it('with a number that is none are no claim at all', async () => {
    const output = await honest();
    const broken = [
      { ...output.vectors[0]!, vector: bytesOfVector(new Float32Array(64).fill(NaN)) },
      output.vectors[1],
    ];
    expect(await of({ ...output, vectors: broken })).toBe('rejected malformed_claim');
  });

  it('are left undecided without the same model on the same engine, and cost nothing on a graphics processor', async () => {
    const output = await honest();
    const other = (identity: object) => ({ embedder: createFakeEmbedding({ identity }) });
    expect(await of(output, other({ id: 'another' }))).toBe('undecided other_model');
    expect(await of(output, other({ hash: 'd'.repeat(64) }))).toBe('undecided other_model');
    expect(await of(output, other({ engine: 'transformers/wasm' }))).toBe('undecided other_engine');
    const engine = 'transformers/webgpu';
    const wrong = { ...output, model: { ...output.model, engine }, vectors: output.vectors.toReversed() };
    expect(await of(wrong, other({ engine }))).toBe('undecided recorded_only');
    const broken = { embedder: { ...createFakeEmbedding(), embed: async () => fail('engine_failed', 'No.') } };
    expect(await of(output, broken)).toBe('undecided engine_failed');
  });
});

describe('a ranking', () => {
  const input = { query: 'signed receipt', passages: ['A bird.', 'A receipt is signed.', 'A receipt.'] };
  const output = {
    model: { id: 'fake-rerank', hash: 'c'.repeat(64), engine: 'fake' },
    scoresMilli: [119, 982, 731],
    order: [1, 2, 0],
    truncated: [],
  };
  const of = (changed: object, engines: Engines = {}, asked: object = {}) =>
    findingOn('rerank.passages@1', { ...input, ...asked }, { ...output, ...changed }, handlerWith(engines));

  it('is accepted when the same model ranks the same, but for rounding', async () => {
    expect(await of({})).toBe('accepted');
    expect(await of({ scoresMilli: [121, 981, 730] })).toBe('accepted');
  });

  it('is rejected when scores or order are not those of the model', async () => {
    expect(await of({ scoresMilli: [900, 982, 731], order: [1, 0, 2] })).toBe('rejected score_mismatch');
    expect(await of({ scoresMilli: [119, 982], order: [1, 0] })).toBe('rejected scores_missing');
    expect(await of({ order: [2, 1, 0] })).toBe('rejected malformed_claim');
    expect(await of({ truncated: [0] })).toBe('rejected score_mismatch');
    expect(await of({}, {}, { model: 'large-9' })).toBe('rejected model_mismatch');
    expect(await of({}, {}, { query: 'word '.repeat(64) })).toBe('rejected score_mismatch');
  });

  it('is rejected for an order that hides behind scores which round to one', async () => {
    const close = { reranker: createFakeRerank({ bend: (_, at) => 0.0001 * (at + 1) }) };
    const rounded = { scoresMilli: [0, 0, 0] };
    expect(await of({ ...rounded, order: [2, 1, 0] }, close)).toBe('accepted');
    expect(await of({ ...rounded, order: [0, 1, 2] }, close)).toBe('rejected score_mismatch');
  });

  it('is left undecided without the same model, and costs nothing on a graphics processor', async () => {
    const other = (identity: object) => ({ reranker: createFakeRerank({ identity }) });
    expect(await of({}, other({ hash: 'd'.repeat(64) }))).toBe('undecided other_model');
    expect(await of({}, other({ engine: 'other' }))).toBe('undecided other_engine');
    const engine = 'transformers/webgpu';
    const wrong = { model: { ...output.model, engine }, scoresMilli: [0, 900, 731] };
    expect(await of(wrong, other({ engine }))).toBe('undecided recorded_only');
  });
});
