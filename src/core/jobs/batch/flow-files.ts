import { inboxPath } from './inboxes';
import { nodeFileName } from './node-file-name';

/** Everything that a flow leaves, by path below its folder, `/` between. */
export type FlowFiles = ReadonlyMap<string, string>;

export const MANIFEST_PATH = 'manifest.json';
/** Only in a flow whose roster came from heartbeats. */
export const PEERS_PATH = 'peer-summary.json';
export const DISPATCH_LOG_PATH = 'dispatch-message-log.json';
export const FLOW_LOG_PATH = 'flow-message-log.json';
export const LEDGER_PATH = 'ledger.json';
export const RECEIPTS_PATH = 'receipts.json';
/** Written last: a folder without it is no finished run. */
export const HASHES_PATH = 'hashes.json';
/** Not part of the run: made from it after a clean audit. */
export const AGGREGATE_PATH = 'aggregate-result.json';

export const nodeLogPath = (nodeId: string): string => `worker-message-logs/${nodeFileName(nodeId)}.json`;
export const flowInboxPath = (nodeId: string): string => `transport/${inboxPath(nodeId)}`;

/**
 * Most characters of all files of a flow together. Without transport every node's log repeats the whole dispatch, so that many nodes
 * and large payloads multiply; beyond this a run would fill memory and disk.
 */
export const MAX_FLOW_CHARACTERS = 256 * 1024 * 1024;
