import type { NodeId } from '#core/base/ids';
import type { Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { splitCharge } from '#core/ledger/credits';
import type { Ledger } from '#core/ledger/ledger';
import { openLedgerEntry, type OpenedEntry } from '#core/ledger/open-event';
import { chargeFor } from '#core/ledger/rules/proposal-rules';
import { isSame } from './compare-states';
import type { LineVerification, VerifyStep } from './ledger-desk-views';
import { placeOf, readEntry } from './line-entry';
import type { HeldReplay } from './replay-held';

export interface VerifyLineDeps {
  readonly verify: Verify;
  readonly onStep: (step: VerifyStep) => void;
  readonly replay: () => Promise<Result<HeldReplay>>;
}

const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/**
 * Verifies one line from its bytes, a step at a time: reads them anew out of the log, verifies every signature in them, works the
 * charge out again, and replays everything that is held. Ends at the first step that does not hold. Codes: `unknown_line`, those of
 * `replayHeld`.
 */
export async function verifyLine(
  ledger: Ledger,
  id: string,
  { verify, onStep, replay }: VerifyLineDeps,
): Promise<Result<LineVerification>> {
  const place = placeOf(ledger, id);
  if (place === null) return fail('unknown_line', 'This line is not among those on this device.');
  const steps: VerifyStep[] = [];
  /** Whether the step holds. */
  const tell = (good: boolean, text: string, nodes: readonly NodeId[] = []): boolean => {
    const step = { good, text, nodes };
    steps.push(step);
    onStep(step);
    return good;
  };
  const told = () => ok({ good: steps.every(({ good }) => good), steps });

  const read = await readEntry(ledger, place);
  if (!read.ok) return read;
  const { bytes } = read.value;
  tell(true, `Entry ${place.seq} was read again: ${plural(bytes.length, 'byte')}. It stands in the log of`, [
    place.author,
  ]);

  const signers = new Map<NodeId, boolean>();
  let count = 0;
  const counting: Verify = async (node, signed, signature) => {
    const holds = await verify(node, signed, signature);
    count += 1;
    signers.set(node, holds && signers.get(node) !== false);
    return holds;
  };
  const opened = await openLedgerEntry(bytes, counting);
  if (!opened.ok) {
    const bad = [...signers].filter(([, holds]) => !holds).map(([node]) => node);
    tell(false, `The entry does not hold: ${opened.error.message}`, bad);
    return told();
  }
  tell(true, `${plural(count, 'signature')} in it verified again, all valid. They are of`, [...signers.keys()]);
  if (!idsMatch(ledger, id, opened.value))
    return (tell(false, 'The content id of these bytes is not the one that this line names.'), told());
  tell(true, 'The content id worked out from these bytes is the one that this line names.');
  for (const [good, text] of arithmetic(ledger, id, opened.value)) tell(good, text);

  const replayed = await replay();
  if (!replayed.ok) return replayed;
  const { fold, entries, logs, signatures } = replayed.value;
  tell(
    true,
    `${plural(entries, 'entry', 'entries')} of ${plural(logs, 'log')} were read from nothing: ${plural(signatures, 'signature')} verified, every rule applied.`,
  );
  const [anew, inUse] = [meaningOf(fold.state, id), meaningOf(ledger.state, id)];
  tell(
    anew !== null && isSame(anew, inUse),
    anew !== null && isSame(anew, inUse)
      ? 'By the rules alone this line comes to exactly the same: parties, outcome, amounts.'
      : 'By the rules alone this line comes to something else than this page shows.',
  );
  return told();
}

function idsMatch({ state }: Ledger, id: string, { id: entryId, inside }: OpenedEntry): boolean {
  const closing = state.closingByReservation.get(id);
  if (closing === undefined) return entryId === id;
  return inside.kind === 'closing' && inside.id === closing.id && inside.reservation.id === id;
}

/** What the state says of a line, wherever its bytes were read. */
function meaningOf(state: Ledger['state'], id: string): unknown {
  const closing = state.closingByReservation.get(id);
  if (closing !== undefined) return closing;
  const reservation = state.reservationsById.get(id);
  if (reservation !== undefined) return reservation;
  const grant = state.grantsById.get(id);
  if (grant !== undefined) return grant;
  for (const mint of state.mintByKey.values()) if (mint.id === id) return mint;
  return null;
}

/** The charge, and how it is shared, worked out again from what was signed. */
function* arithmetic({ state, community }: Ledger, id: string, { inside }: OpenedEntry): Iterable<[boolean, string]> {
  const closing = state.closingByReservation.get(id);
  const policy = community.economy;
  if (closing === undefined || policy === undefined || inside.kind !== 'closing') return;
  const { settlement } = inside;
  const credited = closing.credits.reduce((sum, { micros }) => sum + micros, 0);
  if (settlement !== null) {
    const { offer, receipt } = settlement;
    const tokens = receipt.work.inputTokens + receipt.work.outputTokens;
    const charge = chargeFor(offer, tokens);
    yield [
      charge === closing.chargeMicros,
      `${plural(tokens, 'token')} at ${offer.rateMicros} millionths each, ${offer.minimumMicros} at least: ${charge} millionths of a credit, and ${closing.chargeMicros} were charged.`,
    ];
    const { executorMicros, validatorMicros } = splitCharge(policy, charge, settlement.verdicts.length);
    const owed = new Map<NodeId, number>([[closing.payee, executorMicros]]);
    for (const { verdict } of settlement.verdicts)
      owed.set(verdict.validator, (owed.get(verdict.validator) ?? 0) + validatorMicros);
    const given = new Map<NodeId, number>();
    for (const { node, micros } of closing.credits) given.set(node, (given.get(node) ?? 0) + micros);
    yield [
      [...owed].every(([node, micros]) => (given.get(node) ?? 0) === micros),
      `Shared as the community agreed: ${executorMicros} for the work, ${validatorMicros} for each of ${plural(settlement.verdicts.length, 'check')}.`,
    ];
  }
  yield [
    credited === closing.chargeMicros && closing.chargeMicros <= closing.reservedMicros,
    `What was credited (${credited}) is what was charged (${closing.chargeMicros}), and no more than was set aside (${closing.reservedMicros}).`,
  ];
}
