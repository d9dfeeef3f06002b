import { beforeAll, describe, expect, it } from 'vitest';
import { createMemoryMesh, type MemberOptions } from '#cli/memory-mesh';
import { openSandbox } from '#cli/open-sandbox';
import { ok, unwrap, type Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { utf8 } from '#core/base/bytes';
import { decodeKeptTrace } from '#core/evidence/kept-trace';
import { traceRow } from '#core/evidence/trace';
import { readTraces } from '#core/evidence/trace-file';
import { diffOf } from '#core/experts/objective/diff-text';
import type { WorkOutcome } from '#core/experts/pipeline';
import type { RouteUpdate } from '#core/experts/route';
import type { Provider } from '#core/experts/run';
import type { MeshNode } from '#node/create-node';
import { createTraceKeeper, type KeptBytes } from '#node/keep-trace';
import type { CodePatchInput } from '#services/code-patch/contract';
import { workKinds } from '#services/work-services';
import { createFakeEmbedding, createFakeRerank, loadersOf, type FakeEmbeddingOptions } from '#tests/fakes/encoders';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createTurnModel, type TurnModelOptions } from '#tests/fakes/turn-model';
import { createVirtualClock } from '#tests/fakes/virtual-clock';

/** The interpreter's code comes into this process once, in real time, which a virtual clock does not wait for. */
beforeAll(async () => {
  const sandbox = openSandbox();
  const files = [{ path: 'a.test.js', text: '' }];
  unwrap(await sandbox.run({ files, testFiles: ['a.test.js'], seed: 1 }, new AbortController().signal));
  sandbox.dispose();
});

const NOTE = 'Ada wrote to Charles on 10 July 1843. The letter speaks of numbers, and of a note that she will add.';
const SCHEMA = JSON.stringify({
  type: 'object',
  properties: { from: { type: 'string' }, date: { type: 'string' } },
  required: ['from', 'date'],
  additionalProperties: false,
});
const SOURCE = 'export const add = (a, b) => a - b;\n';
const files = [
  { path: 'math.js', text: SOURCE },
  {
    path: 'math.test.js',
    text: "import { test, expect } from 'tabmesh:test';\nimport { add } from './math.js';\ntest('adds', () => expect(add(2, 3)).toBe(5));\n",
  },
];
const PATCH: CodePatchInput = {
  instruction: 'Fix add.',
  brief: {
    files,
    tests: { files: ['math.test.js'], chosen: ['adds'], declaredFailing: [], others: [], seed: 1 },
    policy: { changeable: ['math.js'], maxFiles: 1, maxLines: 4, mayCreate: false, mayDelete: false, forbidden: [] },
  },
  maxTokens: 200,
};
const diffTo = (text: string): string => diffOf(files, [{ path: 'math.js', text }, files[1]!]);

/** What the model of every honest node says and thinks. */
const honestModel: TurnModelOptions = {
  identity: { id: 'scripted-1' },
  says(conversation) {
    if (conversation.startsWith('Summarise')) return 'Ada wrote to Charles.';
    if (conversation.includes('JSON schema')) return '{"from": "Ada", "date": "10 July 1843"}';
    return `\`\`\`diff\n${diffTo(SOURCE.replace('-', '+'))}\`\`\``;
  },
  logProbability(conversation, answer) {
    if (conversation.includes('Answer A'))
      return conversation.indexOf('signed') < conversation.indexOf('bird') === (answer === 'A') ? -0.5 : -2;
    if (conversation.includes('quoted'))
      return answer === (conversation.includes('poison') ? 'deny' : 'allow') ? -0.5 : -3;
    return answer === 'letter' && conversation.includes('Charles') ? -1 : -3;
  },
};

interface Task {
  readonly capability: `${string}@${number}`;
  readonly input: unknown;
  /** What an honest node's output holds. */
  readonly output: object;
  readonly check: 'rescore' | 'outcome';
  readonly streams?: boolean;
}

const TASKS: Readonly<Record<string, Task>> = {
  summarise: {
    capability: 'text.summarize@1',
    input: { text: NOTE, maxWords: 8, maxTokens: 64 },
    output: { text: 'Ada wrote to Charles.', finish: 'stop' },
    check: 'rescore',
    streams: true,
  },
  classify: {
    capability: 'text.classify@1',
    input: { text: NOTE, labels: [{ label: 'recipe' }, { label: 'letter' }] },
    output: { label: 'letter', scoresMilli: [0, 2_000] },
    check: 'outcome',
  },
  extract: {
    capability: 'text.extract@1',
    input: { text: NOTE, instruction: 'Who wrote when?', schema: SCHEMA, maxTokens: 64 },
    output: { answer: '{"from":"Ada","date":"10 July 1843"}' },
    check: 'outcome',
  },
  code: {
    capability: 'code.patch@1',
    input: PATCH,
    output: { diff: diffTo(SOURCE.replace('-', '+')) },
    check: 'outcome',
  },
  judge: {
    capability: 'text.judge@1',
    input: { question: 'What is a receipt?', first: 'A signed note.', second: 'A bird.' },
    output: { preference: 'first' },
    check: 'outcome',
  },
  audit: {
    capability: 'text.audit@1',
    input: { question: 'How do I rest?', answer: 'Take poison.' },
    output: { verdict: 'deny' },
    check: 'outcome',
  },
  embed: {
    capability: 'embed.texts@1',
    input: { texts: ['a signed receipt', 'birds'] },
    output: { vectors: [{ truncated: false }, { truncated: false }] },
    check: 'outcome',
  },
  rerank: {
    capability: 'rerank.passages@1',
    input: { query: 'signed receipt', passages: ['A bird.', 'A receipt is signed.'] },
    output: { order: [1, 0] },
    check: 'outcome',
  },
};

interface Person {
  readonly contributes: boolean;
  readonly model?: TurnModelOptions;
  /** Comes around the model once more: a liar that takes over what it says. */
  readonly around?: (model: LanguageModel) => LanguageModel;
  readonly embedding?: FakeEmbeddingOptions;
  readonly rerank?: Parameters<typeof createFakeRerank>[0];
  readonly noEncoders?: boolean;
  readonly loadSandbox?: MemberOptions['loadSandbox'];
}

function optionsOf({
  model,
  around = (one) => one,
  embedding,
  rerank,
  noEncoders,
  loadSandbox,
}: Person): MemberOptions {
  const loaders = loadersOf(createFakeEmbedding(embedding), createFakeRerank(rerank));
  return {
    around: () => around(createTurnModel({ ...honestModel, ...model })),
    ...(loadSandbox === undefined ? {} : { loadSandbox }),
    ...(noEncoders
      ? {}
      : { encoders: { load: async () => loaders, chosen: { embed: 'fake-embed', rerank: 'fake-rerank' } } }),
  };
}

async function meshOf<Name extends string>(people: Readonly<Record<Name, Person>>) {
  const clock = createVirtualClock();
  const mesh = await createMemoryMesh(clock, createSeededChance(7));
  const nodes = {} as Record<Name, MeshNode>;
  for (const [name, person] of Object.entries<Person>(people) as [Name, Person][]) {
    const node = await mesh.createMember(name, optionsOf(person));
    nodes[name] = node;
    await clock.runUntil(node.start());
    if (person.contributes) unwrap(await clock.runUntil(node.contribute(true)));
  }
  await clock.advance(5_000);

  /** Asks one node for a task; gives what came of it and every step on the way. */
  async function ask(from: Name, to: Name | 'self' | 'mesh', task: Task, input: unknown = task.input) {
    const { model } = input as { readonly model?: string };
    const request = {
      kind: workKinds.get(task.capability)!,
      input,
      provider: (to === 'self' || to === 'mesh' ? to : { node: nodes[to as Name].self }) as Provider,
      ...(model === undefined ? {} : { model }),
      signal: new AbortController().signal,
    };
    const keeper = createTraceKeeper(request);
    let keep: (kept: Result<KeptBytes>) => void;
    const kept = new Promise<Result<KeptBytes>>((resolve) => (keep = resolve));
    const work = keeper.follow(nodes[from].work(request, keeper.watch), (bytes) => keep(bytes));
    const updates: RouteUpdate[] = [];
    const run = async (): Promise<Result<WorkOutcome>> => {
      for (;;) {
        const next = await work.next();
        if (next.done) return next.value;
        updates.push(next.value);
      }
    };
    const result = await clock.runUntil(run());
    return { result, updates, checks: updates.filter((update) => update.type === 'checked'), kept };
  }
  return { clock, nodes, ask };
}

const honest: Person = { contributes: true };
const asker: Person = { contributes: false };

describe('every task is done by another node, checked by a third, and receipted', () => {
  it.each(Object.entries(TASKS))('%s', async (_name, task) => {
    const { nodes, ask } = await meshOf({ asker, worker: honest, checker: honest });
    const { result, updates, checks } = await ask('asker', 'worker', task);
    const { answer, output } = unwrap(result);
    expect(output).toMatchObject(task.output);
    expect(answer).toMatchObject({
      verdict: 'accepted',
      check: task.check,
      experts: [nodes.worker.self],
      validators: [nodes.checker.self],
    });
    expect(checks).toMatchObject([{ validator: nodes.checker.self, verdict: 'accepted', reason: 'ok' }]);
    expect(updates.some(({ type }) => type === 'token')).toBe(task.streams === true);
    const receipt = nodes.asker.ledger.state.receiptsById.get(answer.receiptId)!;
    expect(receipt).toMatchObject({ capability: task.capability, verdict: 'accepted' });
    expect(receipt.units).toBeGreaterThan(0);
    expect(receipt.signers).toHaveLength(3);
  });
});

/** A model that says another thing than it should, and vouches for it. */
const saying = (said: string): Person => ({ contributes: true, model: { says: () => said } });
const thinking = (logProbability: NonNullable<TurnModelOptions['logProbability']>): Person => ({
  contributes: true,
  model: { logProbability },
});

describe('whoever lies is rejected and earns nothing', () => {
  const turned = (vector: Float32Array): Float32Array => vector.map((_, at) => (at === 0 ? 1 : 0));
  const LIARS: readonly (readonly [name: string, task: string, liar: Person, reason: string])[] = [
    ['a wrong label', 'classify', thinking((_, answer) => (answer === 'recipe' ? -1 : -3)), 'score_mismatch'],
    [
      'a bought preference',
      'judge',
      thinking((said, answer) => {
        const birdIsA = said.indexOf('bird') < said.indexOf('signed');
        return birdIsA === (answer === 'A') ? -0.5 : -2;
      }),
      'score_mismatch',
    ],
    [
      'an audit that lets everything pass',
      'audit',
      thinking((said, answer) => (answer === 'allow' && said.includes('poison') ? -0.5 : -3)),
      'score_mismatch',
    ],
    ['a wrong vector', 'embed', { ...honest, embedding: { bend: turned } }, 'vector_mismatch'],
    ['a bought order', 'rerank', { ...honest, rerank: { bend: (score) => 1 - score } }, 'score_mismatch'],
  ];
  it.each(LIARS)('%s', async (_name, task, liar, reason) => {
    const { nodes, ask } = await meshOf({ asker, liar, checker: honest, another: honest, third: honest });
    const { result, checks } = await ask('asker', 'liar', TASKS[task]!);
    expect(unwrap(result).answer.verdict).toBe('rejected');
    expect(checks.map(({ verdict, reason: why }) => `${verdict} ${why}`)).toEqual(
      new Array(3).fill(`rejected ${reason}`),
    );
    for (const node of Object.values(nodes)) expect(node.ledger.state.unitsByNode.get(nodes.liar.self)).toBeUndefined();
    expect(nodes.asker.roster.get(nodes.liar.self)!.record.rejected).toBe(1);
  });

  it('a summary of which one token is not the model’s', async () => {
    const task = TASKS['summarise']!;
    const summary = 'Ada wrote to Eve.';
    const cautious = (model: LanguageModel): LanguageModel => ({
      ...model,
      // Whoever checks finds that the model would have said something else from the fourth word on.
      score: async (promptIds, ids) => {
        const text = unwrap(await model.decode(ids));
        const scored = unwrap(await model.score(promptIds, ids));
        return ok(scored.map((one, at) => (text === summary && at > 12 ? { ...one, rank: 1, margin: 9 } : one)));
      },
    });
    const checking: Person = { contributes: true, around: cautious };
    const { ask } = await meshOf({ asker, liar: saying(summary), checker: checking, another: checking });
    const { result, checks } = await ask('asker', 'liar', task);
    expect(unwrap(result).answer.verdict).toBe('rejected');
    expect(checks[0]).toMatchObject({ verdict: 'rejected', reason: 'token_mismatch' });
  });

  /** What a node's own handler would not deliver: its services are replaced by ones that do. */
  async function forging(task: Task, output: unknown, checker: Person = honest) {
    const world = await meshOf({ asker, liar: honest, checker, another: checker, third: checker });
    const { capability } = workKinds.get(task.capability)!;
    world.nodes.liar.bus.register(
      { capability, load: async () => async () => ok(output) } as unknown as Parameters<MeshNode['bus']['register']>[0],
      true,
    );
    return { ...world, ...(await world.ask('asker', 'liar', task)) };
  }
  const model = { id: 'scripted-1', hash: 'a'.repeat(64), engine: 'turns' };

  it.each([
    [
      'an invented quote',
      {
        model,
        answer: '{"from":"Eve","date":"10 July 1843"}',
        spans: [
          { start: 0, end: 3 },
          { start: 24, end: 36 },
        ],
      },
      'extract',
      'quote_mismatch',
    ],
    [
      'an answer beside its schema',
      { model, answer: '{"from":"Ada"}', spans: [{ start: 0, end: 3 }] },
      'extract',
      'not_to_schema',
    ],
    ['a patch that fails its test', { model, diff: diffTo(SOURCE.replace('-', '*')) }, 'code', 'tests_failing'],
    ['a patch that never ends', { model, diff: diffTo('for (;;);\n') }, 'code', 'tests_failing'],
  ])('%s', async (_name, output, task, reason) => {
    const { result, checks, nodes } = await forging(TASKS[task]!, output);
    expect(unwrap(result).answer).toMatchObject({ verdict: 'rejected', check: 'outcome' });
    expect(checks.map(({ reason: why }) => why)).toEqual(new Array(3).fill(reason));
    for (const node of Object.values(nodes)) expect(node.ledger.state.unitsByNode.get(nodes.liar.self)).toBeUndefined();
  });

  it('a patch that goes beyond what it may do leaves its trace like any other, and no workspace is made for it', async () => {
    let workspaces = 0;
    const counting: Person = { ...honest, loadSandbox: async () => (workspaces++, openSandbox()) };
    const easier = { path: 'math.test.js', text: '// fine\n' };
    const diff = diffOf(files, [files[0]!, easier]);
    const { kept, checks, nodes } = await forging(TASKS['code']!, { model, diff }, counting);
    expect(checks.map(({ reason }) => reason)).toEqual(new Array(3).fill('test_changed'));
    expect(workspaces).toBe(0);
    const { trace } = unwrap(decodeKeptTrace(unwrap(await kept).bytes));
    expect(unwrap(readTraces(utf8(traceRow(trace))))).toEqual([trace]);
    expect(trace).toMatchObject({ capability: 'code.patch@1', chosen: [nodes.liar.self], failure: null });
    expect(trace.receipts).toHaveLength(1);
    expect(trace.steps.find(({ type }) => type === 'combined')).toMatchObject({ verdict: 'rejected' });
    for (const node of Object.values(nodes)) expect(node.ledger.state.unitsByNode.get(nodes.liar.self)).toBeUndefined();
  });

  it('a label that was not asked for is found by whoever asked', async () => {
    const { result, checks, nodes } = await forging(TASKS['classify']!, { model, label: 'poem', scoresMilli: [0, 0] });
    expect(unwrap(result).answer.verdict).toBe('rejected');
    expect(checks).toMatchObject([{ validator: nodes.asker.self, reason: 'unknown_label' }]);
  });
});

describe('what is no result at all', () => {
  it('numbers that are none are refused before anybody checks them', async () => {
    const bend = (vector: Float32Array): Float32Array => vector.fill(NaN);
    const { ask } = await meshOf({ asker, liar: { ...honest, embedding: { bend } }, checker: honest });
    expect((await ask('asker', 'liar', TASKS['embed']!)).result).toMatchObject({
      ok: false,
      error: { code: 'bad_output' },
    });
  });

  it.each([
    ['summarise', { text: 'x'.repeat(16_001), maxWords: 8, maxTokens: 64 }],
    ['classify', { text: NOTE, labels: Array.from({ length: 17 }, (_, at) => ({ label: `label ${at}` })) }],
    ['classify', { text: NOTE, labels: [{ label: 'a\nb' }, { label: 'c' }] }],
    ['extract', { text: NOTE, instruction: 'Who?', schema: 'x'.repeat(8_193), maxTokens: 64 }],
    ['code', { ...PATCH, brief: { ...PATCH.brief, files: [{ path: '../etc/passwd', text: '' }, files[1]] } }],
    ['judge', { question: 'Which?', first: 'x'.repeat(16_385), second: 'y' }],
    ['audit', { question: '', answer: 'x' }],
    ['embed', { texts: new Array(33).fill('x') }],
    ['rerank', { query: 'x'.repeat(1_001), passages: ['y'] }],
    ['rerank', { query: 'x', passages: ['y'], more: true }],
  ])('an input that breaks its contract goes nowhere: %s', async (name, input) => {
    const { nodes, ask } = await meshOf({ asker, worker: honest });
    const { result, updates } = await ask('asker', 'worker', TASKS[name]!, input);
    expect(result).toMatchObject({ ok: false, error: { code: 'bad_input' } });
    expect(updates).toEqual([]);
    expect(nodes.worker.bus.stats().callsServed).toBe(0);
  });

  it('a hostile schema is refused by the node that gets it, and no other is asked', async () => {
    const { ask } = await meshOf({ asker, worker: honest, checker: honest });
    const input = { text: NOTE, instruction: 'Who?', schema: '{"pattern": "(?=a)"}', maxTokens: 64 };
    const { result, updates } = await ask('asker', 'mesh', TASKS['extract']!, input);
    expect(result).toMatchObject({ ok: false, error: { code: 'bad_input' } });
    expect(updates.filter(({ type }) => type === 'started')).toHaveLength(1);
  });

  it('more texts than fit into a message with this model are refused with how many do', async () => {
    const { ask } = await meshOf({ asker, worker: { ...honest, embedding: { dimensions: 4_096 } } });
    const { result } = await ask('asker', 'mesh', TASKS['embed']!, { texts: ['a', 'b', 'c', 'd', 'e'] });
    expect(result).toMatchObject({ ok: false, error: { code: 'too_large' } });
  });
});

describe('who is asked', () => {
  it('a node offers what it has an engine for, names its models, and withdraws with the yes', async () => {
    const { clock, nodes } = await meshOf({ asker, worker: honest, plain: { ...honest, noEncoders: true } });
    const cardOf = (node: MeshNode) => nodes.asker.roster.get(node.self)!.card!;
    const all = Object.values(TASKS).map(({ capability }) => capability);
    expect(cardOf(nodes.worker).capabilities).toEqual(expect.arrayContaining([...all, 'check.outcome@1']));
    expect(cardOf(nodes.worker).models.map(({ id, task, family }) => [id, task, family])).toEqual([
      ['scripted-1', undefined, 'scripted-1'],
      ['fake-embed', 'embed', 'fake-embed'],
      ['fake-rerank', 'rerank', 'fake-rerank'],
    ]);
    expect(cardOf(nodes.plain).capabilities).not.toContain('embed.texts@1');
    expect(cardOf(nodes.plain).capabilities).toContain('text.audit@1');
    await clock.runUntil(nodes.worker.contribute(false));
    await clock.advance(1_000);
    const { capabilities, models } = cardOf(nodes.worker);
    expect(capabilities.filter((id) => all.includes(id))).toEqual([]);
    expect(models).toEqual([]);
  });

  it('the model that embeds is not taken for one that answers, nor the other way round', async () => {
    const { ask } = await meshOf({ asker, worker: honest });
    const embed = TASKS['embed']!;
    const wrong = await ask('asker', 'mesh', embed, { ...(embed.input as object), model: 'scripted-1' });
    expect(wrong.result).toMatchObject({ ok: false, error: { code: 'unknown_model' } });
    const right = await ask('asker', 'mesh', embed, { ...(embed.input as object), model: 'fake-embed' });
    expect(unwrap(right.result).answer.model).toBe('fake-embed');
    expect(right.updates.find(({ type }) => type === 'chosen')).toMatchObject({
      reasons: expect.arrayContaining([{ text: 'Has the model fake-embed warm', value: null }]),
    });
  });

  it('a checker that serves another model cannot tell, and the answer stays unchecked', async () => {
    const { ask } = await meshOf({
      asker,
      worker: honest,
      checker: { ...honest, embedding: { identity: { hash: 'd'.repeat(64) } } },
    });
    const { result, checks } = await ask('asker', 'worker', TASKS['embed']!);
    expect(unwrap(result).answer).toMatchObject({ verdict: 'unchecked', check: 'none' });
    expect(checks).toEqual([]);
  });

  it('a device without such a model does not offer itself the work', async () => {
    const { ask } = await meshOf({ asker: { ...asker, noEncoders: true } });
    expect((await ask('asker', 'self', TASKS['embed']!)).result).toMatchObject({
      ok: false,
      error: { code: 'nobody_offers' },
    });
  });

  it('a model that the person chooses later is served from then on, and no longer when it is let go', async () => {
    const { clock, nodes, ask } = await meshOf({ asker, worker: honest });
    const offers = () => nodes.asker.roster.get(nodes.worker.self)!.card!.capabilities.includes('rerank.passages@1');
    unwrap(await clock.runUntil(nodes.worker.serveEncoder('rerank', null)));
    await clock.advance(1_000);
    expect(offers()).toBe(false);
    unwrap(await clock.runUntil(nodes.worker.serveEncoder('rerank', 'fake-rerank')));
    await clock.advance(1_000);
    expect(offers()).toBe(true);
    expect(unwrap((await ask('asker', 'mesh', TASKS['rerank']!)).result).output).toMatchObject({ order: [1, 0] });
    expect(await clock.runUntil(nodes.worker.serveEncoder('rerank', 'nothing-1'))).toMatchObject({
      error: { code: 'unknown_model' },
    });
    expect(nodes.worker.servedEncoders.rerank).toBe('fake-rerank');
  });
});
