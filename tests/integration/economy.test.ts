import { expect, test } from 'vitest';
import { createMemory } from '#adapters/storage-memory';
import type { MeshNode } from '#node/create-node';
import { ask, helper, paidMesh, RATE, sumOf, WINDOW_MS, type Members } from '#tests/fakes/paid-mesh';

const MEMBERS: Members = {
  asker: { contributes: false },
  worker: helper,
  checker: helper,
  hearer: { contributes: false },
};

test('work is reserved, done, checked, proposed, and paid when its window closes; every member comes to the same balances', async () => {
  const world = await paidMesh(MEMBERS);
  const { clock, nodes } = world;
  const { asker, worker, checker } = nodes as Record<'asker' | 'worker' | 'checker', MeshNode>;
  expect(asker.ledger.state.balanceOf(asker.self).availableMicros).toBe(5_000_000);

  const { answer, updates } = await ask(world, 'asker');
  expect(answer.verdict).toBe('accepted');
  expect(updates.map(({ type }) => type)).toContain('reserved');
  expect(answer.atMostMicros).toBeGreaterThan(0);
  await clock.advance(10_000);

  const pending = worker.ledger.state.balanceOf(worker.self);
  expect(pending.confirmedMicros).toBe(0);
  expect(pending.pendingMicros).toBeGreaterThan(0);
  // Pending credit funds nothing: what it can promise is still its limit.
  expect(pending.availableMicros).toBe(5_000_000);
  expect(asker.ledger.state.balanceOf(asker.self).reservedMicros).toBe(answer.atMostMicros);

  await clock.advance(WINDOW_MS + 120_000);
  const charge = RATE * (answer.usage.promptTokens + answer.usage.completionTokens);
  const share = Math.floor((charge * 200) / 1_000);
  for (const [name, node] of Object.entries(nodes)) {
    const { state } = node.ledger;
    expect([name, state.balanceOf(asker.self).confirmedMicros]).toEqual([name, -charge]);
    expect([name, state.balanceOf(worker.self).confirmedMicros]).toEqual([name, charge - share]);
    expect([name, state.balanceOf(checker.self).confirmedMicros]).toEqual([name, share]);
    expect([name, sumOf(node)]).toEqual([name, 0]);
    expect([name, state.refusals]).toEqual([name, []]);
  }
  expect(new Set(Object.values(nodes).map((node) => node.ledger.state.digest())).size).toBe(1);
  // What was set aside beyond the charge came back, and what was earned can be spent.
  expect(asker.ledger.state.balanceOf(asker.self)).toMatchObject({
    reservedMicros: 0,
    availableMicros: 5_000_000 - charge,
  });
  expect(worker.ledger.state.balanceOf(worker.self).availableMicros).toBe(5_000_000 + charge - share);
});

test('a payer that goes silent after the check cannot stop the settlement of accepted work', async () => {
  const world = await paidMesh(MEMBERS);
  const { clock, nodes } = world;
  const worker = nodes['worker']!;
  const asked = await ask(world, 'asker');
  expect(asked.answer.verdict).toBe('accepted');
  await clock.runUntil(nodes['asker']!.stop());
  await clock.advance(WINDOW_MS + 300_000);
  expect(worker.ledger.state.balanceOf(worker.self).confirmedMicros).toBeGreaterThan(0);
  expect(sumOf(worker)).toBe(0);
});

test('without anybody to check it nothing is paid, and what was set aside comes back', async () => {
  const world = await paidMesh({ asker: { contributes: false }, worker: helper });
  const { clock, nodes } = world;
  const { answer } = await ask(world, 'asker');
  expect(answer.verdict).toBe('unchecked');
  await clock.advance(60_000);
  const asker = nodes['asker']!;
  expect(asker.ledger.state.balanceOf(asker.self)).toMatchObject({ reservedMicros: 0, availableMicros: 5_000_000 });
  expect(asker.ledger.state.balanceOf(nodes['worker']!.self).confirmedMicros).toBe(0);
});

test('a lie that two others confirm pays those who looked, and not the liar', async () => {
  const world = await paidMesh({
    asker: { contributes: false },
    worker: { contributes: true, lies: { forgedTokenAt: 5 } },
    one: helper,
    two: helper,
    three: helper,
  });
  const { clock, nodes } = world;
  const { answer } = await ask(world, 'asker');
  expect(answer.verdict).toBe('rejected');
  await clock.advance(60_000);
  const { state } = nodes['asker']!.ledger;
  const [asker, worker] = [nodes['asker']!.self, nodes['worker']!.self];
  expect(state.balanceOf(worker).confirmedMicros).toBe(0);
  expect(state.balanceOf(asker).confirmedMicros).toBeLessThan(0);
  expect(sumOf(nodes['asker']!)).toBe(0);
  expect(state.balanceOf(asker).reservedMicros).toBe(0);
});

test('whoever has no credit is answered as a favour', async () => {
  const world = await paidMesh(MEMBERS, { newcomerLimitMicros: 0 });
  const { answer, updates } = await ask(world, 'asker');
  expect(answer).toMatchObject({ verdict: 'accepted', atMostMicros: 0 });
  expect(updates.some(({ type }) => type === 'reserved')).toBe(false);
});

test('with no witness in reach only a little is trusted, and the rest is a favour', async () => {
  for (const [provisionalCapMicros, reserved] of [
    [1_000_000, true],
    [10, false],
  ] as const) {
    const world = await paidMesh(MEMBERS, { provisionalCapMicros });
    await world.clock.runUntil(world.nodes['founder']!.stop());
    await world.clock.advance(20_000);
    const { answer, updates } = await ask(world, 'asker');
    expect(answer.verdict).toBe('accepted');
    expect(updates.some(({ type }) => type === 'reserved')).toBe(reserved);
  }
});

test('a node that ended in the middle goes on to be paid when it is there again', async () => {
  const memory = createMemory();
  const world = await paidMesh({ ...MEMBERS, worker: { ...helper, storage: memory.open() } });
  const { clock, nodes, mesh, offers } = world;
  const { answer } = await ask(world, 'asker');
  expect(answer.verdict).toBe('accepted');
  await clock.advance(5_000);
  await clock.runUntil(nodes['worker']!.stop());
  await clock.advance(60_000);
  const again = await mesh.createMember('worker', { storage: memory.open(), offers: offers('worker') });
  await clock.runUntil(again.start());
  again.goPublic();
  await clock.advance(WINDOW_MS + 300_000);
  expect(again.ledger.state.balanceOf(again.self).confirmedMicros).toBeGreaterThan(0);
});
