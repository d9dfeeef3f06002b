import * as v from 'valibot';
import { decodeCanonical } from '../base/canonical';
import { fail, ok, type Result } from '../base/result';

/** Names that reach an object's prototype. No message and no file of ours has a field called so. */
const RESERVED_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Any valibot schema without asynchronous parts. */
export type Schema<T> = v.GenericSchema<unknown, T>;

/**
 * The one gate for bytes from outside: size, decode, canonical form, no prototype keys, schema, in that order. Nothing past it sees
 * `unknown`. Codes: `too_large`, `undecodable`, `not_canonical`, `unknown_version`, `malformed`.
 */
export function decodeThrough<T>(schema: Schema<T>, bytes: Uint8Array, maxBytes: number): Result<T> {
  const decoded = decodeWithin(bytes, maxBytes);
  return decoded.ok ? checkAgainst(schema, decoded.value) : decoded;
}

/** The gate up to the schema, for what must be known of data of any form: `checkAgainst` is still to come. */
export function decodeWithin(bytes: Uint8Array, maxBytes: number): Result<unknown> {
  if (bytes.length > maxBytes) return fail('too_large', `The data is larger than ${maxBytes} bytes.`);
  const decoded = decodeCanonical(bytes);
  if (!decoded.ok) return decoded;
  return hasReservedKey(decoded.value) ? fail('malformed', 'The data has a field with a reserved name.') : decoded;
}

/** Whether a decoded value has a member anywhere that would change what plain objects are. */
export function hasReservedKey(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasReservedKey);
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return false;
  return Object.entries(value).some(([key, inner]) => RESERVED_KEYS.has(key) || hasReservedKey(inner));
}

/** The schema part of the gate, for data that is already decoded (JSON files, messages between our own threads). */
export function checkAgainst<T>(schema: Schema<T>, value: unknown): Result<T> {
  const parsed = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true });
  if (parsed.success) return ok(parsed.output);
  const issue = parsed.issues[0];
  const path = v.getDotPath(issue) ?? '';
  if (path === 'v') return fail('unknown_version', 'The data has a version that this app does not know.');
  return fail(
    'malformed',
    path === '' ? `The data is malformed: ${issue.message}.` : `The data is malformed at ${path}: ${issue.message}.`,
  );
}

/** Bytes of at most `maxBytes`, for use inside message schemas. */
export const bytesSchema = (maxBytes: number) =>
  v.pipe(
    v.custom<Uint8Array<ArrayBuffer>>((input) => input instanceof Uint8Array, 'not bytes'),
    v.maxLength(maxBytes, 'too many bytes'),
  );
