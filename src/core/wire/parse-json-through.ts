import { parsePlainJson } from '../base/parse-plain-json';
import { fail, type Result } from '../base/result';
import { checkAgainst, hasReservedKey, type Schema } from './gate';

/**
 * JSON text through the gate: size, depth and fields, syntax, no prototype keys, schema. For manifests, backups and ledger files. Codes:
 * `too_large`, `too_deep`, `undecodable`, `unknown_version`, `malformed`.
 */
export function parseJsonThrough<T>(schema: Schema<T>, text: string, maxBytes: number): Result<T> {
  if (text.length > maxBytes) return fail('too_large', `The file is larger than ${maxBytes} bytes.`);
  const parsed = parsePlainJson(text);
  if (!parsed.ok) return parsed;
  if (hasReservedKey(parsed.value)) return fail('undecodable', 'The file has a field with a reserved name.');
  return checkAgainst(schema, parsed.value);
}
