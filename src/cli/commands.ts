import { batchRun } from './batch-run';
import type { Command } from './command';
import { economyCheck } from './economy/economy-check';
import { economySample } from './economy/economy-sample';
import { ledgerReplay } from './economy/ledger-replay';
import { modelsPin } from './models-pin';
import { simulateCommand } from './simulate';
import { status } from './status';

/** Every command of the command line, in the order in which the help lists them. */
export const commands: readonly Command[] = [
  batchRun,
  simulateCommand,
  ledgerReplay,
  economySample,
  economyCheck,
  status,
  modelsPin,
];
