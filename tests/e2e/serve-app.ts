import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type RunningServer, type ServerOptions } from '#signaling/server';
import { ROOT } from '#tests/steps';

export interface ServedAppOptions {
  /** What `vite build` wrote; absent: the build of this repository. */
  readonly folder?: string;
  readonly server?: Partial<Pick<ServerOptions, 'allowedOrigins' | 'iceServers' | 'limits' | 'modelsFile' | 'stun'>>;
}

export interface AppServer {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly origin: string;
  readonly server: RunningServer;
  /** Stops the server; address and data folder stay its own. */
  stop(): Promise<void>;
  /** Starts it again at the same address over the same data. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** The real server over a build, on loopback, with a data folder of its own that goes with it. */
export async function serveApp({
  folder = join(ROOT, 'build'),
  server: options = {},
}: ServedAppOptions = {}): Promise<AppServer> {
  if (!existsSync(join(folder, '200.html'))) throw new Error(`There is no build in ${folder}: run npm run build.`);
  const dataFolder = await mkdtemp(join(tmpdir(), 'tabmesh-e2e-'));
  const start = (port: number): Promise<RunningServer> =>
    startServer({
      port,
      host: '127.0.0.1',
      dataFolder,
      app: { kind: 'files', folder },
      version: '0.0.0',
      stun: false,
      ...options,
    });
  let server = await start(0);
  const { port } = server;
  return {
    origin: `http://127.0.0.1:${port}`,
    get server() {
      return server;
    },
    stop: () => server.close(),
    async start() {
      server = await start(port);
    },
    async close() {
      await server.close();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

export interface CountingProxy {
  readonly origin: string;
  /** Everything that went through so far, both ways, with headers and WebSocket frames. */
  bytes(): number;
  close(): Promise<void>;
}

/** Stands between browser and server and counts what is really transferred, whoever in the browser asked for it. */
export async function countBytes(toOrigin: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(toOrigin);
  let bytes = 0;
  const sockets = new Set<{ destroy(): void }>();
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk: Buffer) => (bytes += chunk.length));
      from.on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from));
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    bytes: () => bytes,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        proxy.close(() => resolve());
      }),
  };
}
