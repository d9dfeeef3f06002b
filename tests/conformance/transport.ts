import type { EventSource } from '#core/base/events';
import { unwrap, type Result } from '#core/base/result';
import type { Network, Presence, RawChannel } from '#core/transport/ports';

/** Networks of one kind that can reach each other, and how time passes among them. */
export interface TransportWorld {
  /** A fresh network with an id of its own, not started. The world stops it when the case ends. */
  network(): Promise<Network>;
  /** An id that no network of this world has. */
  readonly absentId: string;
  /** Resolves with the promise, letting time pass meanwhile; rejects when it takes far too long. */
  until<T>(promise: Promise<T>): Promise<T>;
  /** A room that all networks of the world may join, fresh for every case. */
  room(): string;
}

export interface TransportCase {
  readonly name: string;
  run(world: TransportWorld): Promise<void>;
}

const FRAME_BYTES = 16 * 1024;

function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** The first event that fits; later ones are left alone. */
const first = <T>(source: EventSource<T>, fits: (event: T) => boolean = () => true): Promise<T> =>
  new Promise((resolve) => {
    let stop = (): void => {};
    let found = false;
    stop = source.on((event) => {
      if (found || !fits(event)) return;
      found = true;
      resolve(event);
      stop();
    });
  });

/** Collects frames until there are `count`. */
const collect = (channel: RawChannel, count: number): Promise<Uint8Array[]> =>
  new Promise((resolve) => {
    const frames: Uint8Array[] = [];
    channel.frames.on((frame) => {
      frames.push(frame);
      if (frames.length === count) resolve(frames);
    });
  });

const started = async (world: TransportWorld): Promise<Network> => {
  const network = await world.network();
  await world.until(network.start());
  assert(network.status.state === 'online', `it is ${network.status.state}: ${network.status.reason}`);
  return network;
};

const join = async (world: TransportWorld, network: Network, room: string): Promise<readonly string[]> =>
  unwrap(await world.until(network.join(room)));

/** Two that share a room, as all who dial each other do. */
const acquainted = async (world: TransportWorld): Promise<readonly [Network, Network]> => {
  const room = world.room();
  const [a, b] = [await started(world), await started(world)];
  await join(world, a, room);
  await join(world, b, room);
  return [a, b];
};

const linked = async (world: TransportWorld): Promise<{ a: Network; b: Network; toB: RawChannel; toA: RawChannel }> => {
  const [a, b] = await acquainted(world);
  const incoming = first(b.incoming);
  const toB = unwrap(await world.until(a.dial(b.self, 'host-only')));
  return { a, b, toB, toA: await world.until(incoming) };
};

/** What every `Network` does, over memory and over PeerJS in a browser. */
export const transportCases: readonly TransportCase[] = [
  {
    name: 'joining a room tells who is there, never oneself',
    async run(world) {
      const [a, b] = [await started(world), await started(world)];
      const room = world.room();
      assert((await join(world, a, room)).length === 0, 'an empty room has members');
      const members = await join(world, b, room);
      assert(members.length === 1 && members[0] === a.self, `b sees ${members.length} members`);
      const sample: Result<readonly string[]> = await world.until(a.sample(room));
      assert(
        sample.ok && sample.value.length === 1 && sample.value[0] === b.self,
        'a sample does not show the newcomer',
      );
    },
  },
  {
    name: 'presence tells who comes and who goes',
    async run(world) {
      const [a, b] = [await started(world), await started(world)];
      const room = world.room();
      await join(world, a, room);
      const about = (here: boolean) => (event: Presence) =>
        event.room === room && event.node === b.self && event.here === here;
      const came = first(a.presence, about(true));
      await join(world, b, room);
      await world.until(came);
      const went = first(a.presence, about(false));
      await world.until(b.stop());
      await world.until(went);
    },
  },
  {
    name: 'quitting a room is told, and presence of that room ends',
    async run(world) {
      const [a, b] = [await started(world), await started(world)];
      const room = world.room();
      await join(world, a, room);
      await join(world, b, room);
      const went = first(a.presence, ({ node, here }) => node === b.self && !here);
      b.quit(room);
      await world.until(went);
    },
  },
  {
    name: 'a dialled channel carries frames both ways, whole and in order',
    async run(world) {
      const { a, b, toB, toA } = await linked(world);
      assert(toB.claimedPeer === b.self && toA.claimedPeer === a.self, 'the ends name the wrong peers');
      assert(toB.initiator && !toA.initiator, 'the ends disagree on who dialled');
      const count = 200;
      const there = collect(toA, count);
      const back = collect(toB, count);
      for (let index = 0; index < count; index++) {
        toB.send(Uint8Array.of(index & 255, 1));
        toA.send(Uint8Array.of(index & 255, 2, 2));
      }
      const [inA, inB] = await world.until(Promise.all([there, back]));
      assert(
        inA.every((frame, index) => frame.length === 2 && frame[0] === (index & 255) && frame[1] === 1),
        'frames to a are wrong',
      );
      assert(
        inB.every((frame, index) => frame.length === 3 && frame[0] === (index & 255)),
        'frames to b are wrong',
      );
    },
  },
  {
    name: 'frames that arrive before the first listener are kept for it',
    async run(world) {
      const { toB, toA } = await linked(world);
      toB.send(Uint8Array.of(1));
      toB.send(Uint8Array.of(2));
      const answer = collect(toB, 1);
      toA.send(Uint8Array.of(9));
      await world.until(answer);
      const [one, two, three] = await world.until(
        new Promise<Uint8Array[]>((resolve) => {
          void collect(toA, 3).then(resolve);
          toB.send(Uint8Array.of(3));
        }),
      );
      assert(one![0] === 1 && two![0] === 2 && three![0] === 3, 'early frames were lost or reordered');
    },
  },
  {
    name: 'frames of the largest size arrive unchanged',
    async run(world) {
      const { toB, toA } = await linked(world);
      const sent = Array.from({ length: 64 }, (_, at) =>
        Uint8Array.from({ length: FRAME_BYTES }, (_, index) => (index * 7 + at) & 255),
      );
      const received = collect(toA, sent.length);
      for (const frame of sent) toB.send(frame);
      const frames = await world.until(received);
      assert(
        frames.every(
          (frame, at) => frame.length === FRAME_BYTES && frame.every((byte, index) => byte === sent[at]![index]),
        ),
        'a frame changed on the way',
      );
      assert(toB.bufferedBytes >= 0, 'the buffer is negative');
    },
  },
  {
    name: 'closing is seen once by both ends, and nothing is sent afterwards',
    async run(world) {
      const { toB, toA } = await linked(world);
      let here = 0;
      let there = 0;
      toB.closed.on(() => here++);
      const seen = first(toA.closed);
      toA.closed.on(() => there++);
      toB.close('enough');
      toB.close('again');
      await world.until(seen);
      toB.send(Uint8Array.of(1));
      toA.send(Uint8Array.of(1));
      toA.close('late');
      let late = 0;
      toA.closed.on(() => late++);
      assert(here === 1 && there === 1 && late === 1, `closed was told ${here}, ${there} and ${late} times`);
    },
  },
  {
    name: 'dialling somebody who is not there says peer_unavailable',
    async run(world) {
      const a = await started(world);
      const result = await world.until(a.dial(world.absentId, 'host-only'));
      assert(
        !result.ok && result.error.code === 'peer_unavailable',
        `it said ${result.ok ? 'fine' : result.error.code}`,
      );
      assert(!result.ok && result.error.message.length > 0, 'it gave no sentence');
    },
  },
  {
    name: 'the certificate fingerprints of a channel match crosswise and are not empty',
    async run(world) {
      const { toB, toA } = await linked(world);
      const [b, a] = [toB.binding(), toA.binding()];
      assert(/^[a-z0-9-]+ [0-9A-F]{2}(:[0-9A-F]{2})+$/.test(b.local), `not a fingerprint: ${b.local}`);
      assert(b.local === a.remote && b.remote === a.local && b.local !== b.remote, 'the fingerprints do not match');
    },
  },
  {
    name: 'two peers that dial each other at once get two channels',
    async run(world) {
      const [a, b] = await acquainted(world);
      const incoming = Promise.all([first(a.incoming), first(b.incoming)]);
      const dials = await world.until(Promise.all([a.dial(b.self, 'host-only'), b.dial(a.self, 'host-only')]));
      assert(
        dials.every(({ ok }) => ok),
        'a dial failed',
      );
      await world.until(incoming);
    },
  },
  {
    name: 'stopping closes every channel, and afterwards nothing can be dialled',
    async run(world) {
      const { a, toB, toA } = await linked(world);
      const seen = Promise.all([first(toB.closed), first(toA.closed)]);
      await world.until(a.stop());
      await world.until(seen);
      const result = await world.until(a.dial(world.absentId, 'host-only'));
      assert(!result.ok && result.error.code === 'offline', 'it still dials');
      assert(a.status.state === 'offline', `it is ${a.status.state}`);
    },
  },
];
