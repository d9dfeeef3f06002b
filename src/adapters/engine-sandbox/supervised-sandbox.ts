import type { Clock } from '#core/base/ports';
import { err, fail, ok, type Failure, type Result } from '#core/base/result';
import { checkSandboxRequest, type Sandbox, type SandboxReport, type SandboxRequest } from '#core/engines/sandbox';
import type { SandboxHandle, SpawnSandbox } from './sandbox-handle';

/** Every step that a run may take, on a device ten times slower than a common one; the first run also fetches the interpreter. */
export const RUN_DEADLINE_MS = 20_000;
/** Runs that wait while another runs; more would only run into the deadlines of those who ask. */
export const MAX_WAITING_RUNS = 8;
/** After this long without work the place is given up, and with it the memory that its last runs held. */
export const IDLE_MS = 60_000;

export interface SupervisedSandboxOptions {
  readonly clock: Clock;
  readonly spawn: SpawnSandbox;
}

const cancelled = (): Result<never> => fail('cancelled', 'The run was stopped.');

/** A sandbox with a deadline for every run: a place that broke or went silent is replaced before the next run. */
export function createSupervisedSandbox({ clock, spawn }: SupervisedSandboxOptions): Sandbox {
  let live: SandboxHandle | null = null;
  let gone: Failure | null = null;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  let stopIdling: () => void = () => {};
  const endNow = new Set<(result: Result<never>) => void>();

  function retire(handle: SandboxHandle): void {
    handle.terminate();
    if (live === handle) live = null;
  }

  function place(): Result<SandboxHandle> {
    if (live !== null) return ok(live);
    try {
      live = spawn();
    } catch (error) {
      return fail('sandbox_failed', `The sandbox could not be started: ${String(error)}.`);
    }
    return ok(live);
  }

  async function runNow(request: SandboxRequest, signal: AbortSignal): Promise<Result<SandboxReport>> {
    if (gone !== null) return err(gone);
    if (signal.aborted) return cancelled();
    const found = place();
    if (!found.ok) return found;
    const handle = found.value;
    stopIdling();
    const result = await new Promise<Result<SandboxReport>>((resolve) => {
      let over = false;
      /** `usable`: whether the place has finished by itself. */
      const finish = (outcome: Result<SandboxReport>, usable: boolean): void => {
        if (over) return;
        over = true;
        stopClock();
        signal.removeEventListener('abort', onAbort);
        endNow.delete(end);
        if (!usable) retire(handle);
        resolve(outcome);
      };
      const end = (outcome: Result<never>): void => finish(outcome, false);
      const onAbort = (): void => end(cancelled());
      const stopClock = clock.after(RUN_DEADLINE_MS, () =>
        end(fail('sandbox_timeout', 'The code ran longer than it may on this device.')),
      );
      endNow.add(end);
      signal.addEventListener('abort', onAbort);
      void handle.broken.then((why) => end(err(why)));
      handle.run(request).then(
        (outcome) => finish(outcome, outcome.ok),
        (error: unknown) => end(fail('sandbox_failed', `The sandbox broke: ${String(error)}.`)),
      );
    });
    stopIdling = clock.after(IDLE_MS, () => {
      if (live !== null) retire(live);
    });
    return result;
  }

  return {
    async run(request, signal) {
      if (gone !== null) return err(gone);
      const checked = checkSandboxRequest(request);
      if (!checked.ok) return checked;
      if (waiting > MAX_WAITING_RUNS) return fail('sandbox_busy', 'The sandbox already has as much as it can take.');
      waiting += 1;
      const result = await new Promise<Result<SandboxReport>>((resolve, reject) => {
        const leaveQueue = (): void => resolve(cancelled());
        signal.addEventListener('abort', leaveQueue);
        last = last.then(() => {
          signal.removeEventListener('abort', leaveQueue);
          return runNow(checked.value, signal).then(resolve, reject);
        });
      });
      waiting -= 1;
      return result;
    },
    dispose() {
      gone = { code: 'sandbox_failed', message: 'The sandbox was closed.' };
      stopIdling();
      for (const end of [...endNow]) end(err(gone));
      if (live !== null) retire(live);
    },
  };
}
