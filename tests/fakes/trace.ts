import { hex, utf8 } from '#core/base/bytes';
import { cidOf, encodeCanonical, sha256 } from '#core/base/canonical';
import type { OpenStep } from '#core/evidence/step-kinds';
import type { Trace } from '#core/evidence/trace';

const node = (name: string): string => hex(sha256(utf8(name)));
export const ASKER = node('asker');
export const WORKER = node('worker');
export const OTHER = node('other');
export const CHECKER = node('checker');
const cid = (name: string): string => cidOf(encodeCanonical({ name }));

/** The steps of an answer that moved on once after its second token, as the pipeline yields them. */
export const STEPS: readonly OpenStep[] = [
  { type: 'admitted', traceId: 'trace-1', capability: 'llm.chat@1', at: 0 },
  { type: 'chosen', expert: OTHER, reasons: [{ text: '12 ms away', value: 12.25 }], at: 1 },
  { type: 'started', expert: OTHER, jobId: 'job-1', at: 1 },
  { type: 'token', expert: OTHER, ids: [4], text: 'Ta', at: 20 },
  { type: 'token', expert: OTHER, ids: [5], text: 'bs', at: 30 },
  { type: 'chosen', expert: WORKER, reasons: [], at: 40 },
  { type: 'started', expert: WORKER, jobId: 'job-2', at: 40 },
  { type: 'replaced', from: OTHER, to: WORKER, atToken: 1, reason: 'The node is not heard any more.', at: 50 },
  { type: 'token', expert: WORKER, ids: [6], text: 'b', at: 50 },
  { type: 'checked', validator: CHECKER, verdict: 'accepted', reason: 'ok', at: 60 },
  { type: 'combined', verdict: 'accepted', check: 'rescore', expert: WORKER, answers: 1, agreeing: 1, at: 60 },
  { type: 'sealed', traceId: 'trace-1', sealId: cid('seal'), at: 61 },
  { type: 'recorded', receiptId: cid('receipt'), at: 62 },
];

/** A trace of the right form, without the statements that it names. */
export const traceWith = (change: Partial<Trace> = {}): Trace => ({
  type: 'trace',
  v: 1,
  traceId: 'trace-1',
  at: 1_000,
  requester: ASKER,
  capability: 'llm.chat@1',
  request: hex(sha256(utf8('request'))),
  router: 'expected-waiting@1',
  candidates: [OTHER, WORKER].sort(),
  chosen: [OTHER, WORKER],
  words: 'open',
  steps: [...STEPS],
  commitments: [cid('commitment')],
  verdicts: [cid('verdict')],
  seal: cid('seal'),
  receipts: [cid('receipt')],
  failure: null,
  ...change,
});
