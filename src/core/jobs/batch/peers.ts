import * as v from 'valibot';
import { equalJson, jsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import { byCodePoint } from '../../base/text';
import type { BatchMessage } from './job-messages';
import { capabilitiesSchema, MAX_NODES, nodeIdSchema, type BatchNode } from './manifest';
import { DOCUMENT_VERSION, readDocument } from './read-document';

/** A node as its recorded heartbeats tell of it. */
export interface Peer {
  readonly node_id: string;
  readonly status: 'available' | 'offline';
  /** In code point order; a node that said nothing of them offers none. */
  readonly capabilities: readonly string[];
  /** Of the heartbeat that counts: the one with the highest sequence. */
  readonly heartbeat_sequence: number;
  /** How many heartbeats of the node stand in the log. */
  readonly heartbeat_count: number;
}

/**
 * The peers behind the heartbeats of a log, in code point order of their ids, whatever the order in the log. Two heartbeats of
 * one node with the same sequence that differ are refused (`conflicting_heartbeats`), too many nodes as well
 * (`too_many_nodes`). It says who was heard, not who is there.
 */
export function peersOf(messages: readonly BatchMessage[]): Result<readonly Peer[]> {
  const peerById = new Map<string, Peer>();
  for (const { message_type, payload } of messages) {
    if (message_type !== 'node_heartbeat') continue;
    const node_id = String(payload['node_id']);
    const known = peerById.get(node_id);
    const told: Peer = {
      node_id,
      status: payload['status'] === 'available' ? 'available' : 'offline',
      capabilities: [...((payload['capabilities'] ?? []) as readonly string[])].sort(byCodePoint),
      heartbeat_sequence: Number(payload['heartbeat_sequence'] ?? 0),
      heartbeat_count: (known?.heartbeat_count ?? 0) + 1,
    };
    if (
      known?.heartbeat_sequence === told.heartbeat_sequence &&
      !equalJson({ ...known, heartbeat_count: told.heartbeat_count }, told)
    ) {
      return fail(
        'conflicting_heartbeats',
        `Two heartbeats of the node ${JSON.stringify(node_id)} have the sequence ${told.heartbeat_sequence} and differ.`,
      );
    }
    const newer = known === undefined || told.heartbeat_sequence > known.heartbeat_sequence;
    peerById.set(node_id, newer ? told : { ...known, heartbeat_count: told.heartbeat_count });
  }
  if (peerById.size > MAX_NODES) {
    return fail(
      'too_many_nodes',
      `The message log has heartbeats of ${peerById.size} nodes; ${MAX_NODES} are the most.`,
    );
  }
  return ok([...peerById.values()].sort((a, b) => byCodePoint(a.node_id, b.node_id)));
}

/** Peers as the roster of a batch: the jobs go to those that are available and offer them. */
export const rosterOfPeers = (peers: readonly Peer[]): BatchNode[] =>
  peers.map(({ node_id, status, capabilities }) => ({ node_id, status, capabilities }));

export function renderPeers(peers: readonly Peer[]): string {
  const available = peers.filter((peer) => peer.status === 'available').length;
  const document = {
    version: DOCUMENT_VERSION,
    peers,
    totals: {
      peers: peers.length,
      available,
      offline: peers.length - available,
      heartbeats: peers.reduce((sum, peer) => sum + peer.heartbeat_count, 0),
    },
  };
  return jsonText(document, { indent: 2 }) + '\n';
}

const count = v.pipe(
  v.number('must be an integer'),
  v.safeInteger('must be an integer'),
  v.minValue(0, 'must not be negative'),
);

const peersSchema = v.pipe(
  v.array(
    v.strictObject(
      {
        node_id: nodeIdSchema,
        status: v.picklist(['available', 'offline'], 'must be "available" or "offline"'),
        capabilities: capabilitiesSchema,
        heartbeat_sequence: count,
        heartbeat_count: count,
      },
      'is not as version 1 has it',
    ),
    'must be a list',
  ),
  v.maxLength(MAX_NODES, `must have at most ${MAX_NODES} entries`),
);

/** A peer summary that was written earlier. Codes of `readDocument`, `malformed`. */
export function parsePeers(text: string): Result<readonly Peer[]> {
  const document = readDocument(text, 'peer summary');
  if (!document.ok) return document;
  const parsed = v.safeParse(peersSchema, document.value['peers'], { abortEarly: true, abortPipeEarly: true });
  if (parsed.success) return ok(parsed.output);
  const path = v.getDotPath(parsed.issues[0]);
  return fail('malformed', `The peer summary's peers${path === null ? '' : `.${path}`} ${parsed.issues[0].message}.`);
}
