import * as v from 'valibot';
import { base64, concat, equalBytes, fromBase64, fromHex, hex } from '../base/bytes';
import { decodeCanonical, encodeCanonical, sha256 } from '../base/canonical';
import { cidSchema, idSchema } from '../base/ids';
import { jsonText } from '../base/json-text';
import { withoutUndefined } from '../base/plain';
import { fail, ok, type Result } from '../base/result';
import { SALT_BYTES, type Commitment } from '../ledger/statements';
import { parseJsonThrough } from '../wire/parse-json-through';
import { MAX_MESSAGE_BYTES } from '../wire/limits';
import type { Signed } from '../wire/signed';
import { readable, signedAsJson, signedFromJson } from '../wire/signed-text';
import { eachRow } from './trace-file';

/** Input and output of a job each crossed a link in one message; base64 and the form for reading come on top. */
const MAX_VALUE_CHARACTERS = Math.ceil(MAX_MESSAGE_BYTES / 3) * 4;
const MAX_ROW_CHARACTERS = 16 * MAX_MESSAGE_BYTES;

/** What a requester asked: the words behind a trace, with the salts under which they were hashed. */
export interface RequestOpening {
  readonly traceId: string;
  readonly salt: Uint8Array<ArrayBuffer>;
  /** Of the pipeline's seal over the steps. */
  readonly sealSalt: Uint8Array<ArrayBuffer>;
  /** Canonical bytes. */
  readonly input: Uint8Array<ArrayBuffer>;
  /** The request as its requester signed it before anybody was asked; null where there is none. */
  readonly packet: Signed | null;
}

/** What an executor was given and gave: the words behind a commitment. */
export interface JobOpening {
  readonly commitment: string;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly input: Uint8Array<ArrayBuffer>;
  readonly output: Uint8Array<ArrayBuffer>;
}

export interface Openings {
  readonly requests: readonly RequestOpening[];
  readonly jobs: readonly JobOpening[];
}

export const NO_OPENINGS: Openings = { requests: [], jobs: [] };

const saltText = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, 'not a salt'));
const valueText = v.pipe(v.string(), v.maxLength(MAX_VALUE_CHARACTERS));
const rowSchema = v.variant('type', [
  v.strictObject({
    type: v.literal('request'),
    traceId: idSchema,
    salt: saltText,
    sealSalt: saltText,
    input: valueText,
    /** A signed body as JSON. */
    packet: v.optional(v.unknown()),
    reading: v.unknown(),
  }),
  v.strictObject({
    type: v.literal('job'),
    commitment: cidSchema,
    salt: saltText,
    input: valueText,
    output: valueText,
    reading: v.unknown(),
  }),
]);

/** SHA-256 over the salt and canonical bytes: how inputs and outputs are hashed everywhere (`saltedDigest`). */
export const saltedHash = (salt: Uint8Array, canonical: Uint8Array): Uint8Array<ArrayBuffer> =>
  sha256(concat(salt, canonical));

export const canonicalOf = (value: unknown): Uint8Array<ArrayBuffer> => encodeCanonical(withoutUndefined(value));

/** True when exactly this input and output were committed to. */
export const opensCommitment = (commitment: Commitment, { salt, input, output }: JobOpening): boolean =>
  equalBytes(commitment.input, saltedHash(salt, input)) && equalBytes(commitment.output, saltedHash(salt, output));

/** What canonical bytes say, for reading; null when they say nothing. */
export function readingOf(canonical: Uint8Array): unknown {
  const decoded = decodeCanonical(canonical);
  return decoded.ok ? readable(decoded.value) : null;
}

/** One row for each opening. `reading` is the same for a person. */
export function openingsText({ requests, jobs }: Openings): string {
  const rows = [
    ...requests.map(({ traceId, salt, sealSalt, input, packet }) => ({
      type: 'request',
      traceId,
      salt: hex(salt),
      sealSalt: hex(sealSalt),
      input: base64(input),
      ...(packet === null ? {} : { packet: signedAsJson(packet) }),
      reading: { input: readingOf(input) },
    })),
    ...jobs.map(({ commitment, salt, input, output }) => ({
      type: 'job',
      commitment,
      salt: hex(salt),
      input: base64(input),
      output: base64(output),
      reading: { input: readingOf(input), output: readingOf(output) },
    })),
  ];
  return rows.map((row) => `${jsonText(row, { sortKeys: true })}\n`).join('');
}

/** The openings of a file. Codes of the gate, `reading_differs`; the message says the line. */
export function readOpenings(bytes: Uint8Array): Result<Openings> {
  const requests: RequestOpening[] = [];
  const jobs: JobOpening[] = [];
  const read = eachRow(bytes, (text) => {
    const row = parseJsonThrough(rowSchema, text, MAX_ROW_CHARACTERS);
    if (!row.ok) return row;
    const salt = saltOf(row.value.salt);
    const input = fromBase64(row.value.input);
    if (row.value.type === 'request') {
      const sealSalt = saltOf(row.value.sealSalt);
      if (input === null) return notBase64;
      const packet = row.value.packet === undefined ? ok(null) : signedFromJson(jsonText(row.value.packet));
      if (!packet.ok) return packet;
      const opening = { traceId: row.value.traceId, salt, sealSalt, input, packet: packet.value };
      requests.push(opening);
      return sameReading({ requests: [opening], jobs: [] }, row.value);
    }
    const output = fromBase64(row.value.output);
    if (input === null || output === null) return notBase64;
    const opening = { commitment: row.value.commitment, salt, input, output };
    jobs.push(opening);
    return sameReading({ requests: [], jobs: [opening] }, row.value);
  });
  return read.ok ? ok({ requests, jobs }) : read;
}

const notBase64 = fail('malformed', 'The opening is malformed: what it holds is not base64.');

/** The schema let nothing else through. */
const saltOf = (text: string): Uint8Array<ArrayBuffer> => fromHex(text) ?? new Uint8Array(SALT_BYTES);

function sameReading(openings: Openings, row: unknown): Result<void> {
  return openingsText(openings) === `${jsonText(row, { sortKeys: true })}\n`
    ? ok(undefined)
    : fail('reading_differs', 'What stands there for reading is not what was hashed.');
}
