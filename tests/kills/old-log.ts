import { base64 } from '#core/base/bytes';
import { cidOf, encodeCanonical } from '#core/base/canonical';
import type { Signer } from '#core/base/ports';
import type { Receipt } from '#core/ledger/receipts';
import { sign } from '#core/wire/signed';

/** The log of one node as versions before 0.2 wrote it: every second entry a receipt. In base64, with the receipts' ids. */
export async function oldLogOf(
  signer: Signer,
  count: number,
): Promise<{ readonly entries: readonly string[]; readonly receipts: readonly string[] }> {
  const statement = cidOf(encodeCanonical({ some: 'statement' }));
  const entries: string[] = [];
  const receipts: string[] = [];
  let prev: string | null = null;
  for (let seq = 0; seq < count; seq++) {
    const body: Receipt = {
      type: 'receipt',
      v: 1,
      jobId: `job-${seq}`,
      traceId: `trace-${seq}`,
      capability: 'text_stats@1',
      requester: signer.nodeId,
      executor: 'ab'.repeat(32),
      validators: [],
      model: null,
      commitment: statement,
      verdicts: [],
      verdict: 'unchecked',
      check: 'none',
      units: 0,
      tokens: null,
      at: 1_000 + seq,
    };
    const receipt = await sign(signer, body);
    if (seq % 2 === 0) receipts.push(cidOf(receipt.payload));
    const event = seq % 2 === 0 ? { kind: 'receipt.recorded', receipt } : { kind: 'contribution.decided', on: true };
    const entry = { type: 'ledger-entry', v: 1, author: signer.nodeId, seq, prev, lamport: seq + 1, at: seq, event };
    const signed = await sign(signer, entry);
    prev = cidOf(signed.payload);
    entries.push(base64(encodeCanonical(signed)));
  }
  return { entries, receipts: receipts.sort() };
}
