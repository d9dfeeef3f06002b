import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { base64, hex, utf8 } from '#core/base/bytes';
import { encodeCanonical, sha256 } from '#core/base/canonical';
import type { Signer } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import { createManifest, openManifest, type Community } from '#core/identity/community';
import { createInvite, redeemInvite, type InviteLinkData } from '#core/identity/invites';
import { createVerify } from '#adapters/verify-webcrypto';
import { authBody, fromServerSchema, ROOM_SAMPLE_SIZE } from '#core/wire/signaling-messages';
import { checkAgainst } from '#core/wire/gate';
import type { Signed } from '#core/wire/signed';
import { startServer, type RunningServer, type ServerOptions } from '#signaling/server';
import { systemChance } from '#signaling/system-chance';

/** Every member that some message of the server has: a test reads those of the type that it waited for. */
interface Payload {
  readonly nonce: string;
  readonly room: string;
  readonly members: readonly string[];
  readonly total: number;
  readonly code: string;
  readonly node: string;
  readonly here: boolean;
  readonly retryAfterMs: number;
  readonly candidate: unknown;
}

interface Message {
  readonly type: string;
  readonly src?: string;
  readonly dst?: string;
  readonly payload: Payload;
}

/** A node as the server sees it: every message that came, in order, to be waited for by a condition. */
interface Client {
  readonly signer: Signer;
  readonly id: string;
  readonly messages: Message[];
  send(message: unknown): void;
  sendRaw(data: string | Buffer): void;
  /** The first message that meets the condition, already here or still to come. */
  next(type: string, condition?: (message: Message) => boolean): Promise<Message>;
  /** Everything that was sent before has been handled once this resolves. */
  settled(): Promise<void>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  pause(): void;
  close(): void;
}

const signerOf = (name: string): Signer => createSeedSigner(sha256(utf8(name)));
const ROOM = 'bafyreitestroom';

let folder: string;
let running: RunningServer[];
let clients: Client[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-signaling-'));
  running = [];
  clients = [];
});
afterEach(async () => {
  clients.forEach((client) => client.close());
  await Promise.all(running.map((server) => server.close()));
  await rm(folder, { recursive: true, force: true });
});

async function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer({
    port: 0,
    host: '127.0.0.1',
    dataFolder: folder,
    app: { kind: 'none' },
    version: '0.0.0',
    stun: false,
    ...options,
  });
  running.push(server);
  return server;
}

/** A socket that has not proved its id yet. `refusedWith` is the HTTP status when there is no socket at all. */
function dial(
  server: RunningServer,
  signer: Signer,
  headers: Record<string, string> = {},
): Client & { readonly refusedWith: Promise<number> } {
  const socket = new WebSocket(
    `ws://127.0.0.1:${server.port}/peerjs?key=peerjs&id=${signer.nodeId}&token=t&version=1.5.5`,
    { headers },
  );
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  const refusedWith = new Promise<number>((resolve) =>
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0)),
  );
  socket.on('error', () => undefined);
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)) as Message);
    waiting.forEach((look) => look());
  });
  const client = {
    signer,
    id: signer.nodeId,
    messages,
    send: (message: unknown) => socket.send(JSON.stringify(message)),
    sendRaw: (data: string | Buffer) => socket.send(data),
    next: (type: string, condition: (message: Message) => boolean = () => true) =>
      new Promise<Message>((resolve, reject) => {
        const look = (): void => {
          const found = messages.find((message) => message.type === type && condition(message));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        socket.on('close', (code) => reject(new Error(`closed (${code}) while waiting for ${type}`)));
        look();
      }),
    async settled() {
      const probe = `probe${messages.length}${'x'.repeat(8)}`;
      client.send({ type: 'SAMPLE', payload: { room: probe } });
      await client.next('REFUSED', ({ payload }) => payload.room === probe);
    },
    closed,
    refusedWith,
    pause: () => socket.pause(),
    close: () => socket.terminate(),
  };
  clients.push(client);
  return client;
}

async function prove(client: Client, signer = client.signer): Promise<void> {
  const { payload } = await client.next('CHALLENGE');
  const signature = hex(await signer.sign(encodeCanonical(authBody(payload.nonce, client.id))));
  client.send({ type: 'AUTH', payload: { signature } });
}

async function connect(server: RunningServer, name: string): Promise<Client> {
  const client = dial(server, signerOf(name));
  await prove(client);
  await client.next('OPEN');
  return client;
}

async function enter(client: Client, room = ROOM, redemption?: string): Promise<Message> {
  client.send({ type: 'JOIN', payload: { room, ...(redemption === undefined ? {} : { redemption }) } });
  return Promise.race([
    client.next('JOINED', ({ payload }) => payload.room === room),
    client.next('REFUSED', ({ payload }) => payload.room === room),
  ]);
}

async function pair(server: RunningServer): Promise<[Client, Client]> {
  const [a, b] = [await connect(server, 'a'), await connect(server, 'b')];
  await enter(a);
  await enter(b);
  return [a, b];
}

const offer = (dst: string, change: object = {}, connectionId = 'dc_1') => ({
  type: 'OFFER',
  dst,
  payload: {
    sdp: { type: 'offer', sdp: 'v=0\r\n' },
    type: 'data',
    connectionId,
    label: connectionId,
    reliable: true,
    serialization: 'raw',
    ...change,
  },
});

describe('proving the id', () => {
  test('a node that signs the challenge gets OPEN, and again on every reconnect', async () => {
    const server = await start();
    const first = await connect(server, 'a');
    first.close();
    await first.closed;
    const second = await connect(server, 'a');
    expect(second.messages.map(({ type }) => type)).toEqual(['CHALLENGE', 'OPEN']);
    expect(server.health().connections).toBe(1);
  });

  test('an impostor is closed with 4403 and never opened', async () => {
    const server = await start();
    const client = dial(server, signerOf('victim'));
    await prove(client, signerOf('impostor'));
    expect((await client.closed).code).toBe(4403);
    expect(client.messages.map(({ type }) => type)).toEqual(['CHALLENGE']);
    expect(server.health().refused['bad_signature']).toBe(1);
  });

  test('a signature over an earlier challenge is worth nothing', async () => {
    const server = await start();
    const first = dial(server, signerOf('a'));
    const { payload } = await first.next('CHALLENGE');
    const signature = hex(await first.signer.sign(encodeCanonical(authBody(payload.nonce, first.id))));
    const second = dial(server, signerOf('a'));
    await second.next('CHALLENGE');
    second.send({ type: 'AUTH', payload: { signature } });
    expect((await second.closed).code).toBe(4403);
  });

  test('who does not prove the id in time is closed with 4401', async () => {
    const server = await start({ limits: { authTimeoutMs: 20 } });
    const client = dial(server, signerOf('a'));
    expect((await client.closed).code).toBe(4401);
  });

  test('nothing is done for a socket before it proved its id', async () => {
    const server = await start();
    const b = await connect(server, 'b');
    await enter(b);
    const client = dial(server, signerOf('a'));
    await client.next('CHALLENGE');
    client.send({ type: 'JOIN', payload: { room: ROOM } });
    client.send(offer(b.id));
    client.send({ type: 'HEARTBEAT' });
    await prove(client);
    await client.next('OPEN');
    await b.settled();
    expect(b.messages.some(({ type }) => type === 'OFFER' || type === 'PRESENCE')).toBe(false);
    expect(server.health().refused['not_authenticated']).toBe(2);
  });

  test('the newer socket of an id wins and the older is closed with 4409', async () => {
    const server = await start();
    const older = await connect(server, 'a');
    const newer = await connect(server, 'a');
    expect((await older.closed).code).toBe(4409);
    expect((await enter(newer)).type).toBe('JOINED');
    expect(server.health().connections).toBe(1);
  });

  test('an id that is no key is refused with 400', async () => {
    const server = await start();
    const client = dial(server, { ...signerOf('a'), nodeId: 'someone' });
    expect(await client.refusedWith).toBe(400);
  });
});

describe('rooms', () => {
  test('a join tells who is there, and those who are there hear of it', async () => {
    const server = await start();
    const a = await connect(server, 'a');
    expect((await enter(a)).payload).toEqual({ room: ROOM, members: [], total: 1 });
    const b = await connect(server, 'b');
    expect((await enter(b)).payload).toEqual({ room: ROOM, members: [a.id], total: 2 });
    expect((await a.next('PRESENCE')).payload).toEqual({ room: ROOM, node: b.id, here: true });
    b.close();
    expect((await a.next('PRESENCE', ({ payload }) => !payload.here)).payload).toEqual({
      room: ROOM,
      node: b.id,
      here: false,
    });
  });

  test('a large room is never listed: everyone gets a sample of it', async () => {
    const server = await start();
    for (let i = 0; i < ROOM_SAMPLE_SIZE + 4; i++) await enter(await connect(server, `node ${i}`));
    const joined = await enter(await connect(server, 'last'));
    expect(joined.payload.members.length).toBe(ROOM_SAMPLE_SIZE);
    expect(joined.payload.total).toBe(ROOM_SAMPLE_SIZE + 5);
  });

  test('a sample can be asked for again by members only', async () => {
    const server = await start();
    const [a, b] = await pair(server);
    a.messages.length = 0;
    a.send({ type: 'SAMPLE', payload: { room: ROOM } });
    expect((await a.next('JOINED')).payload).toEqual({ room: ROOM, members: [b.id], total: 2 });
    a.send({ type: 'QUIT', payload: { room: ROOM } });
    a.send({ type: 'SAMPLE', payload: { room: ROOM } });
    expect((await a.next('REFUSED')).payload.code).toBe('not_a_member');
  });

  test('one node is in a bounded number of rooms', async () => {
    const server = await start({ limits: { maxRoomsPerConnection: 2 } });
    const a = await connect(server, 'a');
    await enter(a, 'roomnumber1');
    await enter(a, 'roomnumber2');
    expect((await enter(a, 'roomnumber3')).payload.code).toBe('too_many_rooms');
  });

  test('what the server says fits the schemas that nodes read it with', async () => {
    const server = await start();
    const [a] = await pair(server);
    a.send({ type: 'SAMPLE', payload: { room: 'elsewhere' } });
    await a.next('REFUSED');
    const ours = a.messages.filter(({ type }) => type !== 'OPEN');
    expect(ours.map((message) => checkAgainst(fromServerSchema, message).ok)).toEqual(ours.map(() => true));
  });
});

describe('relaying', () => {
  test('an offer, its candidates and the answer cross, each with the sender that was proved', async () => {
    const server = await start();
    const [a, b] = await pair(server);
    a.send({ ...offer(b.id), src: 'f'.repeat(64) });
    expect(await b.next('OFFER')).toEqual({ ...offer(b.id), src: a.id });
    b.send({
      type: 'ANSWER',
      dst: a.id,
      payload: { sdp: { type: 'answer', sdp: 'v=0' }, type: 'data', connectionId: 'dc_1' },
    });
    expect((await a.next('ANSWER')).src).toBe(b.id);
    const candidate = { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'u' };
    b.send({
      type: 'CANDIDATE',
      dst: a.id,
      payload: { candidate: { ...candidate, extra: 'x' }, type: 'data', connectionId: 'dc_1' },
    });
    expect((await a.next('CANDIDATE')).payload.candidate).toEqual(candidate);
    expect(server.health().relayed).toEqual({ ANSWER: 1, CANDIDATE: 1, OFFER: 1 });
  });

  test('an offer to someone absent is answered by EXPIRE', async () => {
    const server = await start();
    const [a] = await pair(server);
    const absent = signerOf('absent').nodeId;
    a.send(offer(absent));
    expect(await a.next('EXPIRE')).toEqual({ type: 'EXPIRE', src: absent, dst: a.id });
  });

  test('nodes that share no room reach each other no more than absent ones', async () => {
    const server = await start();
    const a = await connect(server, 'a');
    const b = await connect(server, 'b');
    await enter(a, 'roomnumber1');
    await enter(b, 'roomnumber2');
    a.send(offer(b.id));
    expect(await a.next('EXPIRE')).toEqual({ type: 'EXPIRE', src: b.id, dst: a.id });
    await b.settled();
    expect(b.messages.some(({ type }) => type === 'OFFER')).toBe(false);
  });

  test.each([
    ['media instead of data', { type: 'media' }],
    ['another serialization', { serialization: 'binary' }],
    ['no serialization', { serialization: undefined }],
    ['a session description of over 16 KiB', { sdp: { type: 'offer', sdp: 'x'.repeat(16 * 1024 + 1) } }],
    ['an answer inside an offer', { sdp: { type: 'answer', sdp: 'v=0' } }],
    ['a connection id of another form', { connectionId: 'mc_1' }],
    ['large metadata', { metadata: 'x'.repeat(65) }],
    ['structured metadata', { metadata: { a: 1 } }],
    ['an unknown member', { browser: 'x' }],
  ])('an offer with %s is dropped and counted', async (_, change) => {
    const server = await start();
    const [a, b] = await pair(server);
    a.send(offer(b.id, change));
    await a.settled();
    await b.settled();
    expect(b.messages.some(({ type }) => type === 'OFFER')).toBe(false);
    expect(server.health().refused['malformed']).toBe(1);
  });

  test.each([
    ['no JSON', '{"type":'],
    ['no object', '7'],
    ['an unknown type', '{"type":"OPEN"}'],
    ['a prototype key', '{"type":"HEARTBEAT","__proto__":{"a":1}}'],
    ['a room of another form', '{"type":"JOIN","payload":{"room":"../x"}}'],
  ])('a message that is %s is dropped and the socket stays', async (_, text) => {
    const server = await start();
    const a = await connect(server, 'a');
    a.sendRaw(text);
    await a.settled();
    expect(server.health().refused['malformed']).toBe(1);
  });

  test('no message reaches its own sender', async () => {
    const server = await start();
    const a = await connect(server, 'a');
    await enter(a);
    a.send(offer(a.id));
    await a.settled();
    expect(a.messages.some(({ type }) => type === 'OFFER' || type === 'EXPIRE')).toBe(false);
  });
});

describe('limits', () => {
  test('a message of over 64 KiB closes with 1009', async () => {
    const server = await start();
    const a = await connect(server, 'a');
    a.sendRaw('x'.repeat(64 * 1024 + 1));
    expect((await a.closed).code).toBe(1009);
    expect(server.health().refused['too_large']).toBe(1);
  });

  test('binary data closes with 1003', async () => {
    const server = await start();
    const a = await connect(server, 'a');
    a.sendRaw(Buffer.from([1, 2, 3]));
    expect((await a.closed).code).toBe(1003);
  });

  test('messages over the rate are dropped, and a socket that goes on is closed with 4429', async () => {
    const server = await start({ limits: { messagesPerSecond: 0, messagesBurst: 20, maxDroppedMessages: 30 } });
    const a = await connect(server, 'a');
    for (let i = 0; i < 60; i++) a.send({ type: 'HEARTBEAT' });
    expect((await a.closed).code).toBe(4429);
    expect(server.health().refused['rate']).toBe(31);
  });

  test('one address holds a bounded number of sockets and gets its place back', async () => {
    const server = await start({ limits: { maxConnectionsPerAddress: 2 } });
    const a = await connect(server, 'a');
    await connect(server, 'b');
    expect(await dial(server, signerOf('c')).refusedWith).toBe(429);
    a.close();
    await a.closed;
    await expect.poll(() => server.health().sockets).toBe(1);
    await connect(server, 'c');
    expect(server.health().refused['address_sockets']).toBe(1);
  });

  test('one address opens a bounded number of sockets per second', async () => {
    const server = await start({ limits: { newConnectionsPerSecond: 0, newConnectionsBurst: 1 } });
    await connect(server, 'a');
    expect(await dial(server, signerOf('b')).refusedWith).toBe(429);
    expect(server.health().refused['address_rate']).toBe(1);
  });

  test('a full server refuses with 503', async () => {
    const server = await start({ limits: { maxConnections: 1 } });
    await connect(server, 'a');
    expect(await dial(server, signerOf('b')).refusedWith).toBe(503);
  });

  test('a page of another origin is refused, unless it was allowed; pages of this host and programs are not', async () => {
    const server = await start({ allowedOrigins: ['https://friend.example'] });
    expect(await dial(server, signerOf('a'), { origin: 'https://evil.example' }).refusedWith).toBe(403);
    expect(await dial(server, signerOf('a'), { origin: 'null' }).refusedWith).toBe(403);
    await dial(server, signerOf('a'), { origin: 'https://friend.example' }).next('CHALLENGE');
    await dial(server, signerOf('a'), { origin: `http://127.0.0.1:${server.port}` }).next('CHALLENGE');
    await dial(server, signerOf('a')).next('CHALLENGE');
  });

  test('a reader that is too slow is cut before its queue grows', async () => {
    const generous = { messagesPerSecond: 10_000, messagesBurst: 10_000, maxBufferedBytes: 64 * 1024 };
    const server = await start({ limits: generous });
    const [a, b] = await pair(server);
    b.pause();
    const sdp = { type: 'offer', sdp: 'x'.repeat(16_000) };
    for (let i = 0; i < 1_000; i++) a.send(offer(b.id, { sdp }, `dc_${i}`));
    await a.next('PRESENCE', ({ payload }) => !payload.here && payload.node === b.id);
    expect(server.health().refused['slow_reader']).toBeGreaterThan(0);
    expect(server.health().connections).toBe(1);
  });

  test('a socket that answers no ping is closed', async () => {
    const server = await start({ limits: { pingPeriodMs: 30 } });
    const silent = new WebSocket(`ws://127.0.0.1:${server.port}/peerjs?id=${signerOf('a').nodeId}`, {
      autoPong: false,
    });
    await new Promise((resolve) => silent.once('close', resolve));
    expect(server.health().refused['no_pong']).toBe(1);
  });

  test('another path takes no socket', async () => {
    const server = await start();
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/other`);
    socket.on('error', () => undefined);
    expect(
      await new Promise((resolve) => socket.once('unexpected-response', (_, response) => resolve(response.statusCode))),
    ).toBe(404);
  });
});

describe('invitations', () => {
  let community: Community;
  let manifest: Signed;
  const founder = signerOf('founder');
  beforeEach(async () => {
    manifest = await createManifest(founder, { name: 'Ours', open: false, createdAt: Date.now() });
    community = unwrap(await openManifest(manifest, createVerify()));
  });

  const invite = async (uses: number): Promise<InviteLinkData> => {
    const parts = { signer: founder, seedSigner: createSeedSigner, chance: systemChance, now: Date.now() };
    return unwrap(await createInvite(parts, { community, manifest, chain: [], uses }));
  };
  const redeem = async (link: InviteLinkData, node: string): Promise<string> =>
    base64(unwrap(await redeemInvite(link, node, createSeedSigner, Date.now())).redemption);

  test('admit as many different nodes as they have uses, also after a restart', async () => {
    const link = await invite(2);
    const enterWith = async (server: RunningServer, name: string) => {
      const client = await connect(server, name);
      return enter(client, community.id, await redeem(link, client.id));
    };
    const before = await start();
    expect((await enterWith(before, 'a')).type).toBe('JOINED');
    expect((await enterWith(before, 'a')).type).toBe('JOINED');
    await before.close();
    const after = await start();
    expect((await enterWith(after, 'b')).type).toBe('JOINED');
    expect((await enterWith(after, 'c')).payload.code).toBe('invite_used_up');
    expect((await enterWith(after, 'a')).type).toBe('JOINED');
  });

  test('do not admit another node, to another community, or when they are damaged', async () => {
    const server = await start();
    const link = await invite(5);
    const a = await connect(server, 'a');
    const forOther = await redeem(link, signerOf('b').nodeId);
    const forA = await redeem(link, a.id);
    expect((await enter(a, community.id, forOther)).payload.code).toBe('invite_invalid');
    expect((await enter(a, ROOM, forA)).payload.code).toBe('invite_invalid');
    const b = await connect(server, 'b');
    expect((await enter(b, community.id, `${forOther.slice(0, -8)}AAAAAAAA`)).payload.code).toBe('invite_invalid');
    expect(server.health().refused['invite_invalid']).toBe(3);
  });

  test('do not admit a new node after their end by the clock of the server, but one that was admitted before', async () => {
    const link = await invite(5);
    const a = await start();
    const known = await connect(a, 'known');
    expect((await enter(known, community.id, await redeem(link, known.id))).type).toBe('JOINED');
    await a.close();
    const { createSystemClock } = await import('#adapters/clock-system/system-clock');
    const system = createSystemClock();
    const late = await start({ clock: { ...system, now: () => link.token.expiresAt + 1 } });
    const newcomer = await connect(late, 'newcomer');
    expect((await enter(newcomer, community.id, await redeem(link, newcomer.id))).payload.code).toBe('invite_expired');
    const again = await connect(late, 'known');
    expect((await enter(again, community.id, await redeem(link, again.id))).type).toBe('JOINED');
  });
});

describe('stopping', () => {
  test('everyone is told MOVED, then closed with 1001, and nothing is left', async () => {
    const server = await start();
    const [a, b] = await pair(server);
    await server.close();
    for (const client of [a, b]) {
      expect((await client.closed).code).toBe(1001);
      const last = client.messages.at(-1)!;
      expect(last.type).toBe('MOVED');
      expect(last.payload.retryAfterMs).toBeGreaterThan(0);
    }
    expect(server.health()).toMatchObject({ status: 'draining', connections: 0, sockets: 0, rooms: 0 });
  });

  test('a client that answers no closing handshake is cut', async () => {
    const server = await start();
    const silent = new WebSocket(`ws://127.0.0.1:${server.port}/peerjs?id=${signerOf('a').nodeId}`);
    await new Promise((resolve) => silent.once('message', resolve));
    silent.pause();
    await server.close();
    expect(server.health().sockets).toBe(0);
    silent.terminate();
  });

  test('stopping twice is stopping once', async () => {
    const server = await start();
    await Promise.all([server.close(), server.close()]);
  });

  test('the open community is the same after a restart', async () => {
    const first = await start();
    await first.close();
    expect((await start()).communityId).toBe(first.communityId);
  });
});
