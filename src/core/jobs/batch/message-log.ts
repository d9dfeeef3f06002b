import { jsonText } from '../../base/json-text';
import { writtenMessages, type BatchArtefacts } from './artefacts';
import type { JobTypes } from './job-type';
import type { BatchManifest } from './manifest';

/** The version of message log documents. */
export const MESSAGE_LOG_VERSION = 1;

/** A run's message log as an audit document: every message in order, and the figures of the run. Same input, same bytes. */
export function renderMessageLog(manifest: BatchManifest, artefacts: BatchArtefacts, jobTypes: JobTypes): string {
  const { totals } = artefacts;
  const document = {
    version: MESSAGE_LOG_VERSION,
    metadata: {
      message_count: artefacts.messages.length,
      node_count: totals.nodes,
      job_count: totals.jobs,
      node_ids: manifest.nodes.map((node) => node.node_id),
      job_ids: manifest.jobs.map((job) => job.job_id),
      totals,
      validation_summary: artefacts.validation_summary,
      total_contribution_units: totals.contribution_units,
    },
    messages: writtenMessages(manifest, artefacts, jobTypes),
  };
  return jsonText(document, { indent: 2 }) + '\n';
}
