import * as v from 'valibot';
import type { Clock } from '../../base/ports';

/** A chunk that says nothing but that the holder is at work: for answers that come as a whole. */
export const workSignSchema = v.strictObject({});
export type WorkSign = v.InferOutput<typeof workSignSchema>;

/** Three times in the silence after which a holder is taken to be gone (`NEXT_SIGN_MS` in jobs/lease). */
const SIGN_EVERY_MS = 1_000;

/** Does the work and gives a sign of it at once and every second until it is done. */
export async function withSigns<T>(clock: Clock, emit: (sign: WorkSign) => void, work: () => Promise<T>): Promise<T> {
  emit({});
  const stop = clock.every(SIGN_EVERY_MS, () => emit({}));
  try {
    return await work();
  } finally {
    stop();
  }
}
