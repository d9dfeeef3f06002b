import * as v from 'valibot';
import { modelHashOf } from './model-hash';

/** Models of one catalogue: more than a person can choose among. */
export const MAX_MODELS = 128;
export const MAX_MODEL_FILES = 512;
/** What one model may weigh: no browser keeps more for one origin on common devices. */
export const MAX_MODEL_BYTES = 64 * 1024 ** 3;

const text = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most));
const whole = (least = 0, most = Number.MAX_SAFE_INTEGER) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most));
export const sha256HexSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a SHA-256'));
export const modelIdSchema = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, 'not a model id'));

/** A path inside a model: never absolute, never upwards. */
export const modelPathSchema = v.pipe(
  v.string(),
  v.maxLength(128),
  v.regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/, 'not a path'),
);

export const modelFileSchema = v.strictObject({
  path: modelPathSchema,
  /** Where it is fetched from, absolute; absent: below the manifest's `source`. */
  url: v.optional(v.pipe(text(512), v.url(), v.startsWith('https://'))),
  /** Null until somebody with a network pinned it (`npm run models:pin`, or the first download of the community). */
  sha256: v.nullable(sha256HexSchema),
  sizeBytes: v.nullable(whole(0, MAX_MODEL_BYTES)),
});

export const MODEL_TASKS = ['chat', 'embed', 'rerank', 'classify'] as const;

/** Of a golden transcript: what the model answers greedily, by which a device proves that it computes it rightly. */
export const goldenSchema = v.strictObject({
  question: text(400),
  promptIds: v.pipe(v.array(whole(0, 1_000_000)), v.minLength(1), v.maxLength(512)),
  ids: v.pipe(v.array(whole(0, 1_000_000)), v.minLength(1), v.maxLength(256)),
});

/** One model as a catalogue offers it. */
export const modelManifestSchema = v.strictObject({
  id: modelIdSchema,
  name: text(64),
  /** Models of one family fail alike: two auditors of a risky request come from two families. */
  family: text(32),
  version: text(32),
  engine: v.picklist(['transformers', 'web-llm']),
  tasks: v.pipe(v.array(v.picklist(MODEL_TASKS)), v.minLength(1)),
  parameters: whole(1),
  /** As the engine names it: `fp32`, `q4`, `q4f16`, `q4f16_1`, … */
  quantisation: text(16),
  source: v.variant('kind', [
    /** A folder below the app's own origin. */
    v.strictObject({ kind: v.literal('app'), folder: v.pipe(modelPathSchema, v.maxLength(64)) }),
    /** A repository of the model hub, at one revision. */
    v.strictObject({
      kind: v.literal('hub'),
      repository: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,96}\/[A-Za-z0-9._-]{1,96}$/, 'not a repository')),
      revision: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/, 'not a revision')),
    }),
  ]),
  files: v.pipe(
    v.array(modelFileSchema),
    v.minLength(1),
    v.maxLength(MAX_MODEL_FILES),
    v.check((files) => new Set(files.map(({ path }) => path)).size === files.length, 'a file twice'),
  ),
  /** About what is fetched, for people to decide by, while not every file's size is known. */
  approximateBytes: v.optional(whole(1, MAX_MODEL_BYTES)),
  /** web-llm only: which of the files is the compiled library. */
  library: v.optional(modelPathSchema),
  licence: v.strictObject({ name: text(64), url: v.optional(v.pipe(text(256), v.url(), v.startsWith('https://'))) }),
  /** What it takes while it runs, weights and caches together. */
  memoryBytes: whole(1, MAX_MODEL_BYTES),
  /** Features that the graphics adapter must have, for instance `shader-f16`. */
  features: v.pipe(v.array(text(48)), v.maxLength(8)),
  contextTokens: whole(1, 1_048_576),
  /** How messages become a prompt: by the model's own card, or by the chat template of its tokenizer. */
  chatTemplate: v.picklist(['card', 'tokenizer', 'none']),
  /** Hundredths; what a question gets that names none. */
  temperaturePercent: whole(0, 200),
  golden: v.optional(v.pipe(v.array(goldenSchema), v.maxLength(32))),
});

/** web-llm runs nothing without its compiled library, the other engine has none. */
const hasItsLibrary = ({ engine, library, files }: v.InferOutput<typeof modelManifestSchema>): boolean =>
  engine === 'web-llm' ? files.some(({ path }) => path === library) : library === undefined;

/** All models that a community offers; signed by whoever keeps it (see wire/signed). */
export const modelCatalogueSchema = v.strictObject({
  type: v.literal('model-catalogue'),
  v: v.literal(1),
  models: v.pipe(
    v.array(modelManifestSchema),
    v.maxLength(MAX_MODELS),
    v.check((models) => new Set(models.map(({ id }) => id)).size === models.length, 'a model twice'),
    v.check((models) => models.every(hasItsLibrary), 'a model whose library is not among its files'),
  ),
});

export type ModelManifest = v.InferOutput<typeof modelManifestSchema>;
export type ModelFile = v.InferOutput<typeof modelFileSchema>;
export type ModelCatalogue = v.InferOutput<typeof modelCatalogueSchema>;
export type Golden = v.InferOutput<typeof goldenSchema>;

/** The model's hash (see `modelHashOf`), or null while one of its files is not pinned. */
export function manifestHashOf({ files }: Pick<ModelManifest, 'files'>): string | null {
  const entries: [string, string][] = [];
  for (const { path, sha256 } of files) {
    if (sha256 === null) return null;
    entries.push([path, sha256]);
  }
  return modelHashOf(Object.fromEntries(entries));
}

/** The sum of all sizes, and whether all are known; where they are not, at least about what the model weighs. */
export function manifestSizeOf({ files, approximateBytes = 0 }: Pick<ModelManifest, 'files' | 'approximateBytes'>): {
  sizeBytes: number;
  complete: boolean;
} {
  let sizeBytes = 0;
  let complete = true;
  for (const file of files) {
    if (file.sizeBytes === null) complete = false;
    else sizeBytes += file.sizeBytes;
  }
  return { sizeBytes: complete ? sizeBytes : Math.max(sizeBytes, approximateBytes), complete };
}
