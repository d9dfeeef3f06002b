import { freshId } from '../base/chance';
import type { NodeId } from '../base/ids';
import { mergeAll } from '../base/merge';
import { withoutUndefined } from '../base/plain';
import { fail, ok, type Failure, type Result } from '../base/result';
import { createStream } from '../base/stream';
import type { JobResult } from '../jobs/executor';
import { createLease } from '../jobs/lease';
import type { RouteUpdate } from './route';
import { choose } from './router';
import type { Claim, PipelineDeps, Run, WorkRequest } from './run';
import type { ShownBy } from './work-kind';

/** A request moves on at most this often; past it the mesh is in no state to answer. */
export const MAX_REPLACEMENTS = 5;
/** Failures that are the request's own: another node would say the same. */
const REQUEST_FAULTS: ReadonlySet<string> = new Set([
  'bad_payload',
  'bad_input',
  'unsupported_job_type',
  'prompt_too_long',
  'too_large',
]);
/** Failures that mean that the holder is gone rather than that it refused. */
const SILENCES: ReadonlySet<string> = new Set(['no_answer', 'link_lost', 'lease_expired', 'suspect']);

/** What came of asking: the finished job, laid open, and what was shown on the way. */
export interface Asked {
  readonly jobId: string;
  /** Everyone whose tokens stand in the answer, in order; the last one finished it. */
  readonly experts: readonly NodeId[];
  readonly executor: NodeId;
  readonly claim: Claim;
  /** The input as the last executor got it (it may say where to continue). */
  readonly shownIds: readonly number[];
  readonly shownText: string;
  /** Since the request was made; null when nothing streamed. */
  readonly firstTokenMs: number | null;
  readonly finishedMs: number;
  /** What was set aside for the job that finished; 0 when it was done for nothing. */
  readonly atMostMicros: number;
}

interface Shown {
  ids: number[];
  texts: string[];
  /** Who generated each shown token, under which job. */
  by: { readonly executor: NodeId; readonly jobId: string }[];
  modelHash: string | null;
  firstMs: number | null;
}

/** Where one executor's tokens end and the next one's begin. */
function segmentsOf({ by }: Shown): ShownBy[] {
  return by.flatMap(({ executor, jobId }, from) => (by[from - 1]?.jobId === jobId ? [] : [{ from, executor, jobId }]));
}

type Attempt =
  | { readonly type: 'update'; readonly update: RouteUpdate }
  | {
      readonly type: 'ended';
      readonly result: Result<JobResult>;
      readonly jobId: string;
      readonly input: unknown;
      readonly atMostMicros: number;
    };

/** One holder's turn: the job under a lease that ends with silence, suspicion or the holder's own word. */
function attempt(
  deps: PipelineDeps,
  run: Run,
  request: WorkRequest,
  expert: NodeId,
  previous: { node: NodeId; reason: string } | null,
  shown: Shown,
): AsyncIterable<Attempt> {
  const { kind } = request;
  const resumed = shown.ids.length > 0 && kind.resume && shown.modelHash !== null;
  const input = withoutUndefined(
    resumed ? kind.resume!(request.input, shown.ids, shown.modelHash!, segmentsOf(shown)) : request.input,
  );
  const jobId = freshId(deps.chance, 'job');
  const abort = new AbortController();
  const out = createStream<Attempt>(() => abort.abort());
  let over = false;
  let begun = false;
  let atMostMicros = 0;

  // This very node is not lost when it is silent: it may be fetching its model over a slow line, and who asked can stop it.
  const lease =
    expert === deps.signer.nodeId
      ? null
      : createLease(deps.clock, () =>
          end(
            fail(
              'lease_expired',
              lease?.begun ? 'The node stopped in the middle of the answer.' : 'The node did not begin to answer.',
            ),
          ),
        );
  const stopWatching = deps.nodeChanged.on((node) => {
    if (node === expert && deps.lost(expert)) end(fail('suspect', 'The node is not heard any more.'));
  });
  const cancel = () => end(fail('cancelled', 'This was cancelled.'));
  request.signal.addEventListener('abort', cancel, { once: true });

  function end(result: Result<JobResult>): void {
    if (over) return;
    over = true;
    lease?.end();
    stopWatching();
    request.signal.removeEventListener('abort', cancel);
    if (!result.ok) {
      abort.abort();
      deps.payments?.release(jobId);
    }
    out.push({ type: 'ended', result, jobId, input, atMostMicros });
    out.end();
  }

  /** Where the new holder takes over, once it is known: it continues after what was shown, or it starts again. */
  function begin(atToken: number): void {
    if (begun) return;
    begun = true;
    shown.ids.length = shown.texts.length = shown.by.length = atToken;
    if (previous) {
      out.push({
        type: 'update',
        update: run.step({ type: 'replaced', from: previous.node, to: expert, atToken, reason: previous.reason }),
      });
    }
  }

  function onChunk(chunk: unknown): void {
    if (over) return;
    lease?.sign();
    const progress = kind.progress(chunk);
    begin(Math.min(progress.resumedTokens ?? 0, shown.ids.length));
    if (progress.modelHash !== undefined) shown.modelHash = progress.modelHash;
    if (progress.ids.length === 0 && progress.text === '') return;
    shown.firstMs ??= run.elapsedMs();
    progress.ids.forEach((id, i) => {
      shown.ids.push(id);
      shown.texts.push(i === 0 ? progress.text : '');
      shown.by.push({ executor: expert, jobId });
    });
    out.push({ type: 'update', update: run.step({ type: 'token', expert, ids: progress.ids, text: progress.text }) });
  }

  async function give(): Promise<Result<JobResult>> {
    const { id: capability } = kind.capability;
    const payAtMostMicros = request.payAtMostMicros ?? 0;
    const reserved =
      payAtMostMicros > 0 && deps.payments && expert !== deps.signer.nodeId
        ? await deps.payments.reserve({ jobId, expert, capability, input, payAtMostMicros })
        : null;
    if (over) {
      // Given up while credit was set aside for it: that is freed, too.
      if (reserved) deps.payments?.release(jobId);
      return fail('cancelled', 'This was cancelled.');
    }
    if (reserved) {
      ({ atMostMicros } = reserved);
      out.push({ type: 'update', update: run.step({ type: 'reserved', expert, jobId, atMostMicros }) });
    }
    const payment = reserved === null ? {} : { payment: reserved.payment };
    // As in `check`: what stays on this device is looked at by nobody else.
    const unchecked = request.provider === 'self' ? { unchecked: true as const } : {};
    const order = { jobId, traceId: run.traceId, capability, input, ...payment, ...unchecked };
    return deps.giveJob(expert, order, abort.signal, onChunk);
  }

  out.push({ type: 'update', update: run.step({ type: 'started', expert, jobId }) });
  if (shown.ids.length === 0) begin(0);
  deps.assigned(expert);
  // What breaks on the way ends like what fails: this very node has no lease that would end it.
  const given = give().catch(() => fail('service_failed', 'The job could not be given: a fault of this app.'));
  void given.then((result) => {
    if (!over && result.ok) begin(0);
    end(result);
  });
  return out;
}

/**
 * One answer: gives the job to the chosen node and, when that one fails or falls silent, to the next, continuing after the last
 * token shown. A node that failed or fell silent is not asked again for this request, nor one that is being asked anyway.
 */
async function* askOne(
  deps: PipelineDeps,
  run: Run,
  request: WorkRequest,
  first: NodeId,
  taken: Set<NodeId>,
): AsyncGenerator<RouteUpdate, Result<Asked>> {
  const shown: Shown = { ids: [], texts: [], by: [], modelHash: null, firstMs: null };
  let expert = first;
  let previous: { node: NodeId; reason: string } | null = null;
  taken.add(first);

  for (let attempts = 1; ; attempts++) {
    let ended: Extract<Attempt, { type: 'ended' }> | null = null;
    for await (const event of attempt(deps, run, request, expert, previous, shown)) {
      if (event.type === 'update') yield event.update;
      else ended = event;
    }
    if (!ended) return fail('cancelled', 'This was cancelled.');
    const { result } = ended;
    if (result.ok) {
      deps.outcome(expert, 'completed');
      const experts = [...new Set([...shown.by.map(({ executor }) => executor), expert])];
      return ok({
        jobId: ended.jobId,
        experts,
        executor: expert,
        claim: { ...result.value, input: ended.input },
        shownIds: shown.ids,
        shownText: shown.texts.join(''),
        firstTokenMs: shown.firstMs,
        finishedMs: run.elapsedMs(),
        atMostMicros: ended.atMostMicros,
      });
    }
    const failure: Failure = result.error;
    if (failure.code === 'cancelled' && request.signal.aborted) return result;
    if (REQUEST_FAULTS.has(failure.code)) return result;
    deps.outcome(expert, SILENCES.has(failure.code) ? 'silent' : 'failed');
    const next = attempts > MAX_REPLACEMENTS ? result : choose(deps, request, taken, run.traceId);
    if (!next.ok) {
      // The first failure says more than "nobody is left".
      return attempts === 1 && typeof request.provider === 'object'
        ? result
        : fail(failure.code, `${failure.message} Nobody else could take over.`);
    }
    previous = { node: expert, reason: failure.message };
    expert = next.value.node;
    taken.add(expert);
    yield run.step({ type: 'chosen', expert, reasons: next.value.reasons });
  }
}

/** A run for those whose words nobody sees: their tokens are neither shown nor remembered. */
const quietly = (run: Run): Run => ({
  ...run,
  step: (update) => (update.type === 'token' ? ({ ...update, at: run.elapsedMs() } as RouteUpdate) : run.step(update)),
});

async function* withoutTokens<R>(updates: AsyncGenerator<RouteUpdate, R>): AsyncGenerator<RouteUpdate, R> {
  for (;;) {
    const next = await updates.next();
    if (next.done === true) return next.value;
    if (next.value.type !== 'token') yield next.value;
  }
}

/**
 * The ask stage: everyone chosen answers at the same time, and what the first of them writes is shown as it comes. Resolves to
 * the answers that came about, in the order in which they were asked for; to the first failure when none did. `taken` holds
 * everyone who was asked for this request so far, and gets those who are asked now.
 */
export async function* ask(
  deps: PipelineDeps,
  run: Run,
  request: WorkRequest,
  experts: readonly NodeId[],
  { taken, shows }: { readonly taken: Set<NodeId>; readonly shows: boolean },
): AsyncGenerator<RouteUpdate, Result<readonly Asked[]>> {
  for (const expert of experts) taken.add(expert);
  const results = yield* mergeAll(
    experts.map((expert, at) =>
      shows && at === 0
        ? askOne(deps, run, request, expert, taken)
        : withoutTokens(askOne(deps, quietly(run), request, expert, taken)),
    ),
  );
  const asked = results.flatMap((result) => (result.ok ? [result.value] : []));
  const [first] = results;
  return asked.length === 0 && first && !first.ok ? first : ok(asked);
}
