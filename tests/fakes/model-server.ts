import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { contentOf, type ServedFile, type ServedLog, type ServedRequest } from './model-server-client';

export interface ModelServer {
  /** `http://127.0.0.1:<port>`, another origin than any page's. */
  readonly origin: string;
  close(): Promise<void>;
}

const CHUNK_BYTES = 64 * 1024;
const DATE = 'Thu, 01 Jan 2026 00:00:00 GMT';

interface Served {
  readonly file: ServedFile;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly cuts: number[];
  readonly statuses: number[];
  flipsLeft: number;
  holding: boolean;
  readonly requests: ServedRequest[];
  preflights: number;
  sentBytes: number;
  /** Those who wait for an answer to be held, and held answers that wait to go on or to be cut. */
  readonly heldWaiters: (() => void)[];
  readonly releases: ((goOn: boolean) => void)[];
  /** A reader closed the line before the end; those who wait for that. */
  wasLeft: boolean;
  readonly leftWaiters: (() => void)[];
}

/**
 * A server of model files on loopback that does on demand what servers and lines do: breaks off, forgets ranges, lies.
 * It is driven over HTTP (`modelServerAt`), by events only: it never waits for time to pass.
 */
export async function startModelServer(): Promise<ModelServer> {
  const servedByPath = new Map<string, Served>();

  const control: Record<string, (body: { path: string }) => unknown> = {
    serve(body) {
      const file = body as ServedFile;
      servedByPath.get(file.path)?.releases.forEach((release) => release(true));
      servedByPath.set(file.path, {
        file,
        content: contentOf(file.seed, file.sizeBytes),
        cuts: [...(file.cutAfterBytes ?? [])],
        statuses: [...(file.statuses ?? [])],
        flipsLeft: file.flips ?? Infinity,
        holding: file.holdAfterBytes !== undefined,
        requests: [],
        preflights: 0,
        sentBytes: 0,
        heldWaiters: [],
        releases: [],
        wasLeft: false,
        leftWaiters: [],
      });
    },
    held: ({ path }) =>
      new Promise<void>((resolve) => {
        const served = servedByPath.get(path)!;
        if (served.releases.length > 0) resolve();
        else served.heldWaiters.push(resolve);
      }),
    left: ({ path }) =>
      new Promise<void>((resolve) => {
        const served = servedByPath.get(path)!;
        if (served.wasLeft) resolve();
        else served.leftWaiters.push(resolve);
      }),
    release({ path }) {
      const served = servedByPath.get(path)!;
      served.holding = false;
      served.releases.splice(0).forEach((release) => release(true));
    },
    cut({ path }) {
      servedByPath
        .get(path)!
        .releases.splice(0)
        .forEach((release) => release(false));
    },
    log({ path }): ServedLog {
      const { sentBytes, requests, preflights } = servedByPath.get(path)!;
      return { sentBytes, requests, preflights };
    },
  };

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://server');
    response.setHeader('Access-Control-Allow-Origin', '*');
    const action = /^\/control\/(\w+)$/.exec(pathname)?.[1];
    const list = /^\/api\/models\/(.+)\/paths-info\/(.+)$/.exec(pathname);
    const served = servedByPath.get(pathname);
    if (action !== undefined)
      void bodyOf(request).then(async (body) => {
        const answer = await control[action]!(JSON.parse(body) as { path: string });
        response.end(JSON.stringify(answer ?? null));
      });
    else if (list !== null) void bodyOf(request).then((body) => listPaths(list[1]!, list[2]!, body, response));
    else if (served === undefined) response.writeHead(404).end();
    else if (request.method === 'OPTIONS') {
      served.preflights++;
      response.writeHead(403).end();
    } else void answer(served, request, response);
  });

  /** As the hub answers `paths-info`: entries of the paths that it has. */
  function listPaths(repository: string, revision: string, body: string, response: ServerResponse): void {
    const entries = new URLSearchParams(body).getAll('paths').flatMap((path) => {
      const file = servedByPath.get(`/${repository}/resolve/${revision}/${path}`)?.file;
      if (file?.hubWord === undefined) return [];
      return [{ type: 'file', path, size: file.sizeBytes, lfs: { oid: file.hubWord, size: file.sizeBytes } }];
    });
    response.end(JSON.stringify(entries));
  }

  // A line that was idle for a while must not be closed in the moment in which somebody uses it again.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { file, content } = served;
  const range = request.headers.range ?? null;
  served.requests.push({
    method: request.method ?? '',
    range,
    ifRange: request.headers['if-range']?.toString() ?? null,
  });
  const status = served.statuses.shift();
  if (status !== undefined) return void response.writeHead(status).end();

  const asked = file.ignoreRange === true ? null : /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
  const from = Number(asked?.[1] ?? 0);
  const to = Math.min(content.length, asked?.[2] ? Number(asked[2]) + 1 : content.length);
  const totalBytes = file.announceBytes ?? content.length;
  if (asked !== null && from >= content.length)
    return void response.writeHead(416, { 'Content-Range': `bytes */${content.length}` }).end();
  if (file.unexposed !== true)
    response.setHeader('Access-Control-Expose-Headers', 'ETag, Content-Range, X-Linked-ETag');
  const validator = file.validator ?? 'strong';
  const etag = `"${file.seed}-${file.sizeBytes}"`;
  if (validator === 'strong') response.setHeader('ETag', etag);
  if (validator === 'weak') response.setHeader('ETag', `W/${etag}`);
  if (validator === 'date') response.setHeader('Last-Modified', DATE);
  if (file.linkedEtag !== undefined) response.setHeader('X-Linked-ETag', file.linkedEtag);
  const lengthSaid = file.lengthless !== true && file.announceBytes === undefined;
  if (lengthSaid) response.setHeader('Content-Length', to - from);
  if (asked !== null)
    response.setHeader('Content-Range', `bytes ${from}-${to - 1}/${file.lengthless === true ? '*' : totalBytes}`);
  else if (file.announceBytes !== undefined) response.setHeader('Content-Length', file.announceBytes);
  response.writeHead(asked === null ? 200 : 206);
  response.flushHeaders();

  const cut = from + (served.cuts.shift() ?? file.alwaysCutAfterBytes ?? Infinity);
  const hold = from + (file.holdAfterBytes ?? Infinity);
  let gone = false;
  let brokenOff = false;
  const breakOff = (): void => {
    brokenOff = true;
    response.destroy();
  };
  const closed = new Promise<void>((resolve) =>
    response.on('close', () => {
      gone = true;
      resolve();
      if (brokenOff || response.writableFinished) return;
      served.wasLeft = true;
      served.leftWaiters.splice(0).forEach((tell) => tell());
    }),
  );
  for (let at = from; at < to && !gone;) {
    const goOn = at < hold || !served.holding || (await untilReleased(served));
    if (!goOn) return breakOff();
    if (gone) return;
    const most = Math.min(
      at + CHUNK_BYTES,
      to,
      at < cut ? cut : Infinity,
      served.holding && at < hold ? hold : Infinity,
    );
    const chunk = content.slice(at, most);
    if (file.flipByte !== undefined && file.flipByte >= at && file.flipByte < most && served.flipsLeft-- > 0)
      chunk[file.flipByte - at]! ^= 1;
    served.sentBytes += chunk.length;
    await Promise.race([closed, new Promise<void>((resolve) => response.write(chunk, () => resolve()))]);
    at = most;
    // After the write was handed over: what was sent arrives, then the line is dead.
    if (at >= cut) return breakOff();
  }
  response.end();
}

/** False when the connection is to break. */
const untilReleased = (served: Served): Promise<boolean> =>
  new Promise((resolve) => {
    served.releases.push(resolve);
    served.heldWaiters.splice(0).forEach((tell) => tell());
  });

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}
