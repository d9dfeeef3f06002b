import { cidOf, encodeCanonical } from '../base/canonical';
import type { NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { soleSigner } from '../identity/community';
import { idOfSigned, openSigned, type Signed } from '../wire/signed';
import { openEntry, type ChainEntry } from './chain';
import { openContribution, type OpenedContribution } from './contribution-terms';
import { ledgerEventSchema, settlementIdOf, type EventOf, type LedgerEvent, type Settlement } from './events';
import { openMintApproval, type MintApproval } from './mint-approval';
import { openOffer, type OfferTerms } from './offer-terms';
import { openReceipt, type Receipt } from './receipts';
import { commitmentSchema, verdictSchema, type Commitment, type VerdictStatement } from './statements';
import {
  openVerificationReceipt,
  openWorkReceipt,
  type InferenceWorkReceipt,
  type VerificationReceipt,
} from './work-receipts';
import {
  openHeadWitness,
  openOutcomeWitness,
  type HeadWitness,
  type OutcomeWitness,
  type Witnessed,
} from './witnesses';

/** A verdict with its one signature verified. */
export interface OpenedVerdict {
  readonly id: string;
  readonly verdict: VerdictStatement;
}

/** A settlement with every signature in it verified. */
export interface OpenedSettlement {
  readonly id: string;
  readonly offer: OfferTerms;
  readonly receipt: InferenceWorkReceipt;
  readonly acknowledged: boolean;
  readonly commitment: Commitment;
  readonly commitmentId: string;
  readonly verdicts: readonly OpenedVerdict[];
}

/** What stands inside an event, its signatures verified; `plain` where the event is all there is, or what is carried is judged where it is used. */
export type Inside =
  | { readonly kind: 'plain' }
  | { readonly kind: 'receipt'; readonly id: string; readonly receipt: Receipt; readonly signed: Signed }
  | { readonly kind: 'offer'; readonly terms: OfferTerms }
  | {
      readonly kind: 'grant';
      readonly grant: ChainEntry<EventOf<'credit.granted'>>;
      readonly heads: readonly Witnessed<HeadWitness>[];
    }
  | { readonly kind: 'proposal'; readonly settlement: OpenedSettlement }
  | {
      readonly kind: 'closing';
      /** Content id of the event: the same in every log that holds it. */
      readonly id: string;
      readonly reservation: ChainEntry<EventOf<'reservation.made'>>;
      readonly heads: readonly Witnessed<HeadWitness>[];
      readonly settlement: OpenedSettlement | null;
      readonly proposed: readonly Witnessed<OutcomeWitness>[];
      readonly closed: readonly Witnessed<OutcomeWitness>[];
      readonly reasons: readonly OpenedVerdict[];
      readonly offer: OfferTerms | null;
    }
  | { readonly kind: 'verdicts'; readonly verdicts: readonly OpenedVerdict[] }
  | { readonly kind: 'verification'; readonly id: string; readonly receipt: VerificationReceipt }
  | {
      readonly kind: 'mint';
      readonly contribution: OpenedContribution;
      readonly approvals: readonly { readonly by: NodeId; readonly approval: MintApproval }[];
    }
  | { readonly kind: 'contribution'; readonly contribution: OpenedContribution };

/** An entry of a log as the fold takes it: verified down to the last signature on which a rule relies. */
export interface OpenedEntry extends ChainEntry<LedgerEvent> {
  readonly inside: Inside;
}

const PLAIN: Inside = { kind: 'plain' };

/**
 * An entry's stored bytes as the fold takes them. Codes of the gate and of `openSigned`; `foreign_signature`. A `verify` that
 * always says yes reads again what was verified before; `verifyInside` is for the signatures of what the entry carries.
 */
export async function openLedgerEntry(
  bytes: Uint8Array,
  verify: Verify,
  verifyInside: Verify = verify,
): Promise<Result<OpenedEntry>> {
  const entry = await openEntry(ledgerEventSchema, bytes, verify);
  if (!entry.ok) return entry;
  const inside = await openInside(entry.value.event, verifyInside);
  return inside.ok ? ok({ ...entry.value, inside: inside.value }) : inside;
}

/** What stands inside an event that this very node makes: verified too, so that nothing false is ever written. */
export async function openInside(event: LedgerEvent, verify: Verify): Promise<Result<Inside>> {
  switch (event.kind) {
    case 'receipt.recorded': {
      const opened = await openReceipt(event.receipt, verify);
      if (!opened.ok) return opened;
      return ok({ kind: 'receipt', id: opened.value.id, receipt: opened.value.receipt, signed: event.receipt });
    }
    case 'offer.published': {
      const terms = await openOffer(event.offer, verify);
      return terms.ok ? ok({ kind: 'offer', terms: terms.value }) : terms;
    }
    case 'credit.claimed':
      return openClaim(event, verify);
    case 'settlement.proposed': {
      const settlement = await openSettlement(event.settlement, verify);
      return settlement.ok ? ok({ kind: 'proposal', settlement: settlement.value }) : settlement;
    }
    case 'settlement.closed':
      return openClosing(event, verify);
    case 'challenge.raised': {
      const verdicts = await openVerdicts([event.verdict], verify);
      return verdicts.ok ? ok({ kind: 'verdicts', verdicts: verdicts.value }) : verdicts;
    }
    case 'dispute.ruled': {
      const verdicts = await openVerdicts(event.verdicts, verify);
      return verdicts.ok ? ok({ kind: 'verdicts', verdicts: verdicts.value }) : verdicts;
    }
    case 'credit.minted': {
      const contribution = await openContribution(event.contribution, verify);
      if (!contribution.ok) return contribution;
      const approvals = await openEach(event.approvals, (signed) => openMintApproval(signed, verify));
      if (!approvals.ok) return approvals;
      return ok({ kind: 'mint', contribution: contribution.value, approvals: approvals.value });
    }
    case 'contribution.receipted': {
      const contribution = await openContribution(event.receipt, verify);
      return contribution.ok ? ok({ kind: 'contribution', contribution: contribution.value }) : contribution;
    }
    case 'work.receipted': {
      const opened = await openWorkReceipt(event.receipt, verify);
      return opened.ok ? ok(PLAIN) : opened;
    }
    case 'verification.receipted': {
      const opened = await openVerificationReceipt(event.receipt, verify);
      if (!opened.ok) return opened;
      const { id, ...receipt } = opened.value;
      return ok({ kind: 'verification', id, receipt });
    }
    case 'training.receipted': {
      // As with contributions: rare, and loaded with the first one.
      const { openTrainingWorkReceipt } = await import('./growth/training-work-receipt');
      const opened = await openTrainingWorkReceipt(event.receipt, verify);
      return opened.ok ? ok(PLAIN) : opened;
    }
    default:
      return ok(PLAIN);
  }
}

/** A settlement's parts, each through its own gate. Codes of those. */
export async function openSettlement(settlement: Settlement, verify: Verify): Promise<Result<OpenedSettlement>> {
  const offer = await openOffer(settlement.offer, verify);
  if (!offer.ok) return offer;
  const receipt = await openWorkReceipt(settlement.receipt, verify);
  if (!receipt.ok) return receipt;
  const commitment = await openSigned(commitmentSchema, settlement.commitment, verify);
  if (!commitment.ok) return commitment;
  if (soleSigner(settlement.commitment) !== commitment.value.executor)
    return fail('signer_missing', 'The commitment is not signed by the node that did the work.');
  const verdicts = await openVerdicts(settlement.verdicts, verify);
  if (!verdicts.ok) return verdicts;
  return ok({
    id: settlementIdOf(settlement),
    offer: offer.value,
    receipt: receipt.value.receipt,
    acknowledged: receipt.value.acknowledged,
    commitment: commitment.value,
    commitmentId: idOfSigned(settlement.commitment),
    verdicts: verdicts.value,
  });
}

/** An entry that another one carries, of the kind that it must be. */
async function openCarried<Kind extends LedgerEvent['kind']>(
  bytes: Uint8Array,
  kind: Kind,
  verify: Verify,
): Promise<Result<ChainEntry<EventOf<Kind>>>> {
  const entry = await openEntry(ledgerEventSchema, bytes, verify);
  if (!entry.ok) return entry;
  if (entry.value.event.kind !== kind) return fail('malformed', 'An event carries an entry of the wrong kind.');
  return ok(entry.value as ChainEntry<EventOf<Kind>>);
}

/** A reservation's entry as it is stored, outside of the log in which it stands. */
export const openReservation = (
  bytes: Uint8Array,
  verify: Verify,
): Promise<Result<ChainEntry<EventOf<'reservation.made'>>>> => openCarried(bytes, 'reservation.made', verify);

async function openClaim(event: EventOf<'credit.claimed'>, verify: Verify): Promise<Result<Inside>> {
  const grant = await openCarried(event.grant, 'credit.granted', verify);
  if (!grant.ok) return grant;
  const heads = await openEach(event.heads, (signed) => openHeadWitness(signed, verify));
  return heads.ok ? ok({ kind: 'grant', grant: grant.value, heads: heads.value }) : heads;
}

async function openClosing(event: EventOf<'settlement.closed'>, verify: Verify): Promise<Result<Inside>> {
  const reservation = await openReservation(event.reservation, verify);
  if (!reservation.ok) return reservation;
  const heads = await openEach(event.heads, (signed) => openHeadWitness(signed, verify));
  if (!heads.ok) return heads;
  const settlement = event.settlement === null ? ok(null) : await openSettlement(event.settlement, verify);
  if (!settlement.ok) return settlement;
  const proposed = await openEach(event.proposed, (signed) => openOutcomeWitness(signed, verify));
  if (!proposed.ok) return proposed;
  const closed = await openEach(event.closed, (signed) => openOutcomeWitness(signed, verify));
  if (!closed.ok) return closed;
  const reasons = await openVerdicts(event.reasons, verify);
  if (!reasons.ok) return reasons;
  const offer = event.offer === null ? ok(null) : await openOffer(event.offer, verify);
  if (!offer.ok) return offer;
  return ok({
    kind: 'closing',
    id: cidOf(encodeCanonical(event)),
    reservation: reservation.value,
    heads: heads.value,
    settlement: settlement.value,
    proposed: proposed.value,
    closed: closed.value,
    reasons: reasons.value,
    offer: offer.value,
  });
}

/** Verdicts, each signed by the validator that it names and nobody else. */
export const openVerdicts = (signed: readonly Signed[], verify: Verify): Promise<Result<readonly OpenedVerdict[]>> =>
  openEach(signed, async (one): Promise<Result<OpenedVerdict>> => {
    const verdict = await openSigned(verdictSchema, one, verify);
    if (!verdict.ok) return verdict;
    if (soleSigner(one) !== verdict.value.validator)
      return fail('signer_missing', 'A verdict is not signed by the validator that it names.');
    return ok({ id: idOfSigned(one), verdict: verdict.value });
  });

/** Opens each, and refuses the whole with the first that is refused. */
async function openEach<In, Out>(
  items: readonly In[],
  open: (item: In) => Promise<Result<Out>>,
): Promise<Result<readonly Out[]>> {
  const results = await Promise.all(items.map(open));
  const refused = results.find((result) => !result.ok);
  if (refused && !refused.ok) return refused;
  return ok(results.flatMap((result) => (result.ok ? [result.value] : [])));
}
