import * as v from 'valibot';
import { nodeIdSchema, type NodeId } from '#core/base/ids';
import { fail, ok, type Result } from '#core/base/result';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import type { DataFolder } from '#signaling/data-folder';

/** A redemption as far as its uses are counted. */
export interface CountedInvite {
  readonly inviteId: string;
  readonly issuer: NodeId;
  /** How many different nodes may redeem it. */
  readonly uses: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/**
 * Which nodes redeemed which invite. A node that is counted once may come back with the same redemption as often as it
 * likes. A count is on disk before `count` resolves, so that a restart never gives uses back.
 */
export interface InviteUses {
  /** True when this node is counted for this invite. */
  has(inviteId: string, node: NodeId): boolean;
  /** Codes: `invite_used_up`, `server_full` (too many invites to count), `data_unwritable`. */
  count(invite: CountedInvite, node: NodeId, now: number): Promise<Result<void>>;
}

const FILE = 'invite-uses.jsonl';
const MAX_LINE_BYTES = 1024;
/** Invites whose uses are remembered: 20,000 at about 300 bytes each, and 256 from one issuer, so that one key cannot fill it. */
const MAX_INVITES = 20_000;
const MAX_INVITES_PER_ISSUER = 256;
/** How long after its end an invite is remembered: those it admitted may come back with it until then. */
const REMEMBER_MS = 30 * 24 * 60 * 60 * 1000;

const lineSchema = v.strictObject({
  invite: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  issuer: nodeIdSchema,
  expiresAt: v.pipe(v.number(), v.integer(), v.minValue(0)),
  node: nodeIdSchema,
});
type Line = v.InferOutput<typeof lineSchema>;

interface Entry {
  readonly issuer: NodeId;
  readonly expiresAt: number;
  readonly nodes: Set<NodeId>;
}

/** Reads the counts, forgets what ended long ago, and writes the rest back. Lines that a crash cut off are left out. */
export async function openInviteUses(folder: DataFolder, now: number): Promise<Result<InviteUses>> {
  const text = await folder.read(FILE);
  if (!text.ok) return text;
  const entries = new Map<string, Entry>();
  const invitesByIssuer = new Map<NodeId, number>();

  function note(line: Line): void {
    const entry = entries.get(line.invite);
    if (entry !== undefined) {
      entry.nodes.add(line.node);
      return;
    }
    entries.set(line.invite, { issuer: line.issuer, expiresAt: line.expiresAt, nodes: new Set([line.node]) });
    invitesByIssuer.set(line.issuer, (invitesByIssuer.get(line.issuer) ?? 0) + 1);
  }

  function forget(invite: string, { issuer }: Entry): void {
    entries.delete(invite);
    const left = invitesByIssuer.get(issuer)! - 1;
    if (left === 0) invitesByIssuer.delete(issuer);
    else invitesByIssuer.set(issuer, left);
  }

  function forgetEnded(at: number): void {
    for (const [invite, entry] of entries) if (entry.expiresAt + REMEMBER_MS <= at) forget(invite, entry);
  }

  /** What is not on disk was not counted. */
  function unnote({ invite, node }: Line): void {
    const entry = entries.get(invite);
    if (entry?.nodes.delete(node) && entry.nodes.size === 0) forget(invite, entry);
  }

  const kept: string[] = [];
  for (const raw of (text.value ?? '').split('\n')) {
    const line = parseJsonThrough(lineSchema, raw, MAX_LINE_BYTES);
    if (!line.ok || line.value.expiresAt + REMEMBER_MS <= now) continue;
    note(line.value);
    kept.push(`${JSON.stringify(line.value)}\n`);
  }
  if (text.value !== null && kept.join('') !== text.value) {
    const written = await folder.write(FILE, kept.join(''));
    if (!written.ok) return written;
  }

  let writing: Promise<unknown> = Promise.resolve();
  /** A write that failed may have left a part of its line. */
  let isCutOff = false;

  async function append(line: Line): Promise<Result<void>> {
    const written = await folder.append(FILE, `${isCutOff ? '\n' : ''}${JSON.stringify(line)}\n`);
    isCutOff = !written.ok;
    if (!written.ok) unnote(line);
    return written;
  }

  return ok({
    has: (inviteId, node) => entries.get(inviteId)?.nodes.has(node) ?? false,
    async count(invite, node, at) {
      const entry = entries.get(invite.inviteId);
      if (entry?.nodes.has(node)) return ok(undefined);
      if (entry !== undefined && entry.nodes.size >= invite.uses) {
        return fail('invite_used_up', 'This invitation was used as often as it allows; ask for a new one.');
      }
      if (entry === undefined) {
        const isFull = (): boolean =>
          entries.size >= MAX_INVITES || (invitesByIssuer.get(invite.issuer) ?? 0) >= MAX_INVITES_PER_ISSUER;
        if (isFull()) forgetEnded(at);
        if (isFull()) {
          return fail('server_full', 'This server counts as many invitations as it can; try again later.');
        }
      }
      const line: Line = { invite: invite.inviteId, issuer: invite.issuer, expiresAt: invite.expiresAt, node };
      // Counted before it is written, so that two redemptions at the same moment cannot both be the last one.
      note(line);
      const appended = writing.then(() => append(line));
      writing = appended;
      return appended;
    },
  });
}
