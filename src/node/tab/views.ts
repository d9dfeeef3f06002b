import { nodeName } from '#core/base/node-name';
import type { RosterEntry } from '#core/bus/roster';
import type { MeshNode } from '../create-node';
import type { PeerView } from '../page-api';
import type { ContributionView, PeerDetail } from '../tab-node';

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
