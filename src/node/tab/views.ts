import { base64 } from '#core/base/bytes';
import { nodeName } from '#core/base/node-name';
import type { Verify } from '#core/base/ports';
import type { RosterEntry } from '#core/bus/roster';
import { openReceipt } from '#core/ledger/receipts';
import type { Ledger } from '#core/ledger/ledger';
import type { KnownReceipt } from '#core/ledger/state';
import { idOfSigned } from '#core/wire/signed';
import type { MeshNode } from '../create-node';
import type { LedgerView, PeerView, ReceiptView } from '../page-api';
import type { ContributionView, PeerDetail, ReceiptDetail } from '../tab-node';

export const peerView = (entry: RosterEntry): PeerView => ({
  nodeId: entry.node,
  name: nodeName(entry.node),
  state: entry.state,
  capabilities: entry.card?.capabilities ?? [],
  rttMs: entry.rttMs,
});

export function peerDetail(node: MeshNode, entry: RosterEntry, blocked: boolean): PeerDetail {
  const { card, record } = entry;
  const receipts = [...node.ledger.state.receiptsById.values()].filter(
    ({ receipt }) => receipt.executor === entry.node,
  );
  return {
    ...peerView(entry),
    trust: node.links.to(entry.node)?.admission.trust ?? 'unknown',
    contributing: card?.contributing ?? false,
    models: card?.models.map((model) => model.name) ?? [],
    runningJobs: card?.runningJobs ?? 0,
    answered: receipts.length,
    checksPassed: record.accepted,
    checksFailed: record.rejected,
    device: card?.device ?? null,
    heartbeats: entry.heartbeats,
    assignedJobs: record.assigned,
    units: node.ledger.state.unitsByNode.get(entry.node) ?? 0,
    blocked,
  };
}

export function ledgerView(ledger: Ledger): LedgerView {
  return {
    head: ledger.head.id,
    entries: ledger.entries.map((entry) => ({
      seq: entry.seq,
      id: entry.id,
      type: entry.event.kind,
      at: entry.at,
      receiptId: entry.event.kind === 'receipt.recorded' ? idOfSigned(entry.event.receipt) : null,
    })),
    unitsByNode: Object.fromEntries([...ledger.state.unitsByNode].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** The receipt with every signature verified again, from its bytes. */
export async function receiptView(ledger: Ledger, id: string, verify: Verify): Promise<ReceiptView | null> {
  const known = ledger.state.receiptsById.get(id);
  if (!known) return null;
  const { payload, signatures } = known.signed;
  const opened = await openReceipt(known.signed, verify);
  return {
    id,
    payload: base64(payload),
    signatures: signatures.map(({ keyId, signature }) => ({ keyId, signature: base64(signature) })),
    verified: opened.ok && opened.value.id === id,
  };
}

export const receiptDetail = ({ id, receipt, signed }: KnownReceipt): ReceiptDetail => ({
  id,
  at: receipt.at,
  capability: receipt.capability,
  model: receipt.model?.id ?? null,
  requester: receipt.requester,
  executor: receipt.executor,
  validators: receipt.validators,
  verdict: receipt.verdict,
  units: receipt.units,
  tokens: receipt.tokens?.completion ?? null,
  signers: signed.signatures.map(({ keyId }) => keyId),
  // Only receipts whose signatures hold are ever folded into the state.
  verified: true,
});

/** What this device did for others, out of its own ledger. */
export function contributionTotals(node: MeshNode): ContributionView['totals'] {
  const totals = { answers: 0, checks: 0, jobs: 0, tokens: 0 };
  for (const { receipt } of node.ledger.state.receiptsById.values()) {
    if (receipt.requester === node.self) continue;
    if (receipt.validators.includes(node.self)) totals.checks += 1;
    if (receipt.executor !== node.self) continue;
    if (receipt.tokens) {
      totals.answers += 1;
      totals.tokens += receipt.tokens.completion;
    } else totals.jobs += 1;
  }
  return totals;
}
