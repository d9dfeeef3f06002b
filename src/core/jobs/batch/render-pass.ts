import { jsonText } from '../../base/json-text';
import { summariseLedger, type ContributionLedger } from './contribution-ledger';
import type { BatchMessage } from './job-messages';
import type { JobTypes } from './job-type';
import { metadataOf } from './message-log';
import type { Pass } from './process-inbox';
import { receiptOf } from './receipts';
import { DOCUMENT_VERSION } from './read-document';

/** A pass as the command line prints it: what was done, skipped and ignored, what was said, and how the ledger stands. */
export function renderPass(
  pass: Pass,
  jobTypes: JobTypes,
  ledger: { readonly after: ContributionLedger; readonly added: number } | null,
): string {
  const idsOf = (messages: readonly BatchMessage[]) => messages.map((message) => message.message_id);
  const messages = pass.processed.flatMap((one) => one.emitted);
  const { validation_summary, total_contribution_units } = metadataOf(messages);
  const document = {
    version: DOCUMENT_VERSION,
    node_id: pass.state.node_id,
    processed_count: pass.processed.length,
    skipped_count: pass.skipped.length,
    ignored_count: pass.ignored.length,
    processed_message_ids: idsOf(pass.processed.map((one) => one.message)),
    skipped_message_ids: idsOf(pass.skipped),
    ignored_message_ids: idsOf(pass.ignored),
    validation_summary,
    contribution_units: total_contribution_units,
    validations: pass.processed.map((one) => one.settled.judgement.validation),
    receipts: pass.processed.map((one) => receiptOf(one.settled, one.ids, jobTypes)),
    messages,
    ledger: ledger && {
      records: ledger.after.records.length,
      records_added: ledger.added,
      summaries: summariseLedger(ledger.after),
    },
  };
  return jsonText(document, { indent: 2 }) + '\n';
}
