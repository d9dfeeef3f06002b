import { DISPATCH_LOG_PATH, LEDGER_PATH, nodeLogPath } from './flow-files';
import { inboxPath } from './inboxes';
import { statePath } from './node-state';
import { outboxPath } from './outboxes';
import type { PassPlace } from './process-step';

/** What the outboxes hold together. The other documents bear the names that they have in a flow. */
export const RESULTS_LOG_PATH = 'results-message-log.json';

/** Where a node's pass reads and writes in a folder in which a batch is done step by step. */
export const placeInFolder = (nodeId: string): PassPlace => ({
  nodeId,
  source: inboxPath(nodeId),
  isInbox: true,
  ledger: LEDGER_PATH,
  state: statePath(nodeId),
  outputLog: nodeLogPath(nodeId),
  outbox: outboxPath(nodeId),
});

/** Whether a step of a batch leaves a document at this path of its folder. */
export function isStepPath(path: string): boolean {
  if ([DISPATCH_LOG_PATH, LEDGER_PATH, RESULTS_LOG_PATH].includes(path)) return true;
  const [folder, name, ...deeper] = path.split('/');
  if (name === undefined || !name.endsWith('.json') || deeper.length > 0) return false;
  return [inboxPath, outboxPath, statePath, nodeLogPath].some((pathOf) => pathOf('').startsWith(`${folder}/`));
}
