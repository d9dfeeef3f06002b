import { readTextFile } from '#adapters/storage-fs-files/write-files';
import { createVerify } from '#adapters/verify-node';
import { fail, ok, type Result } from '#core/base/result';
import { documentText } from '#core/evidence/documents';
import type { EvidenceGraph } from '#core/evidence/graph/build-graph';
import { createStatementSet } from '#core/evidence/graph/collect-statements';
import { MAX_DEPTH, provenanceOf } from '#core/evidence/graph/provenance';
import { openStatement } from '#core/evidence/graph/statement';
import { MAX_LEDGER_FILE_BYTES, parseLedgerFile } from '#core/ledger/ledger-file';
import { replayLogs } from '#core/ledger/replay';
import type { Command, CommandInput } from '../command';

/** What the members of an exported ledger say of evidence: the same graph that the app shows. */
export const evidenceGraph: Command = {
  name: 'evidence graph',
  usage: '--ledger F [--of ID] [--depth N]',
  summary: 'what members claim, attest and dispute in an exported ledger; with --of the provenance of one content id',
  positionals: 0,
  options: { ledger: { type: 'string' }, of: { type: 'string' }, depth: { type: 'string' } },
  run: graphOfFile,
};

async function graphOfFile({ options, resolvePath }: CommandInput): Promise<Result<string>> {
  if (typeof options['ledger'] !== 'string') return fail('usage', 'evidence graph needs --ledger and a file.');
  const path = resolvePath(options['ledger']);
  const text = await readTextFile(path, MAX_LEDGER_FILE_BYTES);
  if (!text.ok) return text;
  if (text.value === null) return fail('no_ledger', `There is no ledger at ${path}.`);
  const parsed = parseLedgerFile(text.value);
  if (!parsed.ok) return fail(parsed.error.code, `${path}: ${parsed.error.message}`);
  if (parsed.value.v === 1)
    return fail('unknown_version', `${path}: Ledger files of versions before 0.2 hold no statements.`);
  const replayed = await replayLogs(parsed.value.file, createVerify());
  if (!replayed.ok) return fail(replayed.error.code, `${path}: ${replayed.error.message}`);
  const { bannedFrom } = replayed.value.fold.state;
  const set = createStatementSet();
  for (const { id, author, seq, at, event } of replayed.value.entries)
    if (event.kind === 'graph.stated' && seq < (bannedFrom.get(author) ?? Infinity))
      set.add({ id, author, seq, at }, openStatement(event.statement));
  const graph = set.graph();
  const { of, depth } = options;
  if (typeof of !== 'string') return ok(documentText(reportOf(graph)));
  const provenance = provenanceOf(graph, of, typeof depth === 'string' ? Number(depth) : MAX_DEPTH);
  return provenance.ok ? ok(documentText(provenance.value)) : provenance;
}

const reportOf = (graph: EvidenceGraph): object => ({
  claims: graph.claims,
  counts: graph.counts,
  refusals: graph.refusals,
  digest: graph.digest(),
});
