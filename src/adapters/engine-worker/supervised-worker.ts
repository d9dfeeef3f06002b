import type { Clock } from '#core/base/ports';
import { err, fail, ok, type Failure, type Result } from '#core/base/result';
import type { LoadProgress, ModelIdentity } from '#core/engines/language-model';
import type { ModelSource, WorkerLoadRequest } from '#core/engines/worker-protocol';
import type { WorkerHandle } from './model-worker-handle';

/** Loading may take long on a slow line, but never stands still this long: compiling the runtime is the longest silent part. */
export const LOAD_SILENCE_MS = 120_000;
/** One pass over a full context on a slow phone; the first token needs one. */
export const PASS_TIMEOUT_MS = 60_000;
/** A worker that breaks more often than this is not repaired by another restart. */
export const MAX_RESTARTS = 3;
export const RESTART_WINDOW_MS = 10 * 60_000;

/** Deadlines are made for models of up to this size; a larger one gets as much more time as it is larger … */
const PARAMETERS_WITHOUT_EXTRA_TIME = 100_000_000;
/** … up to this: what takes longer is of no use to anyone who waits for it. */
const MAX_PATIENCE = 10;

export type Device = WorkerLoadRequest['device'];

/** By how much the deadlines of a model are stretched. */
export const patienceFor = (source: ModelSource): number =>
  source.kind === 'stored'
    ? Math.min(Math.max(source.manifest.parameters / PARAMETERS_WITHOUT_EXTRA_TIME, 1), MAX_PATIENCE)
    : 1;

export interface SupervisedWorkerOptions<W, L> {
  readonly clock: Clock;
  readonly spawn: () => WorkerHandle<W>;
  /** Loads the model into a fresh worker. */
  readonly load: (worker: W, device: Device, progress: MessagePort) => Promise<Result<L>>;
  /** Where it runs first; `auto` when absent. */
  readonly device?: Device | undefined;
  readonly patience: number;
  readonly onProgress: (progress: LoadProgress) => void;
  /** Called once when the model can no longer be used. */
  readonly onGone: () => void;
}

/** One model in a worker of its own, under the rules of `superviseWorker`. */
export interface SupervisedWorker<W, L> {
  /** What the latest load said of the model. */
  readonly loaded: L;
  readonly gone: boolean;
  /**
   * Runs a call in the worker, starting another worker first where the last one broke. A call that rejects, or that
   * gives no sign of life for `deadlineMs` (`renew` sets that time anew), ends its worker. Codes besides the call's own:
   * `engine_failed`, `engine_timeout`, `engine_gone`.
   */
  call<T>(
    deadlineMs: number,
    run: (worker: W, renew: (nextMs: number) => void) => Promise<Result<T>>,
  ): Promise<Result<T>>;
  /** Ends the model for good; whoever waits is told. */
  dispose(): void;
}

interface Running<W> {
  readonly handle: WorkerHandle<W>;
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
export async function superviseWorker<W, L extends { readonly identity: ModelIdentity }>(
  options: SupervisedWorkerOptions<W, L>,
): Promise<Result<SupervisedWorker<W, L>>> {
  const { clock, spawn, load, patience, onProgress, onGone } = options;
  let device: Device = options.device ?? 'auto';
  let current: Promise<Result<Running<W>>> | null = null;
  let live: WorkerHandle<W> | null = null;
  let restartTimes: readonly number[] = [];
  let loaded: L | null = null;
  let gone: Failure | null = null;
  const pending = new Set<{ readonly handle: WorkerHandle<W>; settle(result: Result<never>): void }>();

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
  function retire(handle: WorkerHandle<W>, why: Failure): void {
    if (live !== handle) return;
    handle.terminate();
    live = null;
    current = null;
    if (loaded?.identity.engine.endsWith('/webgpu') === true) device = 'wasm';
    for (const call of [...pending]) if (call.handle === handle) call.settle(err(why));
  }

  /** A call's result, or why there is none, after which its worker is retired. `renew` sets the deadline anew. */
  function guarded<T>(
    handle: WorkerHandle<W>,
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
        cancelTimer = clock.after(afterMs * patience, () => {
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

  async function start(): Promise<Result<Running<W>>> {
    let handle: WorkerHandle<W>;
    try {
      handle = spawn();
    } catch (error) {
      return err(broke(error));
    }
    live = handle;
    void handle.broken.then((why) => retire(handle, why));
    const { port1, port2 } = new MessageChannel();
    const result = await guarded(handle, LOAD_SILENCE_MS, (renew) => {
      port1.onmessage = ({ data }: MessageEvent<LoadProgress>) => {
        renew(LOAD_SILENCE_MS);
        onProgress(data);
      };
      return load(handle.worker, device, port2);
    });
    port1.close();
    if (!result.ok) {
      retire(handle, result.error);
      return result;
    }
    if (loaded !== null && loaded.identity.hash !== result.value.identity.hash) {
      // Tokens of one answer may not come from two models; whoever wants the new one loads it.
      const replaced: Failure = {
        code: 'engine_gone',
        message: 'The model was replaced by a newer one while it was in use; load it again.',
      };
      giveUp(replaced);
      return err(replaced);
    }
    loaded = result.value;
    return ok({ handle });
  }

  async function startAgain(): Promise<Result<Running<W>>> {
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

  function running(): Promise<Result<Running<W>>> {
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

  return ok<SupervisedWorker<W, L>>({
    get loaded() {
      return loaded!;
    },
    get gone() {
      return gone !== null;
    },
    async call(deadlineMs, run) {
      const ready = await running();
      if (!ready.ok) return ready;
      const { handle } = ready.value;
      return guarded(handle, deadlineMs, (renew) => run(handle.worker, renew));
    },
    dispose: () => giveUp(engineGone()),
  });
}
