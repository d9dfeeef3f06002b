import * as v from 'valibot';
import { decodeCanonical } from '../base/canonical';
import type { NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { commitmentSchema, verdictSchema, type Commitment, type VerdictStatement } from '../ledger/statements';
import { receiptSchema, type Receipt } from '../ledger/receipts';
import { checkAgainst, decodeThrough } from '../wire/gate';
import { MAX_SIGNED_BYTES } from '../wire/limits';
import { idOfSigned, type Signed } from '../wire/signed';
import { sealSchema, type Seal } from './seal';
import { signedFromJson } from '../wire/signed-text';
import { eachRow } from './trace-file';

export type Statement = Commitment | VerdictStatement | Seal;

/** A statement, read but with its signatures unverified; `author` is who must have signed it. */
export interface ReadStatement {
  readonly id: string;
  readonly signed: Signed;
  readonly statement: Statement;
  readonly author: NodeId;
}

export interface ReadReceipt {
  readonly id: string;
  readonly signed: Signed;
  readonly receipt: Receipt;
}

/** Signatures of one statement, each by itself: who signed, and whether it holds. */
export interface SeenSignature {
  readonly node: NodeId;
  readonly valid: boolean;
}

const statementSchema = v.variant('type', [commitmentSchema, verdictSchema, sealSchema]);

function authorOf(statement: Statement): NodeId {
  switch (statement.type) {
    case 'commitment':
      return statement.executor;
    case 'verdict':
      return statement.validator;
    case 'seal':
      return statement.requester;
  }
}

/** A commitment, a verdict or a seal behind its signed form. Codes of the gate. */
export function readStatement(signed: Signed): Result<ReadStatement> {
  const decoded = decodeCanonical(signed.payload);
  if (!decoded.ok) return decoded;
  // A type that is none of the three is malformed; another version of one of them is unknown.
  const known = checkAgainst(v.looseObject({ type: v.picklist(['commitment', 'verdict', 'seal']) }), decoded.value);
  if (!known.ok) return fail('malformed', 'The statement is no commitment, verdict or seal.');
  const read = decodeThrough(statementSchema, signed.payload, MAX_SIGNED_BYTES);
  if (!read.ok) return read;
  return ok({ id: idOfSigned(signed), signed, statement: read.value, author: authorOf(read.value) });
}

/** Statements of a file, one a row. Codes of the gate, `reading_differs`; the message says the line. */
export const readStatements = (bytes: Uint8Array): Result<readonly ReadStatement[]> =>
  eachRow(bytes, (text) => {
    const signed = signedFromJson(text);
    return signed.ok ? readStatement(signed.value) : signed;
  });

/** Receipts of a file, one a row, as `readStatements`. */
export const readReceipts = (bytes: Uint8Array): Result<readonly ReadReceipt[]> =>
  eachRow(bytes, (text) => {
    const signed = signedFromJson(text);
    if (!signed.ok) return signed;
    const receipt = decodeThrough(receiptSchema, signed.value.payload, MAX_SIGNED_BYTES);
    return receipt.ok ? ok({ id: idOfSigned(signed.value), signed: signed.value, receipt: receipt.value }) : receipt;
  });

/** Every signature by itself, so that the one that does not hold is named. */
export async function seeSignatures(signed: Signed, verify: Verify): Promise<readonly SeenSignature[]> {
  const seen: SeenSignature[] = [];
  for (const { keyId, signature } of signed.signatures) {
    seen.push({ node: keyId, valid: await verify(keyId, signed.payload, signature) });
  }
  return seen;
}
