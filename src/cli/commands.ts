import { batchDispatch } from './batch-dispatch';
import { batchRun } from './batch-run';
import type { Command } from './command';
import { economyCheck } from './economy/economy-check';
import { economySample } from './economy/economy-sample';
import { ledgerReplay } from './economy/ledger-replay';
import { flowAggregate, flowAudit } from './flow-audit';
import { flowRun } from './flow-run';
import { inboxMaterialise } from './inbox-materialise';
import { inboxProcess } from './inbox-process';
import { ledgerSummary } from './ledger-summary';
import { evidenceBuild } from './evidence/evidence-build';
import { evidenceGraph } from './evidence/evidence-graph';
import { evidenceIndex } from './evidence/evidence-index';
import { evidenceSchema } from './evidence/evidence-schema';
import { evidenceSeal } from './evidence/evidence-seal';
import { evidenceUnpack } from './evidence/evidence-unpack';
import { evidenceVerify } from './evidence/evidence-verify';
import { tracesRewrite } from './evidence/rewrite-traces';
import { modelsPin } from './models-pin';
import { outboxCollect } from './outbox-collect';
import { peersSummary } from './peers-summary';
import { resultsValidate } from './results-validate';
import { simulateCommand } from './simulate';
import { status } from './status';

/** Every command of the command line, in the order in which the help lists them. */
export const commands: readonly Command[] = [
  batchRun,
  ledgerReplay,
  economySample,
  economyCheck,
  batchDispatch,
  inboxMaterialise,
  inboxProcess,
  outboxCollect,
  flowRun,
  flowAudit,
  flowAggregate,
  resultsValidate,
  peersSummary,
  ledgerSummary,
  simulateCommand,
  evidenceBuild,
  evidenceSeal,
  evidenceVerify,
  evidenceIndex,
  evidenceGraph,
  tracesRewrite,
  evidenceUnpack,
  evidenceSchema,
  status,
  modelsPin,
];
