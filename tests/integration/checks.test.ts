import { expect, test } from 'vitest';
import { createMemoryMesh, type MemberOptions } from '#cli/memory-mesh';
import { ok } from '#core/base/result';
import type { LanguageModel, ScoredPosition } from '#core/engines/language-model';
import type { RouteUpdate } from '#core/experts/route';
import type { WorkKind } from '#core/experts/work-kind';
import type { MeshNode } from '#node/create-node';
import { chatKind } from '#services/llm-chat/kind';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';

type Members = Readonly<Record<string, MemberOptions & { readonly contributes: boolean }>>;

/** Scores every token as if it had lost the draw by so much. */
const scoringAll =
  (margin: number) =>
  (model: LanguageModel): LanguageModel => ({
    identity: model.identity,
    endTokenId: model.endTokenId,
    encodePrompt: (messages) => model.encodePrompt(messages),
    decode: (ids) => model.decode(ids),
    generate: (request, onToken) => model.generate(request, onToken),
    dispose: () => model.dispose(),
    score: async (_prompt, ids) =>
      ok(ids.map((): ScoredPosition => ({ rank: margin === 0 ? 0 : 1, logProbability: 0, margin }))),
  });
const slanderer = { contributes: true, around: scoringAll(9) };
const lazy = { contributes: true, around: scoringAll(0) };
const honest = { contributes: true };

async function meshOf(members: Members, seed = 7, asker: Members[string] = { contributes: false }) {
  const clock = createVirtualClock();
  const mesh = await createMemoryMesh(clock, createSeededChance(seed));
  const nodes: Record<string, MeshNode> = {};
  for (const [name, options] of Object.entries<Members[string]>({ asker, ...members })) {
    const node = await mesh.createMember(name, options);
    nodes[name] = node;
    await clock.runUntil(node.start());
    if (options.contributes) await clock.runUntil(node.contribute(true));
  }
  await clock.advance(5_000);
  return { clock, nodes };
}

async function askOf(
  { clock, nodes }: Awaited<ReturnType<typeof meshOf>>,
  expert: string,
  sampling?: { temperaturePercent: number; nonce: Uint8Array },
) {
  const work = nodes['asker']!.work({
    kind: chatKind as unknown as WorkKind,
    input: {
      messages: [{ role: 'user', text: 'What is Tabmesh' }],
      maxTokens: 200,
      ...(sampling === undefined ? {} : { sampling }),
    },
    provider: { node: nodes[expert]!.self },
    signal: new AbortController().signal,
  });
  const updates: RouteUpdate[] = [];
  const run = async () => {
    for (;;) {
      const next = await work.next();
      if (next.done) return next.value;
      updates.push(next.value);
    }
  };
  const result = await clock.runUntil(run());
  if (!result.ok) throw new Error(result.error.message);
  const checks = updates.filter((update) => update.type === 'checked');
  return { answer: result.value.answer, checks };
}

const recordOf = (nodes: Record<string, MeshNode>, name: string) => nodes['asker']!.roster.get(nodes[name]!.self)!;

test('one acceptance is enough where there is nobody else, and says what it looked at', async () => {
  const world = await meshOf({ worker: honest, one: honest });
  const { answer, checks } = await askOf(world, 'worker');
  expect(answer.verdict).toBe('accepted');
  expect(checks).toHaveLength(1);
  const { evidence } = checks[0]!;
  expect(evidence).toMatchObject({ gross: 0, soft: 0, worstMilli: 0, engine: 'scripted' });
  expect(evidence!.positions).toBe(evidence!.length);
  expect(evidence!.margins).toHaveLength(evidence!.positions);
});

test('a slanderer is outvoted by two others, and the honest expert loses nothing', async () => {
  // Whoever is drawn first, a rejection calls the others: the outcome is the same for every order.
  for (const seed of [1, 2, 3, 4]) {
    const world = await meshOf({ worker: honest, slanderer, one: honest, two: honest }, seed);
    const { answer, checks } = await askOf(world, 'worker');
    expect(answer.verdict).toBe('accepted');
    expect(recordOf(world.nodes, 'worker').record).toMatchObject({ accepted: 1, rejected: 0 });
    if (checks.length === 3) expect(recordOf(world.nodes, 'slanderer').record.failed).toBe(1);
    else expect(checks).toHaveLength(2);
  }
});

test('a checker that nobody saw find a fault does not decide alone where there are others', async () => {
  const { answer, checks } = await askOf(await meshOf({ worker: honest, one: honest, two: honest }), 'worker');
  expect(answer.verdict).toBe('accepted');
  expect(checks.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted']);
  expect(new Set(answer.validators).size).toBe(2);
});

test('a planted fault proves who looks and finds out who does not, and nobody can tell it from other claims', async () => {
  const world = await meshOf({ worker: honest, careful: honest, lazy, slanderer }, 3, {
    contributes: true,
    plants: true,
  });
  const asker = world.nodes['asker']!;
  const careful = world.nodes['careful']!.self;
  // Until everyone was looked at: each answer is followed by a planted claim for those who checked it.
  const validators: (readonly string[])[] = [];
  for (let round = 0; round < 16; round++) {
    const { answer } = await askOf(world, 'worker');
    validators.push(answer.validators);
    await world.clock.advance(5_000);
  }
  // In the end the careful one is known, decides alone, and the others are asked no more.
  expect(validators.at(-1)).toEqual([careful]);
  expect(recordOf(world.nodes, 'worker').record.rejected).toBe(0);
  expect(
    recordOf(world.nodes, 'lazy').record.rejected + recordOf(world.nodes, 'slanderer').record.rejected,
  ).toBeGreaterThan(0);
  // What was planted is checked like anything else: signed, and never paid.
  expect(world.nodes['careful']!.checksGiven).toBeGreaterThan(
    validators.flat().filter((one) => one === careful).length,
  );
  expect(asker.ledger.state.unitsByNode.get(world.nodes['worker']!.self)).toBeGreaterThan(0);
});

test('one rejection that nobody confirms is shown, earns nothing, and is no stain', async () => {
  const world = await meshOf({ worker: honest, slanderer });
  const { answer } = await askOf(world, 'worker');
  expect(answer.verdict).toBe('rejected');
  const { record } = recordOf(world.nodes, 'worker');
  expect(record).toMatchObject({ rejected: 0, failed: 1 });
});

test('two sides of equal size make the answer disputed', async () => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  const verdicts: string[] = [];
  for (const seed of seeds) {
    const { answer, checks } = await askOf(await meshOf({ worker: honest, slanderer, one: honest }, seed), 'worker');
    verdicts.push(`${answer.verdict} ${checks.length}`);
  }
  expect(new Set(verdicts)).toEqual(new Set(['disputed 2']));
});

test('a lie is confirmed before it counts as one', async () => {
  const liar = { contributes: true, lies: { forgedTokenAt: 5 } };
  const world = await meshOf({ liar, one: honest, two: honest, three: honest });
  const { answer, checks } = await askOf(world, 'liar');
  expect(answer.verdict).toBe('rejected');
  expect(checks.map(({ verdict }) => verdict)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(checks[0]!.evidence!.gross).toBe(1);
  expect(recordOf(world.nodes, 'liar').record.rejected).toBe(1);
  for (const node of Object.values(world.nodes))
    expect(node.ledger.state.unitsByNode.get(world.nodes['liar']!.self)).toBeUndefined();
});

test('a lazy checker that waves everything through is outvoted when it is not alone', async () => {
  const liar = { contributes: true, lies: { forgedTokenAt: 5 } };
  const verdicts = new Set<string>();
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const { answer, checks } = await askOf(await meshOf({ liar, lazy, one: honest, two: honest }, seed), 'liar');
    verdicts.add(`${answer.verdict} ${checks.length}`);
  }
  // Drawn first or last: it never decides alone.
  expect(verdicts).toEqual(new Set(['rejected 3']));
});

test('a sampled answer is checked under the seed of its own job', async () => {
  const world = await meshOf({ worker: honest, one: honest });
  const { answer } = await askOf(world, 'worker', { temperaturePercent: 70, nonce: new Uint8Array(32).fill(4) });
  expect(answer.verdict).toBe('accepted');
  const receipt = world.nodes['asker']!.ledger.state.receiptsById.get(answer.receiptId)!;
  expect(receipt.check).toBe('rescore');
});
