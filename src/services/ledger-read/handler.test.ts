import { describe, expect, it } from 'vitest';
import { equalBytes } from '#core/base/bytes';
import { encodeCanonical } from '#core/base/canonical';
import type { NodeId } from '#core/base/ids';
import { unwrap } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import { MAX_ELIGIBLE } from '#core/ledger/witnesses';
import { checkAgainst } from '#core/wire/gate';
import { MAX_MESSAGE_BYTES } from '#core/wire/limits';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createEconomyWorld } from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { ledgerRead, MAX_ENTRIES_PER_ANSWER, MAX_ENTRY_BYTES_PER_ANSWER } from './contract';
import { asManyAsFit, createLedgerReadHandler } from './handler';

const context: CallContext<never> = {
  caller: 'c'.repeat(64),
  local: false,
  callId: 'call-1',
  signal: new AbortController().signal,
  emit: () => {},
};

/** A node that holds the log of `author`, which has so many entries, small ones or as large as there are. */
async function holderOf(count: number, large = false) {
  const world = await createEconomyWorld();
  const { community, manifest, verify, founder } = world;
  const storage = await openMemoryStorage();
  const ledger = await openTestLedger(world.member('holder').signer, {
    storage,
    verify,
    in: { community, manifest, founder: founder.signer },
  });
  const author = world.member('author');
  const eligible = Array.from({ length: MAX_ELIGIBLE }, (_, at) => ({
    node: at.toString(16).padStart(64, '0'),
    branch: 'b'.repeat(64),
  }));
  for (let at = 0; at < count; at++) {
    if (large) await world.nameWitnesses(eligible, at, author);
    else await world.write(author, { kind: 'contribution.decided', on: at % 2 === 0 });
  }
  const entries = author.entries.map(({ bytes }) => bytes);
  unwrap(await ledger.receive(author.nodeId, 0, entries));
  const handler = createLedgerReadHandler(() => ledger);
  const read = async (from: number, of: NodeId = author.nodeId) => {
    const said = unwrap(await handler({ author: of, from }, context));
    // What the other side checks before it looks at it.
    expect(checkAgainst(ledgerRead.output, said).ok).toBe(true);
    return said.entries;
  };
  return { world, storage, ledger, author, entries, handler, read };
}

describe('ledger.read', () => {
  it('gives the entries of a log from a position on, byte for byte as they were signed', async () => {
    const { entries, read } = await holderOf(5);
    expect(await read(0)).toEqual(entries);
    expect(await read(3)).toEqual(entries.slice(3));
  });

  it('gives this node’s own log too', async () => {
    const { ledger, read } = await holderOf(1);
    unwrap(await ledger.append({ kind: 'contribution.decided', on: true }));
    expect(await read(0, ledger.author)).toEqual(unwrap(await ledger.bytesOf(ledger.author, 0, 9)));
    expect(await read(0, ledger.author)).toHaveLength(1);
  });

  it('gives nothing behind the end of a log, nor of a log that it does not hold', async () => {
    const { read } = await holderOf(2);
    expect(await read(2)).toEqual([]);
    expect(await read(Number.MAX_SAFE_INTEGER)).toEqual([]);
    expect(await read(0, '0'.repeat(64))).toEqual([]);
  });

  it('gives so many entries in one answer, and the rest when asked from there on', async () => {
    const { entries, read } = await holderOf(MAX_ENTRIES_PER_ANSWER + 2);
    const first = await read(0);
    expect(first).toHaveLength(MAX_ENTRIES_PER_ANSWER);
    expect([...first, ...(await read(first.length))]).toEqual(entries);
  });

  it('gives of large entries as many as leave room in a message, and comes to the end of the log', async () => {
    const { entries, read } = await holderOf(8, true);
    const taken: Uint8Array[] = [];
    while (taken.length < entries.length) {
      const answer = await read(taken.length);
      expect(answer.length).toBeGreaterThan(0);
      expect(answer.length).toBeLessThan(entries.length);
      expect(answer.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(MAX_ENTRY_BYTES_PER_ANSWER);
      expect(encodeCanonical({ entries: answer }).length).toBeLessThan(MAX_MESSAGE_BYTES);
      taken.push(...answer);
    }
    expect(taken).toHaveLength(entries.length);
    expect(taken.every((bytes, at) => equalBytes(bytes, entries[at]!))).toBe(true);
  });

  it('passes on that its storage cannot be read', async () => {
    const { storage, author, handler } = await holderOf(1);
    storage.close();
    expect(await handler({ author: author.nodeId, from: 0 }, context)).toMatchObject({
      ok: false,
      error: { code: 'storage_unavailable' },
    });
  });

  it('is asked for one author and a position, and nothing else', () => {
    const good = { author: 'a'.repeat(64), from: 0 };
    expect(checkAgainst(ledgerRead.input, good).ok).toBe(true);
    for (const wrong of [
      { from: -1 },
      { from: 0.5 },
      { from: Number.MAX_SAFE_INTEGER + 1 },
      { from: '0' },
      { author: 'a'.repeat(63) },
      { limit: 9_999 },
    ])
      expect(checkAgainst(ledgerRead.input, { ...good, ...wrong })).toMatchObject({ error: { code: 'malformed' } });
  });
});

describe('what fits into one answer', () => {
  const sized = (...sizes: number[]) => sizes.map((size) => new Uint8Array(size));
  const part = MAX_ENTRY_BYTES_PER_ANSWER / 4;

  it('is everything, where that is few and small', () => {
    expect(asManyAsFit([])).toEqual([]);
    const few = sized(1, 2, 3);
    expect(asManyAsFit(few)).toEqual(few);
  });

  it('ends before the first entry that is too much, and takes exactly what there is room for', () => {
    const full = sized(part, part, part, part);
    expect(asManyAsFit(full)).toHaveLength(4);
    expect(asManyAsFit([...full, ...sized(1)])).toHaveLength(4);
    expect(asManyAsFit(sized(part, part, part, part + 1))).toHaveLength(3);
    // What comes behind it would fit, but a log has no holes.
    expect(asManyAsFit(sized(part, part, part, part + 1, 1))).toHaveLength(3);
  });

  it('is no more entries than an answer may hold, however small they are', () => {
    const many = Array.from({ length: MAX_ENTRIES_PER_ANSWER + 1 }, (_, at) => Uint8Array.of(at));
    expect(asManyAsFit(many)).toEqual(many.slice(0, MAX_ENTRIES_PER_ANSWER));
    expect(asManyAsFit(many.slice(1))).toEqual(many.slice(1));
  });
});
