import type { Clock } from '#core/base/ports';
import { err, fail, ok, type Failure, type Result } from '#core/base/result';
import type { Generation, LanguageModel, LoadProgress, ModelIdentity } from '#core/engines/language-model';
import type { GenerationEvent, ModelSource, WorkerLoaded, WorkerLoadRequest } from '#core/engines/worker-protocol';
import type { ModelWorkerHandle, SpawnModelWorker } from './model-worker-handle';

/** Loading may take long on a slow line, but never stands still this long: compiling the runtime is the longest silent part. */
export const LOAD_SILENCE_MS = 120_000;
/** One pass over a full context on a slow phone; the first token needs one. */
export const PASS_TIMEOUT_MS = 60_000;
export const NEXT_TOKEN_TIMEOUT_MS = 20_000;
/** Tokenising takes milliseconds; the rest is the token being computed when the call arrives. */
export const TEXT_TIMEOUT_MS = 20_000;
/** How long a cancelled run may keep the worker before it is replaced. */
export const CANCEL_TIMEOUT_MS = 5_000;
/** A worker that breaks more often than this is not repaired by another restart. */
export const MAX_RESTARTS = 3;
export const RESTART_WINDOW_MS = 10 * 60_000;

export interface SupervisedModelOptions {
  readonly modelId: string;
  readonly source: ModelSource;
  /** Where it runs first; `auto` when absent. */
  readonly device?: WorkerLoadRequest['device'];
  readonly clock: Clock;
  readonly spawn: SpawnModelWorker;
  readonly onProgress: (progress: LoadProgress) => void;
  /** Called once when the model can no longer be used. */
  readonly onGone: () => void;
}

interface Running {
  readonly handle: ModelWorkerHandle;
  readonly loaded: WorkerLoaded;
}

const engineGone = (): Failure => ({ code: 'engine_gone', message: 'The model is no longer loaded on this device.' });
const noAnswer = (): Failure => ({
  code: 'engine_timeout',
  message: 'The model on this device did not answer in time.',
});
const broke = (error: unknown): Failure => ({
  code: 'engine_failed',
  message: `The model on this device failed: ${error instanceof Error ? error.message : String(error)}.`,
});

/**
 * Loads a model into a worker of its own and keeps it usable: every call has a deadline, a worker that broke or went
 * silent is replaced before the next call (its runtime never recovers by itself), and after `MAX_RESTARTS` replacements
 * within `RESTART_WINDOW_MS` the model is gone for good. A model that breaks on a GPU comes back on WebAssembly.
 */
export async function loadSupervisedModel(options: SupervisedModelOptions): Promise<Result<LanguageModel>> {
  const { modelId, source, clock, spawn, onProgress, onGone } = options;
  let device: WorkerLoadRequest['device'] = options.device ?? 'auto';
  let current: Promise<Result<Running>> | null = null;
  let live: ModelWorkerHandle | null = null;
  let restartTimes: readonly number[] = [];
  let identity: ModelIdentity | null = null;
  let gone: Failure | null = null;
  const pending = new Set<{ readonly handle: ModelWorkerHandle; settle(result: Result<never>): void }>();
  let lastGeneration: Promise<unknown> = Promise.resolve();

  /** Ends the model for good; whoever waits is told. */
  function giveUp(failure: Failure): void {
    if (gone !== null) return;
    gone = failure;
    live?.terminate();
    live = null;
    current = null;
    for (const call of [...pending]) call.settle(err(failure));
    onGone();
  }

  /** Ends a worker that can no longer be trusted, and every call that it still has; the next call starts another. */
  function retire(handle: ModelWorkerHandle, why: Failure): void {
    if (live !== handle) return;
    handle.terminate();
    live = null;
    current = null;
    if (identity?.engine.endsWith('/webgpu') === true) device = 'wasm';
    for (const call of [...pending]) if (call.handle === handle) call.settle(err(why));
  }

  /** A call's result, or why there is none, after which its worker is retired. `renew` sets the deadline anew. */
  function guarded<T>(
    handle: ModelWorkerHandle,
    deadlineMs: number,
    call: (renew: (nextMs: number) => void) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    return new Promise((resolve) => {
      let cancelTimer: () => void = () => {};
      const waiting = {
        handle,
        settle(result: Result<never>) {
          finish(result);
        },
      };
      const finish = (result: Result<T>): void => {
        cancelTimer();
        pending.delete(waiting);
        resolve(result);
      };
      const arm = (afterMs: number): void => {
        if (!pending.has(waiting)) return;
        cancelTimer();
        cancelTimer = clock.after(afterMs, () => {
          finish(err(noAnswer()));
          retire(handle, noAnswer());
        });
      };
      pending.add(waiting);
      arm(deadlineMs);
      call(arm).then(finish, (error: unknown) => {
        finish(err(broke(error)));
        retire(handle, broke(error));
      });
    });
  }

  async function start(): Promise<Result<Running>> {
    let handle: ModelWorkerHandle;
    try {
      handle = spawn();
    } catch (error) {
      return err(broke(error));
    }
    live = handle;
    void handle.broken.then((why) => retire(handle, why));
    const { port1, port2 } = new MessageChannel();
    const loaded = await guarded(handle, LOAD_SILENCE_MS, (renew) => {
      port1.onmessage = ({ data }: MessageEvent<LoadProgress>) => {
        renew(LOAD_SILENCE_MS);
        onProgress(data);
      };
      return handle.worker.load({ modelId, source, device }, port2);
    });
    port1.close();
    if (!loaded.ok) {
      retire(handle, loaded.error);
      return loaded;
    }
    if (identity !== null && identity.hash !== loaded.value.identity.hash) {
      // Tokens of one answer may not come from two models; whoever wants the new one loads it.
      const replaced: Failure = {
        code: 'engine_gone',
        message: 'The model was replaced by a newer one while it was in use; load it again.',
      };
      giveUp(replaced);
      return err(replaced);
    }
    identity = loaded.value.identity;
    return ok({ handle, loaded: loaded.value });
  }

  async function startAgain(): Promise<Result<Running>> {
    const now = clock.monotonicMs();
    restartTimes = restartTimes.filter((at) => now - at < RESTART_WINDOW_MS);
    if (restartTimes.length >= MAX_RESTARTS) {
      const worn: Failure = {
        code: 'engine_gone',
        message: 'The model on this device failed too often and was switched off; reload the page to try again.',
      };
      giveUp(worn);
      return err(worn);
    }
    restartTimes = [...restartTimes, now];
    const started = await start();
    return started.ok || gone !== null ? started : fail('engine_failed', started.error.message);
  }

  function running(): Promise<Result<Running>> {
    if (gone !== null) return Promise.resolve(err(gone));
    if (current === null) {
      const starting = startAgain();
      current = starting;
      void starting.then((started) => {
        if (!started.ok && current === starting) current = null;
      });
    }
    return current;
  }

  const withWorker = async <T>(
    deadlineMs: number,
    call: (handle: ModelWorkerHandle) => Promise<Result<T>>,
  ): Promise<Result<T>> => {
    const ready = await running();
    return ready.ok ? guarded(ready.value.handle, deadlineMs, () => call(ready.value.handle)) : ready;
  };

  const generateNow: LanguageModel['generate'] = async ({ signal, ...request }, onToken) => {
    const ids: number[] = [];
    const cancelled = (): Result<Generation> => ok({ ids, finish: 'cancelled' });
    if (signal.aborted) return cancelled();
    const ready = await running();
    if (!ready.ok) return ready;
    if (signal.aborted) return cancelled();
    const { handle } = ready.value;
    const { port1, port2 } = new MessageChannel();
    let stop: () => void = () => {};
    const result = await guarded<Generation>(handle, PASS_TIMEOUT_MS, (renew) => {
      stop = () => {
        renew(CANCEL_TIMEOUT_MS);
        port1.postMessage('stop');
      };
      signal.addEventListener('abort', stop);
      return new Promise((resolve, reject) => {
        port1.onmessage = ({ data }: MessageEvent<GenerationEvent>) => {
          if (data.type === 'failed') return resolve(fail(data.code, data.message));
          // Nothing is shown after the person stopped it, even what was on its way.
          if (data.type === 'ended') return resolve(signal.aborted ? cancelled() : ok({ ids, finish: data.finish }));
          if (signal.aborted) return;
          renew(NEXT_TOKEN_TIMEOUT_MS);
          ids.push(data.token.id);
          onToken(data.token);
        };
        handle.worker.generate(request, port2).catch(reject);
      });
    });
    signal.removeEventListener('abort', stop);
    port1.close();
    return signal.aborted && !result.ok && gone === null ? cancelled() : result;
  };

  const first = start();
  current = first;
  let started = await first;
  if (!started.ok && started.error.code === 'engine_failed') {
    // A GPU that cannot load the model must not keep the device from using it.
    device = 'wasm';
    current = startAgain();
    started = await current;
  }
  if (!started.ok) {
    const { code, message } = started.error;
    giveUp(engineGone());
    return code.startsWith('engine_') ? fail('load_failed', message) : started;
  }

  return ok<LanguageModel>({
    get identity() {
      return identity!;
    },
    endTokenId: started.value.loaded.endTokenId,
    encodePrompt: (messages) => withWorker(TEXT_TIMEOUT_MS, ({ worker }) => worker.encodePrompt(messages)),
    decode: (ids) => withWorker(TEXT_TIMEOUT_MS, ({ worker }) => worker.decode(ids)),
    score: (promptIds, outputIds, sampling) =>
      withWorker(PASS_TIMEOUT_MS, ({ worker }) => worker.score(promptIds, outputIds, sampling)),
    generate(request, onToken) {
      const { signal } = request;
      return new Promise((resolve, reject) => {
        const leaveQueue = (): void => resolve(ok({ ids: [], finish: 'cancelled' }));
        signal.addEventListener('abort', leaveQueue);
        lastGeneration = lastGeneration.then(() => {
          signal.removeEventListener('abort', leaveQueue);
          return generateNow(request, onToken).then(resolve, reject);
        });
      });
    },
    async dispose() {
      giveUp(engineGone());
    },
  });
}
