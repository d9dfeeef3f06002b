import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { fail, ok, type Result } from '#core/base/result';
import {
  MAX_MODEL_BYTES,
  modelPathSchema,
  sha256HexSchema,
  type ModelCatalogue,
  type ModelFile,
  type ModelManifest,
} from '#core/engines/model-manifest';
import { checkAgainst } from '#core/wire/gate';
import { parseJsonThrough } from '#core/wire/parse-json-through';

/** What is hashed here because the hub tells no SHA-256: tokenizers and compiled libraries, tens of megabytes at most. */
const MAX_HASHED_BYTES = 128 * 1024 ** 2;
/** web-llm's list of weights holds one record for each tensor: half a megabyte for a large model. */
const MAX_WEIGHT_LIST_CHARACTERS = 8 * 1024 ** 2;
const ASK_TIMEOUT_MS = 60_000;
/** For a body of MAX_HASHED_BYTES over a slow line. */
const DOWNLOAD_TIMEOUT_MS = 15 * 60_000;

const WEIGHT_LIST = 'tensor-cache.json';
const SHARD = /^params_shard_\d+\.bin$/;
const COMMIT = /^[0-9a-f]{40}$/;

/** Of the list that web-llm 0.2.80 and later loads weights by, only what names files; the rest describes tensors. */
const weightListSchema = v.object({
  records: v.pipe(
    v.array(
      v.object({
        dataPath: modelPathSchema,
        nbytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_MODEL_BYTES)),
      }),
    ),
    v.minLength(1),
  ),
});

const sizeSchema = v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number));

export interface PinSource {
  readonly fetch: typeof fetch;
  /** Where repositories lie, with a slash at the end. */
  readonly hubUrl: string;
}

export interface PinReport {
  readonly catalogue: ModelCatalogue;
  /** One line for each file or model that was looked at. */
  readonly lines: readonly string[];
  readonly pinned: number;
  /** What could not be pinned, each with the reason. */
  readonly failed: readonly string[];
}

interface Work {
  readonly source: PinSource;
  readonly lines: string[];
  readonly failed: string[];
  pinned: number;
}

/**
 * Fills what a catalogue does not know yet: a moving revision becomes the commit that it names now, web-llm's weights
 * are listed as its own list has them, and every file gets its SHA-256 and size: from the hub's headers where it tells
 * them (large files), else by downloading and hashing. Models that are complete are not asked about. A connection that breaks
 * ends the work; what was pinned before it stays in the report. Code `offline` when nothing at all could be reached.
 */
export async function pinModels(
  catalogue: ModelCatalogue,
  source: PinSource,
  only: string | null,
): Promise<Result<PinReport>> {
  const work: Work = { source, lines: [], failed: [], pinned: 0 };
  const models: ModelManifest[] = [];
  let broken: Result<never> | null = null;
  for (const manifest of catalogue.models) {
    if (broken !== null || (only !== null && manifest.id !== only)) {
      models.push(manifest);
      continue;
    }
    const result = await pinModel(manifest, work);
    models.push(result.manifest);
    broken = result.broken;
  }
  if (broken !== null && !broken.ok) {
    if (work.pinned === 0) return broken;
    work.failed.push(broken.error.message);
  }
  return ok({ catalogue: { ...catalogue, models }, lines: work.lines, pinned: work.pinned, failed: work.failed });
}

interface Pinned {
  readonly manifest: ModelManifest;
  /** Why the work ends here, or null. */
  readonly broken: Result<never> | null;
}

async function pinModel(manifest: ModelManifest, work: Work): Promise<Pinned> {
  const { id } = manifest;
  if (manifest.files.every(isPinned)) {
    work.lines.push(`${id}: pinned already`);
    return { manifest, broken: null };
  }
  if (manifest.source.kind === 'app') {
    work.failed.push(`${id}: its files come with the app and are pinned where they are made`);
    return { manifest, broken: null };
  }

  const dated = await withCommit(manifest, work);
  if (!dated.ok) return { manifest, broken: dated };
  const listed = await withListedWeights(dated.value, work);
  if (!listed.ok) return { manifest: dated.value, broken: listed };

  const files: ModelFile[] = [];
  let broken: Result<never> | null = null;
  for (const file of listed.value.files) {
    if (broken !== null || isPinned(file)) {
      files.push(file);
      continue;
    }
    const found = await pinFile(listed.value, file, work);
    if (found.ok) {
      files.push({ ...file, sha256: found.value.sha256, sizeBytes: found.value.sizeBytes });
      work.pinned += 1;
      work.lines.push(`${id} ${file.path}: ${found.value.sizeBytes} bytes, ${found.value.how}, ${found.value.sha256}`);
      continue;
    }
    files.push(file);
    if (found.error.code === 'offline') broken = found;
    else fault(work, id, file.path, found.error.message);
  }
  return { manifest: { ...listed.value, files }, broken };
}

const isPinned = ({ sha256, sizeBytes }: ModelFile): boolean => sha256 !== null && sizeBytes !== null;

function fault(work: Work, id: string, path: string, why: string): void {
  work.lines.push(`${id} ${path}: ${why}`);
  work.failed.push(`${id} ${path} (${why})`);
}

/** A branch moves and would break its pins; the commit that it names now does not. */
async function withCommit(manifest: ModelManifest, work: Work): Promise<Result<ModelManifest>> {
  const { source, files } = manifest;
  if (source.kind !== 'hub' || COMMIT.test(source.revision)) return ok(manifest);
  const asked = await ask(
    work.source,
    addressOf(manifest, files.find(({ url }) => url === undefined) ?? files[0]!, work),
    'HEAD',
  );
  if (!asked.ok) return asked;
  const commit = asked.value.headers.get('x-repo-commit') ?? '';
  if (!COMMIT.test(commit)) return ok(manifest);
  work.lines.push(`${manifest.id}: ${source.revision} of ${source.repository} is ${commit}`);
  return ok({ ...manifest, source: { ...source, revision: commit } });
}

/** The weights of a web-llm model as the list beside them names them; shards that it does not name are none. */
async function withListedWeights(manifest: ModelManifest, work: Work): Promise<Result<ModelManifest>> {
  const list = manifest.files.find(({ path }) => path === WEIGHT_LIST);
  if (manifest.engine !== 'web-llm' || list === undefined) return ok(manifest);
  const asked = await ask(work.source, addressOf(manifest, list, work), 'GET');
  if (!asked.ok) return asked;
  // The file itself is asked for once more when it is pinned: what is wrong with it is told there.
  if (!asked.value.ok) return ok(manifest);
  const body = await bodyOf(asked.value);
  if (!body.ok) return body.error.code === 'offline' ? body : ok(manifest);
  const parsed = parseJsonThrough(weightListSchema, new TextDecoder().decode(body.value), MAX_WEIGHT_LIST_CHARACTERS);
  if (!parsed.ok) {
    fault(work, manifest.id, WEIGHT_LIST, 'lists no weights');
    return ok(manifest);
  }
  const sizeByPath = new Map(parsed.value.records.map(({ dataPath, nbytes }) => [dataPath, nbytes]));
  const kept = manifest.files.filter(({ path }) => !SHARD.test(path) || sizeByPath.has(path));
  for (const { path } of manifest.files) {
    if (!kept.some((file) => file.path === path))
      work.lines.push(`${manifest.id} ${path}: is not part of the model, left out`);
  }
  const known = new Set(kept.map(({ path }) => path));
  const added = [...sizeByPath].filter(([path]) => !known.has(path));
  for (const [path] of added) work.lines.push(`${manifest.id} ${path}: is part of the model, added`);
  const files = [
    ...kept.map((file) => ({ ...file, sizeBytes: file.sizeBytes ?? sizeByPath.get(file.path) ?? null })),
    ...added.map(([path, sizeBytes]) => ({ path, sha256: null, sizeBytes })),
  ];
  return ok({ ...manifest, files });
}

interface Found {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly how: 'as the hub says' | 'hashed here';
}

/** Codes: `offline`, and `refused` with what is wrong in a few words. */
async function pinFile(manifest: ModelManifest, file: ModelFile, work: Work): Promise<Result<Found>> {
  const url = addressOf(manifest, file, work);
  const asked = await ask(work.source, url, 'HEAD');
  if (!asked.ok) return asked;
  const { headers } = asked.value;
  const sha256 = checkAgainst(sha256HexSchema, (headers.get('x-linked-etag') ?? '').replace(/^(?:W\/)?"|"$/g, ''));
  const linkedSize = checkAgainst(sizeSchema, headers.get('x-linked-size') ?? '');
  if (asked.value.status < 400 && sha256.ok && linkedSize.ok) {
    return sameSize(file, { sha256: sha256.value, sizeBytes: linkedSize.value, how: 'as the hub says' });
  }
  const fetched = await ask(work.source, url, 'GET');
  if (!fetched.ok) return fetched;
  const { status } = fetched.value;
  if (status === 401 || status === 403) return fail('refused', `is given to known accounts only, status ${status}`);
  if (!fetched.value.ok) return fail('refused', `is not there, status ${status}`);
  const body = await bodyOf(fetched.value);
  if (!body.ok) return body;
  const hash = createHash('sha256').update(body.value).digest('hex');
  return sameSize(file, { sha256: hash, sizeBytes: body.value.length, how: 'hashed here' });
}

/** Half a pin (a hash from elsewhere, a size from the list of weights) must agree with what is there. */
function sameSize(file: ModelFile, found: Found): Result<Found> {
  if (file.sizeBytes !== null && file.sizeBytes !== found.sizeBytes) {
    return fail('refused', `has ${found.sizeBytes} bytes, not the ${file.sizeBytes} that were listed`);
  }
  if (file.sha256 !== null && file.sha256 !== found.sha256) return fail('refused', 'is not the file that was pinned');
  return ok(found);
}

function addressOf({ source }: ModelManifest, file: ModelFile, { source: { hubUrl } }: Work): string {
  if (file.url !== undefined || source.kind !== 'hub') return file.url ?? file.path;
  return `${hubUrl}${source.repository}/resolve/${source.revision}/${file.path}`;
}

const offline = (url: string): Result<never> =>
  fail('offline', `${new URL(url).host} cannot be reached: without a network nothing can be pinned.`);

/** HEAD stops at the first answer, which is the hub's own and has its headers; GET follows to where the bytes lie. */
async function ask({ fetch }: PinSource, url: string, method: 'HEAD' | 'GET'): Promise<Result<Response>> {
  try {
    return ok(
      await fetch(url, {
        method,
        redirect: method === 'HEAD' ? 'manual' : 'follow',
        signal: AbortSignal.timeout(method === 'HEAD' ? ASK_TIMEOUT_MS : DOWNLOAD_TIMEOUT_MS),
      }),
    );
  } catch {
    return offline(url);
  }
}

async function bodyOf(response: Response): Promise<Result<Uint8Array>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += (chunk as Uint8Array).length;
      if (size > MAX_HASHED_BYTES)
        return fail('refused', `is larger than ${MAX_HASHED_BYTES} bytes, and the hub tells no hash`);
      chunks.push(chunk as Uint8Array);
    }
  } catch {
    return offline(response.url);
  }
  return ok(Buffer.concat(chunks));
}
