import type { ReceiptRow } from '#node/tab/ledger-desk-views';

export type ReceiptRole = 'requester' | 'executor' | 'validator';

export interface ReceiptFilter {
  readonly verdict: ReceiptRow['verdict'] | '';
  readonly capability: string;
  readonly role: ReceiptRole | '';
  /** Any node that took part. */
  readonly node: string;
}

export const NO_FILTER: ReceiptFilter = { verdict: '', capability: '', role: '', node: '' };

/** What `here` did in a job; a node may both ask and answer. */
export function rolesOf(receipt: ReceiptRow, here: string): readonly ReceiptRole[] {
  const roles: ReceiptRole[] = [];
  if (receipt.requester === here) roles.push('requester');
  if (receipt.executor === here) roles.push('executor');
  if (receipt.validators.includes(here)) roles.push('validator');
  return roles;
}

const nodesOf = (receipt: ReceiptRow): readonly string[] => [
  ...new Set([receipt.requester, receipt.executor, ...receipt.validators]),
];

/** Everybody who took part in any of them. */
export function nodesIn(receipts: readonly ReceiptRow[]): ReadonlySet<string> {
  const nodes = new Set<string>();
  for (const { requester, executor, validators } of receipts) {
    nodes.add(requester).add(executor);
    for (const validator of validators) nodes.add(validator);
  }
  return nodes;
}

/** The receipts that fit every part of the filter; an empty part fits all. */
export const filterReceipts = (
  receipts: readonly ReceiptRow[],
  filter: ReceiptFilter,
  here: string,
): readonly ReceiptRow[] =>
  receipts.filter(
    (receipt) =>
      (filter.verdict === '' || (receipt.foundWrong ? 'rejected' : receipt.verdict) === filter.verdict) &&
      (filter.capability === '' || receipt.capability === filter.capability) &&
      (filter.role === '' || rolesOf(receipt, here).includes(filter.role)) &&
      (filter.node === '' || nodesOf(receipt).includes(filter.node)),
  );
