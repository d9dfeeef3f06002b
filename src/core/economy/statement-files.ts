import * as v from 'valibot';
import { utf8Decode } from '../base/bytes';
import { decodeCanonical } from '../base/canonical';
import { fail, ok, type Result } from '../base/result';
import { checkAgainst } from '../wire/gate';
import { idOfSigned, type Signed } from '../wire/signed';
import { signedFromText } from '../wire/signed-text';
import type { Section } from './economy-report';

/** A signed statement of a set, read but not verified. */
export interface StatementFile {
  readonly file: string;
  readonly type: string;
  readonly id: string;
  readonly signed: Signed;
}

/** Which statements a set may hold, and where they belong. */
export const SECTION_OF_TYPE: Readonly<Record<string, Section>> = {
  'expert-card': 'cards',
  'node-card': 'cards',
  'host-advertisement': 'cards',
  'task-packet': 'cards',
  'teacher-policy': 'cards',
  'contribution-receipt': 'growth',
  'data-shard': 'growth',
  'skill-receipt': 'skills',
  'inference-work-receipt': 'work',
  'verification-receipt': 'work',
  'training-work-receipt': 'work',
};

const typedSchema = v.looseObject({ type: v.string() });

/** Text of a file. Code `not_text`. */
export function textOf(bytes: Uint8Array): Result<string> {
  try {
    return ok(utf8Decode(bytes));
  } catch {
    return fail('not_text', 'The file is not UTF-8 text.');
  }
}

/** The statement that a file holds. Codes `not_text`, those of `signedFromText`, `malformed`. */
export function readStatementFile(file: string, bytes: Uint8Array): Result<StatementFile> {
  const text = textOf(bytes);
  if (!text.ok) return text;
  const signed = signedFromText(text.value);
  if (!signed.ok) return signed;
  const body = decodeCanonical(signed.value.payload);
  const typed = body.ok ? checkAgainst(typedSchema, body.value) : body;
  if (!typed.ok) return typed;
  return ok({ file, type: typed.value.type, id: idOfSigned(signed.value), signed: signed.value });
}
