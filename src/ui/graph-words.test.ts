import { describe, expect, it } from 'vitest';
import { nodeName } from '#core/base/node-name';
import type { Stance, Standing } from '#core/evidence/graph/build-graph';
import { boxWords, drawingWords, evidenceWords, fitted, nodeWords, standingTone, standingWords } from './graph-words';

const node = 'a'.repeat(64);
const stance: Stance = { id: 's', by: node, at: 0, reason: null, evidence: [] };
const standing = (word: Standing['word'], attestations: number, disputes: number): Standing => ({
  word,
  attestations: Array.from({ length: attestations }, () => stance),
  disputes: Array.from({ length: disputes }, () => stance),
});
const unknown = () => ({ kind: 'unknown' }) as const;

describe('words for the evidence graph', () => {
  it('count who said what, and say of no claim that it is true or checked', () => {
    const words = [
      standing('undisputed', 0, 0),
      standing('attested', 3, 0),
      standing('disputed', 2, 1),
      standing('disputed', 0, 1),
    ].map((one) => [standingWords(one), standingTone(one)]);
    expect(words).toEqual([
      ['Undisputed', 'unchecked'],
      ['Attested by 3', 'unchecked'],
      ['Disputed by 1, attested by 2', 'disputed'],
      ['Disputed by 1', 'disputed'],
    ]);
  });

  it('say what is known of a content id, and that it is not held where nothing is', () => {
    const receipt = { kind: 'receipt', capability: 'llm.chat@1', verdict: 'accepted', executor: node, at: 0 } as const;
    expect(evidenceWords('id', receipt)).toBe(`Receipt: Answer, checked, by ${nodeName(node)}`);
    expect(evidenceWords('id', unknown())).toBe('Evidence id, not held here');
    expect(boxWords({ kind: 'evidence', id: 'id' }, () => receipt)).toEqual(['Receipt, checked', nodeName(node)]);
  });

  it('name who speaks before what is said', () => {
    const dispute = { kind: 'dispute', id: 'd', author: node, seq: 0, at: 0, claim: 'c', reason: 'No.' } as const;
    expect(nodeWords(dispute, unknown)).toBe(`${nodeName(node)} disputes: No.`);
    expect(boxWords(dispute, unknown)).toEqual([`Dispute of ${nodeName(node)}`, 'No.']);
  });

  it('are cut between characters, never within one', () => {
    expect(fitted('🔥🔥🔥🔥', 3)).toBe('🔥🔥…');
    expect(fitted('short', 5)).toBe('short');
    expect(drawingWords(2, 1)).toMatch(/^Drawing of 2 nodes and 1 edge\./);
  });
});
