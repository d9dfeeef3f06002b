import type { Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { DeviceMeasure } from '#core/engines/device-measure';
import type { ProbeAnswer, ProbeRequest } from '#workers/probe/messages';

/** What people are told that it takes. */
export const MEASURE_MS = 3_000;
/** Finding the adapter, compiling two kernels, and the measurement: a driver that takes longer than this hangs. */
export const PROBE_TIMEOUT_MS = 30_000;

export interface ProbeOptions {
  readonly clock: Clock;
  /** `auto` when absent: a real GPU where there is one, else one thread of the processor. `nothing` only reads limits. */
  readonly measureOn?: ProbeRequest['measureOn'];
  readonly createWorker?: () => Worker;
}

const probeWorker = (): Worker =>
  new Worker(new URL('../../../workers/probe/probe.worker.ts', import.meta.url), { type: 'module', name: 'probe' });

/**
 * Looks at this device and computes for three seconds, in a worker that ends with it. Asks for a graphics adapter, which
 * wakes it and can be used to recognise a device: call it when the person agreed. Codes: `probe_failed`, `probe_timeout`.
 */
export function probeDevice({
  clock,
  measureOn = 'auto',
  createWorker = probeWorker,
}: ProbeOptions): Promise<Result<DeviceMeasure>> {
  return new Promise((resolve) => {
    let worker: Worker | null = null;
    let cancelTimer: () => void = () => {};
    const finish = (result: Result<DeviceMeasure>): void => {
      cancelTimer();
      worker?.terminate();
      resolve(result);
    };
    const broken = (): void => finish(fail('probe_failed', 'This device could not be measured.'));
    try {
      worker = createWorker();
    } catch {
      return broken();
    }
    cancelTimer = clock.after(PROBE_TIMEOUT_MS, () =>
      finish(fail('probe_timeout', 'Measuring this device took too long and was ended.')),
    );
    worker.addEventListener('message', ({ data }: MessageEvent<ProbeAnswer>) => finish(ok(data)));
    worker.addEventListener('messageerror', broken);
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      broken();
    });
    const request: ProbeRequest = { phone: isPhone(), measureOn, budgetMs: MEASURE_MS };
    worker.postMessage(request);
  });
}

/** Phones and tablets, by what their browsers call themselves; tablets that pass for desktops are told by their screen. */
function isPhone(): boolean {
  const { userAgent, maxTouchPoints, userAgentData } = navigator as Navigator & {
    readonly userAgentData?: { readonly mobile?: boolean };
  };
  if (userAgentData?.mobile === true || /Android|iPhone|iPad|Mobile/i.test(userAgent)) return true;
  return /Macintosh/.test(userAgent) && maxTouchPoints > 1;
}
