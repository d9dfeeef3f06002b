import type { Result } from '../base/result';
import type {
  ChatMessage,
  FinishReason,
  GeneratedToken,
  ModelIdentity,
  OutputShape,
  ScoredPosition,
} from './language-model';
import type { ModelManifest } from './model-manifest';
import type { Sampling } from './sampling';

/**
 * What the page and the Web Worker that runs one model say to each other: plain data and message ports only. A returned
 * failure is an expected one and leaves the worker usable; a rejected call means that its runtime can no longer be
 * trusted and the worker must be replaced.
 */
export interface ModelWorker<Port> {
  load(request: WorkerLoadRequest, progress: Port): Promise<Result<WorkerLoaded>>;
  encodePrompt(messages: readonly ChatMessage[]): Promise<Result<readonly number[]>>;
  decode(ids: readonly number[]): Promise<Result<string>>;
  score(
    promptIds: readonly number[],
    outputIds: readonly number[],
    sampling?: Sampling,
  ): Promise<Result<readonly ScoredPosition[]>>;
  /**
   * Streams `GenerationEvent`s to the port, in order, the last one `ended` or `failed`. Any message that arrives on the
   * port stops the run before its next token. One run at a time; the other calls may come between its tokens.
   */
  generate(request: WorkerGenerateRequest, port: Port): Promise<void>;
}

export interface WorkerLoadRequest {
  readonly modelId: string;
  readonly source: ModelSource;
  /** `auto` takes a real GPU where there is one; `webgpu` takes any adapter, a software one too. */
  readonly device: 'auto' | 'wasm' | 'webgpu';
}

/** Where a worker finds the bytes of a model. */
export type ModelSource =
  /** A folder that the app's own server offers, with its `hashes.json`: absolute address, with a slash at the end. */
  | { readonly kind: 'folder'; readonly url: string }
  /** Files of the model store, already verified, by their path in the manifest. Blobs are handles: reading them costs no copy. */
  | { readonly kind: 'stored'; readonly manifest: ModelManifest; readonly blobByPath: Readonly<Record<string, Blob>> };

export interface WorkerLoaded {
  readonly identity: ModelIdentity;
  readonly endTokenId: number;
}

export interface WorkerGenerateRequest {
  readonly promptIds: readonly number[];
  readonly prefixIds: readonly number[];
  readonly maxTokens: number;
  readonly sampling?: Sampling;
  readonly shape?: OutputShape;
  /**
   * See `GenerateRequest`. A worker may keep the answer on the device under this name while it is made, and takes it up
   * again when it is asked for the same answer once more, `prefixIds` being the tokens that arrived; or it ignores the name.
   */
  readonly keptAs?: string;
}

export type GenerationEvent =
  | { readonly type: 'token'; readonly token: GeneratedToken }
  | { readonly type: 'ended'; readonly finish: FinishReason }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };
