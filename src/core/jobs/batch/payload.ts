import * as v from 'valibot';
import { utf8 } from '../../base/bytes';
import { isShallow } from '../../base/json-limits';
import { fail, ok, type Result } from '../../base/result';
import { isWellFormed } from '../../base/text';
import type { Schema } from '../../wire/gate';

/**
 * Most UTF-8 bytes of text in a payload that crosses a link: an echo and what it echoes must fit together into the one
 * message that lays a job open to a validator. A batch that runs in one place has no such limit.
 */
export const MAX_PAYLOAD_BYTES = 100 * 1024;

export type PayloadFields = Readonly<Record<string, unknown>>;

/** A payload that no job can be done with: one line that the requester sees too. */
export const badPayload = (reason: string) => fail('bad_payload', reason, reason);

/** The fields of a payload; a payload that is not an object is bad. */
export function payloadFields(jobName: string, payload: unknown): Result<PayloadFields> {
  return isPlainObject(payload) ? ok(payload) : badPayload(`The ${jobName} payload must be an object.`);
}

export const isPlainObject = (value: unknown): value is PayloadFields =>
  typeof value === 'object' && value !== null && Object.prototype.toString.call(value) === '[object Object]';

/**
 * An integer from `least` to `most`; `otherwise` when the field is absent. Booleans and numbers with a fraction are not
 * integers. A float with a whole value (`5.0`) is none either, where it can be told apart: in a manifest it arrives as
 * a boxed Number (see base/json-text), while a call between nodes carries no difference between 5.0 and 5.
 */
export function integerField(
  jobName: string,
  fields: PayloadFields,
  name: string,
  least: number,
  most: number,
  otherwise: number,
): Result<number> {
  const value = fields[name];
  if (value === undefined) return ok(otherwise);
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return ok(value);
  return badPayload(`The ${jobName} payload's ${name} must be an integer from ${least} to ${most}.`);
}

/** What the contracts ask of a payload: that it can cross a link. Everything else is the job's to say, in one line. */
export const payloadSchema: Schema<unknown> = v.pipe(
  v.unknown(),
  v.check((payload) => isShallow(payload), 'nested too deeply'),
  v.check((payload) => textBytes(payload) <= MAX_PAYLOAD_BYTES, `more than ${MAX_PAYLOAD_BYTES} bytes of text`),
  v.check((payload) => everyText(payload, isWellFormed), 'a text with half a surrogate pair'),
);

function textBytes(payload: unknown): number {
  let bytes = 0;
  everyText(payload, (text) => {
    bytes += text.length > MAX_PAYLOAD_BYTES ? text.length : utf8(text).length;
    return bytes <= MAX_PAYLOAD_BYTES;
  });
  return bytes;
}

function everyText(value: unknown, holds: (text: string) => boolean): boolean {
  if (typeof value === 'string') return holds(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => holds(key) && everyText(inner, holds));
}
