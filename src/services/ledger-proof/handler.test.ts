import { beforeEach, expect, test } from 'vitest';
import { fail, unwrap } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import { EMPTY_HEAD, equivocationOf, MAX_ENTRY_BYTES, signEntry, type EquivocationProof } from '#core/ledger/chain';
import type { Ledger } from '#core/ledger/ledger';
import type { NodeStorage } from '#core/storage/ports';
import { checkAgainst } from '#core/wire/gate';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createEconomyWorld, type EconomyWorld, type Member } from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { ledgerProof } from './contract';
import { createLedgerProofHandler } from './handler';

const context: CallContext<never> = {
  caller: 'c'.repeat(64),
  local: false,
  callId: 'call-1',
  signal: new AbortController().signal,
  emit: () => {},
};

let world: EconomyWorld;
let ledger: Ledger;
let isDiskFull: boolean;
let forger: Member;

const show = (proof: EquivocationProof) => createLedgerProofHandler(() => ledger)({ proof }, context);
const refused = (code: string) => ({ ok: false, error: { code } });

async function openHolder(in_: EconomyWorld): Promise<Ledger> {
  const { community, manifest, verify, founder } = in_;
  const memory = await openMemoryStorage();
  const storage: NodeStorage = {
    ...memory,
    records: {
      ...memory.records,
      set: async (key, value) =>
        isDiskFull ? fail('storage_full', 'The disk is full.') : memory.records.set(key, value),
    },
  };
  return openTestLedger(in_.member('holder').signer, {
    storage,
    verify,
    in: { community, manifest, founder: founder.signer },
  });
}

/** That a node signed twice for its entry at `seq`. */
async function proofAgainst(one: Member, seq: number): Promise<EquivocationProof> {
  const two = world.twinOf(one, seq);
  for (const [history, on] of [
    [one, true],
    [two, false],
  ] as const)
    await world.write(history, { kind: 'contribution.decided', on });
  const [a, b] = [one.entries[seq]!, two.entries[seq]!];
  return equivocationOf({ id: a.entry.id, bytes: a.bytes }, { id: b.entry.id, bytes: b.bytes });
}

beforeEach(async () => {
  isDiskFull = false;
  world = await createEconomyWorld();
  ledger = await openHolder(world);
  forger = world.member('forger');
  await world.write(forger, { kind: 'contribution.decided', on: true });
});

test('a proof is taken once, and its author is banned from there on, whoever shows it', async () => {
  const proof = await proofAgainst(forger, 1);
  expect(await show(proof)).toEqual({ ok: true, value: { taken: true } });
  expect([...ledger.state.bannedFrom]).toEqual([[forger.nodeId, 1]]);
  expect(ledger.proofs).toEqual([proof]);
  expect(await show(proof)).toEqual({ ok: true, value: { taken: false } });
  expect(ledger.proofs).toEqual([proof]);
});

test('an earlier place counts more than the one that is known, and a later one is nothing new', async () => {
  const [late, early] = [await proofAgainst(forger, 1), await proofAgainst(world.twinOf(forger, 0), 0)];
  expect(unwrap(await show(late))).toEqual({ taken: true });
  expect(unwrap(await show(early))).toEqual({ taken: true });
  expect([...ledger.state.bannedFrom]).toEqual([[forger.nodeId, 0]]);
  expect(unwrap(await show(late))).toEqual({ taken: false });
  expect([...ledger.state.bannedFrom]).toEqual([[forger.nodeId, 0]]);
});

test('it holds for events that this version does not know', async () => {
  const entries = [];
  for (const word of ['one', 'another']) {
    const event = { kind: 'tomorrow.invented', word };
    const { entry, bytes } = await signEntry(forger.signer, EMPTY_HEAD, {
      community: world.community.id,
      event,
      at: world.nowMs,
    });
    entries.push({ id: entry.id, bytes });
  }
  expect(unwrap(await show(equivocationOf(entries[0]!, entries[1]!)))).toEqual({ taken: true });
  expect([...ledger.state.bannedFrom]).toEqual([[forger.nodeId, 0]]);
});

test('nobody is framed: entries that do not exclude each other, or that somebody else signed, change nothing', async () => {
  const proof = await proofAgainst(forger, 1);
  const honest = world.member('honest');
  for (const on of [true, false]) await world.write(honest, { kind: 'contribution.decided', on });
  const [first, second] = honest.entries.map(({ bytes }) => bytes) as [
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
  ];
  const flipped = Uint8Array.from(proof.b);
  flipped[flipped.length - 1]! ^= 1;
  for (const [a, b, code] of [
    [first, second, 'no_equivocation'],
    [first, first, 'no_equivocation'],
    [first, proof.a, 'no_equivocation'],
    // One fork has one proof: in the other order it is none.
    [proof.b, proof.a, 'no_equivocation'],
    [proof.a, flipped, 'bad_signature'],
    [proof.a, Uint8Array.of(1, 2, 3), 'undecodable'],
  ] as const)
    expect(await show({ type: 'equivocation', v: 1, a, b })).toMatchObject(refused(code));
  expect(ledger.proofs).toEqual([]);
  expect(ledger.state.bannedFrom.size).toBe(0);
});

test('what somebody did in another community is nothing here', async () => {
  const proof = await proofAgainst(forger, 1);
  ledger = await openHolder(await createEconomyWorld({ communityName: 'Elsewhere' }));
  expect(await show(proof)).toMatchObject(refused('foreign_community'));
  expect(ledger.state.bannedFrom.size).toBe(0);
});

test('a proof that cannot be kept changes nothing, and is taken when it can', async () => {
  const proof = await proofAgainst(forger, 1);
  isDiskFull = true;
  expect(await show(proof)).toMatchObject(refused('storage_full'));
  expect(ledger.state.bannedFrom.size).toBe(0);
  isDiskFull = false;
  expect(unwrap(await show(proof))).toEqual({ taken: true });
});

test('what is shown are two entries of so many bytes, and nothing else', () => {
  const entry = new Uint8Array(MAX_ENTRY_BYTES);
  const good = { type: 'equivocation', v: 1, a: entry, b: entry };
  const codeOf = (input: unknown) => checkAgainst(ledgerProof.input, input);
  expect(codeOf({ proof: good }).ok).toBe(true);
  for (const wrong of [
    { a: new Uint8Array(MAX_ENTRY_BYTES + 1) },
    { b: new Uint8Array(MAX_ENTRY_BYTES + 1) },
    { b: 'entry' },
    { type: 'proof' },
    { v: 2 },
    { extra: 1 },
  ])
    expect(codeOf({ proof: { ...good, ...wrong } }).ok).toBe(false);
  expect(codeOf({ proof: good, extra: 1 }).ok).toBe(false);
});
