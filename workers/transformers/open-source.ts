import { utf8Decode } from '#core/base/bytes';
import { fail, ok, type Result } from '#core/base/result';
import type { LoadProgress } from '#core/engines/language-model';
import { modelHashOf } from '#core/engines/model-hash';
import { manifestHashOf, manifestSizeOf, type ModelManifest } from '#core/engines/model-manifest';
import type { ModelSource } from '#core/engines/worker-protocol';
import { loadModelFiles, MODEL_CACHE, type ModelFileSource } from './model-files';
import { chooseGraph, type GraphChoice } from './stored-graph';

/** A model whose files are at hand, verified, however they came. */
export interface OpenedModel {
  /** Name for people; null where the model's own card says it. */
  readonly name: string | null;
  readonly hash: string;
  readonly contentByPath: ReadonlyMap<string, Uint8Array<ArrayBuffer> | Blob>;
  readonly graph: GraphChoice;
  readonly chatTemplate: ModelManifest['chatTemplate'];
  /** What the manifest allows in all; null where the model's own card says it. */
  readonly contextTokens: number | null;
  /** For a model without a manifest an estimate from the size of its weights. */
  readonly parameters: number;
  /** Features that a graphics adapter must have. */
  readonly features: readonly string[];
}

/** Built-in models are small, lie in one graph file, and come with a card. */
const BUILT_IN_GRAPH: GraphChoice = { subfolder: 'onnx', fileName: 'model', dtype: 'fp32', dataFiles: 0 };
const BYTES_PER_FP32 = 4;
/** Text files of a model; the largest known tokenizer is a fifth of this. */
const MAX_TEXT_FILE_BYTES = 128 * 1024 * 1024;

async function fileSource(): Promise<ModelFileSource> {
  return {
    fetch: (input, init) => fetch(input, init),
    cache: 'caches' in self ? await caches.open(MODEL_CACHE).catch(() => null) : null,
    digest: async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)),
  };
}

/** The model's files, from the app's server or from the store. Codes: `offline`, `load_failed`, `hash_mismatch`. */
export async function openSource(
  source: ModelSource,
  onProgress: (progress: LoadProgress) => void,
): Promise<Result<OpenedModel>> {
  if (source.kind === 'stored') {
    const { sizeBytes } = manifestSizeOf(source.manifest);
    onProgress({ loadedBytes: sizeBytes, totalBytes: sizeBytes });
    return openStored(source.manifest, source.blobByPath);
  }
  const files = await loadModelFiles(source.url, await fileSource(), onProgress);
  if (!files.ok) return files;
  const { hashByPath, bytesByPath } = files.value;
  return ok({
    name: null,
    hash: modelHashOf(hashByPath),
    contentByPath: bytesByPath,
    graph: BUILT_IN_GRAPH,
    chatTemplate: 'card',
    contextTokens: null,
    parameters: (bytesByPath.get('onnx/model.onnx')?.length ?? 0) / BYTES_PER_FP32,
    features: [],
  });
}

/** Files of the store were verified when they were stored: only that all are there is looked at. */
export function openStored(manifest: ModelManifest, blobByPath: Readonly<Record<string, Blob>>): Result<OpenedModel> {
  const hash = manifestHashOf(manifest);
  if (hash === null)
    return fail('load_failed', 'The model could not be loaded: the hash of one of its files is not known yet.');
  const contentByPath = new Map<string, Blob>();
  for (const { path, sizeBytes } of manifest.files) {
    const blob = Object.hasOwn(blobByPath, path) ? blobByPath[path] : undefined;
    if (blob === undefined || (sizeBytes !== null && blob.size !== sizeBytes))
      return fail('load_failed', `The model could not be loaded: ${path} is not on this device as a whole.`);
    contentByPath.set(path, blob);
  }
  const graph = chooseGraph(manifest);
  if (!graph.ok) return graph;
  const { name, chatTemplate, contextTokens, parameters, features } = manifest;
  return ok({ name, hash, contentByPath, graph: graph.value, chatTemplate, contextTokens, parameters, features });
}

/** The text of one of the model's files; null where there is none or it is no text file by its size. */
export async function textOf(
  { contentByPath }: Pick<OpenedModel, 'contentByPath'>,
  path: string,
): Promise<string | null> {
  const content = contentByPath.get(path);
  if (content === undefined) return null;
  if ((content instanceof Blob ? content.size : content.length) > MAX_TEXT_FILE_BYTES) return null;
  return content instanceof Blob ? content.text() : utf8Decode(content);
}
