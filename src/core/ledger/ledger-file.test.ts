import { beforeAll, describe, expect, test } from 'vitest';
import { foundCommunity, openTestLedger, signerNamed, testVerify as verify } from '#tests/fakes/test-community';
import { unwrap, type Result } from '../base/result';
import { EMPTY_HEAD, signEntry } from './chain';
import type { Ledger } from './ledger';
import { parseLedgerFile } from './ledger-file';
import { replayLedgerFile } from './replay';

interface FileJson {
  v: number;
  logs: { author: string; entries: string[] }[];
}

const [one, other, reader] = ['one', 'other', 'reader'].map(signerNamed) as [
  ReturnType<typeof signerNamed>,
  ReturnType<typeof signerNamed>,
  ReturnType<typeof signerNamed>,
];

/** A good file with two logs of three entries. */
let text: string;
beforeAll(async () => {
  const { community } = await foundCommunity();
  const source = await openTestLedger(reader);
  for (const signer of [one, other]) {
    const entries: Uint8Array[] = [];
    let head = EMPTY_HEAD;
    for (const [at, on] of [true, false, true].entries()) {
      const event = { kind: 'contribution.decided', on } as const;
      const signed = await signEntry(signer, head, { community: community.id, event, at });
      head = signed.head;
      entries.push(signed.bytes);
    }
    unwrap(await source.receive(signer.nodeId, 0, entries));
  }
  text = unwrap(await source.export());
});

/** The file with something else in it. */
function changed(change: (file: FileJson) => void): string {
  const file = JSON.parse(text) as FileJson;
  change(file);
  return JSON.stringify(file);
}

const swapped = (entries: string[]): void => void entries.splice(0, 2, entries[1]!, entries[0]!);

const UNREADABLE: readonly (readonly [what: string, code: string, make: () => string])[] = [
  ['nested lists', 'too_deep', () => `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
  ['nested objects', 'too_deep', () => '{"v":2,"logs":'.repeat(10_000)],
  ['nesting inside of a good one', 'too_deep', () => text.replace('"logs": [', `"logs": [${'['.repeat(10_000)}`)],
  ['a million fields', 'too_large', () => `{"v":2${',"a":0'.repeat(1_000_000)}}`],
  ['a million fields of one log', 'too_large', () => `{"v":2,"logs":[{"a":0${',"a":0'.repeat(1_000_000)}}]}`],
  ['fields of many names', 'too_large', () => `{${Array.from({ length: 10_001 }, (_, at) => `"${at}":0`).join()}}`],
  ['more values than any holds', 'too_large', () => `[0${',0'.repeat(5_000_000)}]`],
  ['nothing', 'not_a_ledger', () => ''],
  ['a cut in the middle', 'not_a_ledger', () => text.slice(0, text.length / 2)],
  ['a cut before the last brace', 'not_a_ledger', () => text.trimEnd().slice(0, -1)],
  ['something behind its end', 'not_a_ledger', () => `${text}${text}`],
  ['a field too many', 'not_a_ledger', () => text.replace('"v": 2', '"v": 2, "more": 1')],
  ['version 0', 'not_a_ledger', () => text.replace('"v": 2', '"v": 0')],
  ['the version as text', 'not_a_ledger', () => text.replace('"v": 2', '"v": "2"')],
  ['version 1 over logs of version 2', 'not_a_ledger', () => text.replace('"v": 2', '"v": 1')],
  ['version 3', 'unknown_version', () => text.replace('"v": 2', '"v": 3')],
  ['a log twice', 'ledger_damaged', () => changed(({ logs }) => logs.push(logs[0]!))],
  ['an entry that is no base64', 'ledger_damaged', () => changed(({ logs }) => (logs[0]!.entries[1] = '*'))],
];

const FALSE: readonly (readonly [what: string, make: () => string])[] = [
  ['entries in another order', () => changed(({ logs }) => swapped(logs[0]!.entries))],
  ['entries in another order in the last log', () => changed(({ logs }) => swapped(logs[1]!.entries))],
  ['an entry twice', () => changed(({ logs }) => logs[1]!.entries.push(logs[1]!.entries[2]!))],
  ['the first entry twice', () => changed(({ logs }) => logs[1]!.entries.unshift(logs[1]!.entries[0]!))],
  ['an entry of another log', () => changed(({ logs }) => logs[1]!.entries.push(logs[0]!.entries[2]!))],
  ['a first entry that is missing', () => changed(({ logs }) => void logs[1]!.entries.shift())],
  ['an entry that is cut off', () => changed(({ logs }) => (logs[1]!.entries[2] = logs[1]!.entries[2]!.slice(0, -8)))],
];

const refusesWith = (result: Result<unknown>, code: string): void =>
  expect(result).toMatchObject({ ok: false, error: { code, message: expect.stringMatching(/^[A-Z][^\n]{0,200}\.$/) } });

describe('a ledger file with', () => {
  let target: Ledger;
  beforeAll(async () => {
    target = await openTestLedger(signerNamed('target'));
  });

  /** One refusal, and everything as it was. */
  async function importRefuses(file: string, code: string): Promise<void> {
    const [heads, digest] = [target.heads(), target.state.digest()];
    let changes = 0;
    const off = target.changed.on(() => (changes += 1));
    refusesWith(await target.import(file), code);
    off();
    expect([target.heads(), target.state.digest(), changes]).toEqual([heads, digest, 0]);
  }

  test.each(UNREADABLE)('%s is refused as %s, and nothing of it is taken', async (_, code, make) => {
    const file = make();
    refusesWith(parseLedgerFile(file), code);
    refusesWith(await replayLedgerFile(file, verify), code);
    await importRefuses(file, code);
  });

  test.each(FALSE)('%s is damaged, and nothing of it is taken', async (_, make) => {
    const file = make();
    expect(parseLedgerFile(file).ok).toBe(true);
    refusesWith(await replayLedgerFile(file, verify), 'ledger_damaged');
    await importRefuses(file, 'ledger_damaged');
  });

  test('nothing wrong in it is taken whole afterwards, and its logs in any order', async () => {
    expect(target.heads()).toEqual([]);
    const turned = changed(({ logs }) => logs.reverse());
    expect(unwrap(await target.import(turned))).toEqual({ added: 6, known: 0 });
    expect(unwrap(await target.import(text))).toEqual({ added: 0, known: 6 });
    expect(unwrap(await target.export())).toBe(text);
    // Also by a node that holds these logs a hostile file changes nothing.
    for (const [, code, make] of UNREADABLE.filter(([, one]) => one !== 'too_large')) await importRefuses(make(), code);
    for (const [, make] of FALSE) await importRefuses(make(), 'ledger_damaged');
  });
});
