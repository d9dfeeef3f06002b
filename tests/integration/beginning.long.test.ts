import { expect, test } from 'vitest';
import { seedSignerFor } from '#cli/memory-mesh';
import { createMemory } from '#adapters/storage-memory';
import { unwrap } from '#core/base/result';
import type { MeshNode } from '#node/create-node';
import { LEAST_NEW_ENTRIES } from '#node/economy/checkpointing';
import { ask, helper, paidMesh, sumOf, WINDOW_MS } from '#tests/fakes/paid-mesh';

const MEMBERS = { asker: { contributes: false }, worker: helper, checker: helper };
const QUIET_MS = 10_000;
const FILLED_MS = 60_000;

const entriesOf = (node: MeshNode): number => node.ledger.heads().reduce((sum, { length }) => sum + length, 0);

/** A community with some paid work and many entries, which its founder, the one witness of its manifest, had time to certify. */
async function oldMesh(change: Parameters<typeof paidMesh>[1] = {}) {
  const world = await paidMesh(MEMBERS, change);
  const { clock, nodes } = world;
  const founder = nodes['founder']!;
  expect((await ask(world, 'asker')).answer.verdict).toBe('accepted');
  await clock.advance(WINDOW_MS + 120_000);
  for (let at = 0; at < LEAST_NEW_ENTRIES; at++)
    unwrap(await founder.ledger.append({ kind: 'contribution.decided', on: at % 2 === 0 }));
  await clock.advance(QUIET_MS);
  return { ...world, founder };
}

test('who comes new goes on from what the witnesses certified, works at once, and has everything later', async () => {
  const world = await oldMesh();
  const { clock, nodes, mesh, offers, founder } = world;
  // What is written after it was certified is fetched and judged as always.
  expect((await ask(world, 'asker')).answer.verdict).toBe('accepted');
  await clock.advance(2_000);
  const memory = createMemory();
  const newcomer = await mesh.createMember('newcomer', { storage: memory.open(), offers: offers('newcomer') });
  await clock.runUntil(newcomer.start());
  newcomer.goPublic();
  await clock.runUntil(newcomer.economy());
  await clock.advance(2_000);
  expect(newcomer.ledger.start?.signed.signatures.map(({ keyId }) => keyId)).toEqual([founder.self]);
  expect(newcomer.ledger.state.digest()).toBe(founder.ledger.state.digest());

  nodes['newcomer'] = newcomer;
  const asked = await ask(world, 'newcomer');
  expect(asked.answer.verdict).toBe('accepted');
  await clock.advance(FILLED_MS);
  expect(unwrap(await newcomer.ledger.missing())).toEqual([]);
  await clock.advance(WINDOW_MS + 120_000);
  const digests = new Set(Object.values(nodes).map((node) => node.ledger.state.digest()));
  expect(digests.size).toBe(1);
  expect(sumOf(newcomer)).toBe(0);
  expect(unwrap(await newcomer.ledger.export())).toBe(unwrap(await founder.ledger.export()));
  expect(entriesOf(newcomer)).toBe(entriesOf(founder));
}, 120_000);

test('with several witnesses in the manifest each looks for itself, and nothing is certified where one holds other logs', async () => {
  const names = ['founder', 'worker', 'checker'];
  const witnesses = names.map((name) => seedSignerFor(name).nodeId);
  const { clock, nodes, mesh, founder } = await oldMesh({ witnesses });
  const joins = async (name: string): Promise<MeshNode> => {
    const node = await mesh.createMember(name);
    await clock.runUntil(node.start());
    node.goPublic();
    await clock.runUntil(node.economy());
    await clock.advance(2_000);
    return node;
  };
  const newcomer = await joins('newcomer');
  expect(newcomer.ledger.start?.signed.signatures.map(({ keyId }) => keyId).sort()).toEqual([...witnesses].sort());
  expect(newcomer.ledger.state.digest()).toBe(founder.ledger.state.digest());

  // One of three is away, and all three have to sign.
  await clock.runUntil(nodes['checker']!.stop());
  for (let at = 0; at < LEAST_NEW_ENTRIES; at++)
    unwrap(await founder.ledger.append({ kind: 'contribution.decided', on: at % 2 === 0 }));
  await clock.advance(3 * QUIET_MS);
  const later = await joins('later');
  expect(later.ledger.start?.statement).toEqual(newcomer.ledger.start?.statement);
  expect(later.ledger.state.digest()).toBe(founder.ledger.state.digest());
}, 120_000);
