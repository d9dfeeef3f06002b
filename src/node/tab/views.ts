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
  const work = node.ledger.state.workByNode.get(entry.node);
  return {
    ...peerView(entry),
    trust: node.links.to(entry.node)?.admission.trust ?? 'unknown',
    contributing: card?.contributing ?? false,
    models: card?.models.map((model) => model.name) ?? [],
    runningJobs: card?.runningJobs ?? 0,
    answered: (work?.answers ?? 0) + (work?.jobs ?? 0),
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
export const contributionTotals = (node: MeshNode): ContributionView['totals'] =>
  node.ledger.state.workByNode.get(node.self) ?? { answers: 0, checks: 0, jobs: 0, tokens: 0 };
