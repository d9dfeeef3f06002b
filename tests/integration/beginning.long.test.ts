import { expect, test } from 'vitest';
import { seedSignerFor } from '#cli/memory-mesh';
import { createMemory } from '#adapters/storage-memory';
import { unwrap } from '#core/base/result';
import { EMPTY_HEAD, signEntry, type ChainHead } from '#core/ledger/chain';
import type { MeshNode } from '#node/create-node';
import { LEAST_NEW_ENTRIES } from '#node/economy/checkpointing';
import { signerNamed } from '#tests/fakes/test-community';
import type { VirtualClock } from '#tests/fakes/virtual-clock';
import { ask, helper, paidMesh, sumOf, WINDOW_MS } from '#tests/fakes/paid-mesh';

const MEMBERS = { asker: { contributes: false }, worker: helper, checker: helper };
const QUIET_MS = 10_000;
/** So many that a newcomer still lacks enough where peers without a checkpoint tell it of them before a witness is heard. */
const MANY = 2.5 * LEAST_NEW_ENTRIES;
const GONE = signerNamed('gone');
const FILLED_MS = 60_000;

const entriesOf = (node: MeshNode): number => node.ledger.heads().reduce((sum, { length }) => sum + length, 0);

/** Entries of a member who is not there any more, which all of these hold. */
async function remember(nodes: readonly MeshNode[], gone: Gone): Promise<void> {
  const from = gone.head.length;
  const fresh: Uint8Array[] = [];
  for (let at = 0; at < MANY; at++) {
    const event = { kind: 'contribution.decided', on: at % 2 === 0 } as const;
    const { community } = nodes[0]!.ledger;
    const signed = await signEntry(GONE, gone.head, { community: community.id, event, at: 1_000 + from + at });
    gone.head = signed.head;
    fresh.push(signed.bytes);
  }
  for (const { ledger } of nodes) unwrap(await ledger.receive(GONE.nodeId, from, fresh));
}

interface Gone {
  head: ChainHead;
}

/** A community with some paid work and many entries, which the witnesses of its manifest had time to certify. */
async function oldMesh(change: Parameters<typeof paidMesh>[1] = {}) {
  const world = await paidMesh(MEMBERS, change);
  const { clock, nodes } = world;
  expect((await ask(world, 'asker')).answer.verdict).toBe('accepted');
  await clock.advance(WINDOW_MS + 120_000);
  const gone: Gone = { head: EMPTY_HEAD };
  await remember(Object.values(nodes), gone);
  // Whoever of the witnesses does not hold all of it yet is asked again.
  await clock.advance(QUIET_MS + 60_000);
  return { ...world, founder: nodes['founder']!, gone };
}

/** What a peer tells of its own log meanwhile is taken first. */
async function hasBegun({ clock }: { readonly clock: VirtualClock }, node: MeshNode): Promise<void> {
  for (let at = 0; at < 60 && node.ledger.start === null; at++) await clock.advance(1_000);
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
  await hasBegun(world, newcomer);
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
  const world = await oldMesh({ witnesses });
  const { clock, nodes, mesh, founder, gone } = world;
  const joins = async (name: string): Promise<MeshNode> => {
    const node = await mesh.createMember(name);
    await clock.runUntil(node.start());
    node.goPublic();
    await clock.runUntil(node.economy());
    await hasBegun(world, node);
    await clock.advance(2_000);
    return node;
  };
  const newcomer = await joins('newcomer');
  expect(newcomer.ledger.start?.signed.signatures.map(({ keyId }) => keyId).sort()).toEqual([...witnesses].sort());
  expect(newcomer.ledger.state.digest()).toBe(founder.ledger.state.digest());

  // One of three is away, and all three have to sign.
  await clock.runUntil(nodes['checker']!.stop());
  await remember([founder, nodes['worker']!], gone);
  await clock.advance(3 * QUIET_MS);
  const later = await joins('later');
  expect(later.ledger.start?.statement).toEqual(newcomer.ledger.start?.statement);
  expect(later.ledger.state.digest()).toBe(founder.ledger.state.digest());
}, 120_000);
