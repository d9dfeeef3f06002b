import type { WorkReceiptView } from '#node/tab/work-receipt-view';
import { counted, list } from './words';

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 60 * MINUTE_SECONDS;
const DAY_SECONDS = 24 * HOUR_SECONDS;

/** How long a window is, in the largest unit of which it is a whole number: `10 minutes`, `1 hour`. */
export function windowWords(seconds: number): string {
  if (seconds % DAY_SECONDS === 0) return counted(seconds / DAY_SECONDS, 'day');
  if (seconds % HOUR_SECONDS === 0) return counted(seconds / HOUR_SECONDS, 'hour');
  if (seconds % MINUTE_SECONDS === 0) return counted(seconds / MINUTE_SECONDS, 'minute');
  return counted(seconds, 'second');
}

const METHOD_WORDS: Readonly<Record<WorkReceiptView['methods'][number], string>> = {
  output_commitment_open: 'opening the fingerprint of the answer',
  route_trace_replay: 'replaying the route',
  metered_cost_audit: 'working the cost out again',
  expert_hash_check: 'comparing the hash of the model',
};

/** By what means the work may be challenged. */
export const methodWords = (methods: WorkReceiptView['methods']): string =>
  list(methods.map((method) => METHOD_WORDS[method]));
