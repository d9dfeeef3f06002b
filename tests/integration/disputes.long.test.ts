import { expect, test } from 'vitest';
import { seedSignerFor, type MemberOptions } from '#cli/memory-mesh';
import { createMemory } from '#adapters/storage-memory';
import { createVerify } from '#adapters/verify-node';
import { ok, unwrap } from '#core/base/result';
import { buildBundle } from '#core/evidence/build-bundle';
import { evidenceSources } from '#core/evidence/evidence-sources';
import { keptClaim } from '#core/evidence/kept-claim';
import { createLedgerDesk } from '#node/tab/ledger-desk';
import { ask, paidMesh, sumOf, WINDOW_MS } from '#tests/fakes/paid-mesh';
import { lazyValidator } from '#tests/simulation/adversaries/lazy-validator';
import { slanderer } from '#tests/simulation/adversaries/slanderer';

const verify = createVerify();

/** Two who find everything right look at what the worker gave; the three witnesses that would judge have a model later. */
async function contested(asker: MemberOptions, worker: MemberOptions) {
  const witnesses = ['one', 'two', 'three'];
  const world = await paidMesh(
    {
      asker: { contributes: false, ...asker },
      worker: { contributes: true, ...worker },
      lazy: { contributes: true, around: lazyValidator },
      idle: { contributes: true, around: lazyValidator },
      ...Object.fromEntries(witnesses.map((name) => [name, { contributes: false }])),
    },
    { witnesses: witnesses.map((name) => seedSignerFor(name).nodeId) },
  );
  const { clock, nodes } = world;
  const { answer, trace } = await ask(world, 'asker');
  expect(answer.verdict).toBe('accepted');
  await clock.advance(10_000);
  const { state } = nodes['asker']!.ledger;
  const [reservation] = [...state.reservationsById.values()];
  const proposal = state.proposalsById.get(reservation!.proposal!)!;
  const claim = keptClaim(trace!, proposal.commitmentId)!;
  const { disputes } = (await clock.runUntil(nodes['asker']!.economy()))!;
  for (const name of witnesses) await clock.runUntil(nodes[name]!.contribute(true));
  return { ...world, trace: trace!, reservation: reservation!.id, proposal, claim, disputes, witnesses };
}

test('who finds that those who looked let a lie through puts up a bond, and a panel that agrees keeps the liar from being paid', async () => {
  const world = await contested({}, { lies: { forgedTokenAt: 5 } });
  const { clock, nodes, disputes, reservation, claim, proposal, witnesses } = world;
  const asker = nodes['asker']!;
  const look = unwrap(await clock.runUntil(disputes.look(reservation, claim)));
  expect(look).toMatchObject({ verdict: 'rejected', bondMicros: Math.ceil(proposal.chargeMicros / 10) });
  expect(look.panel).toHaveLength(3);
  const before = asker.ledger.state.balanceOf(asker.self).availableMicros;
  expect(asker.ledger.state.unitsByNode.get(nodes['worker']!.self)).toBeGreaterThan(0);
  const raised = unwrap(await clock.runUntil(disputes.challenge(reservation, claim)));
  expect([...raised.panel].sort()).toEqual(witnesses.map((name) => nodes[name]!.self).sort());
  expect(asker.ledger.state.balanceOf(asker.self).availableMicros).toBeLessThan(before);
  expect(await clock.runUntil(disputes.challenge(reservation, claim))).toMatchObject({ ok: false });

  await clock.advance(WINDOW_MS + 180_000);
  for (const [name, node] of Object.entries(nodes)) {
    const { state } = node.ledger;
    expect([name, [...state.rulings.values()]]).toEqual([name, ['upheld']]);
    expect([name, state.balanceOf(nodes['worker']!.self).confirmedMicros]).toEqual([name, 0]);
    expect([name, state.closingByReservation.get(reservation)?.outcome]).toEqual([name, 'void']);
    expect([name, state.unitsByNode.get(nodes['worker']!.self)]).toEqual([name, undefined]);
    expect([name, sumOf(node)]).toEqual([name, 0]);
    expect([name, state.refusals]).toEqual([name, []]);
  }
  // The bond came back; what is owed is what looking costs.
  const { reservedMicros, confirmedMicros } = asker.ledger.state.balanceOf(asker.self);
  expect(reservedMicros).toBe(0);
  expect(confirmedMicros).toBeLessThan(0);
  for (const name of witnesses)
    expect(asker.ledger.state.balanceOf(nodes[name]!.self).confirmedMicros).toBeGreaterThan(0);
  expect(new Set(Object.values(nodes).map((node) => node.ledger.state.digest())).size).toBe(1);
});

test('who challenges honest work loses the bond to the node that did it', async () => {
  const world = await contested({ around: slanderer }, {});
  const { clock, nodes, disputes, reservation, claim } = world;
  const [asker, worker] = [nodes['asker']!, nodes['worker']!];
  const look = unwrap(await clock.runUntil(disputes.look(reservation, claim)));
  expect(look.verdict).toBe('rejected');
  unwrap(await clock.runUntil(disputes.challenge(reservation, claim)));
  await clock.advance(WINDOW_MS + 180_000);
  const { state } = asker.ledger;
  expect([...state.rulings.values()]).toEqual(['dismissed']);
  const { chargeMicros, credits } = state.closingByReservation.get(reservation)!;
  const paid = credits.find(({ node }) => node === worker.self)!.micros;
  expect(state.balanceOf(worker.self).confirmedMicros).toBe(paid + look.bondMicros);
  expect(state.balanceOf(asker.self).confirmedMicros).toBe(-chargeMicros - look.bondMicros);
  expect(sumOf(asker)).toBe(0);
});

test('a member that was given a bundle with the words challenges what another paid for', async () => {
  const world = await contested({}, { lies: { forgedTokenAt: 5 } });
  const { clock, nodes, trace, reservation, proposal } = world;
  const [asker, founder] = [nodes['asker']!, nodes['founder']!];
  const receipts = await Promise.all(trace.trace.receipts.map((id) => asker.ledger.receiptOf(id)));
  const signed = receipts.map((one) => unwrap(one)).filter((one) => one !== null);
  const sources = unwrap(evidenceSources({ kept: [trace], receipts: signed, statements: [] }, true));
  const { bytes } = unwrap(await buildBundle(sources, { signer: seedSignerFor('asker'), verify, at: clock.now() }));

  const { disputes } = (await clock.runUntil(founder.economy()))!;
  const desk = createLedgerDesk({
    ledger: founder.ledger,
    verify,
    clock,
    links: founder.links,
    disputes: async () => disputes,
    claimOf: async () => ok(null),
  });
  expect(await desk.look(reservation)).toMatchObject({ ok: false, error: { code: 'unknown_line' } });
  expect(unwrap(await desk.contestable(bytes))).toEqual([
    {
      id: reservation,
      payer: asker.self,
      payee: nodes['worker']!.self,
      chargeMicros: proposal.chargeMicros,
      closed: false,
      challenge: null,
    },
  ]);
  expect(unwrap(await clock.runUntil(desk.look(reservation))).verdict).toBe('rejected');
  unwrap(await clock.runUntil(desk.challenge(reservation)));

  await clock.advance(WINDOW_MS + 180_000);
  for (const node of Object.values(nodes)) {
    const { state } = node.ledger;
    expect([...state.challengesById.values()].map(({ challenger }) => challenger)).toEqual([founder.self]);
    expect([...state.rulings.values()]).toEqual(['upheld']);
    expect(state.closingByReservation.get(reservation)?.outcome).toBe('void');
    expect(state.balanceOf(founder.self)).toMatchObject({ confirmedMicros: 0, reservedMicros: 0 });
  }
  expect(unwrap(await desk.contestable(bytes))).toMatchObject([{ closed: true, challenge: 'upheld' }]);
});

test('nothing is put up where the own look finds the work right', async () => {
  const { clock, nodes, disputes, reservation, claim } = await contested({}, {});
  expect(unwrap(await clock.runUntil(disputes.look(reservation, claim))).verdict).toBe('accepted');
  const before = nodes['asker']!.ledger.state.digest();
  expect(await clock.runUntil(disputes.challenge(reservation, claim))).toMatchObject({
    ok: false,
    error: { code: 'no_rejection' },
  });
  expect(nodes['asker']!.ledger.state.digest()).toBe(before);
});

test('a challenge whose challenger ended goes on when it is there again', async () => {
  const memory = createMemory();
  const world = await contested({ storage: memory.open() }, { lies: { forgedTokenAt: 5 } });
  const { clock, nodes, mesh, disputes, reservation, claim, witnesses } = world;
  // Of the panel only one is there when it is raised.
  for (const name of witnesses.slice(1)) await clock.runUntil(nodes[name]!.contribute(false));
  unwrap(await clock.runUntil(disputes.challenge(reservation, claim)));
  await clock.advance(5_000);
  await clock.runUntil(nodes['asker']!.stop());
  await clock.advance(30_000);
  for (const name of witnesses) await clock.runUntil(nodes[name]!.contribute(true));
  const again = await mesh.createMember('asker', { storage: memory.open() });
  await clock.runUntil(again.start());
  again.goPublic();
  await clock.advance(WINDOW_MS + 300_000);
  expect([...again.ledger.state.rulings.values()]).toEqual(['upheld']);
  expect(again.ledger.state.closingByReservation.get(reservation)?.outcome).toBe('void');
});
