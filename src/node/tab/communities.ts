import * as v from 'valibot';
import { base64 } from '#core/base/bytes';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { communityName, createManifest, openManifest, type Community } from '#core/identity/community';
import { defaultEconomyPolicy, economyPolicySchema, type EconomyPolicy } from '#core/identity/economy-policy';
import type { InviteLinkData } from '#core/identity/invites';
import { membershipSchema, redemptionSchema } from '#core/identity/memberships';
import type { KeptCommunity } from '#core/identity/backup';
import type { SeedSigner } from '#core/identity/ports';
import type { KeyValueStore } from '#core/storage/ports';
import { bytesSchema, checkAgainst, decodeThrough } from '#core/wire/gate';
import { MAX_SIGNED_BYTES } from '#core/wire/limits';
import { idOfSigned, signedSchema, type Signed } from '#core/wire/signed';
import type { InviteOptions } from '../page-api';
import type { EconomyWish, InvitationView, InviteLink } from '../tab-node';

const LIST_KEY = 'communities';
const BLOCKED_KEY = 'blocked';
const INVITATION_KEY = 'invitation';
/** Communities of one profile: more than anyone keeps track of. */
const MAX_COMMUNITIES = 64;
const MAX_BLOCKED = 10_000;

const heldSchema = v.object({
  manifest: signedSchema,
  memberships: v.array(membershipSchema),
  certificates: v.array(signedSchema),
  /** What the signaling server is shown when this node joins the room; null when nothing is needed. */
  redemption: v.nullable(bytesSchema(MAX_SIGNED_BYTES)),
});
const listSchema = v.object({
  v: v.literal(1),
  current: v.nullable(v.string()),
  /** The open community that the server offered last: a bare visit joins it, offline too. */
  offered: v.nullable(v.string()),
  /** Communities that the person left; a bare visit does not join them again by itself. */
  left: v.array(v.string()),
  held: v.pipe(v.array(heldSchema), v.maxLength(MAX_COMMUNITIES)),
});
const invitationSchema = v.object({
  v: v.literal(1),
  fragment: v.string(),
  state: v.picklist(['waiting', 'joined', 'refused']),
  reason: v.string(),
});

type HeldRecord = v.InferOutput<typeof heldSchema>;
export interface Held extends HeldRecord {
  readonly community: Community;
}

/** The nodes that the kept memberships admitted, from the founder's guests down to this person's own node. */
export function membersOf({ memberships }: Held): readonly NodeId[] {
  return memberships.flatMap(({ redemption }) => {
    const body = decodeThrough(redemptionSchema, redemption.payload, MAX_SIGNED_BYTES);
    return body.ok ? [body.value.node] : [];
  });
}

/** The founder's invitation by which this node's own line came in; null for the founder and in open communities. */
export const branchOf = ({ memberships }: Held): string | null =>
  memberships[0] === undefined ? null : idOfSigned(memberships[0].invite);

/** Most visits neither make nor take an invitation. */
const loadInvites = () => import('#core/identity/invites');

export interface CommunitiesDeps {
  readonly records: KeyValueStore;
  readonly signer: Signer;
  readonly loadSeedSigner: () => Promise<SeedSigner>;
  readonly verify: Verify;
  readonly chance: Chance;
  readonly clock: Clock;
  readonly origin: string;
  /** This person's certificates: they tie a node to the person's other nodes. */
  readonly certificates: () => readonly Signed[];
}

/** The communities of this profile: which are held, which is current, who is blocked, which invitation waits. */
export interface Communities {
  readonly all: readonly Held[];
  readonly current: Held | null;
  readonly invitation: InvitationView | null;
  /** Who founded the community that the server offers: the server's own key. Null before a server was met. */
  readonly offeredFounder: NodeId | null;
  isBlocked(node: NodeId): boolean;
  readonly blocked: ReadonlySet<NodeId>;
  setBlocked(node: NodeId, blocked: boolean): Promise<Result<void>>;
  /** The server's open community; becomes current when nothing else is, unless the person left it. */
  offer(manifest: Signed): Promise<Result<void>>;
  /** `economy` null: members do not pay each other. */
  create(name: string, economy: EconomyWish | null): Promise<Result<Held>>;
  /** Adds communities from a backup; those already held stay as they are. */
  restore(kept: readonly KeptCommunity[]): Promise<Result<void>>;
  switchTo(id: string): Promise<Result<void>>;
  leave(id: string): Promise<Result<void>>;
  invite(options: InviteOptions): Promise<Result<InviteLink>>;
  /** Keeps the invitation and takes it up; the community becomes current. */
  accept(link: string): Promise<Result<InvitationView>>;
  /** What came of joining the room with the invitation. */
  settleInvitation(state: InvitationView['state'], reason: string): Promise<void>;
  dismissInvitation(): Promise<void>;
  joinProof(held: Held): string | undefined;
}

function economyOf(
  { founderLimitMicros, newcomerLimitMicros, windowSeconds, curators }: EconomyWish,
  founder: NodeId,
): EconomyPolicy {
  const policy = defaultEconomyPolicy(founder);
  return {
    ...policy,
    founderLimitMicros: founderLimitMicros ?? policy.founderLimitMicros,
    newcomerLimitMicros: newcomerLimitMicros ?? policy.newcomerLimitMicros,
    windows:
      windowSeconds === undefined
        ? policy.windows
        : [{ upToMicros: policy.windows.at(-1)!.upToMicros, seconds: windowSeconds }],
    ...(curators === undefined ? {} : { mint: true, curators: [...new Set([founder, ...curators])] }),
  };
}

export async function openCommunities(deps: CommunitiesDeps): Promise<Result<Communities>> {
  const { records, signer, verify, chance, clock } = deps;
  let held: Held[] = [];
  let currentId: string | null = null;
  let offeredId: string | null = null;
  let left: string[] = [];
  let blocked: ReadonlySet<NodeId> = new Set();
  let invitation: { fragment: string; view: InvitationView } | null = null;

  const viewOf = (link: InviteLinkData, state: InvitationView['state'], reason: string): InvitationView => ({
    communityId: link.community.id,
    communityName: link.community.name,
    invitedBy: link.token.issuer,
    expiresAt: link.token.expiresAt,
    state,
    reason,
  });

  const stored = await records.get(LIST_KEY);
  if (!stored.ok) return stored;
  const list = checkAgainst(listSchema, stored.value);
  if (list.ok) {
    for (const record of list.value.held) {
      const community = await openManifest(record.manifest, verify);
      if (community.ok) held.push({ ...record, community: community.value });
    }
    ({ current: currentId, offered: offeredId, left } = list.value);
  }
  const storedBlocked = await records.get<unknown>(BLOCKED_KEY);
  if (storedBlocked.ok && Array.isArray(storedBlocked.value))
    blocked = new Set(storedBlocked.value.filter((id) => typeof id === 'string'));
  const storedInvitation = await records.get(INVITATION_KEY);
  const kept = storedInvitation.ok ? checkAgainst(invitationSchema, storedInvitation.value) : null;
  if (kept?.ok) {
    const { decodeInviteFragment } = await loadInvites();
    const link = await decodeInviteFragment(kept.value.fragment, verify, clock.now());
    if (link.ok)
      invitation = { fragment: kept.value.fragment, view: viewOf(link.value, kept.value.state, kept.value.reason) };
  }

  interface List {
    readonly held: Held[];
    readonly current: string | null;
    readonly offered: string | null;
    readonly left: string[];
  }

  /** Writes the list and, once that is done, goes by it: a failed write changes nothing. */
  async function write(change: Partial<List>): Promise<Result<void>> {
    const next: List = { held, current: currentId, offered: offeredId, left, ...change };
    const written = await records.set(LIST_KEY, {
      v: 1,
      current: next.current,
      offered: next.offered,
      left: next.left,
      held: next.held.map(({ manifest, memberships, certificates, redemption }) => ({
        manifest,
        memberships,
        certificates,
        redemption,
      })),
    });
    if (!written.ok) return written;
    ({ held, current: currentId, offered: offeredId, left } = next);
    return ok(undefined);
  }

  async function keepInvitation(fragment: string, view: InvitationView): Promise<Result<void>> {
    const written = await records.set(INVITATION_KEY, { v: 1, fragment, state: view.state, reason: view.reason });
    if (written.ok) invitation = { fragment, view };
    return written;
  }

  const find = (id: string): Held | null => held.find((one) => one.community.id === id) ?? null;
  const withHeld = (one: Held): Result<Held[]> => {
    const others = held.filter((other) => other.community.id !== one.community.id);
    return others.length >= MAX_COMMUNITIES
      ? fail('too_many_communities', `You are in ${MAX_COMMUNITIES} communities already; leave one first.`)
      : ok([...others, one]);
  };
  const current = (): Held | null => (currentId === null ? null : find(currentId));

  return ok({
    get all() {
      return held;
    },
    get current() {
      return current();
    },
    get invitation() {
      return invitation?.view ?? null;
    },
    get offeredFounder() {
      return offeredId === null ? null : (find(offeredId)?.community.founder ?? null);
    },
    isBlocked: (node) => blocked.has(node),
    get blocked() {
      return blocked;
    },
    async setBlocked(node, block) {
      if (node === signer.nodeId) return fail('own_node', 'You cannot block your own node.');
      const next = new Set(blocked);
      if (block) next.add(node);
      else next.delete(node);
      if (next.size > MAX_BLOCKED) return fail('too_many_blocked', 'You blocked too many nodes; unblock some first.');
      const written = await records.set(BLOCKED_KEY, [...next]);
      if (written.ok) blocked = next;
      return written;
    },
    async offer(manifest) {
      const community = await openManifest(manifest, verify);
      if (!community.ok) return community;
      const { id } = community.value;
      if (offeredId === id && find(id)) return ok(undefined);
      if (left.includes(id) && !find(id)) return write({ offered: id });
      const added = withHeld({
        manifest,
        memberships: [],
        certificates: [],
        redemption: null,
        community: community.value,
      });
      if (!added.ok) return added;
      // A server with a new key offers a new open community; who was in the old one by default moves along.
      const moves = currentId === null || find(currentId) === null || currentId === offeredId;
      return write({ held: added.value, offered: id, current: moves ? id : currentId });
    },
    async create(text, wish) {
      const name = communityName(text);
      if (!name.ok) return name;
      const economy = wish && economyOf(wish, signer.nodeId);
      if (economy && !v.is(economyPolicySchema, economy))
        return fail('bad_economy', 'A community cannot pay like that: a figure is out of bounds.');
      const draft = { name: name.value, open: false, createdAt: clock.now() };
      const manifest = await createManifest(signer, economy === null ? draft : { ...draft, economy });
      const community = await openManifest(manifest, verify);
      if (!community.ok) return community;
      const one: Held = { manifest, memberships: [], certificates: [], redemption: null, community: community.value };
      const added = withHeld(one);
      if (!added.ok) return added;
      const written = await write({ held: added.value, current: one.community.id });
      return written.ok ? ok(one) : written;
    },
    async restore(entries) {
      const next = [...held];
      for (const { manifest, memberships, certificates } of entries) {
        const community = await openManifest(manifest, verify);
        if (!community.ok) return community;
        if (next.some((one) => one.community.id === community.value.id) || next.length >= MAX_COMMUNITIES) continue;
        next.push({
          manifest,
          memberships: [...memberships],
          certificates: [...certificates],
          redemption: null,
          community: community.value,
        });
      }
      return write({ held: next });
    },
    async switchTo(id) {
      return find(id) ? write({ current: id }) : fail('unknown_community', 'You are not in that community.');
    },
    async leave(id) {
      if (!find(id)) return fail('unknown_community', 'You are not in that community.');
      const rest = held.filter((one) => one.community.id !== id);
      const next = currentId === id ? (rest.at(-1)?.community.id ?? null) : currentId;
      return write({
        held: rest,
        current: next,
        left: [...left.filter((one) => one !== id), id].slice(-MAX_COMMUNITIES),
      });
    },
    async invite({ communityId, days, uses }) {
      const { createInvite, encodeInviteFragment, inviteUrl } = await loadInvites();
      const from = communityId === undefined ? current() : find(communityId);
      if (!from) return fail('unknown_community', 'You are not in that community.');
      const made = await createInvite(
        { signer, seedSigner: await deps.loadSeedSigner(), chance, now: clock.now() },
        {
          community: from.community,
          manifest: from.manifest,
          chain: from.memberships,
          certificates: from.community.founder === signer.nodeId ? [] : [...from.certificates, ...deps.certificates()],
          ...(days === undefined ? {} : { days }),
          ...(uses === undefined ? {} : { uses }),
        },
      );
      if (!made.ok) return made;
      return ok({
        url: inviteUrl(deps.origin, encodeInviteFragment(made.value)),
        communityName: from.community.name,
        expiresAt: made.value.token.expiresAt,
        uses: made.value.token.uses,
      });
    },
    async accept(link) {
      const { decodeInviteFragment, inviteFragmentOf, redeemInvite } = await loadInvites();
      const fragment = inviteFragmentOf(link);
      if (!fragment.ok) return fragment;
      // The same link opened again, as a reload does, takes no second use.
      if (
        invitation?.fragment === fragment.value &&
        find(invitation.view.communityId) &&
        invitation.view.state !== 'refused'
      ) {
        const moved = await write({ current: invitation.view.communityId });
        return moved.ok ? ok(invitation.view) : moved;
      }
      const decoded = await decodeInviteFragment(fragment.value, verify, clock.now());
      if (!decoded.ok) return decoded;
      const known = find(decoded.value.community.id);
      const view = viewOf(
        decoded.value,
        'waiting',
        'The invitation is kept here and is taken up as soon as the community can be reached.',
      );
      const keptNow = await keepInvitation(fragment.value, view);
      if (!keptNow.ok) return keptNow;
      // A member stays the member that they are.
      if (
        known &&
        (known.memberships.length > 0 || known.community.founder === signer.nodeId || known.community.open)
      ) {
        const moved = await write({ current: known.community.id });
        return moved.ok ? ok(view) : moved;
      }
      const taken = await redeemInvite(decoded.value, signer.nodeId, await deps.loadSeedSigner(), clock.now());
      if (!taken.ok) return taken;
      const { memberships, certificates, redemption } = taken.value;
      const added = withHeld({
        manifest: decoded.value.manifest,
        memberships: [...memberships],
        certificates: [...certificates],
        redemption,
        community: decoded.value.community,
      });
      if (!added.ok) return added;
      const written = await write({
        held: added.value,
        current: decoded.value.community.id,
        left: left.filter((one) => one !== decoded.value.community.id),
      });
      return written.ok ? ok(view) : written;
    },
    async settleInvitation(state, reason) {
      if (invitation) await keepInvitation(invitation.fragment, { ...invitation.view, state, reason });
    },
    async dismissInvitation() {
      invitation = null;
      await records.delete(INVITATION_KEY);
    },
    joinProof: (one) => (one.redemption === null ? undefined : base64(one.redemption)),
  });
}
