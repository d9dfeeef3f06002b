import * as v from 'valibot';
import { cidSchema, nodeIdSchema, type NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { bytesSchema } from '../wire/gate';
import { idOfSigned, openSigned, signedSchema, type Signed } from '../wire/signed';
import { instantSchema, soleSigner, type Community } from './community';
import { samePerson, type NodeCertificate } from './identity';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Clocks of honest devices differ; a date may lie this far ahead before it is refused. */
export const CLOCK_SKEW_MS = 10 * 60 * 1000;
/** How many memberships may stand between the founder and someone who invites: what each newcomer must carry and verify. */
export const MAX_ISSUER_CHAIN = 4;
export const MAX_MEMBERSHIPS = MAX_ISSUER_CHAIN + 1;
/** Certificates that carry a membership over to a person's other nodes: two per step of a chain would be ten. */
export const MAX_CERTIFICATES = 10;
export const INVITE_NONCE_BYTES = 16;

/** A permission to join a community, signed by the node that invites. Its link carries the secret half of `inviteKey`. */
export const inviteSchema = v.strictObject({
  type: v.literal('invite'),
  v: v.literal(1),
  community: cidSchema,
  /** Who invites; the token is signed by this node. */
  issuer: nodeIdSchema,
  /** The public half of the link's secret; redemptions are signed by it. */
  inviteKey: nodeIdSchema,
  scope: v.literal('member'),
  issuedAt: instantSchema,
  expiresAt: instantSchema,
  uses: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)),
  nonce: v.pipe(bytesSchema(INVITE_NONCE_BYTES), v.length(INVITE_NONCE_BYTES, 'not a nonce')),
});

/** Who has the link's secret says: this node takes the invitation up. `at` is the redeemer's own word. */
export const redemptionSchema = v.strictObject({
  type: v.literal('redemption'),
  v: v.literal(1),
  invite: cidSchema,
  community: cidSchema,
  node: nodeIdSchema,
  at: instantSchema,
});

export const membershipSchema = v.strictObject({ invite: signedSchema, redemption: signedSchema });

export type InviteToken = v.InferOutput<typeof inviteSchema>;
export type RedemptionBody = v.InferOutput<typeof redemptionSchema>;
export interface Membership {
  readonly invite: Signed;
  readonly redemption: Signed;
}

/** What one membership says, once its signatures are checked. */
export interface OpenedMembership {
  readonly inviteId: string;
  readonly community: string;
  readonly issuer: NodeId;
  readonly node: NodeId;
  readonly uses: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly at: number;
}

/** The token of an invite, signed by its issuer and by nobody else. */
export async function openInvite(
  signed: Signed,
  verify: Verify,
): Promise<Result<InviteToken & { readonly id: string }>> {
  const opened = await openSigned(inviteSchema, signed, verify);
  if (!opened.ok) return opened;
  if (soleSigner(signed) !== opened.value.issuer) {
    return fail('signer_missing', 'The invitation is not signed by the node that it names.');
  }
  return ok({ ...opened.value, id: idOfSigned(signed) });
}

/**
 * One membership by itself: both signatures, that the redemption belongs to the invite, and that it was taken up in
 * time. Codes of the gate and of `openSigned`, `bad_membership`, `invite_expired`, `invite_not_yet` (a date in the future).
 */
export async function openMembership(
  membership: Membership,
  verify: Verify,
  now: number,
): Promise<Result<OpenedMembership>> {
  const invite = await openInvite(membership.invite, verify);
  if (!invite.ok) return invite;
  const redemption = await openSigned(redemptionSchema, membership.redemption, verify);
  if (!redemption.ok) return redemption;
  const { id, community, issuer, inviteKey, uses, issuedAt, expiresAt } = invite.value;
  const { node, at } = redemption.value;
  if (
    soleSigner(membership.redemption) !== inviteKey ||
    redemption.value.invite !== id ||
    redemption.value.community !== community
  ) {
    return fail('bad_membership', 'A membership does not belong to its invitation.');
  }
  if (at > expiresAt) return fail('invite_expired', 'The invitation had expired when it was taken up.');
  if (at > now + CLOCK_SKEW_MS || at + CLOCK_SKEW_MS < issuedAt) {
    return fail('invite_not_yet', 'The invitation was taken up at a time that cannot be; a clock may be wrong.');
  }
  return ok({ inviteId: id, community, issuer, node, uses, issuedAt, expiresAt, at });
}

/** Whether a token keeps the limits that the founder signed. */
export function inviteKeepsLimits(
  token: { readonly uses: number; readonly issuedAt: number; readonly expiresAt: number },
  community: Community,
): boolean {
  const { maxInviteUses, maxInviteDays } = community.limits;
  return token.uses <= maxInviteUses && token.expiresAt - token.issuedAt <= maxInviteDays * DAY_MS;
}

/**
 * A chain from the founder down: each invite was issued by the node before it (or by another node of the same person),
 * within the community's policy and limits. Resolves to the memberships in order; the last one's node is the member.
 * An empty chain is the founder's own. Codes of `openMembership` and `broken_chain`.
 */
export async function openMemberships(
  community: Community,
  memberships: readonly Membership[],
  certificates: readonly NodeCertificate[],
  verify: Verify,
  now: number,
): Promise<Result<readonly OpenedMembership[]>> {
  const broken = () => fail('broken_chain', 'The invitations do not lead back to the founder of the community.');
  const longest = community.policy.invite === 'founder' ? 1 : MAX_MEMBERSHIPS;
  if (memberships.length > longest) return broken();
  const chain: OpenedMembership[] = [];
  let above = community.founder;
  for (const membership of memberships) {
    const opened = await openMembership(membership, verify, now);
    if (!opened.ok) return opened;
    if (
      opened.value.community !== community.id ||
      !inviteKeepsLimits(opened.value, community) ||
      !samePerson(opened.value.issuer, above, certificates)
    ) {
      return broken();
    }
    chain.push(opened.value);
    above = opened.value.node;
  }
  return ok(chain);
}
