import type { TrainingWorkReceipt } from '../growth/training-work-receipt';
import type { Rule } from './rule';

export interface TrainingContext {
  readonly receipt: TrainingWorkReceipt;
}

/** What a receipt of training must show by itself. Whether it was paid as it says is told by the ledger. */
export const TRAINING_RULES: readonly Rule<TrainingContext>[] = [
  {
    name: 'foreign_account',
    sentence: 'The training is credited to another account than the trainer’s.',
    holds: ({ receipt }) => receipt.creditAccount === receipt.trainer,
  },
  {
    name: 'trains_for_itself',
    sentence: 'A node paid itself for training.',
    holds: ({ receipt }) => receipt.payer !== receipt.trainer,
  },
  {
    name: 'no_data',
    sentence: 'Nothing says on which data was trained.',
    holds: ({ receipt }) => receipt.dataShards.length > 0,
  },
  {
    name: 'nothing_made',
    sentence: 'Nothing came out of the training.',
    holds: ({ receipt }) => receipt.artefactHashes.length > 0,
  },
  {
    name: 'not_measured',
    sentence: 'Nothing was measured before and after the training.',
    holds: ({ receipt }) => receipt.deltas.length > 0,
  },
  {
    name: 'times_reversed',
    sentence: 'The training ended before it began, or lasted longer than the time between.',
    holds: ({ receipt: { work } }) => work.completedAt - work.startedAt >= work.wallTimeMs,
  },
];
