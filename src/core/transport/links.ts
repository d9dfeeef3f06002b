import { equalBytes } from '../base/bytes';
import { fraction } from '../base/chance';
import { createEmitter } from '../base/events';
import type { NodeId } from '../base/ids';
import type { Chance, Clock, Signer, Verify } from '../base/ports';
import { err, fail, ok, type Failure, type Result } from '../base/result';
import { INSTANCE_BYTES } from './control-messages';
import { createFramedChannel, type FramedChannel } from './framed-channel';
import { HANDSHAKE_TIMEOUT_MS, shakeHands, type Authenticated } from './handshake';
import { createLink, type OwnedLink } from './link';
import type { Admit, Credential, IcePolicy, LinkEvent, Links, Network, RawChannel } from './ports';

export interface LinksLimits {
  /** How many links this node opens by itself: gossip needs six to eight, a small community is then fully connected. */
  readonly dialUpTo: number;
  /** How many it holds in all, those that others opened included; browsers suffer above some thirty connections. */
  readonly maxLinks: number;
  /** Inbound handshakes under way at once. */
  readonly maxPendingHandshakes: number;
  /** Protocol violations on one link, and failed proofs by one claimed peer, before it is refused for a while. */
  readonly violationBudget: number;
  readonly refusalMs: number;
}

export const LINKS_LIMITS: LinksLimits = {
  dialUpTo: 24,
  maxLinks: 32,
  maxPendingHandshakes: 10,
  violationBudget: 3,
  refusalMs: 60_000,
};

export const BEAT_PERIOD_MS = 2_000;
const SWEEP_PERIOD_MS = 500;
/** A sweep this late means that this node itself stood still (frozen tab, sleeping device, a long computation). */
const STANDSTILL_MS = 2_000;
const LONGEST_BACKOFF_MS = 30_000;
const SHORTEST_BACKOFF_MS = 500;
/** Two dials that were both under way when the other arrived: a link older than this did not cross anything. */
const CROSSING_MS = 12_000 + HANDSHAKE_TIMEOUT_MS;
/** The larger id lets the smaller one dial first, since that dial would stay anyway. */
const COURTESY_MS = 250;
/** After so many answers that nobody is there, presence has to name the peer again. */
const MAX_NOT_THERE = 3;
const MAX_UNREACHABLE = 64;
const MAX_REMEMBERED = 1_024;
/** Of one claimed peer; a reload may leave one behind. */
const MAX_PENDING_PER_PEER = 2;

/** Ends of a handshake that say nothing against the peer. */
const BLAMELESS = new Set([
  'channel_closed',
  'handshake_timeout',
  'refused_by_peer',
  'signing_failed',
  'admission_failed',
  'no_binding',
]);
/** Codes in a goodbye after which another link to the same peer stands or is on its way. */
const SUPERSEDED = new Set(['duplicate_link', 'replaced']);
/** Codes in a goodbye that ask for patience only. */
const CROWDED = new Set(['busy', 'budget_full']);
const LEAVING = 'leaving';
const TURNED_AWAY = 'This node takes no further link from there just now; try again in a minute.';

export interface LinksDeps {
  readonly network: Network;
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly admit: Admit;
  readonly credential: () => Credential;
  readonly community: string;
  readonly limits?: Partial<LinksLimits>;
}

interface Wish {
  readonly peer: NodeId;
  /** Its word is needed: it may have a place that is kept free for those who dial this node. */
  needed: boolean;
  failures: number;
  notThere: number;
  /** What it waits for instead of a timer. */
  parked: 'free_place' | 'rendezvous' | null;
  dialling: boolean;
  cancelTimer: (() => void) | null;
}

export function createLinks(deps: LinksDeps): Links {
  const { network, clock, chance } = deps;
  const self = deps.signer.nodeId;
  const limits = { ...LINKS_LIMITS, ...deps.limits };
  const handshake = { ...deps, instance: chance.bytes(INSTANCE_BYTES) };

  const events = createEmitter<LinkEvent>();
  const links = new Map<NodeId, OwnedLink>();
  const wishes = new Map<NodeId, Wish>();
  const pending = new Set<FramedChannel>();
  const strikes = new Map<NodeId, number>();
  const refusedUntilMs = new Map<NodeId, number>();
  const unreachable = new Map<NodeId, { readonly peer: NodeId; readonly code: string; readonly message: string }>();
  let icePolicy: IcePolicy = 'host-only';
  let closed = false;

  const remember = <T>(map: Map<NodeId, T>, peer: NodeId, value: T, most: number): void => {
    map.delete(peer);
    map.set(peer, value);
    if (map.size > most) map.delete(map.keys().next().value!);
  };
  const refusalLeftMs = (peer: NodeId): number => Math.max(0, (refusedUntilMs.get(peer) ?? 0) - clock.monotonicMs());
  const refuse = (peer: NodeId): void => {
    strikes.delete(peer);
    remember(refusedUntilMs, peer, clock.monotonicMs() + limits.refusalMs, MAX_REMEMBERED);
  };
  const strike = (peer: NodeId): void => {
    const count = (strikes.get(peer) ?? 0) + 1;
    if (count >= limits.violationBudget) refuse(peer);
    else remember(strikes, peer, count, MAX_REMEMBERED);
  };

  // Dialling: a wish is parked, waits for its timer, dials, or is fulfilled by a link.

  const inUse = (): number => {
    let count = links.size;
    for (const wish of wishes.values()) if (wish.dialling && !links.has(wish.peer)) count++;
    return count;
  };
  const placesFor = ({ needed }: Wish): number => (needed ? limits.maxLinks : limits.dialUpTo);
  const dialAfter = (wish: Wish, delayMs: number): void => {
    wish.cancelTimer?.();
    wish.parked = null;
    wish.cancelTimer = clock.after(delayMs, () => {
      wish.cancelTimer = null;
      void dial(wish);
    });
  };
  const backOff = (wish: Wish, atLeastMs = 0): void => {
    const longestMs = Math.min(LONGEST_BACKOFF_MS, SHORTEST_BACKOFF_MS * 2 ** (Math.min(wish.failures, 16) + 1));
    wish.failures++;
    dialAfter(wish, Math.max(atLeastMs, refusalLeftMs(wish.peer), longestMs / 2 + (fraction(chance) * longestMs) / 2));
  };
  const unpark = (reason: 'free_place' | 'rendezvous'): void => {
    for (const wish of wishes.values()) {
      if (wish.parked !== reason) continue;
      if (reason === 'free_place' && inUse() >= placesFor(wish)) continue;
      void dial(wish);
    }
  };
  const isCurrent = (wish: Wish): boolean => !closed && wishes.get(wish.peer) === wish;

  const onFailure = (wish: Wish, { code, message, peerMessage }: Failure): void => {
    if (!isCurrent(wish) || links.has(wish.peer)) return;
    if (code === 'offline' && network.status.state !== 'online') {
      wish.parked = 'rendezvous';
      return;
    }
    if (code === 'peer_unavailable') {
      unreachable.delete(wish.peer);
      wish.notThere++;
      if (wish.notThere >= MAX_NOT_THERE) wishes.delete(wish.peer);
      else backOff(wish);
      return;
    }
    if (code === 'refused_by_peer' && peerMessage !== undefined) {
      if (peerMessage === LEAVING) return void wishes.delete(wish.peer);
      if (SUPERSEDED.has(peerMessage) || CROWDED.has(peerMessage)) return backOff(wish);
    }
    const known = unreachable.get(wish.peer);
    remember(unreachable, wish.peer, { peer: wish.peer, code, message }, MAX_UNREACHABLE);
    if (known?.code !== code) events.emit({ type: 'unreachable', peer: wish.peer, code, message });
    backOff(wish, code === 'refused_by_peer' ? limits.refusalMs : 0);
  };

  const dial = async (wish: Wish): Promise<void> => {
    if (!isCurrent(wish) || wish.dialling || links.has(wish.peer)) return;
    if (inUse() >= placesFor(wish)) {
      wish.parked = 'free_place';
      return;
    }
    wish.parked = null;
    wish.dialling = true;
    const dialled = await network.dial(wish.peer, icePolicy);
    let failure: Failure | null = null;
    if (!dialled.ok) failure = dialled.error;
    else if (!isCurrent(wish)) dialled.value.close(LEAVING);
    else if (crossesTheirs(wish.peer)) dialled.value.close('duplicate_link');
    else failure = await establish(dialled.value);
    wish.dialling = false;
    if (failure !== null) onFailure(wish, failure);
    else if (isCurrent(wish) && !links.has(wish.peer)) backOff(wish);
    unpark('free_place');
  };

  /** True when a young link that the smaller id opened stands already: our own dial would only be closed again. */
  const crossesTheirs = (peer: NodeId): boolean => {
    const standing = links.get(peer);
    return (
      standing !== undefined &&
      !standing.initiator &&
      peer < self &&
      standing.link.state === 'live' &&
      isYoung(standing)
    );
  };
  const isYoung = (owned: OwnedLink): boolean => clock.monotonicMs() - owned.upSinceMs < CROSSING_MS;

  // Channels become links.

  const establish = async (channel: RawChannel): Promise<Failure | null> => {
    const framed = createFramedChannel(channel);
    pending.add(framed);
    const result = await shakeHands(framed, handshake);
    pending.delete(framed);
    if (result.ok) {
      adopt(framed, result.value);
      return null;
    }
    if (!BLAMELESS.has(result.error.code)) strike(channel.claimedPeer);
    return result.error;
  };

  const replaces = (standing: OwnedLink, framed: FramedChannel, { peer, instance }: Authenticated): boolean => {
    const peerStartedAnew = !equalBytes(standing.instance, instance);
    const sameSideDialled = standing.initiator === framed.initiator;
    if (peerStartedAnew || sameSideDialled || standing.link.state !== 'live' || !isYoung(standing)) return true;
    const diallerOfNew = framed.initiator ? self : peer;
    return diallerOfNew === (self < peer ? self : peer);
  };

  const adopt = (framed: FramedChannel, authenticated: Authenticated): void => {
    const { peer } = authenticated;
    const standing = links.get(peer);
    if (closed) return framed.close(LEAVING);
    if (refusalLeftMs(peer) > 0) return framed.close('refused');
    if (standing !== undefined && !replaces(standing, framed, authenticated)) return framed.close('duplicate_link');
    if (standing === undefined && links.size >= limits.maxLinks) return framed.close('budget_full');

    const owned = createLink(framed, authenticated, clock, limits.violationBudget);
    links.set(peer, owned);
    standing?.link.close('replaced');
    strikes.delete(peer);
    unreachable.delete(peer);
    owned.link.stateChanged.on((state) => {
      if (state !== 'closed') events.emit({ type: state, link: owned.link });
    });
    owned.down.on(({ reason, violator }) => onDown(owned, reason, violator));
    events.emit({ type: 'up', link: owned.link });
    owned.start();
  };

  const onDown = (owned: OwnedLink, reason: string, violator: boolean): void => {
    const { peer } = owned.link;
    const wasCurrent = links.get(peer) === owned;
    if (wasCurrent) links.delete(peer);
    if (violator) refuse(peer);
    events.emit({ type: 'down', link: owned.link, reason });
    const wish = wishes.get(peer);
    if (closed || !wasCurrent) return;
    if (wish !== undefined && !links.has(peer)) {
      if (reason === LEAVING) {
        wishes.delete(peer);
      } else {
        wish.notThere = 0;
        if (clock.monotonicMs() - owned.upSinceMs >= LONGEST_BACKOFF_MS) wish.failures = 0;
        backOff(wish);
      }
    }
    unpark('free_place');
  };

  const receive = async (channel: RawChannel): Promise<Result<void>> => {
    const peer = channel.claimedPeer;
    const inbound = [...pending].filter((framed) => !framed.initiator);
    const turnAway = (code: string): Result<void> => {
      createFramedChannel(channel).close(code);
      return fail(code, TURNED_AWAY);
    };
    if (closed) return turnAway(LEAVING);
    if (refusalLeftMs(peer) > 0) return turnAway('refused');
    if (!links.has(peer) && links.size >= limits.maxLinks) return turnAway('budget_full');
    if (inbound.length >= limits.maxPendingHandshakes) return turnAway('busy');
    if (inbound.filter((framed) => framed.claimedPeer === peer).length >= MAX_PENDING_PER_PEER) return turnAway('busy');
    const failure = await establish(channel);
    return failure === null ? ok(undefined) : err(failure);
  };

  // Liveness.

  let lastSweepMs = clock.monotonicMs();
  let lastBeatMs = lastSweepMs;
  const probe = (): void => {
    for (const owned of [...links.values()]) owned.probe();
  };
  const sweep = (): void => {
    const nowMs = clock.monotonicMs();
    const stoodStillMs = nowMs - lastSweepMs - SWEEP_PERIOD_MS;
    lastSweepMs = nowMs;
    if (stoodStillMs >= STANDSTILL_MS) {
      for (const owned of links.values()) owned.forgive(stoodStillMs);
      lastBeatMs = nowMs;
      return probe();
    }
    for (const owned of [...links.values()]) owned.judge(nowMs);
    if (nowMs - lastBeatMs < BEAT_PERIOD_MS) return;
    lastBeatMs = nowMs;
    for (const owned of [...links.values()]) owned.beat(false);
  };

  const stops = [
    network.incoming.on((channel) => void receive(channel)),
    network.statusChanged.on(({ state }) => {
      if (state === 'online') unpark('rendezvous');
    }),
    clock.every(SWEEP_PERIOD_MS, sweep),
  ];

  const want = (peer: NodeId): void => {
    if (closed || peer === self) return;
    const known = wishes.get(peer);
    if (known !== undefined) {
      // Somebody who was not there a moment ago has been seen: no need to sit out the pause.
      if (known.notThere > 0 && !known.dialling && !links.has(peer)) dialAfter(known, COURTESY_MS);
      known.notThere = 0;
      return;
    }
    const wish: Wish = {
      peer,
      failures: 0,
      notThere: 0,
      parked: null,
      dialling: false,
      cancelTimer: null,
      needed: false,
    };
    wishes.set(peer, wish);
    if (!links.has(peer)) dialAfter(wish, Math.max(refusalLeftMs(peer), self < peer ? 0 : COURTESY_MS));
  };

  return {
    events,
    get all() {
      return [...links.values()].map(({ link }) => link);
    },
    to: (peer) => links.get(peer)?.link ?? null,
    get unreachable() {
      return [...unreachable.values()];
    },
    want,
    reach(peer, timeoutMs) {
      if (peer === self || links.has(peer)) return Promise.resolve(true);
      want(peer);
      const wish = wishes.get(peer);
      if (wish === undefined) return Promise.resolve(false);
      wish.needed = true;
      if (wish.parked === 'free_place') void dial(wish);
      return new Promise((resolve) => {
        const end = (reached: boolean): void => {
          stop();
          cancel();
          resolve(reached);
        };
        const stop = events.on((event) => {
          if (event.type === 'up' && event.link.peer === peer) end(true);
        });
        const cancel = clock.after(timeoutMs, () => end(false));
      });
    },
    take: receive,
    forget(peer) {
      wishes.get(peer)?.cancelTimer?.();
      wishes.delete(peer);
      unreachable.delete(peer);
    },
    setIcePolicy(policy) {
      if (policy === icePolicy) return;
      icePolicy = policy;
      network.answerWith(policy);
      if (policy !== 'configured') return;
      for (const { peer } of [...unreachable.values()]) {
        const wish = wishes.get(peer);
        if (wish === undefined || wish.dialling) continue;
        wish.failures = 0;
        dialAfter(wish, refusalLeftMs(peer));
      }
    },
    probe,
    async close() {
      if (closed) return;
      closed = true;
      for (const stop of stops) stop();
      for (const wish of wishes.values()) wish.cancelTimer?.();
      wishes.clear();
      for (const framed of [...pending]) framed.close(LEAVING);
      for (const owned of [...links.values()]) owned.link.close(LEAVING);
    },
  };
}
