import { jsonText } from '../../base/json-text';
import type { Flow, FlowPlan } from './flow';
import { hashesOf } from './flow-hashes';
import { metadataOf, scopeOfManifest } from './message-log';
import { DOCUMENT_VERSION } from './read-document';

/** A finished flow as the command line prints it: the roster with the offline nodes, the figures, and the files with their hashes. */
export function renderFlow({ manifest, manifestHash, messages, processed, files }: Flow, plan: FlowPlan): string {
  const { totals, validation_summary } = metadataOf(messages, scopeOfManifest(manifest));
  const node_roster = manifest.nodes.map(({ node_id, status }) => {
    const own = processed.filter((one) => one.settled.nodeId === node_id);
    return {
      node_id,
      status,
      assigned_jobs: own.length,
      contribution_units: own.reduce((sum, one) => sum + one.settled.judgement.units, 0),
    };
  });
  const document = {
    version: DOCUMENT_VERSION,
    kind: 'flow_run',
    simulated: true,
    transport: plan.transport,
    peer_derived: plan.peers !== null,
    manifest_hash: manifestHash,
    node_roster,
    totals,
    validation_summary,
    files: hashesOf(files),
  };
  return jsonText(document, { indent: 2 }) + '\n';
}
