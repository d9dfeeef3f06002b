import * as v from 'valibot';
import { hex } from '#core/base/bytes';
import { fail, ok, type Result } from '#core/base/result';
import type { LoadProgress } from '#core/engines/language-model';
import { parseJsonThrough } from '#core/wire/parse-json-through';

export const HASHES_FILE = 'hashes.json';
/** Verified files of models. Keys carry the file's hash, so an updated model never meets its old files. */
export const MODEL_CACHE = 'models-v1';

/** A list of file hashes is small; anything larger is not one. */
const MAX_HASHES_BYTES = 64 * 1024;
const MAX_FILES = 64;
/** What one buffer holds in every browser. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;

const pathSchema = v.pipe(
  v.string(),
  v.maxLength(128),
  v.regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/, 'not a path'),
);

/** `hashes.json`: every file that the runtime may read, by path, with its SHA-256 in hex. */
export const hashesSchema = v.strictObject({
  files: v.pipe(
    v.record(
      pathSchema,
      v.strictObject({
        sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a SHA-256')),
        sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_FILE_BYTES)),
      }),
    ),
    v.check((files) => Object.keys(files).length <= MAX_FILES, 'too many files'),
  ),
});

interface FileEntry {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface ModelFiles {
  readonly hashByPath: Readonly<Record<string, string>>;
  /** Every byte here was checked against its hash. */
  readonly bytesByPath: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

export interface ModelFileSource {
  readonly fetch: typeof fetch;
  /** Absent where the browser offers no cache (an insecure context): then nothing is kept. */
  readonly cache: Pick<Cache, 'match' | 'put' | 'delete' | 'keys'> | null;
  readonly digest: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;
}

const offline = () => fail('offline', 'The model is not on this device yet, and there is no connection to load it.');
const failed = (path: string, why: string) => fail('load_failed', `The model could not be loaded: ${path} ${why}.`);

/**
 * All files of the model at `modelUrl` (with a slash at the end), from the cache where it has them, else from the
 * network. A file is kept and used only when its SHA-256 is the one in `hashes.json`. Once loaded, the same model loads
 * without a connection. Codes: `offline`, `load_failed`, `hash_mismatch`.
 */
export async function loadModelFiles(
  modelUrl: string,
  source: ModelFileSource,
  onProgress: (progress: LoadProgress) => void,
): Promise<Result<ModelFiles>> {
  const list = await readHashes(modelUrl, source);
  if (!list.ok) return list;
  const { files, text } = list.value;
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let loadedBytes = 0;
  const grow = (bytes: number): void => {
    loadedBytes += bytes;
    onProgress({ loadedBytes: Math.min(loadedBytes, totalBytes), totalBytes });
  };
  onProgress({ loadedBytes: 0, totalBytes });

  const bytesByPath = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const file of files) {
    const bytes = await readFile(modelUrl, file, source, grow);
    if (!bytes.ok) return bytes;
    bytesByPath.set(file.path, bytes.value);
  }
  await keepHashes(modelUrl, text, files, source);
  return ok({ hashByPath: Object.fromEntries(files.map((file) => [file.path, file.sha256])), bytesByPath });
}

/** From the network when there is one, so that an updated model is noticed; the kept list otherwise. */
async function readHashes(
  modelUrl: string,
  { fetch, cache }: ModelFileSource,
): Promise<Result<{ files: readonly FileEntry[]; text: string }>> {
  const url = modelUrl + HASHES_FILE;
  const response = await fetch(url, { cache: 'no-cache' }).catch(() => null);
  const kept = response?.ok === true ? null : ((await cache?.match(url)) ?? null);
  const usable = response?.ok === true ? response : kept;
  if (usable === null) return response === null ? offline() : failed(HASHES_FILE, `answered ${response.status}`);
  const text = await usable.text();
  const parsed = parseJsonThrough(hashesSchema, text, MAX_HASHES_BYTES);
  if (!parsed.ok) return failed(HASHES_FILE, 'is not a list of hashes');
  return ok({ files: Object.entries(parsed.value.files).map(([path, file]) => ({ path, ...file })), text });
}

const keyOf = (modelUrl: string, file: FileEntry): string => `${modelUrl}${file.path}?sha256=${file.sha256}`;

async function readFile(
  modelUrl: string,
  file: FileEntry,
  source: ModelFileSource,
  grow: (bytes: number) => void,
): Promise<Result<Uint8Array<ArrayBuffer>>> {
  const matches = async (bytes: Uint8Array<ArrayBuffer>): Promise<boolean> =>
    hex(await source.digest(bytes)) === file.sha256;
  const key = keyOf(modelUrl, file);
  const kept = await source.cache?.match(key);
  if (kept !== undefined) {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    if (await matches(bytes)) {
      grow(bytes.length);
      return ok(bytes);
    }
    await source.cache?.delete(key);
  }
  // A copy in the browser's HTTP cache may be older than the list: the second try goes past it.
  for (const mode of ['default', 'reload'] as const) {
    const response = await source.fetch(modelUrl + file.path, { cache: mode }).catch(() => null);
    if (response === null) return offline();
    if (!response.ok) return failed(file.path, `answered ${response.status}`);
    const body = await readBody(response, file.sizeBytes, mode === 'default' ? grow : () => {});
    if (body === null) return offline();
    if (!(await matches(body))) continue;
    // A full disk is no reason not to answer now; the model is then loaded again next time.
    await source.cache?.put(key, new Response(body)).catch(() => {});
    return ok(body);
  }
  return fail('hash_mismatch', `The model was refused: ${file.path} is not the file that its list of hashes names.`);
}

/** The body as bytes, or null when the connection broke. Reads no further than one byte past what was announced. */
async function readBody(
  response: Response,
  expectedBytes: number,
  grow: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array(await response.arrayBuffer());
  const bytes = new Uint8Array(expectedBytes);
  let at = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return bytes.subarray(0, at);
      if (at + value.length > expectedBytes) {
        await reader.cancel();
        return new Uint8Array(0);
      }
      bytes.set(value, at);
      at += value.length;
      grow(value.length);
    }
  } catch {
    return null;
  }
}

/** Keeps the list last, so that a kept list always stands for a complete model, and drops files of older versions. */
async function keepHashes(
  modelUrl: string,
  text: string,
  files: readonly FileEntry[],
  { cache }: ModelFileSource,
): Promise<void> {
  if (cache === null) return;
  await cache.put(modelUrl + HASHES_FILE, new Response(text)).catch(() => {});
  const wanted = new Set([modelUrl + HASHES_FILE, ...files.map((file) => keyOf(modelUrl, file))]);
  for (const request of await cache.keys()) {
    if (request.url.startsWith(modelUrl) && !wanted.has(request.url)) await cache.delete(request);
  }
}
