import * as v from 'valibot';
import { encodeCanonical } from '../base/canonical';
import { createEmitter, type EventSource } from '../base/events';
import type { NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { decodeThrough } from '../wire/gate';
import { MAX_SIGNED_BYTES } from '../wire/limits';
import { signedSchema, type Signed } from '../wire/signed';
import type { Community } from './community';
import { openCertificate, samePerson, type NodeCertificate } from './identity';
import {
  MAX_CERTIFICATES,
  MAX_MEMBERSHIPS,
  membershipSchema,
  openMemberships,
  type Membership,
  type OpenedMembership,
} from './memberships';

const credentialSchema = v.strictObject({
  v: v.literal(1),
  memberships: v.pipe(v.array(membershipSchema), v.maxLength(MAX_MEMBERSHIPS)),
  certificates: v.pipe(v.array(signedSchema), v.maxLength(MAX_CERTIFICATES)),
});

/** What a node presents when a link is made: how it became a member, and whose node it is. */
export interface CredentialParts {
  /** From the founder down to this node; empty for the founder and in open communities. */
  readonly memberships: readonly Membership[];
  /** Its own node certificate, and those that tie it to the person's node that founded or was invited. */
  readonly certificates: readonly Signed[];
}

/** Canonical bytes, at most MAX_SIGNED_BYTES; more than that throws, because the limits on the parts prevent it. */
export function encodeCredential({ memberships, certificates }: CredentialParts): Uint8Array<ArrayBuffer> {
  const bytes = encodeCanonical({ v: 1, memberships, certificates });
  if (bytes.length > MAX_SIGNED_BYTES) throw new Error('A credential is larger than a signed body may be.');
  return bytes;
}

export const decodeCredential = (bytes: Uint8Array): Result<CredentialParts> =>
  decodeThrough(credentialSchema, bytes, MAX_SIGNED_BYTES);

/** How far a peer is trusted by where it comes from; what the person decided about it is added above. */
export type AdmittedAs = 'unknown' | 'member' | 'anchor';

/** Who may have a link. Structurally the predicate that the transport asks. */
export type AdmitByCommunity = (peer: NodeId, credential: Uint8Array) => Promise<Result<Admitted>>;

export interface Admitted {
  readonly trust: AdmittedAs;
  readonly identity: NodeId | null;
  /** Content id of the founder's invitation by which its whole line came in; null for the founder and in open communities. */
  readonly branch: string | null;
  /** Who invited it, and the invitation; null for the founder and in open communities. */
  readonly invitedBy: NodeId | null;
  readonly invite: string | null;
}

const BY_NOBODY = { branch: null, invitedBy: null, invite: null } as const;

export interface AdmitDeps {
  readonly manifest: Community;
  readonly verify: Verify;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Asked for the node and for the identity that certifies it: who blocks a person blocks all their nodes. */
  readonly isBlocked: (id: NodeId) => boolean;
  readonly tally: Tally;
}

/**
 * Open community: every authenticated node is a member. Closed: the founder is the anchor, a node with a valid chain of
 * invitations is a member, everyone else is refused. A redemption past the invite's uses lets in as unknown only.
 * Refusals: `blocked`, `not_a_member`, `invite_expired`, `bad_credential`.
 */
export function createAdmit({ manifest, verify, now, isBlocked, tally }: AdmitDeps): AdmitByCommunity {
  return async (peer, credential) => {
    const blocked = () => fail('blocked', 'You blocked this node.', 'This node does not want a link.');
    if (isBlocked(peer)) return blocked();
    const decoded = decodeCredential(credential);
    if (!decoded.ok) return fail('bad_credential', `The peer's credential was refused: ${decoded.error.message}`);
    const certificates: NodeCertificate[] = [];
    for (const signed of decoded.value.certificates) {
      const opened = await openCertificate(signed, verify);
      if (!opened.ok) return fail('bad_credential', `The peer's credential was refused: ${opened.error.message}`);
      certificates.push(opened.value);
    }
    const identity = certificates.find(({ node }) => node === peer)?.identity ?? null;
    if (certificates.some((certificate) => certificate.node === peer && isBlocked(certificate.identity)))
      return blocked();
    if (manifest.open) return ok({ trust: 'member', identity, ...BY_NOBODY });

    const { memberships } = decoded.value;
    if (memberships.length === 0) {
      if (samePerson(peer, manifest.founder, certificates)) return ok({ trust: 'anchor', identity, ...BY_NOBODY });
      return notAMember();
    }
    const chain = await openMemberships(manifest, memberships, certificates, verify, now());
    if (!chain.ok) {
      if (chain.error.code === 'invite_expired') {
        return fail(
          'invite_expired',
          'The peer took its invitation up after it had expired.',
          'Your invitation had expired.',
        );
      }
      return notAMember();
    }
    if (!samePerson(peer, chain.value.at(-1)!.node, certificates)) return notAMember();
    tally.record(peer, chain.value);
    const [first, last] = [chain.value[0]!, chain.value.at(-1)!];
    return ok({
      trust: tally.demoted(peer) ? 'unknown' : 'member',
      identity,
      branch: first.inviteId,
      invitedBy: last.issuer,
      invite: last.inviteId,
    });
  };
}

const notAMember = () =>
  fail('not_a_member', 'The peer is not a member of this community.', 'You are not a member of this community.');

/** One redemption as the tally keeps it. */
export interface SeenRedemption {
  readonly inviteId: string;
  readonly uses: number;
  readonly node: NodeId;
  readonly at: number;
}

/**
 * Counts redemptions. An invite that is taken up more often than it allows cannot be prevented where nobody rules; it
 * is noticed by whoever saw both, and the surplus is demoted: the later ones by their own word, then by node id, so
 * that everyone who saw the same redemptions demotes the same nodes. A node whose inviter is surplus is surplus too.
 */
export interface Tally {
  /** `chain` as `openMemberships` gave it for this peer. Recording the same again changes nothing. */
  record(peer: NodeId, chain: readonly OpenedMembership[]): void;
  /** Judged anew with everything that was seen until now. */
  demoted(peer: NodeId): boolean;
  /** Emits peers whose standing changed because another redemption appeared. */
  readonly changed: EventSource<{ readonly peer: NodeId; readonly demoted: boolean }>;
  /** What to keep so that a reload does not forget; give it to `createTally`. */
  seen(): readonly SeenRedemption[];
}

/** Peers and invites remembered at most; the ones unheard of for longest go first. 20,000 records are some 5 MB. */
const MAX_TALLIED = 20_000;
/** Members of a community are counted like the uses of one large invite under this name. */
const EVERYONE = 'members';

export function createTally(limits: { readonly maxMembers: number }, seen: readonly SeenRedemption[] = []): Tally {
  /** Per invite the earliest redemptions, never more than its uses: later ones cannot come back in, so none is lost. */
  const earliestByInvite = new Map<string, SeenRedemption[]>();
  const chainByPeer = new Map<NodeId, readonly SeenRedemption[]>();
  const standingByPeer = new Map<NodeId, boolean>();
  const changed = createEmitter<{ readonly peer: NodeId; readonly demoted: boolean }>();

  const forgetPeer = (peer: NodeId): void => {
    chainByPeer.delete(peer);
    standingByPeer.delete(peer);
  };

  /** True when somebody else was pushed out. */
  const count = (entry: SeenRedemption): boolean => {
    const earliest = earliestByInvite.get(entry.inviteId) ?? [];
    earliestByInvite.delete(entry.inviteId);
    earliestByInvite.set(entry.inviteId, earliest);
    if (earliestByInvite.size > MAX_TALLIED) earliestByInvite.delete(earliestByInvite.keys().next().value!);
    const known = earliest.findIndex(({ node }) => node === entry.node);
    if (known >= 0) {
      // The same node may redeem again with another time; its earliest word counts.
      if (isEarlier(entry, earliest[known]!)) earliest[known] = entry;
      earliest.sort(byTimeThenNode);
      return false;
    }
    earliest.push(entry);
    earliest.sort(byTimeThenNode);
    return earliest.splice(entry.uses).some(({ node }) => node !== entry.node);
  };

  /** An invite that was forgotten convicts nobody. */
  const isSurplus = ({ inviteId, node }: SeenRedemption): boolean =>
    earliestByInvite.get(inviteId)?.every((entry) => entry.node !== node) ?? false;
  const demoted = (peer: NodeId): boolean => (chainByPeer.get(peer) ?? []).some(isSurplus);

  for (const entry of seen) count(entry);

  return {
    record(peer, chain) {
      const entries = chain.map(({ inviteId, uses, node, at }) => ({ inviteId, uses, node, at }));
      const last = entries.at(-1);
      if (last !== undefined) entries.push({ ...last, inviteId: EVERYONE, uses: limits.maxMembers });
      chainByPeer.delete(peer);
      chainByPeer.set(peer, entries);
      if (chainByPeer.size > MAX_TALLIED) forgetPeer(chainByPeer.keys().next().value!);
      const pushedOut = entries.map(count).some(Boolean);
      standingByPeer.set(peer, demoted(peer));
      if (!pushedOut) return;
      for (const [known, before] of standingByPeer) {
        const after = demoted(known);
        if (after === before) continue;
        standingByPeer.set(known, after);
        changed.emit({ peer: known, demoted: after });
      }
    },
    demoted,
    changed,
    seen: () => [...earliestByInvite.values()].flat(),
  };
}

const byTimeThenNode = (a: SeenRedemption, b: SeenRedemption): number =>
  a.at - b.at || (a.node < b.node ? -1 : a.node > b.node ? 1 : 0);

const isEarlier = (a: SeenRedemption, b: SeenRedemption): boolean => byTimeThenNode(a, b) < 0;
