import { parseJsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import { isPlainObject, type PayloadFields } from './payload';

/** Largest document of a batch (log, ledger, state) that is read or written as a whole. */
export const MAX_DOCUMENT_CHARACTERS = 64 * 1024 * 1024;
/** The version of every document of a batch. */
export const DOCUMENT_VERSION = 1;

/**
 * The fields of a versioned JSON document; `what` names it in the one sentence of a refusal. Codes `too_large`,
 * `undecodable`, `malformed`, `unknown_version`.
 */
export function readDocument(text: string, what: string): Result<PayloadFields> {
  if (text.length > MAX_DOCUMENT_CHARACTERS) {
    return fail('too_large', `The ${what} is larger than ${MAX_DOCUMENT_CHARACTERS} characters.`);
  }
  const read = parseJsonText(text);
  if (!read.ok) return read;
  if (!isPlainObject(read.value)) return fail('malformed', `The ${what} must be an object.`);
  if (read.value['version'] !== DOCUMENT_VERSION) {
    return fail('unknown_version', `The ${what}'s version must be ${DOCUMENT_VERSION}.`);
  }
  return ok(read.value);
}
