import { batchRun } from './batch-run';
import type { Command } from './command';
import { evidenceBuild } from './evidence/evidence-build';
import { evidenceIndex } from './evidence/evidence-index';
import { evidenceSchema } from './evidence/evidence-schema';
import { evidenceSeal } from './evidence/evidence-seal';
import { evidenceUnpack } from './evidence/evidence-unpack';
import { evidenceVerify } from './evidence/evidence-verify';
import { tracesRewrite } from './evidence/rewrite-traces';
import { modelsPin } from './models-pin';
import { simulateCommand } from './simulate';
import { status } from './status';

/** Every command of the command line, in the order in which the help lists them. */
export const commands: readonly Command[] = [
  batchRun,
  simulateCommand,
  evidenceBuild,
  evidenceSeal,
  evidenceVerify,
  evidenceIndex,
  tracesRewrite,
  evidenceUnpack,
  evidenceSchema,
  status,
  modelsPin,
];
