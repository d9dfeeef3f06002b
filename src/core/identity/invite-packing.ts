import * as v from 'valibot';
import { encodeCanonical } from '../base/canonical';
import { fromHex } from '../base/bytes';
import { nodeIdOf, PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type NodeId } from '../base/ids';
import { ok, type Result } from '../base/result';
import { decodeCanonical } from '../base/canonical';
import { bytesSchema, decodeThrough } from '../wire/gate';
import { idOfSigned, type Signed } from '../wire/signed';
import type { CommunityManifest } from './community';
import type { EconomyPolicy } from './economy-policy';
import type { NodeCertificate } from './identity';
import {
  INVITE_NONCE_BYTES,
  MAX_CERTIFICATES,
  MAX_ISSUER_CHAIN,
  type InviteToken,
  type Membership,
  type RedemptionBody,
} from './memberships';

/**
 * The short form of an invitation. Every signed body has exactly one canonical form, so the link carries only the
 * values of its fields (keys as 32 bytes, no field names, nothing twice) and the reader rebuilds the exact bytes that
 * were signed. A founder's link is some 450 characters, which a QR code holds with room to spare; the deepest some
 * 2,000. The signatures decide whether what was rebuilt is what was signed.
 */
export interface InviteParts {
  readonly manifest: Signed;
  /** Memberships from the founder down to the issuer; empty for the founder and in open communities. */
  readonly chain: readonly Membership[];
  readonly certificates: readonly Signed[];
  readonly invite: Signed;
  /** The link's secret: the seed of the invite's own key. */
  readonly seed: Uint8Array<ArrayBuffer>;
}

export const INVITE_SEED_BYTES = 32;
/** The deepest chain with all its certificates packs to 4.2 KB. */
export const MAX_PACKED_INVITE_BYTES = 6 * 1024;

const exactly = (count: number) =>
  v.pipe(
    bytesSchema(count),
    v.check((bytes) => bytes.length === count, `not ${count} bytes`),
  );
const key = exactly(PUBLIC_KEY_BYTES);
const signature = exactly(SIGNATURE_BYTES);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const manifestTuple = v.strictTuple([
  v.pipe(v.string(), v.maxLength(240)),
  v.boolean(),
  key,
  count,
  v.picklist(['members', 'founder']),
  count,
  count,
  count,
  signature,
]);
/** A policy without its field names, and with keys as bytes; the manifest's own schema judges what it says. */
const economyTuple = v.strictTuple([
  count,
  count,
  count,
  count,
  count,
  v.array(v.strictTuple([count, count])),
  v.array(key),
  v.array(key),
  v.boolean(),
]);
const inviteTuple = v.strictTuple([key, key, count, count, count, exactly(INVITE_NONCE_BYTES), signature]);
const membershipTuple = v.strictTuple([inviteTuple, key, count, signature]);
const certificateTuple = v.strictTuple([key, key, count, signature, signature]);

const packedSchema = v.strictObject({
  v: v.literal(1),
  /** Absent where members do not pay each other. */
  e: v.optional(economyTuple),
  c: v.pipe(v.array(membershipTuple), v.maxLength(MAX_ISSUER_CHAIN)),
  i: inviteTuple,
  m: manifestTuple,
  p: v.pipe(v.array(certificateTuple), v.maxLength(MAX_CERTIFICATES)),
  s: exactly(INVITE_SEED_BYTES),
});

type InviteTuple = v.InferOutput<typeof inviteTuple>;

/** Our own statements only: a body that does not decode is a bug of ours and throws. */
export function packInvite(parts: InviteParts): Uint8Array<ArrayBuffer> {
  const m = bodyOf<CommunityManifest>(parts.manifest);
  return encodeCanonical({
    v: 1,
    m: [
      m.name,
      m.open,
      bytesOf(m.founder),
      m.createdAt,
      m.policy.invite,
      m.limits.maxMembers,
      m.limits.maxInviteUses,
      m.limits.maxInviteDays,
      signatureOf(parts.manifest, m.founder),
    ],
    ...(m.economy === undefined ? {} : { e: packEconomy(m.economy) }),
    c: parts.chain.map(({ invite, redemption }) => {
      const body = bodyOf<RedemptionBody>(redemption);
      return [packToken(invite), bytesOf(body.node), body.at, redemption.signatures[0]!.signature];
    }),
    p: parts.certificates.map((signed) => {
      const c = bodyOf<NodeCertificate>(signed);
      return [
        bytesOf(c.identity),
        bytesOf(c.node),
        c.issuedAt,
        signatureOf(signed, c.identity),
        signatureOf(signed, c.node),
      ];
    }),
    i: packToken(parts.invite),
    s: parts.seed,
  });
}

/** Codes of the gate. What comes out has the right form; its signatures are still to be checked. */
export function unpackInvite(bytes: Uint8Array): Result<InviteParts> {
  const packed = decodeThrough(packedSchema, bytes, MAX_PACKED_INVITE_BYTES);
  if (!packed.ok) return packed;
  const { m, e, c, p, i, s } = packed.value;
  const [name, open, founderKey, createdAt, invite, maxMembers, maxInviteUses, maxInviteDays, mark] = m;
  const founder = nodeIdOf(founderKey);
  const manifestBody: CommunityManifest = {
    type: 'community',
    v: 1,
    name,
    open,
    founder,
    createdAt,
    policy: { invite },
    limits: { maxMembers, maxInviteUses, maxInviteDays },
    ...(e === undefined ? {} : { economy: unpackEconomy(e) }),
  };
  const manifest = rebuild(manifestBody, [founder, mark]);
  const community = idOfSigned(manifest);
  return ok({
    manifest,
    chain: c.map(([token, nodeKey, at, redemptionMark]) => {
      const signed = unpackToken(token, community);
      const node = nodeIdOf(nodeKey);
      const body: RedemptionBody = { type: 'redemption', v: 1, invite: idOfSigned(signed), community, node, at };
      return { invite: signed, redemption: rebuild(body, [nodeIdOf(token[1]), redemptionMark]) };
    }),
    certificates: p.map(([identityKey, nodeKey, issuedAt, identityMark, nodeMark]) => {
      const identity = nodeIdOf(identityKey);
      const node = nodeIdOf(nodeKey);
      const body: NodeCertificate = { type: 'node-certificate', v: 1, identity, node, issuedAt };
      return rebuild(body, [identity, identityMark], [node, nodeMark]);
    }),
    invite: unpackToken(i, community),
    seed: s,
  });
}

type EconomyTuple = v.InferOutput<typeof economyTuple>;

const packEconomy = (economy: EconomyPolicy): EconomyTuple => [
  economy.founderLimitMicros,
  economy.newcomerLimitMicros,
  economy.validatorShareMilli,
  economy.provisionalCapMicros,
  economy.freeSharePercent,
  economy.windows.map(({ upToMicros, seconds }) => [upToMicros, seconds]),
  economy.witnesses.map(bytesOf),
  economy.curators.map(bytesOf),
  economy.mint,
];

const unpackEconomy = ([
  founderLimitMicros,
  newcomerLimitMicros,
  validatorShareMilli,
  provisionalCapMicros,
  freeSharePercent,
  windows,
  witnesses,
  curators,
  mint,
]: EconomyTuple): EconomyPolicy => ({
  currency: 'AEM_CREDIT',
  founderLimitMicros,
  newcomerLimitMicros,
  validatorShareMilli,
  provisionalCapMicros,
  freeSharePercent,
  windows: windows.map(([upToMicros, seconds]) => ({ upToMicros, seconds })),
  witnesses: witnesses.map(nodeIdOf),
  curators: curators.map(nodeIdOf),
  mint,
});

function packToken(signed: Signed): InviteTuple {
  const token = bodyOf<InviteToken>(signed);
  const { issuer, inviteKey, issuedAt, expiresAt, uses, nonce } = token;
  return [bytesOf(issuer), bytesOf(inviteKey), issuedAt, expiresAt, uses, nonce, signatureOf(signed, issuer)];
}

function unpackToken(
  [issuerKey, inviteKey, issuedAt, expiresAt, uses, nonce, mark]: InviteTuple,
  community: string,
): Signed {
  const issuer = nodeIdOf(issuerKey);
  const body: InviteToken = {
    type: 'invite',
    v: 1,
    community,
    issuer,
    inviteKey: nodeIdOf(inviteKey),
    scope: 'member',
    issuedAt,
    expiresAt,
    uses,
    nonce,
  };
  return rebuild(body, [issuer, mark]);
}

const rebuild = (body: object, ...marks: readonly (readonly [NodeId, Uint8Array<ArrayBuffer>])[]): Signed => ({
  payload: encodeCanonical(body),
  signatures: marks.map(([keyId, mark]) => ({ keyId, signature: mark })),
});

function bodyOf<T>(signed: Signed): T {
  const decoded = decodeCanonical(signed.payload);
  if (!decoded.ok) throw new Error(`Packing an undecodable statement: ${decoded.error.code}.`);
  return decoded.value as T;
}

const bytesOf = (nodeId: NodeId): Uint8Array<ArrayBuffer> => fromHex(nodeId)!;

const signatureOf = (signed: Signed, keyId: NodeId): Uint8Array<ArrayBuffer> =>
  signed.signatures.find((entry) => entry.keyId === keyId)!.signature;
