import { fraction } from '#core/base/chance';
import type { NodeId } from '#core/base/ids';
import type { Chance } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { Addressed } from '#signaling/relay-messages';

/** What the exchange tells the holder of an id. Called in order, never inside a call of the holder's own. */
export interface Inbox {
  receive(message: Addressed): void;
  presence(room: string, node: NodeId, here: boolean): void;
  /** Another holder took the id. Nothing else is called after it, and the attachment is already detached. */
  replaced(): void;
}

/** A random part of a room. `total` counts every member, the asker included; `members` never holds the asker. */
export interface RoomSample {
  readonly members: readonly NodeId[];
  readonly total: number;
}

/**
 * One id, held by one socket. Every call after `detach` or after `replaced` does nothing and answers as if the id were
 * in no room.
 */
export interface Attachment {
  /**
   * Enters the room and announces it to a random part of the members. Entering twice is entering once. Codes:
   * `too_many_rooms`, `room_full`, `server_full`.
   */
  join(room: string): Promise<Result<RoomSample>>;
  /** Leaves and announces it; leaving a room that one is not in does nothing. */
  quit(room: string): Promise<void>;
  /** A fresh sample, or null when the id is not a member. */
  sample(room: string): Promise<RoomSample | null>;
  /**
   * Hands a message to the holder of `message.dst`. `delivered`: its inbox was called. `absent`: nobody holds the id.
   * `stranger`: the two share no room, and nothing was delivered. Messages from one id to another arrive in the order
   * of the calls. Nothing is queued for those who are absent.
   */
  send(message: Addressed): Promise<'delivered' | 'absent' | 'stranger'>;
  /** Leaves every room, announces it, and gives the id back. Detaching twice is detaching once. */
  detach(): Promise<void>;
}

/**
 * Who is connected, who is in which room, and the way between them. This is all that several servers would have to
 * share; a server knows nothing about ids that it does not hold except through this.
 *
 * An id has at most one holder in the whole exchange: the newest attachment wins, the one before is told `replaced`.
 */
export interface Exchange {
  attach(node: NodeId, inbox: Inbox): Promise<Attachment>;
  /** Ids held and rooms with at least one member, for the health page; may lag behind where servers share. */
  counts(): { readonly nodes: number; readonly rooms: number };
}

export interface ExchangeLimits {
  readonly sampleSize: number;
  readonly maxRoomsPerConnection: number;
  readonly maxRoomMembers: number;
  readonly maxRooms: number;
}

/** Members in an array beside their positions, so that a random part costs as much as its size, not as the room's. */
interface Room {
  readonly members: NodeId[];
  readonly positions: Map<NodeId, number>;
}

interface Holder {
  readonly node: NodeId;
  readonly inbox: Inbox;
  readonly rooms: Set<string>;
}

/** The exchange of a single server. */
export function createMemoryExchange(chance: Chance, limits: ExchangeLimits): Exchange {
  const holders = new Map<NodeId, Holder>();
  const rooms = new Map<string, Room>();

  const holds = (holder: Holder): boolean => holders.get(holder.node) === holder;

  function add(room: Room, node: NodeId): void {
    room.positions.set(node, room.members.length);
    room.members.push(node);
  }

  function remove(room: Room, node: NodeId): void {
    const position = room.positions.get(node);
    if (position === undefined) return;
    room.positions.delete(node);
    const last = room.members.pop()!;
    if (last === node) return;
    room.members[position] = last;
    room.positions.set(last, position);
  }

  function sampleOf(room: Room, except: NodeId): NodeId[] {
    const size = room.members.length;
    if (size <= limits.sampleSize + 1) return shuffled(room.members.filter((node) => node !== except));
    const chosen = new Set<NodeId>();
    while (chosen.size < limits.sampleSize) {
      const node = room.members[Math.floor(fraction(chance) * size)]!;
      if (node !== except) chosen.add(node);
    }
    return [...chosen];
  }

  function shuffled(nodes: NodeId[]): NodeId[] {
    for (let i = nodes.length - 1; i > 0; i--) {
      const j = Math.floor(fraction(chance) * (i + 1));
      [nodes[i], nodes[j]] = [nodes[j]!, nodes[i]!];
    }
    return nodes.slice(0, limits.sampleSize);
  }

  function announce(name: string, room: Room, node: NodeId, here: boolean): void {
    for (const member of sampleOf(room, node)) holders.get(member)?.inbox.presence(name, node, here);
  }

  function leave(holder: Holder, name: string): void {
    if (!holder.rooms.delete(name)) return;
    const room = rooms.get(name);
    if (room === undefined) return;
    remove(room, holder.node);
    if (room.members.length === 0) rooms.delete(name);
    else announce(name, room, holder.node, false);
  }

  function release(holder: Holder): void {
    if (!holds(holder)) return;
    holders.delete(holder.node);
    for (const name of [...holder.rooms]) leave(holder, name);
  }

  function enter(holder: Holder, name: string): Result<RoomSample> {
    const nowhere: RoomSample = { members: [], total: 0 };
    if (!holds(holder)) return ok(nowhere);
    let room = rooms.get(name);
    if (!holder.rooms.has(name)) {
      if (holder.rooms.size >= limits.maxRoomsPerConnection) {
        return fail(
          'too_many_rooms',
          `A node can be in ${limits.maxRoomsPerConnection} communities at once on this server.`,
        );
      }
      if (room === undefined && rooms.size >= limits.maxRooms) {
        return fail('server_full', 'This server has no room for another community.');
      }
      if (room !== undefined && room.members.length >= limits.maxRoomMembers) {
        return fail('room_full', 'This community has as many members online as this server carries.');
      }
      if (room === undefined) rooms.set(name, (room = { members: [], positions: new Map() }));
      add(room, holder.node);
      holder.rooms.add(name);
      announce(name, room, holder.node, true);
    }
    return ok({ members: sampleOf(room!, holder.node), total: room!.members.length });
  }

  return {
    async attach(node, inbox) {
      const before = holders.get(node);
      if (before !== undefined) {
        release(before);
        before.inbox.replaced();
      }
      const holder: Holder = { node, inbox, rooms: new Set() };
      holders.set(node, holder);
      return {
        join: async (name) => enter(holder, name),
        async quit(name) {
          leave(holder, name);
        },
        async sample(name) {
          const room = holder.rooms.has(name) ? rooms.get(name) : undefined;
          return room === undefined ? null : { members: sampleOf(room, node), total: room.members.length };
        },
        async send(message) {
          if (!holds(holder)) return 'stranger';
          const receiver = holders.get(message.dst);
          if (receiver === undefined) return 'absent';
          if (![...holder.rooms].some((name) => receiver.rooms.has(name))) return 'stranger';
          receiver.inbox.receive(message);
          return 'delivered';
        },
        async detach() {
          release(holder);
        },
      };
    },
    counts: () => ({ nodes: holders.size, rooms: rooms.size }),
  };
}
