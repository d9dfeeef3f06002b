import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '#adapters/clock-virtual';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import { utf8 } from '#core/base/bytes';
import { decodeCanonical, encodeCanonical, sha256 } from '#core/base/canonical';
import type { NodeId } from '#core/base/ids';
import type { Signer } from '#core/base/ports';
import { fail, ok, unwrap, type Failure, type Result } from '#core/base/result';
import { createExpertCard, openExpertCard, type ExpertPapers } from '#core/experts/expert-card';
import { ADVERTISEMENT_LIFE_MS } from '#core/ledger/cards/host-advertisement';
import { NODE_CARD_LIFE_MS, type SignedNodeCard } from '#core/ledger/cards/node-card';
import type { NodePapers } from '#core/ledger/cards/node-papers';
import { idOfSigned, sign } from '#core/wire/signed';
import { cardFor, manifest, resultOf } from '#tests/fakes/admission-input';
import { openHostsDesk, type HostsHooks, type HostsRun } from './host-cards';
import { DEFAULT_SETTINGS } from './settings';

const verify = createVerify();
const signerOf = (name: string): Signer => createSeedSigner(sha256(utf8(name)));
const [self, amy] = [signerOf('self'), signerOf('amy')];
const person = signerOf('person').nodeId;

const {
  type: _t,
  v: _v,
  author: _a,
  expiresAt: _e,
  at: _at,
  selfTest: _s,
  ...plain
} = cardFor(resultOf('target', 50, 60), resultOf('general', 30, 30));

interface Mesh {
  contributing: boolean;
  servedModel: string;
  unserved: Failure | null;
  bus: { offered: `${string}@${number}`[] };
  executor: { running: unknown[] };
  links: { to(node: NodeId): { admission: { identity: NodeId | null } } };
}

interface Measurement {
  readonly signal: AbortSignal;
  end(result: Result<void>): void;
}

/** A desk over a running node that can be changed between calls. */
async function world(signer = self, certified: NodeId | null = null) {
  const clock = createVirtualClock();
  const expert = await createExpertCard(signer, { ...plain, licence: 'MIT', at: clock.now(), selfTest: null });
  const opened = unwrap(await openExpertCard(expert, verify, clock.now()));
  const mesh: Mesh = {
    contributing: true,
    servedModel: 'sage-2',
    unserved: null,
    bus: { offered: ['job.run@1', 'echo@1', 'check.redo@1', 'llm.chat@1', 'check.rescore@1'] },
    executor: { running: [] },
    links: { to: () => ({ admission: { identity: certified } }) },
  };
  const state = {
    settings: DEFAULT_SETTINGS,
    measured: true,
    identityId: '',
    shown: new Map<NodeId, NodePapers>(),
    experts: new Map<NodeId, ExpertPapers>([[signer.nodeId, { cards: [expert], verifications: [] }]]),
  };
  const measuring: Measurement[] = [];
  const waiting: ((started: Measurement) => void)[] = [];
  const run: HostsRun = {
    nodeKey: { signer },
    person: {
      get view() {
        return { identityId: state.identityId };
      },
    },
    mesh,
  };
  const hooks: HostsHooks = {
    clock,
    verify,
    settings: () => state.settings,
    work: async () => ['llm.chat@1', 'echo@1'],
    measure: async () => null,
    told: async () => ({ memoryGb: 8, downlinkMbps: null, timeZone: 'Asia/Tokyo' }),
    experts: {
      served: async () => (state.measured ? { card: opened, manifest } : null),
      measureServed: (signal) =>
        new Promise((end) => {
          const started = { signal, end };
          measuring.push(started);
          waiting.shift()?.(started);
        }),
    },
    parametersOf: async () => manifest.parameters,
    askPapers: async (node) => {
      const papers = state.shown.get(node);
      return papers === undefined ? fail('unsupported', 'The node does not offer that.') : ok(papers);
    },
    askExpertPapers: async (node) => ok(state.experts.get(node) ?? { cards: [], verifications: [] }),
  };
  const nextMeasurement = () => new Promise<Measurement>((resolve) => waiting.push(resolve));
  return { clock, mesh, state, measuring, nextMeasurement, desk: openHostsDesk(run, hooks) };
}

const idsOf = ({ card, advertisements }: NodePapers) => [card && idOfSigned(card), ...advertisements.map(idOfSigned)];

describe('the cards of this node', () => {
  test('are not made before the yes, and gone after the no', async () => {
    const { desk, mesh } = await world();
    mesh.contributing = false;
    expect(await desk.papers()).toEqual({ card: null, advertisements: [] });
    expect(await desk.own()).toMatchObject({ host: null, reason: expect.stringMatching(/no card/) as string });
    mesh.contributing = true;
    expect((await desk.papers()).card).not.toBe(null);
    mesh.contributing = false;
    expect(await desk.papers()).toEqual({ card: null, advertisements: [] });
  });

  test('are the same until something changes', async () => {
    const { desk, clock, state } = await world();
    const before = idsOf(await desk.papers());
    await clock.advance(60_000);
    expect(idsOf(await desk.papers())).toEqual(before);
    state.settings = { ...DEFAULT_SETTINGS, rateMicros: 500 };
    const dearer = idsOf(await desk.papers());
    expect(dearer).toHaveLength(2);
    expect(dearer[0]).not.toBe(before[0]);
    expect(dearer[1]).not.toBe(before[1]);
  });

  test('are made anew when half of their time is over, the offer long before the card', async () => {
    const { desk, clock } = await world();
    const [card, offer] = idsOf(await desk.papers());
    await clock.advance(ADVERTISEMENT_LIFE_MS / 2);
    const later = idsOf(await desk.papers());
    expect(later[0]).toBe(card);
    expect(later[1]).not.toBe(offer);
    await clock.advance(NODE_CARD_LIFE_MS / 2);
    expect(idsOf(await desk.papers())[0]).not.toBe(card);
  });

  test('name no expert and offer nothing once its self-test fails, and what was offered is worked under no more', async () => {
    const { desk, mesh } = await world();
    const before = await desk.papers();
    expect(before.advertisements).toHaveLength(1);
    expect(desk.ownOffers()).toHaveLength(1);
    const { offered } = mesh.bus;
    mesh.unserved = { code: 'self_test_failed', message: 'This device does not compute Sage as others do.' };
    expect(desk.ownOffers()).toEqual([]);
    mesh.bus.offered = offered.filter((id) => id !== 'llm.chat@1' && id !== 'check.rescore@1');
    const after = await desk.papers();
    expect(after.advertisements).toEqual([]);
    expect(idsOf(after)[0]).not.toBe(idsOf(before)[0]);
    expect((unwrap(decodeCanonical(after.card!.payload)) as SignedNodeCard).experts).toEqual([]);
    expect(await desk.own()).toMatchObject({
      host: { offers: [] },
      reason: 'No offer of answers: This device does not compute Sage as others do.',
    });
    // The person's no and yes, and a test that passes.
    mesh.unserved = null;
    mesh.bus.offered = offered;
    expect((await desk.papers()).advertisements).toHaveLength(1);
    expect(desk.ownOffers().length).toBeGreaterThan(0);
  });

  test('are one and the same for two that ask at once', async () => {
    const { desk } = await world();
    const [one, other] = await Promise.all([desk.papers(), desk.papers()]);
    expect(idsOf(one)).toEqual(idsOf(other));
  });

  test('are shown to the person as others see them', async () => {
    const { desk, state } = await world();
    state.identityId = person;
    const { host, reason, defaultRateMicros } = await desk.own();
    expect(reason).toBe('');
    expect(defaultRateMicros).toBe(10);
    expect(host).toMatchObject({
      nodeId: self.nodeId,
      owner: { id: person, proven: true },
      roles: [
        { role: 'inference', earns: true },
        { role: 'verification', earns: true },
      ],
      locality: 'asia',
      offers: [
        {
          expert: 'sage-2',
          rates: [
            { role: 'inference', rateMicros: 10 },
            { role: 'verification', rateMicros: 3 },
          ],
          expertCard: { writesPerS: 50, licence: 'MIT', evaluated: true },
        },
      ],
      refused: [],
    });
  });
});

describe('the speed of the served model', () => {
  async function unmeasured() {
    const found = await world();
    found.state.measured = false;
    return found;
  }

  test('is measured once it answers, and only then offered', async () => {
    const { desk, measuring, nextMeasurement, state } = await unmeasured();
    const started = nextMeasurement();
    const review = desk.review();
    const measurement = await started;
    expect(await desk.own()).toMatchObject({
      host: { offers: [] },
      reason: expect.stringMatching(/being measured/) as string,
    });
    await desk.review();
    expect(measuring).toHaveLength(1);
    state.measured = true;
    measurement.end(ok(undefined));
    await review;
    expect((await desk.papers()).advertisements).toHaveLength(1);
  });

  test('is not measured for somebody who answers nobody, or before the model is there', async () => {
    const { desk, measuring, mesh } = await unmeasured();
    mesh.bus.offered = ['check.redo@1'];
    await desk.review();
    mesh.bus.offered = ['llm.chat@1'];
    mesh.contributing = false;
    await desk.review();
    expect(measuring).toHaveLength(0);
  });

  test('gives way to a job three times, then goes on beside one', async () => {
    const { desk, nextMeasurement, mesh } = await unmeasured();
    for (let turn = 0; turn < 4; turn++) {
      mesh.executor.running = [];
      const started = nextMeasurement();
      const review = desk.review();
      const { signal, end } = await started;
      mesh.executor.running = ['a job'];
      await desk.review();
      expect(signal.aborted).toBe(turn < 3);
      end(signal.aborted ? fail('cancelled', 'The measurement was stopped.') : ok(undefined));
      await review;
    }
  });

  test('that cannot be measured is said, and not tried again before the next yes', async () => {
    const { desk, measuring, nextMeasurement, mesh } = await unmeasured();
    const first = nextMeasurement();
    const review = desk.review();
    (await first).end(fail('not_measured', 'The model wrote too little.'));
    await review;
    await desk.review();
    expect(measuring).toHaveLength(1);
    expect((await desk.own()).reason).toBe('No offer of answers yet: The model wrote too little.');
    mesh.contributing = false;
    await desk.review();
    mesh.contributing = true;
    const second = nextMeasurement();
    const again = desk.review();
    (await second).end(ok(undefined));
    await again;
  });
});

const theirs = await world(amy);
const papers = await theirs.desk.papers();

describe('what another node shows', () => {
  async function asked(shown: NodePapers | null, certified: NodeId | null = null) {
    const here = await world(self, certified);
    if (shown !== null) here.state.shown.set(amy.nodeId, shown);
    const [card] = theirs.state.experts.get(amy.nodeId)!.cards;
    here.state.experts.set(amy.nodeId, { cards: [card!], verifications: [] });
    return { ...here, answer: await here.desk.ask(amy.nodeId) };
  }
  const bodyOf = (): SignedNodeCard => unwrap(decodeCanonical(papers.card!.payload)) as SignedNodeCard;

  test('is its roles, rates, capacity, receipts, and who signed until when', async () => {
    const { answer, clock } = await asked(papers);
    expect(unwrap(answer)).toMatchObject({
      nodeId: amy.nodeId,
      owner: null,
      capacity: { deviceClass: 'unmeasured', memoryGb: 8, maxConcurrentJobs: 8 },
      receipts: expect.arrayContaining(['capacity_probe_receipt']) as string[],
      validUntil: clock.now() + NODE_CARD_LIFE_MS,
      offers: [{ expert: 'sage-2', expertCard: { writesPerS: 50 } }],
    });
  });

  test('shows no speed when the expert card that the offer names is not shown', async () => {
    const here = await asked(papers);
    here.state.experts.clear();
    expect(unwrap(await here.desk.ask(amy.nodeId)).offers[0]!.expertCard).toBe(null);
  });

  test('is refused with a reason when it is forged, stale or another’s', async () => {
    const cheap = { ...bodyOf(), receiptsRequired: [] };
    const forged = { payload: encodeCanonical(cheap), signatures: papers.card!.signatures };
    expect((await asked({ ...papers, card: forged })).answer).toMatchObject({ error: { code: 'bad_signature' } });
    const mine = await (await world()).desk.papers();
    expect((await asked(mine)).answer).toMatchObject({ error: { code: 'other_node' } });
    const stale = await asked(papers);
    await stale.clock.advance(NODE_CARD_LIFE_MS);
    expect(await stale.desk.ask(amy.nodeId)).toMatchObject({
      error: { code: 'expired', message: 'The node card has expired.' },
    });
    expect((await asked(null)).answer).toMatchObject({ error: { code: 'unsupported' } });
  });

  test('an old offer is refused beside a card that still counts', async () => {
    const here = await asked(papers);
    await here.clock.advance(ADVERTISEMENT_LIFE_MS);
    expect(unwrap(await here.desk.ask(amy.nodeId))).toMatchObject({ offers: [], refused: [{ code: 'expired' }] });
  });

  test('names an owner that the link bears out, leaves open, or contradicts', async () => {
    const owned = await sign(amy, { ...bodyOf(), owner: person } as SignedNodeCard);
    const shown = { card: owned, advertisements: [] };
    expect(unwrap((await asked(shown, person)).answer).owner).toEqual({ id: person, proven: true });
    expect(unwrap((await asked(shown, null)).answer).owner).toEqual({ id: person, proven: false });
    expect((await asked(shown, self.nodeId)).answer).toMatchObject({ error: { code: 'other_owner' } });
  });
});
