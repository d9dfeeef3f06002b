import { ok, type Result } from '../base/result';
import { admit } from './admission';
import { combine } from './aggregator';
import { ask } from './ask';
import { check } from './check';
import { record, seal } from './record';
import type { Answer, RouteUpdate } from './route';
import { choose } from './router';
import { beginRun, type PipelineDeps, type WorkRequest } from './run';
import { answerOf } from './answer-of';

export interface WorkOutcome<Output = unknown> {
  readonly answer: Answer;
  readonly output: Output;
}

/**
 * One request through the mesh, stage by stage: admit, choose, ask, check, combine, seal, record. Yields everything that
 * happens as it happens; interface, trace and replay read this same stream. Ends with the outcome, or with why there is none.
 */
export async function* runPipeline(
  deps: PipelineDeps,
  request: WorkRequest,
): AsyncGenerator<RouteUpdate, Result<WorkOutcome>> {
  const run = beginRun(deps);

  const admitted = admit(request);
  if (!admitted.ok) return admitted;
  yield run.step({ type: 'admitted', traceId: run.traceId, capability: request.kind.capability.id });

  const chosen = choose(deps, request, new Set());
  if (!chosen.ok) return chosen;
  yield run.step({ type: 'chosen', expert: chosen.value.node, reasons: chosen.value.reasons });

  const asked = yield* ask(deps, run, request, chosen.value.node);
  if (!asked.ok) return asked;

  const checks = yield* check(deps, run, request, asked.value);

  const combined = combine(request.kind.check, checks);
  yield run.step({ type: 'combined', verdict: combined.verdict, check: combined.check });

  const sealed = await seal(deps, run, combined);
  if (!sealed.ok) return sealed;
  yield run.step({ type: 'sealed', traceId: run.traceId, sealId: sealed.value });

  const recorded = await record(deps, run, request, asked.value, checks, combined);
  if (!recorded.ok) return recorded;
  yield run.step({ type: 'recorded', receiptId: recorded.value });

  return ok({
    answer: answerOf(run, request, asked.value, combined, recorded.value),
    output: asked.value.claim.output,
  });
}
