import { pick } from '../base/chance';
import type { NodeId } from '../base/ids';
import { fail, ok, type Result } from '../base/result';
import { commitmentSchema, opensTo, verdictSchema, type Commitment } from '../jobs/statements';
import { idOfSigned, openSigned, type Signed } from '../wire/signed';
import type { Asked } from './ask';
import type { CheckedBy, RouteUpdate } from './route';
import type { PipelineDeps, Run, WorkRequest } from './run';

/** A check re-scores in one pass or redoes a small job: who needs longer than this is not there. */
export const CHECK_TIMEOUT_MS = 3_000;
/** Validators that are tried before the answer stays unchecked: one, and one more when that one is silent or undecided. */
const MAX_DRAWS = 2;

export interface Check extends CheckedBy {
  /** The validator's signed verdict; null when the requester itself found the fault. */
  readonly statement: Signed | null;
}

/** The executor's own statement held against what it delivered; a fault here needs no third node to be seen. */
async function ownFinding(
  deps: PipelineDeps,
  run: Run,
  request: WorkRequest,
  asked: Asked,
): Promise<Result<Commitment>> {
  const { claim } = asked;
  const opened = await openSigned(commitmentSchema, claim.commitment, deps.verify, [asked.executor]);
  if (!opened.ok) return fail('commitment_unsigned', opened.error.message);
  const commitment = opened.value;
  const matches =
    commitment.jobId === asked.jobId &&
    commitment.traceId === run.traceId &&
    commitment.requester === deps.signer.nodeId &&
    commitment.executor === asked.executor &&
    commitment.capability === request.kind.capability.id;
  if (!matches) return fail('commitment_mismatch', 'The commitment is about another job.');
  if (!opensTo(commitment, claim.salt, claim.input, claim.output))
    return fail('opening_mismatch', 'The result is not the one committed to.');
  const contradiction =
    request.kind.contradiction?.(claim.input, claim.output, asked.shownIds, asked.shownText) ?? null;
  return contradiction === null ? ok(commitment) : fail(contradiction, 'The result differs from what was streamed.');
}

/** A validator's statement through the gate, and about this very job. */
async function openVerdict(
  deps: PipelineDeps,
  asked: Asked,
  run: Run,
  validator: NodeId,
  statement: Signed,
): Promise<Result<Check>> {
  const opened = await openSigned(verdictSchema, statement, deps.verify, [validator]);
  if (!opened.ok) return opened;
  const verdict = opened.value;
  const matches =
    verdict.validator === validator &&
    verdict.commitment === idOfSigned(asked.claim.commitment) &&
    verdict.jobId === asked.jobId &&
    verdict.traceId === run.traceId &&
    verdict.requester === deps.signer.nodeId &&
    verdict.executor === asked.executor;
  return matches
    ? ok({ validator, verdict: verdict.verdict, reason: verdict.reason, statement })
    : fail('verdict_mismatch', 'The verdict is about another job.');
}

/**
 * The check stage. The validator is drawn only now, after the executor committed, from nodes that are neither this one nor
 * an executor's, nor another node of the same person. A silent or undecided validator is replaced once; with nobody left the answer stays unchecked.
 */
export async function* check(
  deps: PipelineDeps,
  run: Run,
  request: WorkRequest,
  asked: Asked,
): AsyncGenerator<RouteUpdate, readonly Check[]> {
  const checks: Check[] = [];
  const announce = (one: Check): RouteUpdate => {
    checks.push(one);
    return run.step({ type: 'checked', validator: one.validator, verdict: one.verdict, reason: one.reason });
  };

  const self = deps.signer.nodeId;
  const found = await ownFinding(deps, run, request, asked);
  if (!found.ok) {
    deps.outcome(asked.executor, 'rejected');
    yield announce({ validator: self, verdict: 'rejected', reason: found.error.code, statement: null });
    return checks;
  }
  // "Only on this device" means that no other node reads the question, a validator included.
  if (request.provider === 'self') return checks;

  const { kind } = request;
  const modelHash = kind.model(asked.claim.output)?.hash ?? null;
  const drawn = new Set<NodeId>([self, ...asked.experts]);
  for (let draw = 0; draw < MAX_DRAWS && !request.signal.aborted; draw++) {
    const validator = pick(
      deps.chance,
      deps
        .validators(kind.checkCapability, modelHash)
        .filter((node) => !drawn.has(node) && !asked.experts.some((expert) => deps.sameOwner(node, expert))),
    );
    if (validator === undefined) break;
    drawn.add(validator);
    const answered = await deps.askCheck(validator, kind.checkCapability, asked.claim, CHECK_TIMEOUT_MS);
    const opened = answered.ok ? await openVerdict(deps, asked, run, validator, answered.value) : answered;
    if (!opened.ok) {
      deps.outcome(validator, opened.error.code === 'no_answer' ? 'silent' : 'failed');
      continue;
    }
    deps.outcome(validator, 'completed');
    yield announce(opened.value);
    if (opened.value.verdict === 'undecided') continue;
    deps.outcome(asked.executor, opened.value.verdict);
    break;
  }
  return checks;
}
