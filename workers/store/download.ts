import { fail, ok, type Failure, type Result } from '#core/base/result';
import { MAX_MODEL_BYTES } from '#core/engines/model-manifest';
import type { FetchProgress } from '#core/engines/model-store';
import { failureOf, noSpace, type Disk } from './disk';
import type { Pace } from './pace';
import type { Content, PartialFile } from './partial-file';
import { requestRange, type Answer } from './request-range';

/** Tries in a row that brought next to nothing: about half a minute with the waits between them. */
const MAX_FAILURES = 6;
/** A try that brought less than this brought nothing: else a server could drip a file into thousands of connections. */
const GAIN_BYTES = 64 * 1024;
/** A server that does not take up where it stopped, or whose file keeps changing, is not followed for ever. */
const MAX_RESTARTS = 3;
/** What other parts of the app must still be able to write when a model is stored: ledger, chats, the next update. */
const SPARE_BYTES = 64 * 1024 * 1024;
/** Steps in which progress is told; finer ones would only wake the page. */
const PROGRESS_STEPS = 2_000;
const LEAST_STEP_BYTES = 64 * 1024;
/** Answers after which the same question may be answered differently soon. */
const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface DownloadDeps {
  readonly fetch: typeof globalThis.fetch;
  readonly pace: Pace;
  readonly disk: Disk;
}

export interface Target {
  readonly url: string;
  /** What the person's catalogue says, or null: then the server's word is asked for and believed. */
  readonly sha256: string | null;
  readonly sizeBytes: number | null;
}

export const paused = () => fail('paused', 'The download was stopped. What came so far is kept.');

type Step =
  | { readonly kind: 'go_on' }
  /** The connection broke; whether the server said why, and how much came before. */
  | { readonly kind: 'dropped'; readonly status: number | null; readonly receivedBytes: number }
  | { readonly kind: 'failed'; readonly error: Failure };

const failed = (result: { readonly error: Failure }): Step => ({ kind: 'failed', error: result.error });

/**
 * Brings what is missing of `partial` and gives the content when it is what it has to be. A failure leaves `partial` for
 * another try, except where the bytes themselves were wrong: then it is discarded.
 */
export async function download(
  deps: DownloadDeps,
  target: Target,
  partial: PartialFile,
  onProgress: (progress: FetchProgress) => void,
  signal: AbortSignal,
): Promise<Result<Content>> {
  const host = new URL(target.url).host;
  let failures = 0;
  const tell = (): void => onProgress({ storedBytes: partial.storedBytes, totalBytes: partial.totalBytes });
  tell();
  for (;;) {
    if (signal.aborted) return paused();
    const gap = partial.gap();
    if (gap === null) break;
    const step = await bringGap(deps, target, partial, tell, signal);
    if (signal.aborted) return paused();
    if (step.kind === 'failed') return { ok: false, error: step.error };
    if (step.kind !== 'dropped') continue;
    failures = step.receivedBytes < GAIN_BYTES ? failures + 1 : 0;
    if (failures >= MAX_FAILURES) return step.status === null ? offline(host) : refused(host, step.status);
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        cancel();
        signal.removeEventListener('abort', goOn);
        resolve();
      };
      const cancel = deps.pace.after({ for: 'retry', failures: Math.max(1, failures) }, goOn);
      signal.addEventListener('abort', goOn);
    });
  }
  const { sha256 } = partial.source;
  const content = await partial.finish();
  if (content === null) return fail('store_failed', 'This device did not give back what was written to its disk.');
  if (content.sha256 === (sha256 ?? content.sha256)) return ok(content);
  await partial.discard();
  return fail(
    'hash_mismatch',
    target.sha256 === null
      ? `The file from ${host} was refused: it is not what ${host} itself says that it is.`
      : `The file from ${host} was refused: it is not the one that was asked for.`,
  );
}

/** One request, and what comes of it. */
async function bringGap(
  deps: DownloadDeps,
  target: Target,
  partial: PartialFile,
  tell: () => void,
  signal: AbortSignal,
): Promise<Step> {
  // Without a mark of its version or a hash to hold the whole against, old and new bytes could be mixed unseen.
  if (partial.storedBytes > 0 && partial.source.sha256 === null && partial.source.validator === null) {
    const again = startAgain(partial, target);
    if (again.kind === 'failed') return again;
  }
  const gap = partial.gap()!;
  const request = new AbortController();
  const end = (): void => request.abort();
  signal.addEventListener('abort', end);
  const silence = watchSilence(deps.pace, end);
  try {
    // The last part is asked for without an end, so that a file that is longer than it should be shows.
    const toByte = gap.toByte === partial.totalBytes ? null : gap.toByte;
    const answer = await requestRange(deps.fetch, target.url, { ...gap, toByte }, request.signal);
    silence.heard();
    if (answer.kind === 'unreachable') return { kind: 'dropped', status: null, receivedBytes: 0 };
    if (answer.kind === 'refused')
      return PASSING_STATUS.has(answer.status)
        ? { kind: 'dropped', status: answer.status, receivedBytes: 0 }
        : failed(refused(new URL(target.url).host, answer.status));
    if (answer.kind === 'past_end') {
      if (gap.fromByte > 0) return startAgain(partial, target);
      // Of an empty file no range can be given.
      await partial.endHere();
      return { kind: 'go_on' };
    }
    const problem = await accept(deps.disk, target, partial, gap.fromByte, answer);
    if (problem !== null) return problem;
    return await takeBody(target, partial, answer, { signal: request.signal, heard: silence.heard, tell });
  } catch (error) {
    return failed(failureOf(error, (partial.totalBytes ?? 0) - partial.storedBytes));
  } finally {
    silence.stop();
    signal.removeEventListener('abort', end);
    // Whatever the server still sends is not wanted.
    request.abort();
  }
}

type Body = Extract<Answer, { kind: 'body' }>;

/** Decides whether this body may follow on what is there; null: it may. A body from the start begins the file anew. */
async function accept(
  disk: Disk,
  target: Target,
  partial: PartialFile,
  askedByte: number,
  { fromByte, totalBytes, validator, word }: Body,
): Promise<Step | null> {
  const host = new URL(target.url).host;
  if (fromByte !== askedByte && fromByte !== 0)
    return failed(fail('server_refused', `${host} sent another part of the file than was asked for.`));
  if (totalBytes !== null) {
    const most = target.sizeBytes ?? MAX_MODEL_BYTES;
    if (totalBytes > most) return failed(tooLarge(host));
    if (target.sizeBytes !== null && totalBytes < target.sizeBytes)
      return failed(fail('hash_mismatch', `The file at ${host} was refused: it is shorter than the one asked for.`));
  }
  const { source } = partial;
  const begun = partial.storedBytes > 0;
  const changed =
    (source.validator !== null && validator !== null && validator !== source.validator) ||
    (totalBytes !== null && source.totalBytes !== null && totalBytes !== source.totalBytes) ||
    // Nothing but the mark could tell that the file changed, and it is gone.
    (source.sha256 === null && source.validator !== null && validator === null);
  if (begun && changed && fromByte > 0) return startAgain(partial, target);
  const anew = begun && (changed || fromByte !== askedByte);
  const next = {
    url: target.url,
    sha256: target.sha256 ?? word ?? source.sha256,
    validator: validator ?? (anew ? null : source.validator),
    totalBytes: totalBytes ?? target.sizeBytes ?? (anew ? null : source.totalBytes),
  };
  if (anew && partial.restarts >= MAX_RESTARTS) return failed(unsteady(host));
  if (anew) partial.restart(next);
  else partial.setSource(next);
  if (partial.totalBytes !== null) {
    const freeBytes = await disk.freeBytes();
    const missingBytes = partial.totalBytes - partial.storedBytes + SPARE_BYTES - (freeBytes ?? Infinity);
    if (missingBytes > 0) return failed(noSpace(missingBytes));
  }
  return null;
}

async function takeBody(
  target: Target,
  partial: PartialFile,
  { fromByte, reader }: Body,
  { signal, heard, tell }: { signal: AbortSignal; heard(): void; tell(): void },
): Promise<Step> {
  const host = new URL(target.url).host;
  const { totalBytes } = partial;
  const gap = partial.gap();
  // Nothing is missing of an empty file.
  const endByte = gap === null ? fromByte : (gap.toByte ?? MAX_MODEL_BYTES);
  const stepBytes = Math.max(LEAST_STEP_BYTES, (totalBytes ?? 0) / PROGRESS_STEPS);
  let toldBytes = fromByte;
  let at = fromByte;
  partial.seek(fromByte);
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: null }));
    heard();
    if (value === null || signal.aborted) return { kind: 'dropped', status: null, receivedBytes: at - fromByte };
    if (done || value === undefined) break;
    const wanted = value.subarray(0, endByte - at);
    if (!(await partial.take(wanted)))
      return failed(fail('hash_mismatch', `The file from ${host} was refused: a part of it comes damaged every time.`));
    at += wanted.length;
    if (at - toldBytes >= stepBytes) {
      toldBytes = at;
      tell();
    }
    if (wanted.length < value.length) {
      if (totalBytes !== null && endByte < totalBytes) break;
      await partial.discard();
      return failed(tooLarge(host));
    }
  }
  if (totalBytes === null) await partial.endHere();
  else if (at < endByte) return { kind: 'dropped', status: null, receivedBytes: at - fromByte };
  tell();
  return { kind: 'go_on' };
}

function startAgain(partial: PartialFile, { url, sizeBytes }: Target): Step {
  if (partial.restarts >= MAX_RESTARTS) return failed(unsteady(new URL(url).host));
  partial.restart({ url, sha256: partial.source.sha256, validator: null, totalBytes: sizeBytes });
  return { kind: 'go_on' };
}

/** Calls `onSilence` when nothing was heard between two looks. A look now and then costs less than a timer per chunk. */
function watchSilence(pace: Pace, onSilence: () => void): { heard(): void; stop(): void } {
  let heard = false;
  let cancel: () => void;
  const look = (): void => {
    if (!heard) return onSilence();
    heard = false;
    cancel = pace.after({ for: 'silence' }, look);
  };
  cancel = pace.after({ for: 'silence' }, look);
  return { heard: () => void (heard = true), stop: () => cancel() };
}

const offline = (host: string) =>
  fail('offline', `There is no connection to ${host}. What came so far is kept, and the download can go on later.`);
const refused = (host: string, status: number) =>
  fail('server_refused', `${host} does not give this file: it answered ${status}.`);
const unsteady = (host: string) =>
  fail('server_refused', `${host} cannot go on with a broken download, or its file keeps changing.`);
const tooLarge = (host: string) =>
  fail('too_large', `The file from ${host} was refused: it is longer than was announced.`);
