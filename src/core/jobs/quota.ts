import type { NodeId } from '../base/ids';
import type { Clock } from '../base/ports';

/** Callers that are counted at once; with more the count of the one that was first is forgotten. */
const MAX_CALLERS = 1_024;

/** Lets each caller do something a number of times per hour. */
export interface HourlyQuota {
  take(caller: NodeId): boolean;
}

const HOUR_MS = 60 * 60 * 1000;

/**
 * A quota for what makes this node write into its own log at somebody else's wish: rates let a burst pass, this keeps a
 * patient caller from filling the disk.
 */
export function createHourlyQuota(clock: Clock, perHour: number): HourlyQuota {
  const usedByCaller = new Map<NodeId, { sinceMs: number; used: number }>();
  return {
    take(caller) {
      const nowMs = clock.monotonicMs();
      const known = usedByCaller.get(caller);
      if (known && nowMs - known.sinceMs < HOUR_MS) {
        known.used += 1;
        return known.used <= perHour;
      }
      usedByCaller.delete(caller);
      usedByCaller.set(caller, { sinceMs: nowMs, used: 1 });
      if (usedByCaller.size > MAX_CALLERS) usedByCaller.delete(usedByCaller.keys().next().value!);
      return true;
    },
  };
}
