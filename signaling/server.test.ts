import { mkdir, mkdtemp, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer, connect as connectTcp, type AddressInfo } from 'node:net';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createVerify } from '#adapters/verify-webcrypto';
import { unwrap } from '#core/base/result';
import { manifestFromJson, openManifest } from '#core/identity/community';
import { checkAgainst } from '#core/wire/gate';
import { serverConfigSchema } from '#core/wire/signaling-messages';
import { encodingFor } from '#signaling/app-files';
import { COMMON_HEADERS } from '#signaling/headers';
import { startServer, tryStartServer, type RunningServer, type ServerOptions } from '#signaling/server';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

let scratch: string;
const running: RunningServer[] = [];
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tabmesh-server-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const defaults = (): ServerOptions => ({
  port: 0,
  host: '127.0.0.1',
  dataFolder: join(scratch, 'data'),
  app: { kind: 'none' },
  version: '1.2.3',
  stun: false,
});

async function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer({ ...defaults(), ...options });
  running.push(server);
  return server;
}

/** The path goes out exactly as written, which `fetch` would tidy up. */
function get(
  server: RunningServer,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  ca?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port: server.port, path, headers, method, agent: false } as const;
    const request = ca === undefined ? httpRequest(target) : httpsRequest({ ...target, ca, servername: 'localhost' });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString() });
      });
    });
    request.end();
  });
}

const PAGE = { accept: 'text/html,application/xhtml+xml' };
const SCRIPT = `export const words = ${JSON.stringify('mesh '.repeat(2000))};\n`;

async function build(name: string): Promise<string> {
  const folder = join(scratch, name);
  const files: Record<string, string | Buffer> = {
    '200.html': '<!doctype html><title>fallback</title>',
    'about.html': '<!doctype html><title>about</title>',
    '_app/immutable/entry.abc.js': SCRIPT,
    '_app/version.json': '{"version":"1"}',
    'service-worker.js': 'self.x = 1;',
    'manifest.webmanifest': '{}',
    'models/spark/model.onnx': Buffer.alloc(5000, 7),
    'ort/ort.wasm': Buffer.alloc(5000, 1),
    '.secret': 'hidden',
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  await writeFile(join(scratch, 'outside.txt'), 'outside');
  await symlink(join(scratch, 'outside.txt'), join(folder, 'link.txt'));
  return folder;
}

describe('the built app', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await build('app');
  });
  const startApp = () => start({ app: { kind: 'files', folder } });

  test('is served with the right types and lifetimes', async () => {
    const server = await startApp();
    const expected: readonly (readonly [path: string, type: string, cache: RegExp])[] = [
      ['/about', 'text/html; charset=utf-8', /^no-cache$/],
      ['/_app/immutable/entry.abc.js', 'text/javascript; charset=utf-8', /immutable/],
      ['/_app/version.json', 'application/json; charset=utf-8', /^no-cache$/],
      ['/service-worker.js', 'text/javascript; charset=utf-8', /^no-cache$/],
      ['/manifest.webmanifest', 'application/manifest+json; charset=utf-8', /^no-cache$/],
      ['/models/spark/model.onnx', 'application/octet-stream', /^no-cache$/],
      ['/ort/ort.wasm', 'application/wasm', /^no-cache$/],
    ];
    for (const [path, type, cache] of expected) {
      const { status, headers } = await get(server, path);
      expect([path, status, headers['content-type']]).toEqual([path, 200, type]);
      expect(headers['cache-control']).toMatch(cache);
    }
  });

  test('carries the security headers on every answer, found or not', async () => {
    const server = await startApp();
    for (const path of ['/', '/about', '/models/none', '/healthz', '/api/config', '/api/none']) {
      const { headers } = await get(server, path, PAGE);
      for (const [name, value] of Object.entries(COMMON_HEADERS)) {
        const shared = name === 'Cross-Origin-Resource-Policy' && (path === '/healthz' || path === '/api/config');
        expect([path, name, headers[name.toLowerCase()]]).toEqual([path, name, shared ? 'cross-origin' : value]);
      }
      expect(headers['strict-transport-security']).toBeUndefined();
    }
  });

  test('gives scripts a policy of their own, because workers take theirs from it', async () => {
    const { headers } = await get(await startApp(), '/_app/immutable/entry.abc.js');
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
  });

  test('answers a navigation to an unknown path with the fallback page', async () => {
    const server = await startApp();
    for (const path of ['/', '/ask', '/mesh/somewhere?x=1']) {
      const { status, text } = await get(server, path, PAGE);
      expect([path, status]).toEqual([path, 200]);
      expect(text).toContain('fallback');
    }
  });

  test.each([
    ['a missing model', '/models/none', PAGE],
    ['a missing asset', '/_app/immutable/none', PAGE],
    ['a missing engine file', '/ort/none', PAGE],
    ['a missing interface', '/api/none', PAGE],
    ['a missing file with an ending', '/picture.png', PAGE],
    ['an unknown path that is no navigation', '/ask', { accept: '*/*' }],
  ])('answers %s with 404', async (_, path, headers) => {
    expect((await get(await startApp(), path, headers)).status).toBe(404);
  });

  test.each([
    '/../outside.txt',
    '/..%2foutside.txt',
    '/%2e%2e/outside.txt',
    '/_app/../../outside.txt',
    '/..\\outside.txt',
    '//outside.txt',
    '/link.txt',
    '/.secret',
    '/%00.txt',
    '/%E0%A4%A',
    'http://elsewhere/about.txt',
  ])('lets nobody out of its folder by %s', async (path) => {
    const { status, text } = await get(await startApp(), path);
    expect(text).not.toMatch(/outside\b|hidden/);
    expect(status).toBe(404);
  });

  test('compresses text and WebAssembly as the client likes it, and models not', async () => {
    const server = await startApp();
    const br = await get(server, '/_app/immutable/entry.abc.js', { 'accept-encoding': 'gzip, br' });
    expect([br.headers['content-encoding'], br.headers['vary']]).toEqual(['br', 'Accept-Encoding']);
    expect(brotliDecompressSync(br.body).toString()).toBe(SCRIPT);
    expect(Number(br.headers['content-length'])).toBe(br.body.length);
    const gzip = await get(server, '/_app/immutable/entry.abc.js', { 'accept-encoding': 'gzip, br;q=0' });
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(gzip.body).toString()).toBe(SCRIPT);
    const plain = await get(server, '/_app/immutable/entry.abc.js');
    expect([plain.headers['content-encoding'], plain.text]).toEqual([undefined, SCRIPT]);
    expect((await get(server, '/ort/ort.wasm', { 'accept-encoding': 'br' })).headers['content-encoding']).toBe('br');
    const model = await get(server, '/models/spark/model.onnx', { 'accept-encoding': 'br' });
    expect([model.headers['content-encoding'], model.body.length]).toEqual([undefined, 5000]);
  });

  test('answers 304 to what the client already has', async () => {
    const server = await startApp();
    const { headers } = await get(server, '/about');
    const again = await get(server, '/about', { 'if-none-match': headers.etag! });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    expect((await get(server, '/about', { 'if-none-match': 'W/"other"' })).status).toBe(200);
  });

  test('answers HEAD without a body and other methods with 405', async () => {
    const server = await startApp();
    const head = await get(server, '/about', {}, 'HEAD');
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect(Number(head.headers['content-length'])).toBeGreaterThan(0);
    expect((await get(server, '/about', {}, 'POST')).status).toBe(405);
  });

  test('is noticed when it is built again, without a restart', async () => {
    const rebuilt = await build('rebuilt');
    let now = 0;
    const { createSystemClock } = await import('#adapters/clock-system/system-clock');
    const server = await start({
      app: { kind: 'files', folder: rebuilt },
      clock: { ...createSystemClock(), monotonicMs: () => now },
    });
    expect((await get(server, '/about')).text).toContain('about');
    await writeFile(join(rebuilt, 'about.html'), 'second build');
    const later = new Date(Date.now() + 5_000);
    await utimes(join(rebuilt, '200.html'), later, later);
    now += 2_000;
    expect((await get(server, '/about')).text).toBe('second build');
  });
});

test.each([
  ['br', 'gzip, deflate, br'],
  ['gzip', 'gzip;q=1.0, br;q=0'],
  [null, 'identity'],
  [null, undefined],
])('%s is chosen for accept-encoding %s', (encoding, header) => {
  expect(encodingFor(header)).toBe(encoding);
});

describe('what a page and a person may ask the server', () => {
  test('/api/config has the signed open community and the ICE servers, for every origin', async () => {
    const server = await start({ stun: true });
    const { text, headers } = await get(server, '/api/config', { host: `mesh.local:${server.port}` });
    const config = unwrap(checkAgainst(serverConfigSchema, JSON.parse(text)));
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(config.version).toBe('1.2.3');
    expect(config.iceServers).toEqual([{ urls: `stun:mesh.local:${server.port}` }]);
    const community = unwrap(await openManifest(unwrap(manifestFromJson(config.community)), createVerify()));
    expect([community.id, community.open]).toEqual([server.communityId, true]);
  });

  test('a host that is none never reaches the configuration', async () => {
    const server = await start({ stun: true });
    const { text } = await get(server, '/api/config', { host: 'a b"' }).catch(() => ({ text: '' }));
    expect(text).not.toContain('a b');
    const { text: other } = await get(server, '/api/config', { host: '[::1]:80' });
    expect(JSON.parse(other).iceServers).toEqual([{ urls: `stun:[::1]:${server.port}` }]);
  });

  test('ICE servers are those that were given, or none without STUN', async () => {
    const given = [{ urls: ['turn:turn.example:3478'], username: 'u', credential: 'c' }];
    expect(JSON.parse((await get(await start({ iceServers: given }), '/api/config')).text).iceServers).toEqual(given);
    expect(JSON.parse((await get(await start(), '/api/config')).text).iceServers).toEqual([]);
  });

  test('/healthz says how the server does, and /metrics the same as plain lines', async () => {
    const server = await start();
    const health = await get(server, '/healthz');
    expect(health.headers['access-control-allow-origin']).toBe('*');
    expect(JSON.parse(health.text)).toEqual({
      status: 'ok',
      version: '1.2.3',
      connections: 0,
      sockets: 0,
      rooms: 0,
      uptimeSeconds: expect.any(Number),
      community: server.communityId,
      relayed: {},
      refused: {},
      stun: null,
    });
    expect((await get(server, '/metrics')).text).toMatch(/^tabmesh_draining 0\ntabmesh_connections 0\n/);
  });

  test('without TLS there is no certificate to download', async () => {
    expect((await get(await start(), '/tabmesh-ca.crt')).status).toBe(404);
  });
});

describe('starting and stopping', () => {
  test('a port in use is one sentence', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const started = await tryStartServer({ ...defaults(), port });
    expect(started).toMatchObject({
      ok: false,
      error: { code: 'port_in_use', message: expect.stringContaining(String(port)) },
    });
    await new Promise((resolve) => other.close(resolve));
  });

  test('a UDP port in use leaves the server running without STUN, and says so', async () => {
    const server = await start({ stun: true });
    const { port } = server;
    await server.close();
    const taken = createSocket('udp4');
    await new Promise<void>((resolve) => taken.bind(port, '127.0.0.1', resolve));
    const again = await start({ stun: true, port });
    expect([again.stunPort, again.notices.length]).toEqual([null, 1]);
    expect(JSON.parse((await get(again, '/api/config')).text).iceServers).toEqual([]);
    await new Promise<void>((resolve) => taken.close(resolve));
  });

  test('a damaged community is one sentence, and the file stays as it is', async () => {
    const dataFolder = join(scratch, 'damaged');
    await mkdir(dataFolder);
    await writeFile(join(dataFolder, 'community.json'), '{"seed":"x"}');
    expect(await tryStartServer({ ...defaults(), dataFolder })).toMatchObject({
      ok: false,
      error: { code: 'data_damaged' },
    });
    expect(await readFile(join(dataFolder, 'community.json'), 'utf8')).toBe('{"seed":"x"}');
  });

  test('what is kept is readable for the owner only', async () => {
    await start();
    expect((await stat(join(scratch, 'data', 'community.json'))).mode & 0o777).toBe(0o600);
  });

  test('an open connection does not hold up the end', async () => {
    const server = await start();
    const idle = connectTcp(server.port, '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    const gone = new Promise((resolve) => idle.once('close', resolve));
    await server.close();
    await gone;
  });
});

describe('with TLS', () => {
  test('a client that trusts the downloaded authority gets the app over HTTPS', async () => {
    const server = await start({ tls: true });
    const { certificatePem, fingerprint } = server.authority!;
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
    const download = await get(server, '/tabmesh-ca.crt', {}, 'GET', certificatePem);
    expect(download.headers['content-type']).toBe('application/x-x509-ca-cert');
    const { X509Certificate } = await import('node:crypto');
    expect(new X509Certificate(download.body).fingerprint256).toBe(fingerprint);
    expect(new X509Certificate(download.body).ca).toBe(true);
  });

  test('strict transport is asked for by name only, never for localhost or an address', async () => {
    const server = await start({ tls: true });
    const asked = async (host: string) =>
      (await get(server, '/healthz', { host }, 'GET', server.authority!.certificatePem)).headers[
        'strict-transport-security'
      ];
    expect(await asked('mesh.local')).toMatch(/^max-age=\d+$/);
    expect([await asked('localhost'), await asked('192.168.1.2'), await asked('[fd00::2]')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('plain HTTP on the same port leads to HTTPS, except for the authority itself', async () => {
    const server = await start({ tls: true });
    const page = await get(server, '/join?x=1', { host: `mesh.local:${server.port}` });
    expect([page.status, page.headers.location]).toEqual([307, `https://mesh.local:${server.port}/join?x=1`]);
    expect((await get(server, '/tabmesh-ca.crt')).headers['content-type']).toBe('application/x-x509-ca-cert');
  });

  test('sockets work over TLS', async () => {
    const server = await start({ tls: true });
    const { WebSocket } = await import('ws');
    const socket = new WebSocket(`wss://127.0.0.1:${server.port}/peerjs?id=${'a'.repeat(64)}`, {
      ca: server.authority!.certificatePem,
    });
    const first = await new Promise<string>((resolve, reject) => {
      socket.once('message', (data) => resolve(String(data)));
      socket.once('error', reject);
    });
    expect(JSON.parse(first).type).toBe('CHALLENGE');
    await server.close();
  });

  test('the authority is the same after a restart', async () => {
    const first = await start({ tls: true });
    await first.close();
    expect((await start({ tls: true })).authority!.fingerprint).toBe(first.authority!.fingerprint);
  });
});
