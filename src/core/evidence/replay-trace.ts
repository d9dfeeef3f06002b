import { equalBytes, hex } from '../base/bytes';
import type { NodeId } from '../base/ids';
import type { Receipt } from '../ledger/receipts';
import { decodeCanonical } from '../base/canonical';
import { packetDiffers, readAskedPacket } from './asked-packet';
import { NO_OPENINGS, opensCommitment, saltedHash, type JobOpening, type Openings } from './openings';
import { traceDigest, type Seal } from './seal';
import type { ReadReceipt, ReadStatement, Statement } from './statement-file';
import { nothingSoFar, readStep, verdictOf, type CheckedStep, type StepsSoFar, type VerdictWord } from './step-kinds';
import { openStepsOf, type Trace } from './trace';

/** Where a trace may say something else than its own steps, its statements or its receipts give. A difference says what. */
export const REPLAY_RULES = {
  step_misplaced: 'The steps stand in an order that the pipeline cannot give, or time goes back.',
  unfinished: 'The trace has no end.',
  route_differs: 'The head names another route than the steps, or a chosen node was no candidate.',
  verdict_differs: 'The combined verdict is not what the checks together say.',
  opening_differs: 'Words that are laid open are not those that were hashed, committed to or streamed.',
  packet_differs: 'The task packet asks something else than was asked, or allows less than was done.',
  statement_missing: 'A commitment, a verdict or the seal of the trace is missing.',
  statement_differs: 'A commitment or a verdict says something else than the steps.',
  seal_differs: 'The seal is about another trace, or over other steps.',
  receipt_missing: 'A receipt of the trace is missing.',
  receipt_differs: 'A receipt says something else than the steps determine.',
} as const;

export interface Difference {
  readonly code: keyof typeof REPLAY_RULES;
  /** One sentence. */
  readonly message: string;
}

/** What a replay found. */
export interface Replay {
  readonly traceId: string;
  readonly words: Trace['words'];
  readonly steps: number;
  /** Whom the request was given to, in order. */
  readonly asked: readonly NodeId[];
  readonly checkedBy: readonly NodeId[];
  /** The verdict that the checked steps give. */
  readonly verdict: VerdictWord;
  readonly failure: string | null;
  /** True when the sealed digest was worked out again from the words; false when they are left out or nothing was sealed. */
  readonly digestRecomputed: boolean;
  readonly differences: readonly Difference[];
}

/** What a trace is held against. Signatures are looked at elsewhere. */
export interface ReplaySources {
  readonly statements: ReadonlyMap<string, ReadStatement>;
  readonly receipts: ReadonlyMap<string, ReadReceipt>;
  readonly openings?: Openings;
}

/**
 * Reads a trace again, step by step, and works out what can be worked out: that the steps stand in an order that the pipeline
 * can give, the digest that was sealed, the verdict that the checks give, and the fields of the receipt. Whatever differs is named.
 */
export function replayTrace(trace: Trace, { statements, receipts, openings = NO_OPENINGS }: ReplaySources): Replay {
  const differences: Difference[] = [];
  const differs: Differs = (code, message) => void differences.push({ code, message });

  const so = nothingSoFar();
  let latest = 0;
  trace.steps.forEach((step, index) => {
    const wrong =
      index === 0 && step.type !== 'admitted'
        ? 'nothing comes before admission'
        : so.receiptIds.length > 0 && step.type !== 'recorded'
          ? 'nothing but receipts comes after a receipt'
          : readStep(so, step);
    if (wrong !== null) differs('step_misplaced', `Step ${index} (${step.type}) is out of place: ${wrong}.`);
    if (step.at < latest) differs('step_misplaced', `Step ${index} (${step.type}) is out of place: time goes back.`);
    latest = Math.max(latest, step.at);
  });
  if (trace.steps.length === 0) differs('unfinished', 'The trace has no steps.');
  if (trace.failure === null && so.receiptIds.length === 0)
    differs('unfinished', 'The trace ends before a receipt, and does not say why.');

  const same = (what: string, said: readonly string[], found: readonly string[]): void => {
    if (said.join() !== found.join()) differs('route_differs', `The trace names other ${what} than its steps.`);
  };
  if (so.traceId !== null && so.traceId !== trace.traceId) differs('route_differs', 'The steps are of another trace.');
  if (so.capability !== null && so.capability !== trace.capability)
    differs('route_differs', 'The steps are about another capability.');
  same('chosen nodes', trace.chosen, so.chosen);
  same('receipts', trace.receipts, so.receiptIds);
  same('seal', trace.seal === null ? [] : [trace.seal], so.sealId === null ? [] : [so.sealId]);
  for (const node of new Set(so.chosen)) {
    if (!trace.candidates.includes(node)) differs('route_differs', 'A chosen node was not among the candidates.');
  }

  const verdict = verdictOn(so, trace, statements, so.combined?.expert ?? null);
  if (so.combined !== null && so.combined.verdict !== verdict)
    differs('verdict_differs', `The checks together say ${verdict}, the trace says ${so.combined.verdict}.`);
  if (so.combined !== null && (so.combined.check === 'none') !== (verdict === 'unchecked'))
    differs('verdict_differs', 'The kind of check does not fit the checks.');

  const request = openings.requests.find((one) => one.traceId === trace.traceId);
  if (request !== undefined && hex(saltedHash(request.salt, request.input)) !== trace.request)
    differs('opening_differs', 'The question that is laid open is not the one that was asked.');
  if (request !== undefined && request.packet !== null) {
    const packet = readAskedPacket(request.packet);
    const wrong = packet.ok ? packetDiffers(packet.value, trace, so, request.input) : packet.error.message;
    if (wrong !== null) differs('packet_differs', wrong);
  }

  for (const id of trace.commitments) {
    const found = statements.get(id)?.statement;
    if (found === undefined) differs('statement_missing', 'A commitment of the trace is missing.');
    else holdCommitment(trace, so, id, found, openings, differs);
  }
  holdVerdicts(trace, so, statements, differs);
  const digestRecomputed = holdSeal(trace, so, statements, request?.sealSalt, differs);
  for (const id of trace.receipts) {
    const found = receipts.get(id);
    if (found === undefined) differs('receipt_missing', 'A receipt of the trace is missing.');
    else holdReceipt(trace, so, found.receipt, statements, differs);
  }
  return {
    traceId: trace.traceId,
    words: trace.words,
    steps: trace.steps.length,
    asked: [...new Set(trace.steps.flatMap((step) => (step.type === 'started' ? [step.expert] : [])))],
    checkedBy: [...new Set(so.checks.map(({ validator }) => validator))],
    verdict,
    failure: trace.failure,
    digestRecomputed,
    differences,
  };
}

/** Verdicts of others that a trace names, on the work of one node. */
const verdictsOn = (trace: Trace, statements: ReplaySources['statements'], executor: NodeId | null) =>
  trace.verdicts.flatMap((id) => {
    const found = statements.get(id)?.statement;
    return found?.type === 'verdict' && found.executor === executor ? [{ id, ...found }] : [];
  });

/**
 * What the checks of one node's work come to. Where one answered every check is about it; of several each verdict says whose
 * work it is about, and what nobody checked is accepted by its outcome where the trace says that others came to the same.
 */
function verdictOn(
  so: StepsSoFar,
  trace: Trace,
  statements: ReplaySources['statements'],
  executor: NodeId | null,
): VerdictWord {
  if (so.runs.size <= 1) return verdictOf(so.checks);
  const own = verdictOf(verdictsOn(trace, statements, executor));
  const { combined } = so;
  const byOutcome = combined?.check === 'outcome' && combined.agreeing > 1 && combined.expert === executor;
  return own === 'unchecked' && byOutcome ? combined.verdict : own;
}

type Differs = (code: keyof typeof REPLAY_RULES, message: string) => void;

function holdCommitment(
  trace: Trace,
  so: StepsSoFar,
  id: string,
  found: Statement,
  openings: Openings,
  differs: Differs,
): void {
  const fits =
    found.type === 'commitment' &&
    found.traceId === trace.traceId &&
    found.requester === trace.requester &&
    found.capability === trace.capability &&
    trace.steps.some((step) => step.type === 'started' && step.expert === found.executor && step.jobId === found.jobId);
  if (!fits) return differs('statement_differs', 'A commitment is about another job than the trace.');
  const opening = openings.jobs.find((one) => one.commitment === id);
  if (opening === undefined) return;
  if (!opensCommitment(found, opening))
    return differs('opening_differs', 'The words that are laid open are not the ones that were committed to.');
  const run = so.runs.get(found.executor);
  const shown = run?.jobId === found.jobId && trace.words === 'open' ? run : null;
  const words = wordsOf(opening);
  // A rejected answer may be rejected for exactly this.
  if (shown !== null && words !== null && shown.shownIds.length > 0 && verdictOf(so.checks) !== 'rejected') {
    if (words.ids.join() !== shown.shownIds.join() || words.text !== shown.shownTexts.join(''))
      differs('opening_differs', 'The words that were streamed are not the ones that were committed to.');
  }
}

/** What an output streamed, where it is one that names its tokens and their text. */
function wordsOf(opening: JobOpening): { readonly ids: readonly unknown[]; readonly text: string } | null {
  const output = decodeCanonical(opening.output);
  if (!output.ok || typeof output.value !== 'object' || output.value === null) return null;
  const { ids, text } = output.value as { readonly ids?: unknown; readonly text?: unknown };
  return Array.isArray(ids) && typeof text === 'string' ? { ids, text } : null;
}

function holdVerdicts(
  trace: Trace,
  so: StepsSoFar,
  statements: ReadonlyMap<string, ReadStatement>,
  differs: Differs,
): void {
  // What the requester found itself needs no statement: everyone can see it.
  const byOthers = so.checks.filter(({ validator }) => validator !== trace.requester);
  if (trace.verdicts.length !== byOthers.length)
    differs('statement_missing', 'The trace does not name one verdict for each check by another node.');
  trace.verdicts.forEach((id, index) => {
    const found = statements.get(id)?.statement;
    if (found === undefined) return differs('statement_missing', 'A verdict of the trace is missing.');
    if (!fitsCheck(trace, byOthers[index], found))
      differs('statement_differs', 'A verdict says something else than the check in the trace.');
  });
}

const fitsCheck = (trace: Trace, step: CheckedStep | undefined, found: Statement): boolean =>
  step !== undefined &&
  found.type === 'verdict' &&
  found.traceId === trace.traceId &&
  found.requester === trace.requester &&
  found.validator === step.validator &&
  found.verdict === step.verdict &&
  found.reason === step.reason &&
  trace.commitments.includes(found.commitment);

/** True when the digest was worked out again and is the sealed one. */
function holdSeal(
  trace: Trace,
  so: StepsSoFar,
  statements: ReadonlyMap<string, ReadStatement>,
  salt: Uint8Array | undefined,
  differs: Differs,
): boolean {
  if (trace.seal === null) return false;
  const found = statements.get(trace.seal)?.statement;
  if (found === undefined) {
    differs('statement_missing', 'The seal of the trace is missing.');
    return false;
  }
  const before = trace.steps.findIndex((step) => step.type === 'sealed');
  if (!isSealOf(trace, so, found, before)) {
    differs('seal_differs', 'The seal is about another trace.');
    return false;
  }
  const steps = openStepsOf(trace);
  if (steps === null || salt === undefined) return false;
  const recomputed = equalBytes(traceDigest(steps.slice(0, before), salt), found.trace);
  if (!recomputed) differs('seal_differs', 'The sealed digest is not the digest of these steps.');
  return recomputed;
}

const isSealOf = (trace: Trace, so: StepsSoFar, found: Statement, stepsBefore: number): found is Seal =>
  found.type === 'seal' &&
  found.traceId === trace.traceId &&
  found.requester === trace.requester &&
  found.verdict === so.combined?.verdict &&
  found.steps === stepsBefore;

function holdReceipt(
  trace: Trace,
  so: StepsSoFar,
  receipt: Receipt,
  statements: ReplaySources['statements'],
  differs: Differs,
): void {
  const one = so.runs.size <= 1;
  // A hand-over leaves one holder; of several who answered, each has a receipt of its own.
  const executor = one ? ([...so.runs.keys()][0] ?? null) : receipt.executor;
  const run = executor === null ? undefined : so.runs.get(executor);
  const named = verdictsOn(trace, statements, executor);
  const validators = one
    ? so.checks.map(({ validator }) => validator).filter((node) => node !== trace.requester)
    : named.map(({ validator }) => validator);
  const verdicts = one ? trace.verdicts : named.map(({ id }) => id);
  const verdict = one ? verdictOf(so.checks) : verdictOf(named);
  const expected: readonly (readonly [string, unknown, unknown])[] = [
    ['another trace', receipt.traceId, trace.traceId],
    ['another capability', receipt.capability, trace.capability],
    ['another requester', receipt.requester, trace.requester],
    ['another executor', receipt.executor, executor],
    ['another job', receipt.jobId, run?.jobId],
    ['other validators', receipt.validators.join(), validators.join()],
    ['another verdict', receipt.verdict, verdict],
    ['another kind of check', receipt.check === 'none', verdict === 'unchecked'],
    ['other verdict statements', receipt.verdicts.join(), verdicts.join()],
  ];
  for (const [what, said, found] of expected) {
    if (said !== found) differs('receipt_differs', `The receipt names ${what} than the steps of the trace.`);
  }
  if (one && so.combined !== null && receipt.check !== so.combined.check)
    differs('receipt_differs', 'The receipt names another kind of check than the steps of the trace.');
  const committed = trace.commitments.findLast((id) => {
    const found = statements.get(id)?.statement;
    return found?.type === 'commitment' && (one || found.executor === executor);
  });
  if (committed !== undefined && receipt.commitment !== committed)
    differs('receipt_differs', 'The receipt names another commitment than the trace.');
  // An accepted answer was held against what was streamed; what streams nothing has no tokens to compare.
  const shownTokens = run?.shownTokens ?? 0;
  if (verdict === 'accepted' && shownTokens > 0 && receipt.tokens?.completion !== shownTokens)
    differs('receipt_differs', 'The receipt counts other tokens than the steps of the trace.');
}
