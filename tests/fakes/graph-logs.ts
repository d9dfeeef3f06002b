import { hex, utf8 } from '#core/base/bytes';
import { cidOf, encodeCanonical, sha256 } from '#core/base/canonical';
import type { NodeId } from '#core/base/ids';
import { ok, type Result } from '#core/base/result';
import type { EvidenceGraph } from '#core/evidence/graph/build-graph';
import { createStatementSet, type StatedAt } from '#core/evidence/graph/collect-statements';
import type { GraphStatement } from '#core/evidence/graph/statement';

/** A statement as a log brings it, opened already. */
export interface LoggedStatement {
  readonly place: StatedAt;
  readonly opened: Result<GraphStatement>;
}

export const nodeNamed = (name: string): NodeId => hex(sha256(utf8(`graph/${name}`)));
export const evidenceNamed = (name: string): string => cidOf(encodeCanonical({ evidence: name }));

/** Logs in which members make statements of the evidence graph, one after the other. */
export function createGraphLogs() {
  const entries: LoggedStatement[] = [];
  const lengths = new Map<string, number>();
  const authorIds = new Map<string, NodeId>();

  /** The id of the entry. */
  function say(by: string, opened: Result<GraphStatement>, id?: string): string {
    const seq = lengths.get(by) ?? 0;
    lengths.set(by, seq + 1);
    const author = authorIds.get(by) ?? nodeNamed(by);
    authorIds.set(by, author);
    const place = { id: id ?? evidenceNamed(`${by}/${seq}`), author, seq, at: 1_000 + entries.length };
    entries.push({ place, opened });
    return place.id;
  }

  return {
    entries,
    say,
    claim: (by: string, text: string, about: readonly string[] = [evidenceNamed('a bundle')], id?: string): string =>
      say(by, ok({ type: 'graph-claim', v: 1, text, about: [...about].sort() }), id),
    attest: (by: string, claim: string, evidence: readonly string[] = [], id?: string): string =>
      say(by, ok({ type: 'graph-attestation', v: 1, claim, evidence: [...evidence].sort() }), id),
    dispute: (by: string, claim: string, reason = 'It is not so.', evidence: readonly string[] = []): string =>
      say(by, ok({ type: 'graph-dispute', v: 1, claim, reason, evidence: [...evidence].sort() })),
    graph: (): EvidenceGraph => graphOf(entries),
  };
}

export function graphOf(entries: readonly LoggedStatement[], most?: number): EvidenceGraph {
  const set = createStatementSet(most);
  for (const { place, opened } of entries) set.add(place, opened);
  return set.graph();
}
