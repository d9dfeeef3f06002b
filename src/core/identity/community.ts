import * as v from 'valibot';
import { base64, fromBase64 } from '../base/bytes';
import { nodeIdSchema, SIGNATURE_BYTES, type NodeId } from '../base/ids';
import type { Signer, Verify } from '../base/ports';
import { fail, ok, unwrap, type Result } from '../base/result';
import { checkAgainst } from '../wire/gate';
import { MAX_SIGNED_BYTES } from '../wire/limits';
import { idOfSigned, openSigned, sign, type Signed } from '../wire/signed';
import { economyPolicySchema, type EconomyPolicy } from './economy-policy';

export const COMMUNITY_NAME_MAX = 60;

/**
 * Control characters, line separators, and the marks that turn the direction of text: with them a name could look like
 * another one, or like a part of the page.
 */
const UNSHOWABLE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

export const communityNameSchema = v.pipe(
  v.string(),
  v.minLength(1, 'a community needs a name'),
  v.check((name) => [...name].length <= COMMUNITY_NAME_MAX, `a name has at most ${COMMUNITY_NAME_MAX} characters`),
  v.check((name) => name.trim() === name, 'a name has no spaces around it'),
  v.check((name) => !UNSHOWABLE.test(name), 'a name has no control characters'),
);

/** Milliseconds since the Unix epoch, within what a Date can hold. */
export const instantSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8_640_000_000_000_000));

const countSchema = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));

/** The most that any manifest may allow; what a founder chooses lies below. */
const CEILING = {
  maxMembers: 100_000,
  maxInviteUses: 1_000,
  maxInviteDays: 366,
} as const;

export const DEFAULT_COMMUNITY_LIMITS = {
  maxMembers: 1_000,
  maxInviteUses: 100,
  maxInviteDays: 30,
} as const;

/** A community's name, policy and limits, as its founder signs them. Its content id is the community's id. */
export const communityManifestSchema = v.strictObject({
  type: v.literal('community'),
  v: v.literal(1),
  name: communityNameSchema,
  /** True: whoever has the manifest is a member. False: only who was invited. */
  open: v.boolean(),
  founder: nodeIdSchema,
  createdAt: instantSchema,
  policy: v.strictObject({
    /** Who may invite: every member, or the founder alone. */
    invite: v.picklist(['members', 'founder']),
  }),
  limits: v.strictObject({
    /** Members past this number, later ones first, are let in as unknown only. Counts in closed communities. */
    maxMembers: countSchema(CEILING.maxMembers),
    maxInviteUses: countSchema(CEILING.maxInviteUses),
    maxInviteDays: countSchema(CEILING.maxInviteDays),
  }),
  /** Absent: members do not pay each other. */
  economy: v.optional(economyPolicySchema),
});

/** What a founder signed: the same bytes, and so the same id, for every member. */
export type CommunityManifest = v.InferOutput<typeof communityManifestSchema>;

/** An opened manifest. `id` is the content id of its payload; it is also the room at the signaling server. */
export type Community = CommunityManifest & { readonly id: string };

export interface ManifestDraft {
  readonly name: string;
  readonly open: boolean;
  readonly createdAt: number;
  readonly policy?: CommunityManifest['policy'];
  readonly limits?: Partial<CommunityManifest['limits']>;
  readonly economy?: EconomyPolicy;
}

/** A name as a person typed it, trimmed; fails with `bad_community_name` and what is wrong with it. */
export function communityName(text: string): Result<string> {
  const name = text.trim().normalize('NFC');
  const parsed = v.safeParse(communityNameSchema, name, { abortEarly: true, abortPipeEarly: true });
  if (parsed.success) return ok(name);
  if (name === '') return fail('bad_community_name', 'A community needs a name.');
  if ([...name].length > COMMUNITY_NAME_MAX) {
    return fail('bad_community_name', `A community's name has at most ${COMMUNITY_NAME_MAX} characters.`);
  }
  return fail('bad_community_name', "A community's name cannot hold control characters or line breaks.");
}

/**
 * The signer becomes the founder. A person's wish goes through `communityName` first: a draft that the schema refuses is
 * our own bug here and throws.
 */
export async function createManifest(signer: Signer, draft: ManifestDraft): Promise<Signed> {
  const body: CommunityManifest = {
    type: 'community',
    v: 1,
    name: unwrap(communityName(draft.name)),
    open: draft.open,
    founder: signer.nodeId,
    createdAt: draft.createdAt,
    policy: draft.policy ?? { invite: 'members' },
    limits: { ...DEFAULT_COMMUNITY_LIMITS, ...draft.limits },
    ...(draft.economy === undefined ? {} : { economy: draft.economy }),
  };
  return sign(signer, unwrap(checkAgainst(communityManifestSchema, body)));
}

/** A manifest from outside: through the gate, signed by its founder and by nobody else. Codes of the gate and of `openSigned`. */
export async function openManifest(signed: Signed, verify: Verify): Promise<Result<Community>> {
  const opened = await openSigned(communityManifestSchema, signed, verify);
  if (!opened.ok) return opened;
  const founder = soleSigner(signed);
  if (founder !== opened.value.founder) return fail('signer_missing', 'The community is not signed by its founder.');
  return ok({ ...opened.value, id: idOfSigned(signed) });
}

/** Policy and limits in words, ready to show. */
export function communityFacts({ open, policy, limits }: CommunityManifest): readonly {
  readonly label: string;
  readonly value: string;
}[] {
  const count = (value: number, one: string, more: string): string => `${value} ${value === 1 ? one : more}`;
  const facts = [
    { label: 'Who belongs', value: open ? 'Everyone who opens the page' : 'Whoever is invited' },
    { label: 'Who invites', value: open || policy.invite === 'members' ? 'Every member' : 'The founder' },
    { label: 'An invitation lasts at most', value: count(limits.maxInviteDays, 'day', 'days') },
    { label: 'An invitation is good for at most', value: count(limits.maxInviteUses, 'person', 'people') },
  ];
  // An open community has no list to count.
  return open ? facts : [...facts, { label: 'Members at most', value: String(limits.maxMembers) }];
}

/** The one key that signed, or null when several did: what we issue has exactly one signature, so ids stay unique. */
export const soleSigner = (signed: Signed): NodeId | null =>
  signed.signatures.length === 1 ? signed.signatures[0]!.keyId : null;

/** A signed body as JSON carries it: bytes in base64 (RFC 4648 section 4). */
export interface SignedJson {
  readonly payload: string;
  readonly signatures: readonly { readonly keyId: NodeId; readonly signature: string }[];
}

export const manifestToJson = (signed: Signed) => ({
  payload: base64(signed.payload),
  signatures: signed.signatures.map(({ keyId, signature }) => ({ keyId, signature: base64(signature) })),
});

/** Checks the form only; `openManifest` checks what it says. */
export function manifestFromJson(json: SignedJson): Result<Signed> {
  const malformed = () => fail('malformed', "The community's manifest is malformed.");
  if (json.payload.length > (MAX_SIGNED_BYTES * 4) / 3 + 4 || json.signatures.length !== 1) return malformed();
  const payload = fromBase64(json.payload);
  const { keyId, signature: text } = json.signatures[0]!;
  const signature = text.length <= SIGNATURE_BYTES * 2 ? fromBase64(text) : null;
  if (payload === null || signature?.length !== SIGNATURE_BYTES) return malformed();
  return ok({ payload, signatures: [{ keyId, signature }] });
}
