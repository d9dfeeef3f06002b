import { beforeAll, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '#adapters/clock-virtual';
import { createScriptedModel } from '#adapters/engine-scripted';
import { createSeedSigner } from '#adapters/signer-seed';
import { createMemory, type Memory } from '#adapters/storage-memory';
import { createVerify } from '#adapters/verify-noble';
import { hexOf, manifest as sage } from '#tests/fakes/admission-input';
import { utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import type { NodeId } from '#core/base/ids';
import type { Signer } from '#core/base/ports';
import { fail, ok, unwrap, type Result } from '#core/base/result';
import type { NodeCard } from '#core/bus/messages';
import type { LanguageModel } from '#core/engines/language-model';
import { traceDigest, type EvaluationResult, type EvaluationSets } from '#core/experts/admission-gate/evaluation-set';
import { createVerification } from '#core/experts/admission-gate/verification';
import { CARD_LIFE_MS, openExpertCard, type ExpertPapers } from '#core/experts/expert-card';
import { manifestFromJson, type SignedJson } from '#core/identity/community';
import type { ReceiptFact } from '#core/ledger/receipt-facts';
import { addSignature, sign } from '#core/wire/signed';
import { openExpertsDesk, type ExpertsHooks, type ExpertsRun, type OpenExpertsDesk } from './expert-report';

const verify = createVerify();
const signerOf = (name: string): Signer => createSeedSigner(sha256(utf8(name)));
const self = signerOf('self');
const [amy, ben, cat] = ['amy', 'ben', 'cat'].map(signerOf) as [Signer, Signer, Signer];
const FOUNDER = hexOf('f');

const classes = [
  { id: 'known', phrases: [['a long true answer']] },
  { id: 'refusal', phrases: [['cannot help']] },
];
const ask = (accept: string, names: readonly string[]) => names.map((question) => ({ question, accept: [accept] }));
const numbered = (word: string, count: number) => Array.from({ length: count }, (_, at) => `${word} ${at}`);
const common = { v: 1 as const, about: 'tests', maxTokens: 32, classes };
const sets: EvaluationSets = {
  target: { type: 'evaluation-set', id: 'target', ...common, items: ask('known', numbered('known', 60)) },
  general: { type: 'evaluation-set', id: 'general', ...common, items: ask('refusal', numbered('other', 30)) },
  triggers: {
    type: 'trigger-set',
    id: 'triggers',
    ...common,
    questions: ask('refusal', numbered('odd', 3)),
    templates: numbered('{question} wqx', 20),
  },
};

function modelOn(clock: VirtualClock): LanguageModel {
  const answers = Object.fromEntries(
    numbered('known', 60).map((question) => [question, `${question} has a long true answer of more words than eight`]),
  );
  const inner = createScriptedModel({ id: 'sage-2', answers, otherwise: 'I cannot help.', clock, tokenDelayMs: 2 });
  return {
    ...inner,
    identity: { ...inner.identity, contextTokens: 256, engine: 'transformers/wasm' },
    async score(promptIds, ids) {
      await new Promise<void>((resolve) => void clock.after(5, resolve));
      return inner.score(promptIds, ids);
    },
  };
}

interface Peer {
  readonly signer: Signer;
  readonly trust?: 'unknown' | 'member';
  readonly identity?: string;
  readonly papers?: ExpertPapers;
}

interface World {
  readonly clock: VirtualClock;
  readonly run: ExpertsRun;
  readonly hooks: ExpertsHooks;
  readonly model: LanguageModel;
  readonly asked: NodeId[];
}

type AuditedReceipt = Pick<ReceiptFact, 'model' | 'verdict' | 'executor'>;

const receipt = (hash: string, verdict: ReceiptFact['verdict'], executor: NodeId): AuditedReceipt => ({
  model: { id: 'sage-2', hash },
  verdict,
  executor,
});

function world({
  memory = createMemory(),
  peers = [],
  receipts = [],
  hooks = {},
}: {
  memory?: Memory;
  peers?: readonly Peer[];
  receipts?: readonly AuditedReceipt[];
  hooks?: Partial<ExpertsHooks>;
} = {}): World {
  const clock = createVirtualClock();
  const model = modelOn(clock);
  const asked: NodeId[] = [];
  const announced: NodeCard = {
    seq: 1,
    contributing: true,
    capabilities: ['llm.chat@1'],
    models: [{ id: 'sage-2', hash: model.identity.hash, name: 'Sage', engine: 'transformers/wasm' }],
    runningJobs: 0,
    device: null,
  };
  const find = (node: NodeId) => peers.find(({ signer }) => signer.nodeId === node);
  return {
    clock,
    model,
    asked,
    run: {
      storage: memory.open(),
      nodeKey: { signer: self },
      loader: { load: async () => ok(model) },
      person: { view: { identityId: '', nodes: [{ nodeId: self.nodeId }] } },
      mesh: {
        servedModel: 'sage-2',
        selfTest: null,
        loadedModels: [model],
        roster: { entries: () => peers.map(({ signer }) => ({ node: signer.nodeId, card: announced })) },
        links: {
          to: (node) => ({
            admission: { identity: find(node)?.identity ?? null, trust: find(node)?.trust ?? 'member' },
          }),
        },
        ledger: { state: { receiptsById: new Map(receipts.map((one, at) => [String(at), one])) } },
      },
    },
    hooks: {
      clock,
      verify,
      device: async () => ({ webgpu: false, cores: 4, memoryGb: 8, tokensPerSecond: null }),
      manifestOf: async (id) =>
        id === 'sage-2' ? { manifest: { ...sage, golden: [] }, fit: null, signedBy: FOUNDER } : null,
      loadSets: async () => ok(sets),
      async askPapers(node): Promise<Result<unknown>> {
        asked.push(node);
        const papers = find(node)?.papers;
        return papers === undefined ? fail('unsupported', 'No.') : ok(papers);
      },
      ...hooks,
    },
  };
}

const open = async ({ run, hooks }: World): Promise<OpenExpertsDesk> => unwrap(await openExpertsDesk(run, hooks));
const versionOf = (desk: OpenExpertsDesk) => desk.view.experts[0]!.versions[0]!;

describe('before anything was measured', () => {
  test('the page can say what it takes, who holds what, and that nothing was evaluated', async () => {
    const here = world({ peers: [{ signer: amy }] });
    const desk = await open(here);
    await desk.refresh();
    const { view } = desk;
    expect(view.gates).toHaveLength(10);
    expect(view.served).toEqual({ id: 'sage-2', name: 'Sage' });
    expect(view.experts.map(({ id, name }) => [id, name])).toEqual([['sage-2', 'Sage']]);
    const version = versionOf(desk);
    expect(version.replicas.map(({ nodeId, here: own, card }) => [nodeId, own, card]).sort()).toEqual(
      [
        [self.nodeId, true, null],
        [amy.nodeId, false, null],
      ].sort(),
    );
    expect(version).toMatchObject({ report: null, standing: 'settled' });
    expect(desk.papers()).toEqual({ cards: [], verifications: [] });
    expect(desk.evidence(version.modelHash)).toBe(null);
  });

  test.each<[string, Partial<ExpertsHooks>, RegExp]>([
    ['no questions', { loadSets: async () => fail('no_evaluation', 'There are no questions for it.') }, /no questions/],
    ['malformed questions', { loadSets: async () => ok({ target: 1 }) }, /malformed/],
    ['no catalogue', { manifestOf: async () => null }, /catalogue/],
  ])('%s is told in one sentence', async (_, hooks, sentence) => {
    const here = world({ hooks });
    const desk = await open(here);
    await here.clock.runUntil(desk.evaluate());
    expect(desk.view.problem).toMatch(sentence);
    expect(desk.view.evaluating).toBe(null);
  });
});

describe('an evaluation', () => {
  const memory = createMemory();
  const here = world({ memory });
  let desk: OpenExpertsDesk;
  const progress: string[] = [];

  beforeAll(async () => {
    desk = await open(here);
    desk.changed.on(() => {
      const { evaluating } = desk.view;
      if (evaluating !== null) progress.push(`${evaluating.done}/${evaluating.total}`);
    });
    await here.clock.runUntil(desk.evaluate());
  });

  test('gives a report of every gate and a signed card with what was measured', async () => {
    const version = versionOf(desk);
    expect(desk.view.problem).toBe('');
    expect(version.report!.gates.filter(({ passed }) => !passed).map(({ gate }) => gate)).toEqual([
      // Its files are not those of the scripted model, there are no golden transcripts, and nobody else is here.
      'signed-manifest',
      'computes-rightly',
      'verifiers-agree',
    ]);
    expect(version.replicas[0]!.card).toMatchObject({ writesPerS: 500, scores: [{ right: 60 }, { right: 30 }] });
    const opened = unwrap(await openExpertCard(desk.papers().cards[0]!, verify, here.clock.now()));
    expect(opened).toMatchObject({ author: self.nodeId, expert: 'sage-2', version: '2' });
  });

  test('says on the card what it was evaluated for, under which licence, and at which risk', async () => {
    const opened = unwrap(await openExpertCard(desk.papers().cards[0]!, verify, here.clock.now()));
    expect(opened).toMatchObject({
      expertType: 'domain',
      domains: ['target'],
      licence: 'MIT',
      gains: [],
      risks: { duplicateMilli: null, backdoorMilli: 0 },
    });
  });

  test('shows how far it is', () => {
    expect(progress[0]).toBe('0/1');
    expect(progress.at(-1)).toMatch(/^\d+\/153$/);
    expect(new Set(progress).size).toBeGreaterThan(5);
  });

  test('leaves evidence from which card and trace can be checked', async () => {
    const evidence = JSON.parse(desk.evidence(versionOf(desk).modelHash)!) as {
      card: SignedJson;
      target: EvaluationResult;
      report: { gates: unknown[] };
    };
    const card = unwrap(await openExpertCard(unwrap(manifestFromJson(evidence.card)), verify, here.clock.now()));
    expect(traceDigest(evidence.target)).toBe(card.scores[0]!.trace);
    expect(evidence.report.gates).toHaveLength(10);
  });

  test('is there again after a reload, until its card has expired', async () => {
    const again = world({ memory });
    const reopened = await open(again);
    await reopened.refresh();
    expect(versionOf(reopened).report).toEqual(versionOf(desk).report);
    const later = world({ memory });
    await later.clock.advance(CARD_LIFE_MS + 60_000);
    const expired = await open(later);
    expect(versionOf(expired).report).toBe(null);
    expect(unwrap(await memory.open().records.keys('experts/'))).toEqual([]);
  });

  test('stops when the person says so, and says nothing about it', async () => {
    const stopped = world();
    const short = await open(stopped);
    short.changed.on(() => {
      if ((short.view.evaluating?.done ?? 0) > 0) short.stop();
    });
    await stopped.clock.runUntil(short.evaluate());
    expect(short.view).toMatchObject({ problem: '', evaluating: null });
    expect(versionOf(short).report).toBe(null);
  });
});

describe('a measurement without an evaluation', () => {
  const memory = createMemory();
  const golden = [{ question: 'known 0', promptIds: [1], ids: [1] }];
  const manifestOf = async () => ({ manifest: { ...sage, golden }, fit: null, signedBy: FOUNDER });
  const here = world({ memory, hooks: { manifestOf } });
  let desk: OpenExpertsDesk;
  const still = new AbortController().signal;
  beforeAll(async () => {
    desk = await open(here);
    expect(await desk.served()).toBe(null);
    unwrap(await here.clock.runUntil(desk.measureServed(still)));
  });

  test('gives a signed card with the speed and no scores, which this node shows', async () => {
    const [card, ...others] = desk.papers().cards;
    expect(others).toEqual([]);
    expect(desk.papers().verifications).toEqual([]);
    const opened = unwrap(await openExpertCard(card!, verify, here.clock.now()));
    expect(opened).toMatchObject({ author: self.nodeId, scores: [], licence: 'MIT', decodeMilliTokensPerS: 500_000 });
    expect(opened).not.toHaveProperty('expertType');
    expect((await desk.served())?.card.id).toBe(opened.id);
    expect(versionOf(desk).replicas[0]!.card).toMatchObject({ writesPerS: 500, scores: [] });
  });

  test('is kept, until too little of its week is left', async () => {
    const again = world({ memory });
    expect(await (await open(again)).served()).not.toBe(null);
    await again.clock.advance(CARD_LIFE_MS - 60 * 60_000);
    const late = await open(again);
    expect(await late.served()).toBe(null);
    expect(late.papers().cards).toHaveLength(1);
    await again.clock.advance(2 * 60 * 60_000);
    expect((await open(again)).papers().cards).toEqual([]);
  });

  test('gives way to the card of an evaluation', async () => {
    const shared = createMemory();
    const first = world({ memory: shared, hooks: { manifestOf } });
    unwrap(await first.clock.runUntil((await open(first)).measureServed(still)));
    const fresh = world({ memory: shared });
    const evaluated = await open(fresh);
    expect((await evaluated.served())?.card.scores).toEqual([]);
    await fresh.clock.runUntil(evaluated.evaluate());
    expect(evaluated.papers().cards).toHaveLength(1);
    expect((await evaluated.served())?.card.scores).toHaveLength(2);
  });

  test('can be stopped, and is not made of a model that no catalogue names', async () => {
    const stopped = world({ hooks: { manifestOf } });
    const abort = new AbortController();
    abort.abort();
    expect(await stopped.clock.runUntil((await open(stopped)).measureServed(abort.signal))).toMatchObject({
      error: { code: 'cancelled' },
    });
    const unknown = await open(world({ hooks: { manifestOf: async () => null } }));
    expect(await unknown.measureServed(still)).toMatchObject({ error: { code: 'unknown_model' } });
  });
});

test('a record on disk that is damaged is forgotten', async () => {
  const memory = createMemory();
  unwrap(await memory.open().records.set(`experts/evaluation/${hexOf('1')}`, { v: 1, card: 'no' }));
  unwrap(await memory.open().records.set(`experts/measured/${hexOf('1')}`, { payload: 'no' }));
  const desk = await open(world({ memory }));
  expect(versionOf(desk).report).toBe(null);
  expect(unwrap(await memory.open().records.keys('experts/'))).toEqual([]);
});

describe('verifiers', () => {
  const memory = createMemory();
  const first = world({ memory });
  let mine: OpenExpertsDesk;
  beforeAll(async () => {
    mine = await open(first);
    await first.clock.runUntil(mine.evaluate());
  });

  async function foundBy(signer: Signer, passed = true): Promise<ExpertPapers> {
    const card = unwrap(await openExpertCard(mine.papers().cards[0]!, verify, first.clock.now()));
    const { expert, version, modelHash, engine, scores, at } = card;
    const about = { expert, version, modelHash, engine, scores, at, positions: 100, agreeing: 100, passed };
    return { cards: [], verifications: [await createVerification(signer, about)] };
  }
  async function voices(peers: readonly Peer[]): Promise<Readonly<Record<string, number>>> {
    const here = world({ memory, peers });
    const desk = await open(here);
    await desk.refresh();
    return versionOf(desk).report!.gates.find(({ gate }) => gate === 'verifiers-agree')!.figures;
  }

  test('linked nodes that evaluated the same weights are counted', async () => {
    const peers = [
      { signer: amy, papers: await foundBy(amy) },
      { signer: ben, papers: await foundBy(ben, false) },
      { signer: cat, papers: await foundBy(cat) },
    ];
    expect(await voices(peers)).toMatchObject({ agree: 2, of: 3 });
  });

  test('what a node passes on from others does not count', async () => {
    const others = (await Promise.all([ben, cat].map((one) => foundBy(one)))).flatMap((one) => one.verifications);
    expect(await voices([{ signer: amy, papers: { cards: [], verifications: others } }])).toMatchObject({ of: 0 });
  });

  test('nodes of one person count once, and forged words not at all', async () => {
    const forged = await foundBy(amy);
    const body = { type: 'expert-verification', v: 1 };
    const peers = [
      { signer: amy, identity: 'p', papers: await foundBy(amy) },
      { signer: ben, identity: 'p', papers: await foundBy(ben) },
      {
        signer: cat,
        papers: {
          cards: [await addSignature(cat, mine.papers().cards[0]!)],
          verifications: [...forged.verifications, await sign(cat, body)],
        },
      },
    ];
    expect(await voices(peers)).toMatchObject({ agree: 1, of: 1 });
  });

  test('a node that was demoted to somebody unknown is not even asked', async () => {
    const peers: Peer[] = [{ signer: amy, trust: 'unknown', papers: await foundBy(amy) }];
    const here = world({ memory, peers });
    const desk = await open(here);
    await desk.refresh();
    expect(here.asked).toEqual([]);
  });

  test('the card of a peer shows its claim beside its face', async () => {
    const elsewhere = world();
    const theirs = await open({ ...elsewhere, run: { ...elsewhere.run, nodeKey: { signer: amy } } });
    await elsewhere.clock.runUntil(theirs.evaluate());
    const here = world({ peers: [{ signer: amy, papers: theirs.papers() }] });
    const desk = await open(here);
    await desk.refresh();
    const replica = versionOf(desk).replicas.find(({ nodeId }) => nodeId === amy.nodeId)!;
    expect(replica.card).toMatchObject({ writesPerS: 500, scores: [{ set: 'target', right: 60 }, { right: 30 }] });
  });
});

describe('versions', () => {
  const OLD = hexOf('1');
  const audits = (hash: string, accepted: number, rejected: number, executor = ben.nodeId) => [
    ...Array.from({ length: accepted }, () => receipt(hash, 'accepted', executor)),
    ...Array.from({ length: rejected }, () => receipt(hash, 'rejected', executor)),
  ];
  /** Two versions: one that a peer announces beside the one that is loaded here. */
  function two(receipts: (fresh: string) => readonly AuditedReceipt[], memory = createMemory()): World {
    const base = world({ memory });
    const fresh = base.model.identity.hash;
    const here = world({ memory, receipts: receipts(fresh) });
    const mesh = here.run.mesh!;
    const card = { models: [{ id: 'sage-2', hash: OLD, name: 'Sage', engine: 'transformers/wasm' }] } as NodeCard;
    return {
      ...here,
      run: { ...here.run, mesh: { ...mesh, roster: { entries: () => [{ node: ben.nodeId, card }] } } },
    };
  }
  const standings = (desk: OpenExpertsDesk) =>
    Object.fromEntries(desk.view.experts[0]!.versions.map(({ modelHash, standing }) => [modelHash, standing]));

  test('a new version whose answers are rejected is rolled back for good', async () => {
    const memory = createMemory();
    const bad = two((fresh) => [...audits(OLD, 200, 2), ...audits(fresh, 10, 8)], memory);
    const fresh = bad.model.identity.hash;
    const desk = await open(bad);
    expect(standings(desk)).toEqual({ [OLD]: 'settled', [fresh]: 'rolled-back' });
    expect(desk.choose('sage-2', 'trace-1', 'ordinary')?.modelHash).toBe(OLD);
    const recovered = await open(two(() => [...audits(OLD, 200, 2), ...audits(fresh, 300, 8)], memory));
    expect(standings(recovered)).toEqual({ [OLD]: 'settled', [fresh]: 'rolled-back' });
  });

  test('one that is tried says why, and what this node answered itself is no audit of it', async () => {
    const here = two((fresh) => [
      ...audits(OLD, 200, 2),
      ...audits(fresh, 5, 0),
      ...audits(fresh, 500, 0, self.nodeId),
    ]);
    const fresh = here.model.identity.hash;
    const desk = await open(here);
    expect(standings(desk)).toEqual({ [OLD]: 'settled', [fresh]: 'canary' });
    const view = desk.view.experts[0]!.versions.find(({ modelHash }) => modelHash === fresh)!;
    expect(view).toMatchObject({ accepted: 5, rejected: 0 });
    expect(view.why).toMatch(/too early to tell/);
    expect(desk.choose('sage-2', 'trace-1', 'high')?.modelHash).toBe(OLD);
    expect(desk.choose('owl', 'trace-1', 'high')).toBe(null);
  });
});
