import { createEmitter } from '#core/base/events';
import { fraction } from '#core/base/chance';
import { hex } from '#core/base/bytes';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { createKeptSource, createOnceSource } from '#core/transport/kept-source';
import type { Network, Presence, RawChannel, RendezvousStatus } from '#core/transport/ports';

/** As many members as the real rendezvous tells at once. */
const SAMPLE_SIZE = 12;
/** How long a dial waits for a peer behind a cut, like the real one. */
const DIAL_TIMEOUT_MS = 12_000;
/** Frames kept for a reader that has not come yet. */
const MAX_EARLY_FRAMES = 256;
const LOW_WATER_BYTES = 256 * 1024;

export interface MemoryWorldOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  /** One-way delay of a channel, drawn once per channel from this range; also the delay to the rendezvous. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** What one direction of a channel carries; unlimited unless told. 0 carries nothing: for back-pressure. */
  readonly bytesPerMs?: number;
}

/** Networks in one process that reach each other without a network: deterministic for one seed, time by the clock alone. */
export interface MemoryWorld {
  /** The one network of this node; a second call for a node that stopped or crashed starts it anew. */
  network(node: NodeId): Network;
  /** The node falls silent at once: nothing closes, nothing is said. The rendezvous notices after one delay. */
  crash(node: NodeId): void;
  /** Nothing passes between the two any more; what is sent waits until `mend`. */
  cut(a: NodeId, b: NodeId): void;
  mend(a: NodeId, b: NodeId): void;
  /** Takes the rendezvous away or brings it back. Channels stay. */
  setRendezvous(up: boolean): void;
  /** From now on new channels show certificates that do not match, as behind somebody in the middle. */
  lieAboutBindings(lie: boolean): void;
  /** Puts a channel on `to` that claims to come from `claimed`, whoever that is, and returns the hostile end. */
  impersonate(claimed: NodeId, to: NodeId): RawChannel;
  /** Changes what one direction of every channel carries per millisecond. */
  setBytesPerMs(bytesPerMs: number): void;
}

interface Member {
  readonly id: NodeId;
  readonly rooms: Set<string>;
  readonly fingerprint: string;
  readonly ends: Set<End>;
  alive: boolean;
  online: boolean;
  started: boolean;
  readonly wantedRooms: Map<string, string | undefined>;
  setStatus(status: RendezvousStatus): void;
  tellPresence(presence: Presence): void;
  accept(channel: RawChannel): void;
}

interface End {
  readonly channel: RawChannel;
  readonly owner: Member;
  /** Set once both ends exist. */
  other: End;
  readonly latencyMs: number;
  readonly inbox: { readonly frame: Uint8Array<ArrayBuffer> | null; readonly reason: string }[];
  readonly deliver: (frame: Uint8Array<ArrayBuffer>) => void;
  readonly shut: (reason: string) => void;
  open: boolean;
  bufferedBytes: number;
  freeAtMs: number;
}

const ONLINE: RendezvousStatus = { state: 'online', reason: '' };
const AWAY: RendezvousStatus = { state: 'offline', reason: 'The meeting point cannot be reached.' };

export function createMemoryWorld({
  clock,
  chance,
  latencyMs = { min: 5, max: 5 },
  bytesPerMs = Infinity,
}: MemoryWorldOptions): MemoryWorld {
  const members = new Map<NodeId, Member>();
  const rooms = new Map<string, Set<NodeId>>();
  const cuts = new Set<string>();
  let rendezvousUp = true;
  let lying = false;
  let rate = bytesPerMs;

  const drawLatency = (): number => latencyMs.min + Math.floor(fraction(chance) * (latencyMs.max - latencyMs.min + 1));
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
  const freshFingerprint = (): string =>
    `sha-256 ${[...chance.bytes(32)].map((byte) => hex(Uint8Array.of(byte)).toUpperCase()).join(':')}`;
  const pairOf = (a: NodeId, b: NodeId): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
  const isCut = (a: NodeId, b: NodeId): boolean => cuts.size > 0 && cuts.has(pairOf(a, b));

  /** Takes what has arrived, in order, unless the way is cut: then it waits for `mend`. */
  const takeInbox = (end: End): void => {
    while (end.inbox.length > 0 && !isCut(end.owner.id, end.other.owner.id)) {
      const { frame, reason } = end.inbox.shift()!;
      if (!end.owner.alive || !end.open) continue;
      if (frame === null) end.shut(reason);
      else end.deliver(frame);
    }
  };
  const arrive = (end: End, afterMs: number, frame: Uint8Array<ArrayBuffer> | null, reason: string): void => {
    clock.after(afterMs, () => {
      end.inbox.push({ frame, reason });
      takeInbox(end);
    });
  };

  const makeEnd = (
    owner: Member,
    claimedPeer: NodeId,
    initiator: boolean,
    latency: number,
    local: string,
    remote: string,
  ): End => {
    const frames = createKeptSource<Uint8Array<ArrayBuffer>>(MAX_EARLY_FRAMES, () => end.channel.close('flood'));
    const closed = createOnceSource<string>();
    const drained = createEmitter<void>();

    const shut = (reason: string): void => {
      if (!end.open) return;
      end.open = false;
      owner.ends.delete(end);
      closed.emit(reason);
    };
    const releaseLater = (bytes: number, freeAtMs: number): void => {
      clock.after(freeAtMs - clock.monotonicMs(), () => {
        const wasHigh = end.bufferedBytes > LOW_WATER_BYTES;
        end.bufferedBytes -= bytes;
        if (wasHigh && end.bufferedBytes <= LOW_WATER_BYTES && owner.alive && end.open) drained.emit();
      });
    };
    const end: End = {
      owner,
      other: undefined as unknown as End,
      latencyMs: latency,
      inbox: [],
      open: true,
      bufferedBytes: 0,
      freeAtMs: 0,
      deliver: frames.emit,
      shut,
      channel: {
        claimedPeer,
        initiator,
        frames,
        closed,
        drained,
        get bufferedBytes() {
          return end.bufferedBytes;
        },
        binding: () => ({ local, remote }),
        send(frame) {
          if (!end.open || !owner.alive) return;
          const copy = frame.slice() as Uint8Array<ArrayBuffer>;
          if (rate === Infinity) return arrive(end.other, latency, copy, '');
          end.bufferedBytes += copy.length;
          if (rate <= 0) return;
          const nowMs = clock.monotonicMs();
          end.freeAtMs = Math.max(nowMs, end.freeAtMs) + copy.length / rate;
          releaseLater(copy.length, end.freeAtMs);
          arrive(end.other, end.freeAtMs - nowMs + latency, copy, '');
        },
        close(reason) {
          if (!end.open) return;
          if (owner.alive) arrive(end.other, Math.max(0, end.freeAtMs - clock.monotonicMs()) + latency, null, reason);
          shut(reason);
        },
      },
    };
    owner.ends.add(end);
    return end;
  };

  const connect = (from: Member, to: Member, claimed: NodeId): RawChannel => {
    const latency = drawLatency();
    const mine = makeEnd(from, to.id, true, latency, from.fingerprint, lying ? freshFingerprint() : to.fingerprint);
    const theirs = makeEnd(to, claimed, false, latency, to.fingerprint, lying ? freshFingerprint() : from.fingerprint);
    mine.other = theirs;
    theirs.other = mine;
    to.accept(theirs.channel);
    return mine.channel;
  };

  /** Up to `SAMPLE_SIZE` members, drawn without repeats by a partial shuffle. */
  const sampleOf = (room: string, except: NodeId): NodeId[] => {
    const all = [...(rooms.get(room) ?? [])].filter((id) => id !== except);
    const size = Math.min(SAMPLE_SIZE, all.length);
    for (let at = 0; at < size; at++) {
      const other = at + Math.floor(fraction(chance) * (all.length - at));
      [all[at], all[other]] = [all[other]!, all[at]!];
    }
    return all.slice(0, size);
  };
  const announce = (room: string, node: NodeId, here: boolean): void => {
    const told = sampleOf(room, node);
    clock.after(drawLatency(), () => {
      for (const id of told) {
        const member = members.get(id);
        if (member?.alive === true && member.online) member.tellPresence({ room, node, here });
      }
    });
  };
  const enter = (member: Member, room: string): NodeId[] => {
    const present = rooms.get(room) ?? new Set();
    rooms.set(room, present);
    const isNew = !present.has(member.id);
    present.add(member.id);
    member.rooms.add(room);
    if (isNew) announce(room, member.id, true);
    return sampleOf(room, member.id);
  };
  const leaveRoom = (member: Member, room: string): void => {
    member.rooms.delete(room);
    if (rooms.get(room)?.delete(member.id) === true) announce(room, member.id, false);
  };
  const leaveAll = (member: Member): void => {
    for (const room of [...member.rooms]) leaveRoom(member, room);
  };
  const bringOnline = (member: Member): void => {
    member.online = true;
    member.setStatus(ONLINE);
    for (const room of member.wantedRooms.keys()) {
      for (const node of enter(member, room)) member.tellPresence({ room, node, here: true });
    }
  };

  const createNetwork = (id: NodeId): { member: Member; network: Network } => {
    const statusChanged = createEmitter<RendezvousStatus>();
    const incoming = createKeptSource<RawChannel>(MAX_EARLY_FRAMES, () => {});
    const presence = createEmitter<Presence>();
    let status: RendezvousStatus = { state: 'connecting', reason: '' };
    const member: Member = {
      id,
      rooms: new Set(),
      wantedRooms: new Map(),
      ends: new Set(),
      fingerprint: freshFingerprint(),
      alive: true,
      online: false,
      started: false,
      setStatus(next) {
        if (next.state === status.state) return;
        status = next;
        statusChanged.emit(next);
      },
      tellPresence: (event) => presence.emit(event),
      accept(channel) {
        clock.after(drawLatency(), () => {
          if (member.alive) incoming.emit(channel);
        });
      },
    };
    const offline = (): Result<never> => fail('offline', 'This device is not connected to the meeting point.');
    const network: Network = {
      self: id,
      get status() {
        return status;
      },
      statusChanged,
      incoming,
      presence,
      async start() {
        await pause(drawLatency());
        if (!member.alive || member.started) return;
        member.started = true;
        if (rendezvousUp) bringOnline(member);
        else member.setStatus(AWAY);
      },
      async join(room, proof) {
        member.wantedRooms.set(room, proof);
        await pause(drawLatency());
        return member.alive && member.online ? ok(enter(member, room)) : offline();
      },
      quit(room) {
        member.wantedRooms.delete(room);
        leaveRoom(member, room);
      },
      async sample(room) {
        await pause(drawLatency());
        if (!member.alive || !member.online) return offline();
        return member.rooms.has(room) ? ok(sampleOf(room, id)) : fail('not_joined', 'This node is not in that room.');
      },
      async dial(peer) {
        if (!member.alive || !member.online) return offline();
        await pause(drawLatency() * 2);
        const to = members.get(peer);
        if (!member.alive) return offline();
        if (to === undefined || !to.alive || !to.online)
          return fail('peer_unavailable', 'This node is not connected to the meeting point.');
        if (isCut(id, peer)) {
          await pause(DIAL_TIMEOUT_MS);
          return fail('unreachable', 'Their network and yours do not let a direct link through.');
        }
        return ok(connect(member, to, id));
      },
      answerWith() {},
      async stop() {
        if (!member.alive) return;
        for (const end of [...member.ends]) end.channel.close('closed');
        leaveAll(member);
        member.wantedRooms.clear();
        member.alive = false;
        member.online = false;
        member.setStatus({ state: 'offline', reason: 'Stopped.' });
      },
    };
    return { member, network };
  };

  const networks = new Map<NodeId, Network>();
  return {
    network(node) {
      const known = networks.get(node);
      if (known !== undefined && members.get(node)!.alive) return known;
      const { member, network } = createNetwork(node);
      members.set(node, member);
      networks.set(node, network);
      return network;
    },
    crash(node) {
      const member = members.get(node);
      if (member === undefined) return;
      member.alive = false;
      member.online = false;
      clock.after(drawLatency(), () => leaveAll(member));
    },
    cut: (a, b) => void cuts.add(pairOf(a, b)),
    mend(a, b) {
      cuts.delete(pairOf(a, b));
      for (const end of [...(members.get(a)?.ends ?? []), ...(members.get(b)?.ends ?? [])]) takeInbox(end);
    },
    setRendezvous(up) {
      if (rendezvousUp === up) return;
      rendezvousUp = up;
      for (const member of members.values()) {
        if (!member.alive || !member.started) continue;
        if (up) {
          bringOnline(member);
        } else {
          member.online = false;
          for (const room of member.rooms) rooms.get(room)?.delete(member.id);
          member.rooms.clear();
          member.setStatus(AWAY);
        }
      }
    },
    lieAboutBindings(lie) {
      lying = lie;
    },
    impersonate(claimed, to) {
      const target = members.get(to);
      if (target === undefined) throw new Error('Nobody is there to impersonate to.');
      return connect(createNetwork(claimed).member, target, claimed);
    },
    setBytesPerMs(next) {
      rate = next;
    },
  };
}
