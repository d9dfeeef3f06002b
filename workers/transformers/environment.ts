import { env } from '@huggingface/transformers';
import asyncifyLoaderUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import asyncifyWasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import plainLoaderUrl from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import plainWasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import type { OpenedModel } from './open-source';

export type Device = 'wasm' | 'webgpu';

/** What the library calls the one model of this worker; nothing is ever asked for under the address that it makes of it. */
export const LOCAL_NAME = 'model';
const LOCAL_MODELS = '/models/';
const PREFIX = `${LOCAL_MODELS}${LOCAL_NAME}/`;

/** From this size on several threads are worth it. */
const THREADS_FROM_PARAMETERS = 50_000_000;
/** More do not help: memory, not arithmetic, sets the pace from there on. */
const MAX_THREADS = 4;

interface Adapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: { readonly isFallbackAdapter?: boolean; readonly architecture?: string };
  readonly features: { has(name: string): boolean };
}

interface GraphicsDevice {
  readonly lost: Promise<{ readonly message: string }>;
}

interface AdapterPrototype {
  requestDevice(...args: unknown[]): Promise<GraphicsDevice>;
}

/** A GPU only when it is one and can do what the model needs: software adapters are slower than WebAssembly. */
export async function pickDevice(wanted: 'auto' | Device, features: readonly string[]): Promise<Device> {
  if (wanted !== 'auto') return wanted;
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } }).gpu;
  const adapter = (await gpu?.requestAdapter().catch(() => null)) ?? null;
  if (adapter === null || !features.every((feature) => adapter.features.has(feature))) return 'wasm';
  const software =
    adapter.isFallbackAdapter === true ||
    adapter.info?.isFallbackAdapter === true ||
    adapter.info?.architecture === 'swiftshader';
  return software ? 'wasm' : 'webgpu';
}

/**
 * A small model computes on one thread: the same sums in the same order on every device, so that two nodes agree on a
 * near-tie, and handing out its small matrices would cost more than it saves. A large one would be too slow that way; its
 * sums may differ in the last bits. Threads need an isolated page.
 */
function threadsFor({ parameters }: OpenedModel): number {
  if (parameters < THREADS_FROM_PARAMETERS || !self.crossOriginIsolated) return 1;
  return Math.min(MAX_THREADS, Math.max(1, Math.ceil(navigator.hardwareConcurrency / 2)));
}

/** A body that is handed over without a copy, or read from disk into the one copy that the runtime takes. */
class FileResponse extends Response {
  readonly #content: Uint8Array<ArrayBuffer> | Blob;
  constructor(content: Uint8Array<ArrayBuffer> | Blob) {
    const sizeBytes = content instanceof Blob ? content.size : content.byteLength;
    super(null, { headers: { 'content-length': String(sizeBytes) } });
    this.#content = content;
  }
  override async arrayBuffer(): Promise<ArrayBuffer> {
    const content = this.#content;
    if (content instanceof Blob) return content.arrayBuffer();
    const whole = content.byteOffset === 0 && content.byteLength === content.buffer.byteLength;
    return whole ? content.buffer : content.slice().buffer;
  }
}

const notFound = async (): Promise<Response> => new Response(null, { status: 404 });

/**
 * Points transformers.js at our own files: the runtime from this origin's hashed assets, the model from bytes that were
 * verified. It never asks the network for anything.
 */
export function configure(opened: OpenedModel, device: Device): void {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = LOCAL_MODELS;
  env.useBrowserCache = false;
  // With its own cache the runtime's loader is imported from a blob address, which the content security policy forbids.
  env.useWasmCache = false;
  env.fetch = async (input) => {
    const path = new URL(String(input instanceof Request ? input.url : input), self.location.origin).pathname;
    const content = path.startsWith(PREFIX) ? opened.contentByPath.get(path.slice(PREFIX.length)) : undefined;
    return content === undefined ? notFound() : new FileResponse(content);
  };
  const wasm = env.backends.onnx.wasm;
  if (wasm === undefined) throw new Error('The runtime has no WebAssembly backend.');
  const absolute = (url: string): string => new URL(url, self.location.href).href;
  wasm.wasmPaths =
    device === 'webgpu'
      ? { mjs: absolute(asyncifyLoaderUrl), wasm: absolute(asyncifyWasmUrl) }
      : { mjs: absolute(plainLoaderUrl), wasm: absolute(plainWasmUrl) };
  wasm.numThreads = threadsFor(opened);
  if (device === 'webgpu') breakWhenDeviceIsLost();
}

/** Lets go of the files once the runtime has them: a model's bytes would otherwise stay in memory twice. */
export function releaseFiles(): void {
  env.fetch = notFound;
}

/**
 * A lost graphics device never comes back to the runtime that had it, and a pass that waits for it may wait for ever. So
 * the loss breaks the worker at once, and its page replaces it.
 */
function breakWhenDeviceIsLost(): void {
  const prototype = (self as { GPUAdapter?: { readonly prototype: AdapterPrototype } }).GPUAdapter?.prototype;
  if (prototype === undefined) return;
  const requestDevice = prototype.requestDevice;
  prototype.requestDevice = async function (this: unknown, ...args: unknown[]) {
    const device = await requestDevice.apply(this as AdapterPrototype, args);
    void device.lost.then(({ message }) => reportError(new Error(`the graphics device was lost (${message})`)));
    return device;
  };
}
