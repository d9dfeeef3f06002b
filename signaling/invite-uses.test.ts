import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fail, ok, unwrap } from '#core/base/result';
import { openDataFolder, type DataFolder } from '#signaling/data-folder';
import { openInviteUses, type InviteUses } from '#signaling/invite-uses';

const nodeOf = (number: number): string => number.toString(16).padStart(64, '0');
const DAY_MS = 24 * 60 * 60 * 1000;
const invite = { inviteId: 'invite', issuer: nodeOf(9), uses: 2, expiresAt: 10 * DAY_MS };

let path: string;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'tabmesh-uses-'));
});
afterEach(() => rm(path, { recursive: true, force: true }));

const open = async (now = 0): Promise<InviteUses> =>
  unwrap(await openInviteUses(unwrap(await openDataFolder(path)), now));

describe('the uses of an invite', () => {
  test('count different nodes, and a node that comes back for nothing', async () => {
    const uses = await open();
    for (const node of [1, 1, 2, 1]) unwrap(await uses.count(invite, nodeOf(node), 0));
    expect(await uses.count(invite, nodeOf(3), 0)).toMatchObject({ ok: false, error: { code: 'invite_used_up' } });
    expect([uses.has('invite', nodeOf(2)), uses.has('invite', nodeOf(3)), uses.has('other', nodeOf(2))]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('two redemptions at the same moment cannot both be the last one', async () => {
    const uses = await open();
    const outcomes = await Promise.all([1, 2, 3].map((node) => uses.count(invite, nodeOf(node), 0)));
    expect(outcomes.filter(({ ok }) => ok).length).toBe(2);
  });

  test('survive a restart, also one that cut the last line off', async () => {
    const before = await open();
    await Promise.all([1, 2].map((node) => before.count(invite, nodeOf(node), 0)));
    await appendFile(join(path, 'invite-uses.jsonl'), '{"invite":"invite","iss');
    const after = await open();
    expect(await after.count(invite, nodeOf(3), 0)).toMatchObject({ ok: false, error: { code: 'invite_used_up' } });
    unwrap(await after.count({ ...invite, inviteId: 'second' }, nodeOf(3), 0));
    expect((await open()).has('second', nodeOf(3))).toBe(true);
  });

  test('are forgotten thirty days after the end of the invite', async () => {
    unwrap(await (await open()).count(invite, nodeOf(1), 0));
    expect((await open(39 * DAY_MS)).has('invite', nodeOf(1))).toBe(true);
    expect((await open(40 * DAY_MS)).has('invite', nodeOf(1))).toBe(false);
    expect(await readFile(join(path, 'invite-uses.jsonl'), 'utf8')).toBe('');
  });

  test('are counted for a bounded number of invites of one issuer', async () => {
    const uses = await open();
    const outcomes = [];
    for (let i = 0; i < 257; i++) outcomes.push(await uses.count({ ...invite, inviteId: `invite ${i}` }, nodeOf(1), 0));
    expect(outcomes.slice(0, 256).every(({ ok }) => ok)).toBe(true);
    expect(outcomes[256]).toMatchObject({ ok: false, error: { code: 'server_full' } });
    unwrap(await uses.count({ ...invite, issuer: nodeOf(8), inviteId: 'of another' }, nodeOf(1), 0));
    // Those that are forgotten make room, also while the server runs.
    const later = { ...invite, inviteId: 'later', expiresAt: 60 * DAY_MS };
    expect(await uses.count(later, nodeOf(1), 39 * DAY_MS)).toMatchObject({ error: { code: 'server_full' } });
    unwrap(await uses.count(later, nodeOf(1), 40 * DAY_MS));
  });

  test('that could not be written are not counted, and what is counted next survives a restart', async () => {
    let text = '';
    let isFull = true;
    const folder = {
      path: 'a disk that is full',
      read: async () => ok(text),
      write: async (_: string, all: string) => ok(void (text = all)),
      // What fits is written before it fails.
      append: async (_: string, more: string) => {
        text += isFull ? more.slice(0, 20) : more;
        return isFull ? fail('data_unwritable', 'The disk is full.') : ok(undefined);
      },
    } satisfies DataFolder;
    const uses = unwrap(await openInviteUses(folder, 0));
    const one = { ...invite, uses: 1 };
    expect(await uses.count(one, nodeOf(1), 0)).toMatchObject({ ok: false, error: { code: 'data_unwritable' } });
    expect(uses.has('invite', nodeOf(1))).toBe(false);
    isFull = false;
    unwrap(await uses.count(one, nodeOf(2), 0));
    expect(unwrap(await openInviteUses(folder, 0)).has('invite', nodeOf(2))).toBe(true);
  });
});
