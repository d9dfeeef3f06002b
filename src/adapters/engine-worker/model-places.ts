import { fail, ok, type Result } from '#core/base/result';
import type { ModelManifest } from '#core/engines/model-manifest';
import type { ModelSource } from '#core/engines/worker-protocol';

/** Where a model's bytes are, and which engine runs it. */
export interface ModelPlace {
  readonly source: ModelSource;
  readonly engine: ModelManifest['engine'];
}

/**
 * Finds a model by its id, its files already on this device. Codes: `unknown_model`, and those of whoever keeps the files
 * (`not_stored`, `store_failed`).
 */
export type SourceOf = (modelId: string) => Promise<Result<ModelPlace>>;

/** Models that come with the app, with their folder below its base address. */
export const BUILT_IN_FOLDERS: Readonly<Record<string, string>> = { 'spark-1': 'models/spark/' };

const unknown = (modelId: string) => fail('unknown_model', `This device has no model called ${modelId}.`);

/** The place of a built-in model, else of one that `sourceOf` knows. `baseUrl` is absolute, with a slash at the end. */
export async function findModelPlace(
  modelId: string,
  baseUrl: string | undefined,
  sourceOf: SourceOf | undefined,
): Promise<Result<ModelPlace>> {
  const folder = Object.hasOwn(BUILT_IN_FOLDERS, modelId) ? BUILT_IN_FOLDERS[modelId] : undefined;
  if (folder !== undefined) {
    const url = new URL(folder, baseUrl ?? new URL('/', location.href)).href;
    return ok({ source: { kind: 'folder', url }, engine: 'transformers' });
  }
  return sourceOf === undefined ? unknown(modelId) : sourceOf(modelId);
}

/** What is said when the code of an engine cannot be fetched. */
export const engineNotHere = () =>
  fail('offline', 'The engine is not on this device yet, and there is no connection to load it.');
