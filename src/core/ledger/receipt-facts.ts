import type { NodeId } from '../base/ids';
import { notingMap, type Noting } from './noting';
import { creditsUnits, type Receipt } from './receipts';

/** What is kept in memory of a receipt; its bytes lie in the logs that carry it. */
export interface ReceiptFact {
  readonly id: string;
  readonly at: number;
  readonly capability: string;
  readonly requester: NodeId;
  readonly executor: NodeId;
  readonly validators: readonly NodeId[];
  readonly verdict: Receipt['verdict'];
  readonly check: Receipt['check'];
  readonly model: { readonly id: string; readonly hash: string } | null;
  readonly units: number;
  /** Generated; null for work without any. */
  readonly completionTokens: number | null;
  readonly jobId: string;
  /** Everyone whose signature was seen, ascending. */
  readonly signers: readonly NodeId[];
  /** Entries that carry it, ascending: where its bytes are read, the signatures of all of them together. */
  readonly carriers: readonly Carrier[];
}

export interface Carrier {
  readonly author: NodeId;
  readonly seq: number;
}

export interface WorkTotals {
  readonly answers: number;
  readonly jobs: number;
  readonly checks: number;
  readonly tokens: number;
}

const NO_WORK: WorkTotals = { answers: 0, jobs: 0, checks: 0, tokens: 0 };

/** The asking side, the doing side and eight validators may each carry it twice: with their own signature, and whole. */
const MAX_CARRIERS = 24;

/** Units of checked work and the receipts behind them: a function of the set of receipts and of discredited work, whatever their order. */
export interface ReceiptFacts {
  readonly receiptsById: ReadonlyMap<string, ReceiptFact>;
  /** The same, for whoever keeps a copy. */
  readonly noting: Noting<[string, ReceiptFact]>;
  /** Of each job and executor, the receipt that counts: the accepted one with the lowest id, so that a second receipt for the same work earns nothing. */
  readonly creditedByWork: ReadonlyMap<string, string>;
  readonly unitsByNode: ReadonlyMap<NodeId, number>;
  /** What each node did for others, by the receipts that name it. */
  readonly workByNode: ReadonlyMap<NodeId, WorkTotals>;
  add(id: string, receipt: Receipt, signers: readonly NodeId[], carrier: Carrier): void;
  /** A panel found that work wrong: no receipt for it earns units, whether it is known already or comes later. */
  discredit(work: Work): void;
  /** Whether a panel found the work behind a receipt wrong, though whoever checked it first had accepted it. */
  isDiscredited(work: Work): boolean;
}

type Work = Pick<ReceiptFact, 'requester' | 'jobId' | 'executor'>;

const workOf = ({ requester, jobId, executor }: Work): string => `${requester}/${jobId}/${executor}`;

const byAuthorThenSeq = (a: Carrier, b: Carrier): number =>
  a.author === b.author ? a.seq - b.seq : a.author < b.author ? -1 : 1;

/** `facts` are those of a checkpoint. */
export function createReceiptFacts(facts: Iterable<ReceiptFact> = []): ReceiptFacts {
  const receiptsById = notingMap<ReceiptFact>();
  const creditedByWork = new Map<string, string>();
  const unitsByNode = new Map<NodeId, number>();
  const workByNode = new Map<NodeId, WorkTotals>();
  const discredited = new Set<string>();

  function count({ executor, requester, validators, completionTokens }: ReceiptFact): void {
    const add = (node: NodeId, by: Partial<WorkTotals>): void => {
      const before = workByNode.get(node) ?? NO_WORK;
      workByNode.set(node, {
        answers: before.answers + (by.answers ?? 0),
        jobs: before.jobs + (by.jobs ?? 0),
        checks: before.checks + (by.checks ?? 0),
        tokens: before.tokens + (by.tokens ?? 0),
      });
    };
    if (executor !== requester)
      add(executor, completionTokens === null ? { jobs: 1 } : { answers: 1, tokens: completionTokens });
    for (const validator of validators) if (validator !== requester) add(validator, { checks: 1 });
  }

  function credit(node: NodeId, units: number): void {
    const sum = (unitsByNode.get(node) ?? 0) + units;
    if (sum === 0) unitsByNode.delete(node);
    else unitsByNode.set(node, sum);
  }

  function take(fact: ReceiptFact): void {
    if (!receiptsById.has(fact.id)) count(fact);
    receiptsById.set(fact.id, fact);
    if (!creditsUnits(fact, new Set(fact.signers))) return;
    const work = workOf(fact);
    if (discredited.has(work)) return;
    const counted = creditedByWork.get(work);
    if (counted !== undefined && counted <= fact.id) return;
    if (counted !== undefined) credit(fact.executor, -receiptsById.get(counted)!.units);
    creditedByWork.set(work, fact.id);
    credit(fact.executor, fact.units);
  }

  for (const fact of facts) take(fact);

  return {
    receiptsById,
    noting: receiptsById,
    creditedByWork,
    unitsByNode,
    workByNode,
    add(id, receipt, signers, carrier) {
      const known = receiptsById.get(id);
      const carriers = known?.carriers ?? [];
      const seen = carriers.some(({ author, seq }) => author === carrier.author && seq === carrier.seq);
      take({
        id,
        at: receipt.at,
        capability: receipt.capability,
        requester: receipt.requester,
        executor: receipt.executor,
        validators: receipt.validators,
        verdict: receipt.verdict,
        check: receipt.check,
        model: receipt.model,
        units: receipt.units,
        completionTokens: receipt.tokens?.completion ?? null,
        jobId: receipt.jobId,
        signers: [...new Set([...(known?.signers ?? []), ...signers])].sort(),
        carriers: seen ? carriers : [...carriers, carrier].sort(byAuthorThenSeq).slice(0, MAX_CARRIERS),
      });
    },
    isDiscredited: (found) => discredited.size > 0 && discredited.has(workOf(found)),
    discredit(found) {
      const work = workOf(found);
      discredited.add(work);
      const counted = creditedByWork.get(work);
      if (counted === undefined) return;
      creditedByWork.delete(work);
      credit(found.executor, -receiptsById.get(counted)!.units);
    },
  };
}
