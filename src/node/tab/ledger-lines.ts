import type { NodeId } from '#core/base/ids';
import type { EconomyPolicy } from '#core/identity/economy-policy';
import { splitCharge } from '#core/ledger/credits';
import type { ClosingState, LedgerState, ReservationState } from '#core/ledger/ledger-state';
import type { LedgerLine, LineKind } from './ledger-desk-views';

export interface LinesContext {
  readonly state: LedgerState;
  /** Whose lines these are. */
  readonly self: NodeId;
  readonly policy: EconomyPolicy;
  /** When a proposal was written, by its entry; null where it is not known. */
  readonly proposedAt: (proposal: string) => number | null;
}

/**
 * What was earned and spent and why: a line for each reservation that this node pays from, is paid from, or looked for; for each
 * grant that it gave or got; for each mint. A pure function of the state, newest first; of one moment by id.
 */
export function ledgerLines(context: LinesContext): LedgerLine[] {
  const { state } = context;
  const lines: LedgerLine[] = [];
  const add = (line: LedgerLine | null): void => void (line && lines.push(line));
  for (const one of state.reservationsById.values()) {
    const closing = state.closingByReservation.get(one.id);
    add(closing === undefined ? openLine(one, context) : closedLine(closing, context));
  }
  // A closing carries all that it rests on, so it may stand before its payer's log came.
  for (const closing of state.closingByReservation.values())
    if (!state.reservationsById.has(closing.reservation)) add(closedLine(closing, context));
  for (const line of otherLines(context)) lines.push(line);
  return withReceipts(lines, context).sort((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1));
}

const BASE = { capability: null, atMost: false, until: null, challenge: null, jobId: null, receiptId: null } as const;

/** What became of challenges to the work of a reservation, or of the one behind a bond. */
export function challengeTo(
  { id, purpose }: Pick<ReservationState, 'id' | 'purpose'>,
  state: LedgerState,
): LedgerLine['challenge'] {
  const behind = state.challengeByBond.get(id);
  const raised =
    purpose === 'work' ? state.challengesOf(id).map((one) => one.id) : behind === undefined ? [] : [behind];
  const found = raised.map((one) => state.rulings.get(one) ?? 'open');
  return found.find((one) => one === 'upheld') ?? found.find((one) => one === 'open') ?? found[0] ?? null;
}

function closedLine(closing: ClosingState, { self, state }: LinesContext): LedgerLine | null {
  const { reservation: id, payer, payee, jobId, outcome, at, purpose } = closing;
  const credited = closing.credits.reduce((sum, { node, micros }) => sum + (node === self ? micros : 0), 0);
  const common = { ...BASE, id, at, jobId, state: outcome, challenge: challengeTo({ id, purpose }, state) };
  if (payer === self) {
    const kind: LineKind = purpose === 'bond' ? 'bond' : 'paid';
    return { ...common, kind, with: payee, amountMicros: credited - closing.chargeMicros };
  }
  if (payee === self && purpose === 'work') return { ...common, kind: 'earned', with: payer, amountMicros: credited };
  if (credited === 0) return null;
  return purpose === 'bond'
    ? { ...common, kind: 'bond', with: payer, amountMicros: credited }
    : { ...common, kind: 'checked', with: payee, amountMicros: credited };
}

function openLine(one: ReservationState, { state, self, policy, proposedAt }: LinesContext): LedgerLine | null {
  const proposal = one.proposal === null ? undefined : state.proposalsById.get(one.proposal);
  const began = proposal === undefined ? null : proposedAt(proposal.id);
  const common = {
    ...BASE,
    id: one.id,
    at: one.at,
    jobId: one.jobId,
    atMost: proposal === undefined,
    state: proposal === undefined ? ('reserved' as const) : ('waiting' as const),
    until: proposal === undefined ? one.expiresAt : began === null ? null : began + proposal.windowSeconds * 1_000,
    challenge: challengeTo(one, state),
  };
  const { payer, payee, purpose } = one;
  if (purpose === 'bond') {
    return payer === self ? { ...common, kind: 'bond', with: payee, amountMicros: -one.amountMicros } : null;
  }
  if (payer === self) {
    return { ...common, kind: 'paid', with: payee, amountMicros: -(proposal?.chargeMicros ?? one.amountMicros) };
  }
  const split = proposal && splitCharge(policy, proposal.chargeMicros, proposal.validators.length);
  if (payee === self) {
    return { ...common, kind: 'earned', with: payer, amountMicros: split?.executorMicros ?? one.amountMicros };
  }
  return split && proposal.validators.includes(self)
    ? { ...common, kind: 'checked', with: payee, amountMicros: split.validatorMicros }
    : null;
}

/** Grants and mints. */
function* otherLines({ state, self }: LinesContext): Iterable<LedgerLine> {
  const unclaimed = new Map<NodeId, ReadonlySet<string>>();
  const isUnclaimed = (node: NodeId, grant: string): boolean => {
    const known = unclaimed.get(node) ?? new Set(state.unclaimedBy(node).grants);
    unclaimed.set(node, known);
    return known.has(grant);
  };
  for (const { id, from, to, amountMicros, at } of state.grantsById.values()) {
    if (from !== self && to !== self) continue;
    const line = { ...BASE, id, at, state: isUnclaimed(to, id) ? ('given' as const) : ('claimed' as const) };
    yield from === self
      ? { ...line, kind: 'granted', with: to, amountMicros: -amountMicros }
      : { ...line, kind: 'received', with: from, amountMicros };
  }
  for (const { id, to, amountMicros, at } of state.mintByKey.values())
    if (to === self) yield { ...BASE, id, at, state: 'settled', kind: 'minted', with: null, amountMicros };
}

/** The receipt of each job, and by it what was paid for. */
function withReceipts(lines: readonly LedgerLine[], { state, self }: LinesContext): LedgerLine[] {
  const jobs = new Set(lines.flatMap(({ jobId }) => (jobId === null ? [] : [jobId])));
  const byJob = new Map<string, { readonly id: string; readonly capability: string }>();
  for (const { id, jobId, capability, requester, executor, validators } of state.receiptsById.values())
    if (jobs.has(jobId) && (requester === self || executor === self || validators.includes(self)))
      byJob.set(jobId, { id, capability });
  return lines.map((line) => {
    if (line.jobId === null) return line;
    const receipt = byJob.get(line.jobId);
    if (receipt !== undefined) return { ...line, receiptId: receipt.id, capability: receipt.capability };
    const offer = state.reservationsById.get(line.id)?.offer;
    const classes = offer == null ? undefined : state.offersById.get(offer)?.taskClasses;
    return { ...line, capability: classes?.length === 1 ? classes[0]! : null };
  });
}
