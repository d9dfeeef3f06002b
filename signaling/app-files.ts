import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Clock } from '#core/base/ports';
import { policyOfScript } from '#signaling/headers';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.xml': 'application/xml; charset=utf-8',
};
const OTHER_TYPE = 'application/octet-stream';
const COMPRESSIBLE = /^(?:text\/|application\/(?:json|wasm|xml|manifest\+json)|image\/svg)/;
const SCRIPT = /^text\/javascript/;

/** Below this, compression costs more than it saves. */
const MIN_COMPRESSED_BYTES = 1024;
/** Larger files go out as they are: compressing would hold too much memory at once. */
const MAX_COMPRESSED_BYTES = 64 * 1024 * 1024;
/** All compressed bodies together; the app with its engines needs about a third. */
const MAX_CACHE_BYTES = 64 * 1024 * 1024;
/** Brotli 9 is slow past a megabyte, and 5 is nearly as small for WebAssembly. */
const LARGE_BYTES = 1024 * 1024;
const QUALITY_SMALL = 9;
const QUALITY_LARGE = 5;
const GZIP_LEVEL = 6;
/** How often, at most, the folder is looked at for a new build. */
const RECHECK_MS = 1000;
/** Written last by the build, so its date is the build's. */
const FALLBACK = '200.html';
/** Under these a missing file is missing; a page in its place would break a script, a model or a cache. */
const NEVER_A_PAGE = /^\/(?:models|schemas|_app|api|ort)\//;

interface AppFile {
  readonly path: string;
  readonly type: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly etag: string;
}

type Encoding = 'br' | 'gzip';

export interface AppFiles {
  /** Answers GET and HEAD; everything else is 405. Resolves when the answer is out or the client gone. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/**
 * The built app over HTTP. Only files that were found in the folder are reachable, by a lookup of the whole path in a
 * table: there is no path to walk out of. A new build is noticed within a second, without a restart.
 */
export function createAppFiles(root: string, clock: Clock): AppFiles {
  const folder = resolve(root);
  let filesByPath: ReadonlyMap<string, AppFile> = new Map();
  let builtMs = -1;
  let checkedAt = -Infinity;
  let checking: Promise<void> = Promise.resolve();
  const compress = createCompressor();

  async function look(): Promise<void> {
    const fallback = await stat(join(folder, FALLBACK)).catch(() => null);
    // A build in progress has emptied the folder: go on with what is known until it is whole again.
    if (fallback === null || fallback.mtimeMs === builtMs) return;
    // One that begins while the folder is read takes files away in the middle of it: then the next look finds out.
    const files = await listFiles(folder).catch(() => null);
    if (files === null) return;
    filesByPath = files;
    builtMs = fallback.mtimeMs;
  }

  function recheck(): Promise<void> {
    if (clock.monotonicMs() - checkedAt >= RECHECK_MS) {
      checkedAt = clock.monotonicMs();
      checking = look();
    }
    return checking;
  }

  function find(path: string, request: IncomingMessage): AppFile | undefined {
    const exact = filesByPath.get(path) ?? filesByPath.get(`${path}.html`) ?? filesByPath.get(join(path, 'index.html'));
    if (exact !== undefined || NEVER_A_PAGE.test(path) || extname(path) !== '') return exact;
    return (request.headers.accept ?? '').includes('text/html') ? filesByPath.get(`/${FALLBACK}`) : undefined;
  }

  return {
    async serve(request, response) {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.writeHead(405, { Allow: 'GET, HEAD' }).end();
        return;
      }
      await recheck();
      const path = decodedPath(request.url ?? '/');
      const file = path === null ? undefined : find(path, request);
      if (file === undefined) {
        response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
        response.end('There is nothing here.\n');
        return;
      }
      try {
        await send(file, request, response);
      } catch {
        // The file went away under us, or the client did.
        if (!response.headersSent) response.writeHead(404).end();
        else response.destroy();
      }
    },
  };

  async function send(file: AppFile, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const compressible =
      COMPRESSIBLE.test(file.type) && file.sizeBytes >= MIN_COMPRESSED_BYTES && file.sizeBytes <= MAX_COMPRESSED_BYTES;
    const encoding = compressible ? encodingFor(request.headers['accept-encoding']) : null;
    const immutable = file.path.startsWith(join(folder, '_app', 'immutable'));
    response.setHeader('Cache-Control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    response.setHeader('ETag', file.etag);
    if (compressible) response.setHeader('Vary', 'Accept-Encoding');
    if (SCRIPT.test(file.type))
      response.setHeader('Content-Security-Policy', policyOfScript(file.path.replaceAll('\\', '/')));
    if (matches(request.headers['if-none-match'], file.etag)) {
      response.writeHead(304).end();
      return;
    }
    response.setHeader('Content-Type', file.type);
    if (encoding !== null) {
      const body = await compress(file, encoding);
      response.writeHead(200, { 'Content-Encoding': encoding, 'Content-Length': body.length });
      response.end(request.method === 'HEAD' ? undefined : body);
      return;
    }
    response.setHeader('Content-Length', file.sizeBytes);
    if (request.method === 'HEAD') {
      response.writeHead(200).end();
      return;
    }
    await pipeline(createReadStream(file.path), response);
  }
}

async function listFiles(folder: string): Promise<ReadonlyMap<string, AppFile>> {
  const files = new Map<string, AppFile>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const url = path.slice(folder.length).replaceAll('\\', '/');
    if (url.includes('/.')) continue;
    const { size, mtimeMs } = await stat(path);
    files.set(url, {
      path,
      type: TYPES[extname(entry.name).toLowerCase()] ?? OTHER_TYPE,
      sizeBytes: size,
      modifiedMs: mtimeMs,
      // Weak, because the same file goes out in several encodings (RFC 9110 section 8.8.1).
      etag: `W/"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}"`,
    });
  }
  return files;
}

/** The path of a request target, decoded once, or null when it is not a plain path. */
function decodedPath(target: string): string | null {
  const raw = target.split(/[?#]/, 1)[0]!;
  if (!raw.startsWith('/')) return null;
  try {
    const path = decodeURIComponent(raw);
    return path.includes('\0') ? null : path;
  } catch {
    return null;
  }
}

function matches(header: string | undefined, etag: string): boolean {
  return header !== undefined && (header === '*' || header.split(',').some((candidate) => candidate.trim() === etag));
}

/** RFC 9110 section 12.5.3, as far as the two that we make: named, and not refused with q=0. */
export function encodingFor(header: string | string[] | undefined): Encoding | null {
  const accepted = new Set<string>();
  for (const part of String(header ?? '')
    .toLowerCase()
    .split(',')) {
    const [coding, ...parameters] = part.split(';').map((piece) => piece.trim());
    if (parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))) continue;
    accepted.add(coding!);
  }
  return accepted.has('br') ? 'br' : accepted.has('gzip') ? 'gzip' : null;
}

/** Compresses each file once per encoding; what was used longest ago makes room. */
function createCompressor(): (file: AppFile, encoding: Encoding) => Promise<Buffer> {
  const bodies = new Map<string, { readonly body: Promise<Buffer>; sizeBytes: number }>();
  let cachedBytes = 0;

  async function make(file: AppFile, encoding: Encoding): Promise<Buffer> {
    const plain = await readFile(file.path);
    if (encoding === 'gzip') return promisify(gzip)(plain, { level: GZIP_LEVEL });
    const quality = plain.length > LARGE_BYTES ? QUALITY_LARGE : QUALITY_SMALL;
    return promisify(brotliCompress)(plain, {
      params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length },
    });
  }

  return async (file, encoding) => {
    const key = `${encoding} ${file.etag} ${file.path}`;
    let entry = bodies.get(key);
    if (entry !== undefined) {
      bodies.delete(key);
      bodies.set(key, entry);
      return entry.body;
    }
    entry = { body: make(file, encoding), sizeBytes: 0 };
    bodies.set(key, entry);
    try {
      const body = await entry.body;
      entry.sizeBytes = body.length;
      cachedBytes += body.length;
      for (const [oldest, old] of bodies) {
        if (cachedBytes <= MAX_CACHE_BYTES) break;
        if (old.sizeBytes === 0) continue;
        bodies.delete(oldest);
        cachedBytes -= old.sizeBytes;
      }
      return body;
    } catch (error) {
      bodies.delete(key);
      throw error;
    }
  };
}
