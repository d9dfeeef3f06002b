import { expect, test } from 'vitest';
import type { NodeId } from '#core/base/ids';
import { unwrap } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import { checkAgainst } from '#core/wire/gate';
import { createEconomyWorld, type Member } from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { ledgerHeads, MAX_HEADS, type LedgerHeadsOutput } from './contract';
import { createLedgerHeadsHandler } from './handler';

const context: CallContext<never> = {
  caller: 'c'.repeat(64),
  local: false,
  callId: 'call-1',
  signal: new AbortController().signal,
  emit: () => {},
};

/** A node that holds the logs of so many others, one entry in each. */
async function holderOf(count: number) {
  const world = await createEconomyWorld();
  const { community, manifest, verify, founder } = world;
  const ledger = await openTestLedger(world.member('holder').signer, {
    verify,
    in: { community, manifest, founder: founder.signer },
  });
  const tell = async (author: Member) => {
    const { entry, bytes } = await world.write(author, { kind: 'contribution.decided', on: true });
    unwrap(await ledger.receive(author.nodeId, entry.seq, [bytes]));
    return entry;
  };
  for (let at = 0; at < count; at++) await tell(world.member(`author ${at}`));
  const handler = createLedgerHeadsHandler(() => ledger);
  const ask = async (after: NodeId | null): Promise<LedgerHeadsOutput> => {
    const said = unwrap(await handler({ after }, context));
    // What the other side checks before it looks at it.
    expect(checkAgainst(ledgerHeads.output, said).ok).toBe(true);
    return said;
  };
  return { world, ledger, ask, tell };
}

test('a node that holds nothing says so', async () => {
  const { ask } = await holderOf(0);
  expect(await ask(null)).toEqual({ heads: [], more: false });
});

test('every log that is held is named with its length and its last entry, ascending by author, the own one too', async () => {
  const { world, ledger, ask, tell } = await holderOf(3);
  const last = await tell(world.member('author 1'));
  const own = unwrap(await ledger.append({ kind: 'contribution.decided', on: true }));
  const { heads, more } = await ask(null);
  expect(more).toBe(false);
  expect(heads).toHaveLength(4);
  expect(heads).toContainEqual({ author: last.author, length: 2, id: last.id });
  expect(heads).toContainEqual({ author: own.author, length: 1, id: own.id });
  const authors = heads.map(({ author }) => author);
  expect(authors).toEqual([...authors].sort());
});

test('only authors behind the one named are told, whether or not that one is known', async () => {
  const { ask } = await holderOf(3);
  const { heads } = await ask(null);
  expect((await ask(heads[0]!.author)).heads).toEqual(heads.slice(1));
  expect((await ask(heads[2]!.author)).heads).toEqual([]);
  expect((await ask('0'.repeat(64))).heads).toEqual(heads);
  expect((await ask('f'.repeat(64))).heads).toEqual([]);
});

test('one answer names so many logs, and the next ones follow behind the last of them', async () => {
  const { world, ledger, ask, tell } = await holderOf(MAX_HEADS);
  const whole = await ask(null);
  expect(whole.heads).toHaveLength(MAX_HEADS);
  expect(whole.more).toBe(false);

  await tell(world.member('one more'));
  const first = await ask(null);
  expect(first.heads).toHaveLength(MAX_HEADS);
  expect(first.more).toBe(true);
  const rest = await ask(first.heads.at(-1)!.author);
  expect(rest.more).toBe(false);
  expect([...first.heads, ...rest.heads]).toEqual(ledger.heads());
});

test('what is asked names an author or none, and nothing else', () => {
  const { input } = ledgerHeads;
  expect(checkAgainst(input, { after: null }).ok).toBe(true);
  expect(checkAgainst(input, { after: 'a'.repeat(64) }).ok).toBe(true);
  for (const wrong of [{}, { after: '' }, { after: 'A'.repeat(64) }, { after: 3 }, { after: null, limit: 9_999 }])
    expect(checkAgainst(input, wrong)).toMatchObject({ ok: false, error: { code: 'malformed' } });
});
