import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fail, ok, type Result } from '#core/base/result';
import { MAX_MODEL_FILES, MAX_MODELS } from '#core/engines/model-manifest';

/** Below this address lie the models that whoever runs the server offers besides the built-in ones. */
export const OWN_MODELS_PATH = '/models/own/';

interface ModelFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Strong: these files go out in one form only, so that a broken download may go on (RFC 9110 section 13.1.5). */
  readonly etag: string;
}

export interface ModelFiles {
  /** Answers GET and HEAD below OWN_MODELS_PATH, ranges too; everything else is 404 or 405. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/**
 * The files of a folder of models over HTTP, as they are and in parts. Only files that were there at the start are
 * reachable, by a lookup of the whole path in a table: there is no path to walk out of. Code `models_unreadable`.
 */
export async function openModelFiles(root: string): Promise<Result<ModelFiles>> {
  const folder = resolve(root);
  const filesByUrl = new Map<string, ModelFile>();
  try {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const below = path.slice(folder.length + 1).replaceAll('\\', '/');
      if (`/${below}`.includes('/.')) continue;
      const { size, mtimeMs } = await stat(path);
      filesByUrl.set(`${OWN_MODELS_PATH}${below}`, {
        path,
        sizeBytes: size,
        etag: `"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}"`,
      });
      if (filesByUrl.size > MAX_MODELS * MAX_MODEL_FILES)
        return fail('models_unreadable', `The folder ${root} holds more files than models can have.`);
    }
  } catch {
    return fail('models_unreadable', `The folder of models ${root} cannot be read.`);
  }

  return ok({
    async serve(request, response) {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.writeHead(405, { Allow: 'GET, HEAD' }).end();
        return;
      }
      const file = filesByUrl.get(pathOf(request.url ?? '/'));
      if (file === undefined) {
        response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
        response.end('There is no such model file.\n');
        return;
      }
      response.setHeader('Accept-Ranges', 'bytes');
      response.setHeader('Cache-Control', 'no-cache');
      response.setHeader('Content-Type', 'application/octet-stream');
      response.setHeader('ETag', file.etag);
      if (request.headers['if-none-match'] === file.etag) {
        response.writeHead(304).end();
        return;
      }
      const condition = request.headers['if-range'];
      const range =
        condition === undefined || condition === file.etag ? rangeOf(request.headers.range, file.sizeBytes) : null;
      if (range === 'unsatisfiable') {
        response.writeHead(416, { 'Content-Range': `bytes */${file.sizeBytes}` }).end();
        return;
      }
      const { from, to } = range ?? { from: 0, to: file.sizeBytes - 1 };
      response.setHeader('Content-Length', Math.max(0, to - from + 1));
      if (range !== null) response.setHeader('Content-Range', `bytes ${from}-${to}/${file.sizeBytes}`);
      response.writeHead(range === null ? 200 : 206);
      if (request.method === 'HEAD' || file.sizeBytes === 0) {
        response.end();
        return;
      }
      // A client that leaves in the middle is no fault.
      await pipeline(createReadStream(file.path, { start: from, end: to }), response).catch(() => response.destroy());
    },
  });
}

function pathOf(target: string): string {
  try {
    return decodeURIComponent(target.split(/[?#]/, 1)[0]!);
  } catch {
    return '';
  }
}

/** One range of bytes (RFC 9110 section 14.2); null for none or for a form that may be ignored, as several ranges may. */
export function rangeOf(
  header: string | undefined,
  sizeBytes: number,
): { readonly from: number; readonly to: number } | 'unsatisfiable' | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (match === null) return null;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return null;
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? 'unsatisfiable' : { from: sizeBytes - length, to: sizeBytes - 1 };
  }
  const from = Number(first);
  const to = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== '' && Number(last) < from) return null;
  return from >= sizeBytes ? 'unsatisfiable' : { from, to };
}
