import { describe, expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import type { Exchange, ExchangeLimits, Inbox } from '#signaling/exchange';
import type { Addressed } from '#signaling/relay-messages';

const LIMITS: ExchangeLimits = { sampleSize: 3, maxRoomsPerConnection: 2, maxRoomMembers: 12, maxRooms: 3 };

const nodeOf = (number: number): string => number.toString(16).padStart(64, '0');
const leaveFrom = (from: number, to: number): Addressed => ({ type: 'LEAVE', src: nodeOf(from), dst: nodeOf(to) });

interface Heard {
  readonly inbox: Inbox;
  readonly messages: Addressed[];
  readonly presence: string[];
  replaced: number;
}

function listen(): Heard {
  const heard: Heard = {
    messages: [],
    presence: [],
    replaced: 0,
    inbox: {
      receive: (message) => void heard.messages.push(message),
      presence: (room, node, here) =>
        void heard.presence.push(`${here ? '+' : '-'}${Number.parseInt(node, 16)} ${room}`),
      replaced: () => void (heard.replaced += 1),
    },
  };
  return heard;
}

/**
 * The promises of `Exchange`. `settle` resolves when everything that was sent has arrived; `make` gives views of one
 * exchange, as the servers that share it have them: a single server gives the same view twice.
 */
export function exchangeConformance(
  name: string,
  make: (limits: ExchangeLimits) => readonly [Exchange, Exchange],
  settle: () => Promise<void> = () => Promise.resolve(),
): void {
  describe(`${name} keeps the promises of an exchange`, () => {
    test('a message reaches the holder of the id when both share a room, in the order of sending', async () => {
      const [here, there] = make(LIMITS);
      const heard = listen();
      const sender = await here.attach(nodeOf(1), listen().inbox);
      const receiver = await there.attach(nodeOf(2), heard.inbox);
      unwrap(await sender.join('room'));
      unwrap(await receiver.join('room'));
      const sent = (['LEAVE', 'EXPIRE', 'LEAVE'] as const).map((type) => ({ ...leaveFrom(1, 2), type }));
      expect(await Promise.all(sent.map((message) => sender.send(message)))).toEqual([
        'delivered',
        'delivered',
        'delivered',
      ]);
      await settle();
      expect(heard.messages).toEqual(sent);
    });

    test('an absent id and a stranger get nothing', async () => {
      const [here, there] = make(LIMITS);
      const heard = listen();
      const sender = await here.attach(nodeOf(1), listen().inbox);
      const stranger = await there.attach(nodeOf(2), heard.inbox);
      unwrap(await sender.join('room-a'));
      unwrap(await stranger.join('room-b'));
      expect(await sender.send(leaveFrom(1, 2))).toBe('stranger');
      expect(await sender.send(leaveFrom(1, 3))).toBe('absent');
      await settle();
      expect(heard.messages).toEqual([]);
    });

    test('the newest holder of an id wins, wherever it is, and the older one is told once', async () => {
      const [here, there] = make(LIMITS);
      const [older, newer] = [listen(), listen()];
      const before = await here.attach(nodeOf(1), older.inbox);
      unwrap(await before.join('room'));
      const after = await there.attach(nodeOf(1), newer.inbox);
      await settle();
      expect([older.replaced, newer.replaced]).toEqual([1, 0]);
      await before.detach();
      const other = await here.attach(nodeOf(2), listen().inbox);
      expect(unwrap(await other.join('room')).total).toBe(1);
      unwrap(await after.join('room'));
      expect(await other.send(leaveFrom(2, 1))).toBe('delivered');
      await settle();
      expect([older.messages.length, newer.messages.length]).toEqual([0, 1]);
    });

    test('a replaced or detached holder is in no room and sends nothing', async () => {
      const [here, there] = make(LIMITS);
      const before = await here.attach(nodeOf(1), listen().inbox);
      await there.attach(nodeOf(1), listen().inbox);
      await settle();
      expect(unwrap(await before.join('room'))).toEqual({ members: [], total: 0 });
      expect(await before.sample('room')).toBeNull();
      expect(await before.send(leaveFrom(1, 1))).not.toBe('delivered');
    });

    test('a join gives a random part of the others, never the joiner, and counts everyone', async () => {
      const [here, there] = make(LIMITS);
      const seen = new Set<string>();
      for (let i = 1; i <= 10; i++) {
        const attachment = await (i % 2 === 0 ? here : there).attach(nodeOf(i), listen().inbox);
        const { members, total } = unwrap(await attachment.join('room'));
        expect(total).toBe(i);
        expect(members.length).toBe(Math.min(i - 1, LIMITS.sampleSize));
        expect(new Set(members).size).toBe(members.length);
        expect(members).not.toContain(nodeOf(i));
      }
      const asker = await here.attach(nodeOf(11), listen().inbox);
      unwrap(await asker.join('room'));
      for (let i = 0; i < 60; i++) {
        const sample = await asker.sample('room');
        expect(sample!.members.length).toBe(LIMITS.sampleSize);
        sample!.members.forEach((member) => seen.add(member));
      }
      expect(seen.size).toBe(10);
    });

    test('joining twice is joining once', async () => {
      const [here, there] = make(LIMITS);
      const heard = listen();
      const other = await there.attach(nodeOf(2), heard.inbox);
      unwrap(await other.join('room'));
      const attachment = await here.attach(nodeOf(1), listen().inbox);
      unwrap(await attachment.join('room'));
      expect(unwrap(await attachment.join('room')).total).toBe(2);
      await settle();
      expect(heard.presence).toEqual(['+1 room']);
    });

    test('coming and going is announced to a part of the room, whatever the way of going', async () => {
      const [here, there] = make(LIMITS);
      const heard = listen();
      const other = await there.attach(nodeOf(9), heard.inbox);
      unwrap(await other.join('room'));
      const quitting = await here.attach(nodeOf(1), listen().inbox);
      unwrap(await quitting.join('room'));
      await quitting.quit('room');
      await quitting.quit('room');
      const leaving = await here.attach(nodeOf(2), listen().inbox);
      unwrap(await leaving.join('room'));
      await leaving.detach();
      await leaving.detach();
      await settle();
      expect(heard.presence).toEqual(['+1 room', '-1 room', '+2 room', '-2 room']);
    });

    test('an announcement goes to no more members than a sample holds', async () => {
      const [here] = make(LIMITS);
      const all: Heard[] = [];
      for (let i = 1; i <= 8; i++) {
        const heard = listen();
        const attachment = await here.attach(nodeOf(i), heard.inbox);
        unwrap(await attachment.join('room'));
        all.push(heard);
      }
      await settle();
      const announcedLast = all.filter(({ presence }) => presence.includes('+8 room'));
      expect(announcedLast.length).toBe(LIMITS.sampleSize);
    });

    test('rooms per id, members per room and rooms in all are limited, and limits free up again', async () => {
      const [here, there] = make(LIMITS);
      const first = await here.attach(nodeOf(100), listen().inbox);
      unwrap(await first.join('a'));
      unwrap(await first.join('b'));
      expect(await first.join('c')).toMatchObject({ ok: false, error: { code: 'too_many_rooms' } });
      const second = await there.attach(nodeOf(101), listen().inbox);
      unwrap(await second.join('c'));
      expect(await second.join('d')).toMatchObject({ ok: false, error: { code: 'server_full' } });
      await first.quit('b');
      await settle();
      unwrap(await second.join('d'));
      for (let i = 1; i < LIMITS.maxRoomMembers; i++) {
        const attachment = await here.attach(nodeOf(i), listen().inbox);
        unwrap(await attachment.join('a'));
      }
      const late = await here.attach(nodeOf(99), listen().inbox);
      expect(await late.join('a')).toMatchObject({ ok: false, error: { code: 'room_full' } });
      await first.detach();
      await settle();
      unwrap(await late.join('a'));
    });

    test('counts follow who is here', async () => {
      const [here] = make(LIMITS);
      expect(here.counts()).toEqual({ nodes: 0, rooms: 0 });
      const attachment = await here.attach(nodeOf(1), listen().inbox);
      unwrap(await attachment.join('room'));
      await settle();
      expect(here.counts()).toEqual({ nodes: 1, rooms: 1 });
      await attachment.detach();
      await settle();
      expect(here.counts()).toEqual({ nodes: 0, rooms: 0 });
    });
  });
}
