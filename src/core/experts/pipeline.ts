import type { NodeId } from '../base/ids';
import { mergeAll } from '../base/merge';
import { ok, type Result } from '../base/result';
import { admit } from './admission';
import { combine, stillWanted, type Replica } from './aggregator';
import { answerOf } from './answer-of';
import { ask } from './ask';
import { auditContent } from './audit-content';
import { check } from './check';
import { jobClassOf } from './job-class';
import { record, seal } from './record';
import type { Answer, RouteUpdate } from './route';
import { chooseSeveral } from './router';
import { beginRun, type PipelineDeps, type WorkRequest } from './run';

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
  const { kind } = request;
  const run = beginRun(deps);
  const jobClass = jobClassOf(request.provider === 'self' ? 'ordinary' : request.stakes, kind.combining !== undefined);

  const admitted = admit(request);
  if (!admitted.ok) return admitted;
  yield run.step({ type: 'admitted', traceId: run.traceId, capability: kind.capability.id });

  const replicas: Replica[] = [];
  const taken = new Set<NodeId>();
  for (;;) {
    const wanted = await stillWanted(deps, request, jobClass, replicas);
    if (wanted === 0) break;
    const chosen = chooseSeveral(deps, request, taken, wanted, run.traceId);
    if (!chosen.ok && replicas.length === 0) return chosen;
    if (!chosen.ok) break;
    for (const { node, reasons } of chosen.value) yield run.step({ type: 'chosen', expert: node, reasons });

    const experts = chosen.value.map(({ node }) => node);
    const asked = yield* ask(deps, run, request, experts, { taken, shows: replicas.length === 0 });
    if (!asked.ok && replicas.length === 0) return asked;
    if (!asked.ok) break;

    const checks = yield* mergeAll(asked.value.map((one) => check(deps, run, request, one)));
    asked.value.forEach((one, at) => replicas.push({ asked: one, checks: checks[at]! }));
  }

  const combined = await combine(deps, request, jobClass, replicas);
  const { asked } = replicas[combined.chosen]!;
  const { verdict, answers, agreeing } = combined;
  yield run.step({ type: 'combined', verdict, check: combined.check, expert: asked.executor, answers, agreeing });
  const text = kind.text(asked.claim.output);
  const audit = jobClass.audited ? yield* auditContent(deps, run, request, replicas, text) : null;

  const sealed = await seal(deps, run, combined);
  if (!sealed.ok) return sealed;
  yield run.step({ type: 'sealed', traceId: run.traceId, sealId: sealed.value });

  const receiptIds: string[] = [];
  for (const replica of replicas) {
    const recorded = await record(deps, run, request, replica);
    if (!recorded.ok) return recorded;
    yield run.step({ type: 'recorded', receiptId: recorded.value });
    receiptIds.push(recorded.value);
  }
  return ok({ answer: answerOf(run, request, replicas, combined, audit, receiptIds), output: asked.claim.output });
}
