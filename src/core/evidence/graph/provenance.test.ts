import { describe, expect, test } from 'vitest';
import { createGraphLogs, evidenceNamed } from '#tests/fakes/graph-logs';
import { unwrap } from '../../base/result';
import type { EvidenceGraph } from './build-graph';
import { MAX_DEPTH, MAX_EACH_WAY, MAX_GROUNDS, provenanceOf } from './provenance';

const levelsOf = (graph: EvidenceGraph, id: string, depth: number): Record<string, number> =>
  Object.fromEntries(unwrap(provenanceOf(graph, id, depth)).nodes.map(({ node, level }) => [node.id, level]));

describe('provenance', () => {
  test('goes both ways: what a claim rests on, what rests on it, and the evidence of those who spoke of it', () => {
    const logs = createGraphLogs();
    const [bundle, source] = [evidenceNamed('bundle'), evidenceNamed('source')];
    const base = logs.claim('ada', 'The bundle verifies.', [bundle]);
    const root = logs.claim('bob', 'So the answer holds.', [base]);
    const upper = logs.claim('eve', 'So the report holds.', [root]);
    const attested = logs.attest('ivo', root);
    const disputed = logs.dispute('ada', root, 'The source says otherwise.', [source]);
    const graph = logs.graph();
    expect(levelsOf(graph, root, 2)).toEqual({
      [base]: 1,
      [bundle]: 2,
      [root]: 0,
      [upper]: -1,
      [attested]: -1,
      [disputed]: -1,
      [source]: 0,
    });
    const { edges, more } = unwrap(provenanceOf(graph, root, 2));
    expect(edges).toHaveLength(6);
    expect(edges).toContainEqual({ from: disputed, to: root, relation: 'disputes' });
    expect(edges).toContainEqual({ from: disputed, to: source, relation: 'cites' });
    expect(more).toEqual({ restsOn: false, restingOn: false });
    expect(levelsOf(graph, bundle, 3)).toMatchObject({ [bundle]: 0, [base]: -1, [root]: -2, [upper]: -3 });
  });

  test('ends at its depth, and says that there is more', () => {
    const logs = createGraphLogs();
    let id = evidenceNamed('bundle');
    const chain = Array.from({ length: 300 }, (_, at) => (id = logs.claim(`author ${at % 40}`, `Step ${at}.`, [id])));
    const graph = logs.graph();
    const middle = unwrap(provenanceOf(graph, chain[150]!, MAX_DEPTH));
    expect(middle.nodes).toHaveLength(2 * MAX_DEPTH + 1);
    expect(middle.more).toEqual({ restsOn: true, restingOn: true });
    expect(unwrap(provenanceOf(graph, chain[3]!, MAX_DEPTH)).more.restsOn).toBe(false);
  });

  test('runs in no circle, though hashes allow none', () => {
    const logs = createGraphLogs();
    const [one, two, three] = ['one', 'two', 'three'].map(evidenceNamed) as [string, string, string];
    logs.claim('ada', 'One.', [two], one);
    logs.claim('bob', 'Two.', [three], two);
    logs.claim('eve', 'Three.', [one, three], three);
    const found = unwrap(provenanceOf(logs.graph(), one, MAX_DEPTH));
    expect(found.nodes.map(({ node }) => node.id).sort()).toEqual([one, two, three].sort());
    expect(found.edges).toHaveLength(4);
  });

  test('a crowd that attests hides no dispute, and the answer stays small', () => {
    const logs = createGraphLogs();
    const root = logs.claim('ada', 'It holds.');
    for (let at = 0; at < 300; at++) logs.attest(`crowd ${at}`, root, [evidenceNamed(`ground ${at}`)]);
    const dispute = logs.dispute('zoe', root);
    const found = unwrap(provenanceOf(logs.graph(), root, 1));
    expect(found.nodes).toHaveLength(1 + 1 + MAX_EACH_WAY + MAX_GROUNDS);
    expect(found.nodes.map(({ node }) => node.id)).toContain(dispute);
    expect(found.more).toEqual({ restsOn: false, restingOn: true });
  });

  test('of nothing known, or over no sensible depth, is refused by name', () => {
    const logs = createGraphLogs();
    const id = logs.claim('ada', 'It holds.');
    const graph = logs.graph();
    expect(provenanceOf(graph, evidenceNamed('nowhere'), 1)).toMatchObject({ error: { code: 'unknown_id' } });
    for (const depth of [0, MAX_DEPTH + 1, 1.5, NaN])
      expect(provenanceOf(graph, id, depth)).toMatchObject({ error: { code: 'bad_depth' } });
  });
});
