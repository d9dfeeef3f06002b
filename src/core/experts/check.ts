import { pick } from '../base/chance';
import type { NodeId } from '../base/ids';
import { fail, ok, type Result } from '../base/result';
import { commitmentSchema, opensTo, verdictSchema, type Commitment } from '../ledger/statements';
import { idOfSigned, openSigned, type Signed } from '../wire/signed';
import type { Asked } from './ask';
import { NO_RECORD, noteLook, recordOutcome, shouldCheck } from './audit';
import type { CheckedBy, CheckEvidence, RouteUpdate } from './route';
import type { PipelineDeps, Run, ValidatorCandidate, ValidatorStanding, WorkRequest } from './run';
import { opensSeal, type RevealedVerdict } from './validators/sealed-verdict';

/** A check re-scores in one pass or redoes a small job: who needs longer than this is not there. */
export const CHECK_TIMEOUT_MS = 3_000;
/** Validators that are tried before the answer stays unchecked: one, and one more when that one is silent or undecided. */
const MAX_DRAWS = 2;
/** Opinions on one answer: a rejection alone costs nobody anything, so two more are asked, of other devices where there are any. */
const OPINIONS = 3;
/** Rejections of independent validators that make a lie out of a fault. */
const REJECTIONS_THAT_COUNT = 2;
/** Units are no money and nothing can be lost yet, so all work that counts is checked; see docs/spec/checking.md. */
const AT_STAKE = { stake: 0, price: 1 } as const;

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

/** A validator's statement through the gate: what it sealed, and about this very job. */
async function openVerdict(
  deps: PipelineDeps,
  asked: Asked,
  run: Run,
  validator: NodeId,
  sealed: Uint8Array,
  revealed: RevealedVerdict,
  ms: number,
): Promise<Result<Check>> {
  if (!opensSeal(sealed, revealed)) return fail('seal_mismatch', 'The verdict is not the one that was sealed.');
  const opened = await openSigned(verdictSchema, revealed.verdict, deps.verify, [validator]);
  if (!opened.ok) return opened;
  const verdict = opened.value;
  const matches =
    verdict.validator === validator &&
    verdict.commitment === idOfSigned(asked.claim.commitment) &&
    verdict.jobId === asked.jobId &&
    verdict.traceId === run.traceId &&
    verdict.requester === deps.signer.nodeId &&
    verdict.executor === asked.executor;
  if (!matches) return fail('verdict_mismatch', 'The verdict is about another job.');
  const evidence: CheckEvidence | undefined = verdict.evidence && {
    ...verdict.evidence,
    ms,
    margins: revealed.lookedAt?.positions.map((at, index) => [at, revealed.lookedAt!.margins[index]!] as const) ?? [],
  };
  return ok({
    validator,
    verdict: verdict.verdict,
    reason: verdict.reason,
    ...(evidence === undefined ? {} : { evidence }),
    statement: revealed.verdict,
  });
}

/**
 * Several validators look at the same answer, and none learns what another found before it has fixed its own verdict:
 * all seal first, then all reveal.
 */
async function askAll(
  deps: PipelineDeps,
  run: Run,
  request: WorkRequest,
  asked: Asked,
  validators: readonly ValidatorCandidate[],
): Promise<readonly Check[]> {
  const startedMs = deps.clock.monotonicMs();
  const sealed = await Promise.all(
    validators.map(async ({ node }) => ({
      node,
      seal: await deps.askCheck(node, request.kind.checkCapability, asked.claim, CHECK_TIMEOUT_MS),
      ms: Math.round(deps.clock.monotonicMs() - startedMs),
    })),
  );
  const checks: Check[] = [];
  await Promise.all(
    sealed.map(async ({ node, seal, ms }) => {
      const revealed = seal.ok ? await deps.askReveal(node, asked.jobId) : seal;
      const opened =
        seal.ok && revealed.ok ? await openVerdict(deps, asked, run, node, seal.value, revealed.value, ms) : revealed;
      if (opened.ok) checks.push(opened.value as Check);
      deps.outcome(node, opened.ok ? 'completed' : opened.error.code === 'no_answer' ? 'silent' : 'failed');
    }),
  );
  return checks;
}

/** What the verdicts together mean for those who stand behind them. */
function settle(deps: PipelineDeps, executor: NodeId, checks: readonly Check[]): void {
  const of = (verdict: Check['verdict']) => checks.filter((one) => one.verdict === verdict);
  const [accepted, rejected] = [of('accepted'), of('rejected')];
  if (accepted.length > rejected.length) {
    deps.outcome(executor, 'accepted');
    for (const { validator } of rejected) deps.outcome(validator, 'failed');
  } else if (rejected.length > accepted.length) {
    // One voice may be a broken device: it keeps the work away from here for a moment, and no more.
    deps.outcome(executor, rejected.length >= REJECTIONS_THAT_COUNT ? 'rejected' : 'failed');
    for (const { validator } of accepted) deps.outcome(validator, 'failed');
  }
}

/** A settled outcome goes on the record by which later work is checked more or less often. */
function noteAudit(deps: PipelineDeps, executor: NodeId, modelHash: string, checks: readonly Check[]): void {
  const accepting = checks.filter(({ verdict }) => verdict === 'accepted');
  const rejecting = checks.filter(({ verdict }) => verdict === 'rejected');
  if (accepting.length === rejecting.length) return;
  const isAccepted = accepting.length > rejecting.length;
  if (!isAccepted && rejecting.length < REJECTIONS_THAT_COUNT) return;
  // What a node's own line of invitations says of it neither counts nor clears.
  const outside = accepting.filter(({ validator }) => !deps.sameBranch(validator, executor));
  const outsideBranch = outside.length > 0 && !deps.sameBranch(deps.signer.nodeId, executor);
  const evidence = (outsideBranch ? outside : accepting).find((one) => one.evidence !== undefined)?.evidence;
  const record = recordOutcome(deps.audits.get(executor, modelHash) ?? NO_RECORD, {
    verdict: isAccepted ? 'accepted' : 'rejected',
    outsideBranch,
    ...(evidence === undefined ? {} : { evidence }),
  });
  const isLook = !isAccepted || outsideBranch;
  deps.audits.set(executor, modelHash, isLook ? noteLook(record, deps.clock.now()) : record);
}

/** How many more are to look, by what those who could tell found so far. */
function stillToLook(checks: readonly Check[], standingOf: (validator: NodeId) => ValidatorStanding): number {
  const decisive = checks.filter(({ verdict }) => verdict !== 'undecided');
  if (decisive.length === 0) return 1;
  if (decisive.some(({ verdict }) => verdict === 'rejected')) return OPINIONS - decisive.length;
  // Whoever says yes to everything is not yet known for it: somebody else looks, too.
  return decisive.length === 1 && standingOf(decisive[0]!.validator) === 'unproved' ? 1 : 0;
}

/**
 * The check stage. Validators are drawn only now, after the executor committed, from nodes that are neither this one nor
 * an executor's, nor another node of the same person. A silent or undecided one is replaced once; one that never was seen to find a
 * fault is joined by a second; a rejection calls two more, of other devices where there are any; with nobody left the answer
 * stays unchecked.
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
    const { statement: _statement, ...seen } = one;
    if (one.evidence && one.statement !== null) deps.noteMargins(asked.executor, one.validator, one.evidence);
    return run.step({ type: 'checked', ...seen });
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
  const model = kind.model(asked.claim.output);
  const modelHash = model?.hash ?? '';
  if (!shouldCheck(deps.audits.get(asked.executor, modelHash) ?? NO_RECORD, AT_STAKE, deps.chance)) return checks;
  const drawn = new Set<NodeId>([self, ...asked.experts]);
  const usedClasses = new Set<string>();
  const standings = new Map<NodeId, ValidatorStanding>();
  /** One validator that was not drawn before, of a device class that was not used before where there is one. */
  const drawOne = (): ValidatorCandidate | undefined => {
    const free = deps
      .validators(kind.checkCapability, model)
      .filter(({ node }) => !drawn.has(node) && !asked.experts.some((expert) => deps.sameOwner(node, expert)));
    const fresh = free.filter(({ deviceClass }) => !usedClasses.has(deviceClass));
    const one = pick(deps.chance, fresh.length > 0 ? fresh : free);
    if (one === undefined) return undefined;
    drawn.add(one.node);
    usedClasses.add(one.deviceClass);
    standings.set(one.node, one.standing);
    return one;
  };

  let fruitless = 0;
  for (;;) {
    const wanted = stillToLook(checks, (validator) => standings.get(validator) ?? 'unproved');
    if (wanted <= 0 || fruitless >= MAX_DRAWS || request.signal.aborted) break;
    const called: ValidatorCandidate[] = [];
    while (called.length < wanted) {
      const another = drawOne();
      if (another === undefined) break;
      called.push(another);
    }
    if (called.length === 0) break;
    const opinions = await askAll(deps, run, request, asked, called);
    for (const one of opinions) yield announce(one);
    if (!opinions.some(({ verdict }) => verdict !== 'undecided')) fruitless += 1;
  }
  settle(deps, asked.executor, checks);
  noteAudit(deps, asked.executor, modelHash, checks);
  return checks;
}
