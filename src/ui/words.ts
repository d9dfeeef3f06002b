import type { Verdict } from '#core/experts/route';

/** Figures as a person reads them. Everything here is a pure function; dates take the current time as a parameter. */

const plainNumber = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const dayAndTime = new Intl.DateTimeFormat('en', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const fullDate = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const count = (value: number): string => plainNumber.format(value);

/** `1 answer`, `3 answers`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** Decimal units, as storage is sold: `850 KB`, `8.2 MB`. */
export function bytes(value: number): string {
  if (value < 1_000) return counted(value, 'byte');
  const [scaled, unit] = value < 1e6 ? [value / 1e3, 'KB'] : value < 1e9 ? [value / 1e6, 'MB'] : [value / 1e9, 'GB'];
  return `${scaled < 10 && unit !== 'KB' ? oneDecimal.format(scaled) : plainNumber.format(scaled)} ${unit}`;
}

const MICROS_PER_CREDIT = 1_000_000;

/** Credits exactly, from their millionths: at least two digits behind the point. */
export function creditText(micros: number): string {
  const whole = Math.floor(Math.abs(micros) / MICROS_PER_CREDIT);
  const fraction = String(Math.abs(micros) % MICROS_PER_CREDIT).padStart(6, '0');
  return `${micros < 0 ? '−' : ''}${whole}.${fraction.replace(/0{1,4}$/, '')}`;
}

/** A duration that was measured: `24 ms`, `1.9 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 950) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${oneDecimal.format(ms / 1_000)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Seconds since a question was asked, for a column of times: `0.33 s`. */
export const atSeconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;

/** Tokens per second, with no more precision than it deserves. */
export const rate = (tokensPerSecond: number): string =>
  `${tokensPerSecond < 10 ? oneDecimal.format(tokensPerSecond) : count(tokensPerSecond)} tokens/s`;

/** `just now`, `5 minutes ago`, `in 7 days`, or a date when it is far away. */
export function relative(at: number, now: number): string {
  const distance = Math.abs(now - at);
  if (distance < MINUTE_MS) return at <= now ? 'just now' : 'in less than a minute';
  if (distance > 30 * DAY_MS) return fullDate.format(at);
  const words =
    distance < HOUR_MS
      ? counted(Math.round(distance / MINUTE_MS), 'minute')
      : distance < DAY_MS
        ? counted(Math.round(distance / HOUR_MS), 'hour')
        : counted(Math.round(distance / DAY_MS), 'day');
  return at <= now ? `${words} ago` : `in ${words}`;
}

export const moment = (at: number): string => dayAndTime.format(at);
export const date = (at: number): string => fullDate.format(at);

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;
}

/** The first and last characters of an id that nobody reads whole. */
export const shortId = (id: string): string => (id.length <= 16 ? id : `${id.slice(0, 10)}…${id.slice(-4)}`);

/** Model ids for people: `spark-1` is Spark. */
export const modelName = (id: string): string => (/^spark\b/.test(id) ? 'Spark' : id);

/** The sentence of anything that was thrown: never `[object Object]`. */
export function sentenceOf(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof Error) {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unexpected';
    return { code, message: error.message || 'Something went wrong that this page did not expect.' };
  }
  return { code: 'unexpected', message: 'Something went wrong that this page did not expect.' };
}

export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  accepted: 'Checked',
  unchecked: 'Unchecked',
  rejected: 'Rejected',
  disputed: 'Disputed',
};
