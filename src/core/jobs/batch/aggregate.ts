import { jsonText } from '../../base/json-text';
import type { FlowAudit } from './flow-audit';
import type { JobTypes } from './job-type';
import { DOCUMENT_VERSION } from './read-document';
import { writtenOutput } from './result-hash';

/**
 * The results of an audited flow that a receipt backs and the ledger credits, in job order, and how many are left out. It can
 * only be made from an audit, so it never holds more than was checked. Same flow, same bytes.
 */
export function renderAggregate({ plan, flow, totals }: FlowAudit, jobTypes: JobTypes): string {
  const results = flow.processed.flatMap(({ settled, ids }, index) => {
    const { job, nodeId, reported, judgement, resultHash } = settled;
    if (!judgement.validation.valid) return [];
    return [
      {
        job_id: job.job_id,
        job_type: job.job_type,
        node_id: nodeId,
        output: writtenOutput(jobTypes.get(job.job_type), reported.output),
        contribution_units: judgement.units,
        result_hash: resultHash,
        receipt: {
          index,
          node_key: flow.receipts[index]!.body.node_key,
          assignment_message_id: ids.assigned,
          result_message_id: ids.result,
          validation_message_id: ids.validation,
          contribution_message_id: ids.contribution,
        },
      },
    ];
  });
  const document = {
    version: DOCUMENT_VERSION,
    kind: 'aggregate_result',
    simulated: true,
    manifest_hash: flow.manifestHash,
    metadata: {
      transport: plan.transport,
      peer_derived: plan.peers !== null,
      jobs: totals.jobs,
      credited_results: results.length,
      results_left_out: totals.results - results.length,
      contribution_units: totals.contribution_units,
    },
    results,
  };
  return jsonText(document, { indent: 2 }) + '\n';
}
