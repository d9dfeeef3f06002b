import { nodeName } from '#core/base/node-name';
import type { GraphEdge, GraphNode, Standing } from '#core/evidence/graph/build-graph';
import type { KnownEvidence } from '#node/tab/graph-views';
import { capabilityWords } from './capability-words';
import { counted, shortId, VERDICT_WORDS } from './words';

/** Who said what of a claim, in few words. It is a count of people, never a measure of truth. */
export function standingWords({ word, attestations, disputes }: Standing): string {
  if (word === 'undisputed') return 'Undisputed';
  const attested = attestations.length === 0 ? '' : `attested by ${attestations.length}`;
  const disputed = disputes.length === 0 ? '' : `disputed by ${disputes.length}`;
  const words = [disputed, attested].filter((one) => one !== '').join(', ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Attested is no check: neither tone is that of an answer that was checked. */
export const standingTone = ({ word }: Standing): 'unchecked' | 'disputed' =>
  word === 'disputed' ? 'disputed' : 'unchecked';

/** A content id as this node knows it. */
export function evidenceWords(id: string, known: KnownEvidence): string {
  switch (known.kind) {
    case 'receipt':
      return `Receipt: ${capabilityWords(known.capability)}, ${VERDICT_WORDS[known.verdict].toLowerCase()}, by ${nodeName(known.executor)}`;
    case 'reservation':
      return `Reservation of ${nodeName(known.payer)} for ${nodeName(known.payee)}`;
    case 'proposal':
      return `Proposal to be paid, ${shortId(id)}`;
    case 'unknown':
      return `Evidence ${shortId(id)}, not held here`;
  }
}

/** A node of the graph in one line. */
export function nodeWords(node: GraphNode, known: (id: string) => KnownEvidence): string {
  switch (node.kind) {
    case 'claim':
      return `${nodeName(node.author)} claims: ${node.text}`;
    case 'attestation':
      return `${nodeName(node.author)} attests`;
    case 'dispute':
      return `${nodeName(node.author)} disputes: ${node.reason}`;
    case 'evidence':
      return evidenceWords(node.id, known(node.id));
  }
}

/** The two lines in a box of the drawing. */
export function boxWords(node: GraphNode, known: (id: string) => KnownEvidence): readonly [string, string] {
  switch (node.kind) {
    case 'claim':
      return [`Claim of ${nodeName(node.author)}`, node.text];
    case 'attestation':
      return ['Attestation of', nodeName(node.author)];
    case 'dispute':
      return [`Dispute of ${nodeName(node.author)}`, node.reason];
    case 'evidence': {
      const told = known(node.id);
      if (told.kind === 'receipt')
        return [`Receipt, ${VERDICT_WORDS[told.verdict].toLowerCase()}`, nodeName(told.executor)];
      return [told.kind === 'unknown' ? 'Evidence, not held here' : evidenceWords(node.id, told), shortId(node.id)];
    }
  }
}

const RELATION_WORDS: Readonly<Record<GraphEdge['relation'], string>> = {
  about: 'is about',
  supports: 'supports',
  disputes: 'disputes',
  cites: 'cites',
};

export const relationWords = (relation: GraphEdge['relation']): string => RELATION_WORDS[relation];

/** As many characters as fit into a line of a box; what is cut stands in the list beside it. */
export function fitted(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most
    ? text
    : `${characters
        .slice(0, most - 1)
        .join('')
        .trimEnd()}…`;
}

/** What the drawing shows, for whoever does not see it. */
export const drawingWords = (nodes: number, edges: number): string =>
  `Drawing of ${counted(nodes, 'node')} and ${counted(edges, 'edge')}. The list below says the same in words.`;
