import { hex } from '#core/base/bytes';
import { unwrap, type Result } from '#core/base/result';
import { PIECE_BYTES, type FileWish, type ModelStore, type StoredFile } from '#core/engines/model-store';
import { contentOf, type ModelServerClient, type ServedFile } from '#tests/fakes/model-server-client';

/** One store under test, and a server that lies on demand. */
export interface ModelStoreSubject {
  /** A store over the same, at first empty disk; each is another tab. */
  open(): Promise<ModelStore>;
  readonly server: ModelServerClient;
  /** An address at which nobody listens. */
  readonly deadUrl: string;
}

export interface ModelStoreCase {
  readonly name: string;
  run(subject: ModelStoreSubject): Promise<void>;
}

/** Three whole pieces and a part: 3.25 MiB. */
export const SIZE = 3 * PIECE_BYTES + PIECE_BYTES / 4;
export const never = new AbortController().signal;

export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

export const same = (actual: unknown, expected: unknown, what: string): void =>
  expect(
    JSON.stringify(actual) === JSON.stringify(expected),
    `${what}: ${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`,
  );

export function failsWith(result: Result<unknown>, code: string): string {
  expect(!result.ok, `expected ${code}, got a value`);
  same(result.error.code, code, 'code');
  return result.error.message;
}

export const hashOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

export const pieceHashesOf = (bytes: Uint8Array<ArrayBuffer>): Promise<string[]> =>
  Promise.all(
    Array.from({ length: Math.ceil(bytes.length / PIECE_BYTES) }, (_, index) =>
      hashOf(bytes.slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES)),
    ),
  );

export interface Served {
  readonly path: string;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  /** A wish that knows everything. */
  readonly wish: FileWish;
}

let served = 0;

/** The seed of the file that was served last. */
export const lastSeed = (): number => served;

/** Serves a file of its own, or in place of what was at `path`. */
export async function serve(server: ModelServerClient, options: Partial<ServedFile> = {}): Promise<Served> {
  served++;
  const file = { path: `/files/${served}.bin`, seed: served, sizeBytes: SIZE, ...options };
  const url = await server.serve(file);
  const content = contentOf(file.seed, file.sizeBytes);
  const sha256 = await hashOf(content);
  return { path: file.path, content, sha256, wish: { sha256, sizeBytes: content.length, url } };
}

export const unpinned = ({ wish }: Served): FileWish => ({ sha256: null, sizeBytes: null, url: wish.url });

export const fetchFrom = (store: ModelStore, wish: FileWish, signal = never): Promise<Result<StoredFile>> =>
  store.fetch(wish, () => {}, signal);

export async function contentIn(store: ModelStore, sha256: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await unwrap(await store.open(sha256)).arrayBuffer());
}

export async function holds(store: ModelStore, { sha256, content }: Served): Promise<void> {
  same(await hashOf(await contentIn(store, sha256)), sha256, 'hash of what is stored');
  same(unwrap(await store.list()).find((file) => file.sha256 === sha256)?.sizeBytes, content.length, 'listed size');
}

export async function holdsNothing(store: ModelStore): Promise<void> {
  same(unwrap(await store.list()), [], 'files');
  same(unwrap(await store.unfinished()), [], 'unfinished files');
  same((await store.usage()).usedBytes, 0, 'used bytes');
}

export async function sentAtMost(server: ModelServerClient, path: string, mostBytes: number): Promise<void> {
  const { sentBytes } = await server.log(path);
  expect(sentBytes <= mostBytes, `the server sent ${sentBytes} bytes, more than ${mostBytes}`);
}

/** Progress is told in steps of this or more, so that what came may be a step ahead of it. */
export const STEP_BYTES = 128 * 1024;

/**
 * Fetches until what the server sends before it holds has come, and gives what pauses there. Paused, the line is closed;
 * the server learns of it a moment later than the page.
 */
export async function fetchUntilHeld(
  store: ModelStore,
  server: ModelServerClient,
  { path, wish }: Pick<Served, 'path' | 'wish'>,
  holdAfterBytes: number,
) {
  const controller = new AbortController();
  let come: () => void;
  const held = new Promise<void>((resolve) => (come = resolve));
  const running = store.fetch(
    wish,
    ({ storedBytes }) => {
      if (storedBytes >= holdAfterBytes - STEP_BYTES) come();
    },
    controller.signal,
  );
  await held;
  return {
    async pause() {
      controller.abort();
      failsWith(await running, 'paused');
      await server.left(path);
    },
  };
}

/** Fetches to the end; the line breaks each time that so much has come and the server holds. */
export async function fetchCutting(
  store: ModelStore,
  server: ModelServerClient,
  { path, wish }: Pick<Served, 'path' | 'wish'>,
  cutAtBytes: readonly number[],
): Promise<Result<StoredFile>> {
  const left = [...cutAtBytes];
  let cutting: Promise<void> = Promise.resolve();
  const stored = await store.fetch(
    wish,
    ({ storedBytes }) => {
      if (left.length === 0 || storedBytes < left[0]! - STEP_BYTES) return;
      left.shift();
      const last = left.length === 0;
      cutting = cutting
        .then(() => server.held(path))
        .then(() => server.cut(path))
        .then(() => (last ? server.release(path) : undefined));
    },
    never,
  );
  await cutting;
  return stored;
}

export const rule = (name: string, run: (subject: ModelStoreSubject) => Promise<void>): ModelStoreCase => ({
  name,
  run,
});
