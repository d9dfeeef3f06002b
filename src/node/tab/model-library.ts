import * as v from 'valibot';
import { createEmitter, type EventSource } from '#core/base/events';
import type { Clock, Verify } from '#core/base/ports';
import { fail, ok, type Failure, type Result } from '#core/base/result';
import {
  manifestHashOf,
  manifestSizeOf,
  sha256HexSchema,
  type ModelFile,
  type ModelManifest,
} from '#core/engines/model-manifest';
import type { ModelStore } from '#core/engines/model-store';
import { openCatalogue } from '#core/experts/model-catalogue';
import type { KeyValueStore } from '#core/storage/ports';
import { checkAgainst } from '#core/wire/gate';
import type { ModelSourceOf } from './deps';

const CATALOGUE_KEY = 'models/catalogue';
const PINS_KEY = 'models/pins';
/** Files whose content was named by their first download. */
const MAX_PINS = 4_096;
const HUB = 'https://huggingface.co/';
/** Speed is what came within this time: long enough to be steady, short enough to notice a stall. */
const SPEED_WINDOW_MS = 5_000;
/** Views of a running download per second: more than a person can read. */
const SHOW_EVERY_MS = 250;

const pinsSchema = v.record(v.string(), sha256HexSchema);

export interface DownloadProgress {
  readonly doneBytes: number;
  /** Null while a file's size is not known. */
  readonly totalBytes: number | null;
  readonly bytesPerSecond: number | null;
  readonly secondsLeft: number | null;
}

export interface KnownModel {
  /** As the catalogue says it, with the hashes that first downloads added. */
  readonly manifest: ModelManifest;
  /** False while a file's content is only what its first download happened to be. */
  readonly pinned: boolean;
  readonly state: 'built-in' | 'absent' | 'downloading' | 'paused' | 'stored';
  readonly progress: DownloadProgress | null;
  readonly failure: Failure | null;
}

export interface ModelLibraryDeps {
  readonly records: KeyValueStore;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly store: () => Promise<ModelStore>;
  /** The server's signed catalogue as JSON. */
  readonly fetchCatalogue: () => Promise<Result<unknown>>;
  /** Who may sign it: whoever founded the community that the server offers. */
  readonly founder: () => string | null;
  /** Resolves when it is known who that is, or that it cannot be known now. */
  readonly met: () => Promise<void>;
  readonly origin: string;
}

/** The models that this profile knows, and which of them lie on this device. */
export interface ModelLibrary {
  readonly all: readonly KnownModel[];
  readonly changed: EventSource<void>;
  /** Asks the server for its catalogue; the kept one stays when that fails. Wakes no store. */
  refresh(): Promise<Result<void>>;
  /** Looks at what lies on this device. */
  look(): Promise<void>;
  /** Resolves when every file is on disk; `paused` when it was interrupted, and what came is kept. */
  download(id: string): Promise<Result<void>>;
  pause(id: string): void;
  remove(id: string): Promise<Result<void>>;
  /** Files that the person has on this device, by name; what does not belong to the model is refused. */
  importFiles(id: string, files: readonly File[]): Promise<Result<void>>;
  /** Where an engine finds the model's bytes. Codes: `unknown_model`, `not_downloaded`. */
  readonly sourceOf: ModelSourceOf;
}

interface Download {
  readonly abort: AbortController;
  readonly done: Promise<Result<void>>;
  progress: DownloadProgress;
}

export async function openModelLibrary(deps: ModelLibraryDeps): Promise<Result<ModelLibrary>> {
  const { records, verify, clock } = deps;
  const changed = createEmitter<void>();
  let catalogue: readonly ModelManifest[] = [];
  let pins: Readonly<Record<string, string>> = {};
  const downloads = new Map<string, Download>();
  const failures = new Map<string, Failure>();
  const paused = new Set<string>();
  let stored: ReadonlySet<string> = new Set();

  const storedPins = await records.get<unknown>(PINS_KEY);
  if (!storedPins.ok) return storedPins;
  const checkedPins = checkAgainst(pinsSchema, storedPins.value ?? {});
  if (checkedPins.ok) pins = checkedPins.value;
  const kept = await records.get<unknown>(CATALOGUE_KEY);
  if (kept.ok && kept.value !== undefined) {
    const opened = await openCatalogue(kept.value, verify, deps.founder());
    if (opened.ok) catalogue = opened.value.models;
  }

  const urlOf = ({ source }: ModelManifest, file: ModelFile): string => {
    if (file.url !== undefined) return file.url;
    switch (source.kind) {
      case 'app':
        return new URL(`${source.folder}/${file.path}`, `${deps.origin}/`).href;
      case 'hub':
        return `${HUB}${source.repository}/resolve/${source.revision}/${file.path}`;
    }
  };
  const withPins = (manifest: ModelManifest): ModelManifest => ({
    ...manifest,
    files: manifest.files.map((file) =>
      file.sha256 === null ? { ...file, sha256: pins[urlOf(manifest, file)] ?? null } : file,
    ),
  });
  const find = (id: string): ModelManifest | undefined => catalogue.find((one) => one.id === id);
  const unknown = (id: string) => fail('unknown_model', `This device knows no model called ${id}.`);
  const isBuiltIn = ({ source, engine }: ModelManifest): boolean =>
    source.kind === 'app' && engine === 'transformers' && source.folder === 'models/spark';

  async function look(): Promise<void> {
    const listed = await (await deps.store()).list();
    if (listed.ok) stored = new Set(listed.value.map(({ sha256 }) => sha256));
    changed.emit();
  }

  function stateOf(manifest: ModelManifest): KnownModel['state'] {
    if (isBuiltIn(manifest)) return 'built-in';
    if (downloads.has(manifest.id)) return 'downloading';
    const { files } = withPins(manifest);
    if (files.every(({ sha256 }) => sha256 !== null && stored.has(sha256))) return 'stored';
    return paused.has(manifest.id) ? 'paused' : 'absent';
  }

  async function pin(url: string, sha256: string): Promise<Result<void>> {
    const next = Object.fromEntries([...Object.entries(pins), [url, sha256]].slice(-MAX_PINS));
    const written = await records.set(PINS_KEY, next);
    if (written.ok) pins = next;
    return written;
  }

  async function fetchAll(manifest: ModelManifest, signal: AbortSignal, tell: (doneBytes: number) => void) {
    const store = await deps.store();
    let before = 0;
    for (const file of withPins(manifest).files) {
      const url = urlOf(manifest, file);
      const fetched = await store.fetch(
        { sha256: file.sha256, sizeBytes: file.sizeBytes, url },
        ({ storedBytes }) => tell(before + storedBytes),
        signal,
      );
      if (!fetched.ok) return fetched;
      before += fetched.value.sizeBytes;
      tell(before);
      if (file.sha256 === null) {
        const pinned = await pin(url, fetched.value.sha256);
        if (!pinned.ok) return pinned;
      }
    }
    return ok(undefined);
  }

  function begin(manifest: ModelManifest): Download {
    const abort = new AbortController();
    const size = manifestSizeOf(manifest);
    const totalBytes = size.complete ? size.sizeBytes : null;
    const marks: { atMs: number; bytes: number }[] = [];
    let latestBytes = 0;
    let cancelShow: (() => void) | null = null;
    const show = (): void => {
      cancelShow = null;
      const nowMs = clock.monotonicMs();
      marks.push({ atMs: nowMs, bytes: latestBytes });
      while (marks.length > 2 && nowMs - marks[0]!.atMs > SPEED_WINDOW_MS) marks.shift();
      const first = marks[0]!;
      const seconds = (nowMs - first.atMs) / 1_000;
      const bytesPerSecond = seconds > 0 ? Math.round((latestBytes - first.bytes) / seconds) : null;
      const left = totalBytes === null ? null : totalBytes - latestBytes;
      download.progress = {
        doneBytes: latestBytes,
        totalBytes,
        bytesPerSecond,
        secondsLeft: left === null || !bytesPerSecond ? null : Math.ceil(left / bytesPerSecond),
      };
      changed.emit();
    };
    const download: Download = {
      abort,
      progress: { doneBytes: 0, totalBytes, bytesPerSecond: null, secondsLeft: null },
      done: fetchAll(manifest, abort.signal, (doneBytes) => {
        latestBytes = doneBytes;
        cancelShow ??= clock.after(SHOW_EVERY_MS, show);
      }).finally(() => cancelShow?.()),
    };
    return download;
  }

  const library: ModelLibrary = {
    get all() {
      return catalogue.map((manifest): KnownModel => {
        const effective = withPins(manifest);
        return {
          manifest: effective,
          pinned: manifestHashOf(manifest) !== null,
          state: stateOf(manifest),
          progress: downloads.get(manifest.id)?.progress ?? null,
          failure: failures.get(manifest.id) ?? null,
        };
      });
    },
    changed,
    async refresh() {
      const fetched = await deps.fetchCatalogue();
      if (!fetched.ok) return catalogue.length > 0 ? ok(undefined) : fetched;
      await deps.met();
      const opened = await openCatalogue(fetched.value, verify, deps.founder());
      if (!opened.ok) return opened;
      const written = await records.set(CATALOGUE_KEY, fetched.value);
      if (!written.ok) return written;
      catalogue = opened.value.models;
      changed.emit();
      return ok(undefined);
    },
    look,
    async download(id) {
      const manifest = find(id);
      if (!manifest) return unknown(id);
      if (isBuiltIn(manifest)) return ok(undefined);
      let download = downloads.get(id);
      if (!download) {
        failures.delete(id);
        paused.delete(id);
        download = begin(manifest);
        downloads.set(id, download);
        changed.emit();
      }
      const done = await download.done;
      if (downloads.delete(id)) {
        if (!done.ok) paused.add(id);
        if (!done.ok && done.error.code !== 'paused') failures.set(id, done.error);
        await look();
      }
      return done;
    },
    pause: (id) => downloads.get(id)?.abort.abort(),
    async remove(id) {
      const manifest = find(id);
      if (!manifest) return unknown(id);
      library.pause(id);
      await downloads.get(id)?.done;
      const store = await deps.store();
      // A file that another model on this device shares stays.
      const shared = new Set(
        catalogue
          .filter((other) => other.id !== id && stateOf(other) === 'stored')
          .flatMap((other) => withPins(other).files.map(({ sha256 }) => sha256)),
      );
      for (const file of withPins(manifest).files) {
        const gone = file.sha256 === null || shared.has(file.sha256) ? ok(undefined) : await store.delete(file.sha256);
        if (!gone.ok) return gone;
        const forgotten = await store.forget(urlOf(manifest, file));
        if (!forgotten.ok) return forgotten;
      }
      paused.delete(id);
      failures.delete(id);
      await look();
      return ok(undefined);
    },
    async importFiles(id, files) {
      const manifest = find(id);
      if (!manifest) return unknown(id);
      const store = await deps.store();
      for (const given of files) {
        const wanted = withPins(manifest).files.find(
          ({ path }) => path === given.name || path.endsWith(`/${given.name}`),
        );
        if (!wanted) return fail('foreign_file', `${given.name} is no file of ${manifest.name}.`);
        const taken = await store.import(given, wanted.sha256);
        if (!taken.ok) return taken;
        if (wanted.sha256 === null) {
          const pinned = await pin(urlOf(manifest, wanted), taken.value.sha256);
          if (!pinned.ok) return pinned;
        }
      }
      await look();
      return ok(undefined);
    },
    async sourceOf(id) {
      const manifest = find(id);
      if (!manifest) return unknown(id);
      const effective = withPins(manifest);
      if (isBuiltIn(manifest) && manifest.source.kind === 'app') {
        const url = new URL(`${manifest.source.folder}/`, `${deps.origin}/`).href;
        return ok({ source: { kind: 'folder', url }, engine: manifest.engine });
      }
      const store = await deps.store();
      const blobByPath: Record<string, Blob> = {};
      for (const { path, sha256 } of effective.files) {
        const file = sha256 === null ? null : await store.open(sha256);
        if (file === null || !file.ok)
          return fail('not_downloaded', `${manifest.name} is not on this device yet: download it first.`);
        blobByPath[path] = file.value;
      }
      return ok({ source: { kind: 'stored', manifest: effective, blobByPath }, engine: manifest.engine });
    },
  };
  return ok(library);
}
