import { fail, ok, type Result } from '#core/base/result';
import type { ModelManifest } from '#core/engines/model-manifest';
import type { WorkerLoadRequest } from '#core/engines/worker-protocol';

export interface GraphicsAdapter {
  readonly features: { has(name: string): boolean };
  readonly isFallbackAdapter?: boolean;
  readonly info?: { readonly isFallbackAdapter?: boolean; readonly architecture?: string };
}

export interface GraphicsDevice {
  readonly lost: Promise<{ readonly message: string }>;
}

interface AdapterPrototype {
  requestDevice(...args: unknown[]): Promise<GraphicsDevice>;
}

/** What a worker's global scope has of WebGPU. */
export interface GraphicsScope {
  readonly navigator?: { readonly gpu?: { requestAdapter(options?: object): Promise<GraphicsAdapter | null> } };
  readonly GPUAdapter?: { readonly prototype: AdapterPrototype };
}

const F16 = 'shader-f16';

const isSoftware = ({ isFallbackAdapter, info }: GraphicsAdapter): boolean =>
  isFallbackAdapter === true || info?.isFallbackAdapter === true || info?.architecture === 'swiftshader';

/**
 * Whether the graphics adapter here can run the model. web-llm itself looks at the features only of some of its models
 * and far into the load; half of the f16 ones in its own list say nothing of what they need, so their quantisation counts
 * as saying it. `auto` wants real hardware: a software adapter takes seconds per token. This engine has no other backend,
 * so `wasm`, by which a supervisor asks for another try after a breakdown, is another try on the same adapter. Code:
 * `load_failed`.
 */
export async function checkAdapter(
  scope: GraphicsScope,
  { name, features, quantisation }: Pick<ModelManifest, 'name' | 'features' | 'quantisation'>,
  wanted: WorkerLoadRequest['device'],
): Promise<Result<void>> {
  const gpu = scope.navigator?.gpu;
  // The same wish as web-llm's, so that both are given the same adapter.
  const adapter = (await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)) ?? null;
  if (adapter === null)
    return fail('load_failed', `${name} runs on a graphics processor only, and this browser offers none.`);
  if (wanted === 'auto' && isSoftware(adapter))
    return fail(
      'load_failed',
      `${name} needs a real graphics processor; this browser only imitates one, far too slowly.`,
    );
  const needed = new Set([...features, ...(quantisation.includes('f16') ? [F16] : [])]);
  const missing = [...needed].find((feature) => !adapter.features.has(feature));
  if (missing === undefined) return ok(undefined);
  const advice = missing === F16 ? ' Take its f32 variant.' : '';
  return fail('load_failed', `${name} needs ${missing}, which the graphics processor here does not have.${advice}`);
}

/**
 * Tells of the loss of any device that is asked for from now on. web-llm has no such hook: it unloads itself, and what
 * was running ends in some error or not at all. The reason is not looked at: running out of memory is reported as if the
 * device had been destroyed on purpose.
 */
export function watchDevices(scope: GraphicsScope, onLost: (message: string) => void): void {
  const prototype = scope.GPUAdapter?.prototype;
  if (prototype === undefined) return;
  const requestDevice = prototype.requestDevice;
  prototype.requestDevice = async function (this: unknown, ...args: unknown[]) {
    const device = await requestDevice.apply(this as AdapterPrototype, args);
    void device.lost.then(({ message }) => onLost(message));
    return device;
  };
}
