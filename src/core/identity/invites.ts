import { base64url, fromBase64url } from '../base/bytes';
import { encodeCanonical } from '../base/canonical';
import type { NodeId } from '../base/ids';
import type { Chance, Signer, Verify } from '../base/ports';
import { fail, ok, type Failure, type Result } from '../base/result';
import { decodeThrough } from '../wire/gate';
import { idOfSigned, sign, type Signed } from '../wire/signed';
import { openManifest, type Community } from './community';
import { openCertificate, samePerson, type NodeCertificate } from './identity';
import {
  INVITE_SEED_BYTES,
  MAX_PACKED_INVITE_BYTES,
  packInvite,
  unpackInvite,
  type InviteParts,
} from './invite-packing';
import {
  INVITE_NONCE_BYTES,
  inviteKeepsLimits,
  MAX_ISSUER_CHAIN,
  membershipSchema,
  openInvite,
  openMembership,
  openMemberships,
  type InviteToken,
  type Membership,
  type OpenedMembership,
  type RedemptionBody,
} from './memberships';
import type { SeedSigner } from './ports';

const DAY_MS = 24 * 60 * 60 * 1000;
export const DEFAULT_INVITE_DAYS = 7;
export const DEFAULT_INVITE_USES = 25;
/** The longest fragment: a packed invite in base64url. */
export const MAX_FRAGMENT_CHARS = Math.ceil((MAX_PACKED_INVITE_BYTES * 4) / 3);
/** One invite and one redemption need about 1 KB. */
export const MAX_REDEMPTION_BYTES = 4 * 1024;

/** An invitation with everything a newcomer needs, checked. `seed` is the secret: whoever holds it can take a use. */
export interface InviteLinkData extends InviteParts {
  readonly community: Community;
  readonly inviteId: string;
  readonly token: InviteToken;
}

export interface CreateInviteDeps {
  readonly signer: Signer;
  readonly seedSigner: SeedSigner;
  readonly chance: Chance;
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface InviteWish {
  readonly community: Community;
  readonly manifest: Signed;
  /** The issuer's own memberships from the founder down; empty for the founder and in open communities. */
  readonly chain: readonly Membership[];
  /** What ties the issuer to the founder or the chain when they are other nodes of the same person. */
  readonly certificates?: readonly Signed[];
  readonly days?: number;
  readonly uses?: number;
}

/** Codes: `bad_invite_days`, `bad_invite_uses`, `may_not_invite`. */
export async function createInvite(deps: CreateInviteDeps, wish: InviteWish): Promise<Result<InviteLinkData>> {
  const { community, manifest } = wish;
  const { limits, policy, founder, open } = community;
  const days = wish.days ?? Math.min(DEFAULT_INVITE_DAYS, limits.maxInviteDays);
  const uses = wish.uses ?? Math.min(DEFAULT_INVITE_USES, limits.maxInviteUses);
  if (!(days > 0 && days <= limits.maxInviteDays)) {
    return fail('bad_invite_days', `In this community an invitation lasts at most ${limits.maxInviteDays} days.`);
  }
  if (!(Number.isInteger(uses) && uses >= 1 && uses <= limits.maxInviteUses)) {
    return fail('bad_invite_uses', `In this community an invitation has between 1 and ${limits.maxInviteUses} uses.`);
  }
  const chain = open ? [] : wish.chain;
  const certificates = open ? [] : (wish.certificates ?? []);
  if (!open && policy.invite === 'founder' && chain.length > 0) {
    return fail('may_not_invite', 'In this community only the founder invites.');
  }
  if (!open && chain.length === 0 && founder !== deps.signer.nodeId && certificates.length === 0) {
    return fail('may_not_invite', 'Only members of this community can invite to it.');
  }
  if (chain.length > MAX_ISSUER_CHAIN) {
    return fail('may_not_invite', 'You are too many invitations away from the founder; ask someone nearer to invite.');
  }
  const seed = deps.chance.bytes(INVITE_SEED_BYTES);
  const token: InviteToken = {
    type: 'invite',
    v: 1,
    community: community.id,
    issuer: deps.signer.nodeId,
    inviteKey: deps.seedSigner(seed).nodeId,
    scope: 'member',
    issuedAt: deps.now,
    expiresAt: deps.now + Math.round(days * DAY_MS),
    uses,
    nonce: deps.chance.bytes(INVITE_NONCE_BYTES),
  };
  const invite = await sign(deps.signer, token);
  return ok({ community, manifest, chain, certificates, invite, inviteId: idOfSigned(invite), token, seed });
}

export const encodeInviteFragment = (link: InviteParts): string => base64url(packInvite(link));

/** The secret stands behind the `#`, which no browser sends to a server. */
export const inviteUrl = (origin: string, fragment: string): string => `${origin}/join#i=${fragment}`;

/** The fragment inside a whole link, or the text itself when it is one. Fails with `bad_invite`. */
export function inviteFragmentOf(link: string): Result<string> {
  const text = link.trim();
  const marked = /[#&]i=([A-Za-z0-9_-]+)/.exec(text);
  const fragment = marked?.[1] ?? (/^[A-Za-z0-9_-]+$/.test(text) ? text : null);
  if (fragment === null) return fail('bad_invite', 'This is not an invite link: the part after # is missing.');
  return ok(fragment);
}

/**
 * An invitation out of a link: size, gate, every signature, the whole chain, policy, limits, expiry. Each failure is one
 * sentence for the person. Codes: `bad_invite`, `invite_expired`, `unknown_version`.
 */
export async function decodeInviteFragment(text: string, verify: Verify, now: number): Promise<Result<InviteLinkData>> {
  if (text.length > MAX_FRAGMENT_CHARS) return fail('bad_invite', 'This is not an invite link: it is too long.');
  const bytes = fromBase64url(text);
  if (bytes === null || bytes.length === 0) return damaged();
  const parts = unpackInvite(bytes);
  if (!parts.ok) return spoken(parts.error);
  const community = await openManifest(parts.value.manifest, verify);
  if (!community.ok) return spoken(community.error);
  const invite = await openInvite(parts.value.invite, verify);
  if (!invite.ok) return spoken(invite.error);
  const { id: inviteId, ...token } = invite.value;
  if (token.community !== community.value.id || !inviteKeepsLimits(token, community.value)) return damaged();
  if (!community.value.open) {
    const lineage = await issuerMayInvite(parts.value, community.value, token.issuer, verify, now);
    if (!lineage.ok) return lineage;
  }
  if (token.expiresAt < now) return fail('invite_expired', 'This invitation has expired. Ask for a new one.');
  return ok({ ...parts.value, community: community.value, inviteId, token });
}

/** What taking an invitation up leaves: the proof of membership, and what the signaling server is shown. */
export interface TakenInvitation {
  /** From the founder down to this node, ready for the credential; empty in an open community. */
  readonly memberships: readonly Membership[];
  readonly certificates: readonly Signed[];
  /** For `openRedemption`: canonical bytes of this one membership. */
  readonly redemption: Uint8Array<ArrayBuffer>;
}

/** Takes one use of the invitation for `node`. Codes: `invite_expired`, `bad_invite` (the secret is not this invite's). */
export async function redeemInvite(
  link: InviteLinkData,
  node: NodeId,
  seedSigner: SeedSigner,
  now: number,
): Promise<Result<TakenInvitation>> {
  if (link.token.expiresAt < now) return fail('invite_expired', 'This invitation has expired. Ask for a new one.');
  const secret = seedSigner(link.seed);
  if (secret.nodeId !== link.token.inviteKey) return damaged();
  const body: RedemptionBody = {
    type: 'redemption',
    v: 1,
    invite: link.inviteId,
    community: link.community.id,
    node,
    at: now,
  };
  const membership: Membership = { invite: link.invite, redemption: await sign(secret, body) };
  return ok({
    memberships: link.community.open ? [] : [...link.chain, membership],
    certificates: link.certificates,
    redemption: encodeRedemption(membership),
  });
}

export const encodeRedemption = ({ invite, redemption }: Membership): Uint8Array<ArrayBuffer> =>
  encodeCanonical({ invite, redemption });

/**
 * What a node shows the signaling server before it joins a closed room: canonical bytes of `{invite, redemption}`. It
 * proves that the node holds the invite's secret; whether the issuer may invite only members can judge, so this is a
 * ticket to count, never trust. `at` is the redeemer's word: refuse a node that is first seen after `expiresAt` by the
 * server's own clock. Codes of the gate, of `openSigned` and of `openMembership`.
 */
export async function openRedemption(
  bytes: Uint8Array,
  verify: Verify,
  now: number,
): Promise<Result<OpenedMembership>> {
  const decoded = decodeThrough(membershipSchema, bytes, MAX_REDEMPTION_BYTES);
  if (!decoded.ok) return decoded;
  return openMembership(decoded.value, verify, now);
}

async function issuerMayInvite(
  parts: InviteParts,
  community: Community,
  issuer: NodeId,
  verify: Verify,
  now: number,
): Promise<Result<void>> {
  const certificates: NodeCertificate[] = [];
  for (const signed of parts.certificates) {
    const opened = await openCertificate(signed, verify);
    if (!opened.ok) return spoken(opened.error);
    certificates.push(opened.value);
  }
  const chain = await openMemberships(community, parts.chain, certificates, verify, now);
  if (!chain.ok) return spoken(chain.error);
  const member = chain.value.at(-1)?.node ?? community.founder;
  const policyBroken = community.policy.invite === 'founder' && chain.value.length > 0;
  if (policyBroken || !samePerson(issuer, member, certificates)) {
    return fail('bad_invite', 'This invitation does not come from a member of the community.');
  }
  return ok(undefined);
}

const damaged = () =>
  fail('bad_invite', 'This invite link is damaged or incomplete. Copy the whole link, or ask for a new one.');

/** The gate's findings, in a sentence for the person who opened the link. */
function spoken(error: Failure): { readonly ok: false; readonly error: Failure } {
  switch (error.code) {
    case 'unknown_version':
      return fail(
        'unknown_version',
        'This invite link comes from a newer version of Tabmesh. Update, then open it again.',
      );
    case 'bad_signature':
    case 'signer_missing':
    case 'bad_certificate':
    case 'bad_membership':
    case 'broken_chain':
      return fail('bad_invite', 'This invitation was not signed by the people that it names. Ask for a new one.');
    default:
      return damaged();
  }
}
