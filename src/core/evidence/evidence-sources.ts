import { utf8 } from '../base/bytes';
import { ok, type Result } from '../base/result';
import { idOfSigned, type Signed } from '../wire/signed';
import { OPENINGS, RECEIPTS, STATEMENTS, TRACES, type Files } from './artefacts';
import type { KeptTrace } from './kept-trace';
import { openingsText } from './openings';
import { signedRow } from '../wire/signed-text';
import { appendTrace } from './trace-file';
import { withoutWords } from './trace';

/** What a bundle is to be made of: kept traces, receipts, and statements that no kept trace brings. */
export interface EvidenceParts {
  readonly kept: readonly KeptTrace[];
  readonly receipts: readonly Signed[];
  readonly statements?: readonly Signed[];
}

/**
 * The source files of a bundle. Without `words` the traces lose theirs and no opening goes along: what stands for question and answer
 * are salted commitments alone.
 */
export function evidenceSources({ kept, receipts, statements = [] }: EvidenceParts, words: boolean): Result<Files> {
  let traces = '';
  for (const { trace } of kept) {
    const appended = appendTrace(traces, words ? trace : withoutWords(trace));
    if (!appended.ok) return appended;
    traces = appended.value;
  }
  const rows = (all: readonly Signed[]): Uint8Array<ArrayBuffer> =>
    utf8([...new Map(all.map((signed) => [idOfSigned(signed), signed])).values()].map(signedRow).join(''));
  const files = new Map([
    [TRACES, utf8(traces)],
    [STATEMENTS, rows([...kept.flatMap((one) => one.statements), ...statements])],
    [RECEIPTS, rows(receipts)],
  ]);
  if (words) {
    const requests = kept.map(({ trace: { traceId }, request }) => ({
      traceId,
      ...request,
      packet: request.packet ?? null,
    }));
    files.set(OPENINGS, utf8(openingsText({ requests, jobs: kept.flatMap(({ jobs }) => jobs) })));
  }
  return ok(files);
}
