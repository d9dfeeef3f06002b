import * as v from 'valibot';
import type { NodeId } from '../base/ids';
import { cidSchema, nodeIdSchema } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { decodeThrough } from '../wire/gate';
import { idOfSigned, openSigned, signedSchema, type Signed } from '../wire/signed';
import { MAX_ENTRY_BYTES } from './chain';

/**
 * The log as versions before 0.2 kept it: one for all communities of a node, in which only receipts meant anything. It is read to
 * take these over.
 */
const oldEntrySchema = v.strictObject({
  type: v.literal('ledger-entry'),
  v: v.literal(1),
  author: nodeIdSchema,
  seq: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  prev: v.nullable(cidSchema),
  lamport: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  at: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  event: v.union([
    v.strictObject({ kind: v.literal('receipt.recorded'), receipt: signedSchema }),
    v.looseObject({ kind: v.pipe(v.string(), v.notValue('receipt.recorded')) }),
  ]),
});

/**
 * The receipts of an old log in order, its chain and signatures verified; `author` null takes whichever node's log it is. Code
 * `ledger_damaged`, or `simulated` where an entry says so, and nothing of a damaged log is taken.
 */
export async function receiptsOfOldLog(
  entries: readonly Uint8Array[],
  author: NodeId | null,
  verify: Verify,
): Promise<Result<{ readonly receipts: readonly Signed[]; readonly head: string | null }>> {
  const receipts: Signed[] = [];
  let head: string | null = null;
  let owner = author;
  for (const [at, bytes] of entries.entries()) {
    const damaged = (why: string) => fail('ledger_damaged', `Entry ${at} of the ledger is damaged: ${why}`);
    const signed = decodeThrough(signedSchema, bytes, MAX_ENTRY_BYTES);
    if (!signed.ok) return damaged(signed.error.message);
    const opened = await openSigned(oldEntrySchema, signed.value, verify);
    if (!opened.ok) return opened.error.code === 'simulated' ? opened : damaged(opened.error.message);
    const entry = opened.value;
    owner ??= entry.author;
    const signers = signed.value.signatures;
    if (entry.author !== owner || signers.length !== 1 || signers[0]!.keyId !== owner)
      return damaged('it is not signed by the node whose log it is.');
    if (entry.seq !== at || entry.prev !== head) return damaged('it does not follow the entry before it.');
    head = idOfSigned(signed.value);
    const { event } = entry;
    if (event.kind === 'receipt.recorded') receipts.push((event as { receipt: Signed }).receipt);
  }
  return ok({ receipts, head });
}
