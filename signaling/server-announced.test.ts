import { createSocket } from 'node:dgram';
import { mkdtemp, rm } from 'node:fs/promises';
import { get as getHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import multicastDns from 'multicast-dns';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { HOST_NAMES } from '#signaling/announce-records';
import type { LanInterface } from '#signaling/local-addresses';
import { startServer, type RunningServer, type ServerOptions } from '#signaling/server';

/** Nothing of this leaves the machine: group and socket are those of loopback, the port is not that of multicast DNS. */
const LOOPBACK: LanInterface = {
  ipv4: '127.0.0.1',
  networks: [{ address: '127.0.0.1', netmask: '255.0.0.0' }],
  addresses: ['127.0.0.1'],
};

let scratch: string;
let port: number;
const running: RunningServer[] = [];
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tabmesh-announced-'));
});
beforeEach(async () => {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  port = socket.address().port;
  await new Promise<void>((resolve) => socket.close(resolve));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer({
    port: 0,
    host: '127.0.0.1',
    dataFolder: join(scratch, 'data'),
    app: { kind: 'none' },
    version: '1',
    stun: false,
    announce: { instanceName: 'Tabmesh on vm', multicast: { port, interfaces: () => [LOOPBACK] } },
    ...options,
  });
  running.push(server);
  return server;
}

/** The address that somebody on this network gets for a name. */
async function resolved(name: string): Promise<string> {
  const mdns = multicastDns({ port, interface: '127.0.0.1', bind: '0.0.0.0' });
  await new Promise<void>((ready) => mdns.once('ready', ready));
  const address = await new Promise<string>((found) => {
    mdns.on('response', ({ answers }) => {
      for (const record of answers) if (record.type === 'A' && record.name === name) found(record.data);
    });
    mdns.query(name, 'A');
  });
  await new Promise<void>((closed) => mdns.destroy(closed));
  return address;
}

const openSocket = (url: string, address: string, headers: Record<string, string>, ca?: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = new WebSocket(url, {
      headers,
      ...(ca === undefined ? {} : { ca }),
      lookup: (_name, { all }, done) => (all === true ? done(null, [{ address, family: 4 }]) : done(null, address, 4)),
    });
    socket.once('message', (data) => resolve(String(data)));
    socket.once('error', reject);
  });

test('a page that was opened by the announced name may connect, one of another name may not', async () => {
  const server = await start();
  const own = server.announced();
  expect(own).toEqual({
    hostName: 'tabmesh.local',
    instance: 'Tabmesh on vm',
    url: `http://tabmesh.local:${server.port}`,
  });
  const address = await resolved('tabmesh.local');
  const url = `ws://tabmesh.local:${server.port}/peerjs?id=${'a'.repeat(64)}`;
  expect(await openSocket(url, address, { origin: own!.url })).toContain('CHALLENGE');
  await expect(openSocket(url, address, { origin: `http://tabmesh-2.local:${server.port}` })).rejects.toThrow('403');
});

test('a device that trusts the authority trusts the server under every name that it may be announced under', async () => {
  const server = await start({ tls: true });
  const ca = server.authority!.certificatePem;
  expect(server.announced()?.url).toBe(`https://tabmesh.local:${server.port}`);
  const answerTo = (name: string) =>
    new Promise<{ status: number | undefined; strict: string | undefined }>((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: server.port,
        path: '/healthz',
        servername: name,
        ca,
        agent: false,
      } as const;
      getHttps({ ...options, headers: { host: `${name}:${server.port}` } }, (response) => {
        response.resume();
        resolve({ status: response.statusCode, strict: response.headers['strict-transport-security'] });
      }).on('error', reject);
    });
  // No browser is told to keep to TLS under a name that the next server on the network may have, without any.
  for (const name of HOST_NAMES)
    expect([name, await answerTo(name)]).toEqual([name, { status: 200, strict: undefined }]);
  const url = `wss://tabmesh.local:${server.port}/peerjs?id=${'a'.repeat(64)}`;
  expect(await openSocket(url, '127.0.0.1', { origin: server.announced()!.url }, ca)).toContain('CHALLENGE');
});

test('without being asked a server announces nothing, and its certificate has no such name', async () => {
  const server = await startServer({
    port: 0,
    host: '127.0.0.1',
    dataFolder: join(scratch, 'quiet'),
    app: { kind: 'none' },
    version: '1',
    stun: false,
    tls: true,
  });
  running.push(server);
  expect(server.announced()).toBeNull();
  const refused = new Promise<NodeJS.ErrnoException>((resolve) =>
    getHttps({
      host: '127.0.0.1',
      port: server.port,
      servername: 'tabmesh.local',
      ca: server.authority!.certificatePem,
      agent: false,
    }).on('error', resolve),
  );
  expect((await refused).code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
});

test('the end of the server takes the name back', async () => {
  const server = await start();
  const mdns = multicastDns({ port, interface: '127.0.0.1', bind: '0.0.0.0' });
  await new Promise<void>((ready) => mdns.once('ready', ready));
  const goodbye = new Promise<void>((heard) => {
    mdns.on('response', ({ answers }) => {
      if (answers.some((record) => record.type === 'A' && record.name === 'tabmesh.local' && record.ttl === 0)) heard();
    });
  });
  await server.close();
  await goodbye;
  expect(server.announced()).toBeNull();
  await new Promise<void>((closed) => mdns.destroy(closed));
});

test('where multicast is not possible the server goes on, with one sentence about it', async () => {
  const gone = { ...LOOPBACK, ipv4: '203.0.113.77' };
  const server = await start({ announce: { multicast: { port, interfaces: () => [gone] } } });
  expect(server.announced()).toBeNull();
  expect(server.notices).toEqual([expect.stringMatching(/^Multicast is not possible here [^\n]+\.$/)]);
  expect(server.health().status).toBe('ok');
});

test('a server that listens on this machine only is not announced, and says so', async () => {
  const server = await start({ announce: {} });
  expect(server.announced()).toBeNull();
  expect(server.notices).toEqual([expect.stringMatching(/^This server is reached from this machine only[^\n]+\.$/)]);
});
