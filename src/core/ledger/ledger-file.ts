import * as v from 'valibot';
import { base64, fromBase64 } from '../base/bytes';
import { nodeIdSchema, type NodeId } from '../base/ids';
import { fail, ok, type Failure, type Result } from '../base/result';
import { manifestFromJson, manifestToJson, type SignedJson } from '../identity/community';
import { checkAgainst } from '../wire/gate';
import { parseJsonThrough } from '../wire/parse-json-through';
import { refuseSimulated } from '../wire/refuse-simulated';
import type { Signed } from '../wire/signed';
import type { EquivocationProof } from './chain';

/** A ledger file larger than this is not opened: a hundred thousand entries fit. */
export const MAX_LEDGER_FILE_BYTES = 256 * 1024 * 1024;
const MAX_LOGS = 10_000;
const MAX_ENTRIES = 1_000_000;

/** The logs of a community as one file: whoever has it can replay them without trusting whoever made it. */
export interface LedgerFile {
  readonly manifest: Signed;
  /** Ascending by author. */
  readonly logs: readonly { readonly author: NodeId; readonly entries: readonly Uint8Array[] }[];
  readonly proofs: readonly EquivocationProof[];
}

const entriesSchema = v.pipe(v.array(v.string()), v.maxLength(MAX_ENTRIES));

const fileSchema = v.strictObject({
  format: v.literal('tabmesh-ledger'),
  v: v.literal(2),
  community: v.object({
    payload: v.string(),
    signatures: v.pipe(v.array(v.object({ keyId: nodeIdSchema, signature: v.string() })), v.length(1)),
  }),
  logs: v.pipe(v.array(v.strictObject({ author: nodeIdSchema, entries: entriesSchema })), v.maxLength(MAX_LOGS)),
  proofs: v.pipe(v.array(v.strictObject({ a: v.string(), b: v.string() })), v.maxLength(MAX_LOGS)),
});

/** Files of versions before 0.2: one node's log, of which only the receipts are taken. */
const oldFileSchema = v.strictObject({
  format: v.literal('tabmesh-ledger'),
  v: v.literal(1),
  author: nodeIdSchema,
  head: v.nullable(v.string()),
  entries: entriesSchema,
});

/** Of a version that is not known here nothing but its number is. */
const newerFileSchema = v.looseObject({
  format: v.literal('tabmesh-ledger'),
  v: v.pipe(v.number(), v.integer(), v.minValue(3)),
});

export type AnyLedgerFile =
  | { readonly v: 2; readonly file: LedgerFile }
  | { readonly v: 1; readonly author: NodeId; readonly head: string | null; readonly entries: readonly Uint8Array[] };

const NOT_A_LEDGER = fail('not_a_ledger', 'This is not a Tabmesh ledger file.');

/** Why a file is refused for something in it: `simulated` as it was told, everything else is damage (`ledger_damaged`), `where` first. */
export const refusalOfFile = ({ code, message }: Failure, where = '') =>
  code === 'simulated' ? fail(code, message) : fail('ledger_damaged', `The ledger file is damaged: ${where}${message}`);

/** The same logs give the same text. */
export function renderLedgerFile({ manifest, logs, proofs }: LedgerFile): string {
  const json = {
    format: 'tabmesh-ledger',
    v: 2,
    community: manifestToJson(manifest),
    logs: [...logs]
      .sort((a, b) => (a.author < b.author ? -1 : 1))
      .map(({ author, entries }) => ({ author, entries: entries.map(base64) })),
    proofs: proofs.map(({ a, b }) => ({ a: base64(a), b: base64(b) })).sort((x, y) => (x.a + x.b < y.a + y.b ? -1 : 1)),
  };
  return `${JSON.stringify(json, null, 1)}\n`;
}

/**
 * Form and encoding only; what it says is for whoever replays it. Codes `not_a_ledger`, `unknown_version`, `ledger_damaged`, and
 * `too_large` and `too_deep` of a file that is not read; `simulated` of a file of a flow.
 */
export function parseLedgerFile(text: string): Result<AnyLedgerFile> {
  const json = parseJsonThrough(v.unknown(), text, MAX_LEDGER_FILE_BYTES);
  if (!json.ok) return json.error.code === 'undecodable' ? NOT_A_LEDGER : json;
  const real = refuseSimulated(json.value);
  if (!real.ok) return real;
  const file = checkAgainst(v.variant('v', [fileSchema, oldFileSchema]), json.value);
  if (!file.ok) {
    return checkAgainst(newerFileSchema, json.value).ok
      ? fail('unknown_version', 'This ledger file was made by a newer version of the app.')
      : NOT_A_LEDGER;
  }
  const damaged = fail('ledger_damaged', 'The ledger file is damaged: an entry is not base64.');
  if (file.value.v === 1) {
    const { author, head } = file.value;
    const entries = decodeAll(file.value.entries);
    return entries === null ? damaged : ok({ v: 1, author, head, entries });
  }
  const manifest = manifestFromJson(file.value.community as SignedJson);
  if (!manifest.ok) return manifest;
  const logs: { author: NodeId; entries: readonly Uint8Array[] }[] = [];
  for (const log of file.value.logs) {
    const entries = decodeAll(log.entries);
    if (entries === null) return damaged;
    logs.push({ author: log.author, entries });
  }
  if (new Set(logs.map(({ author }) => author)).size !== logs.length)
    return fail('ledger_damaged', 'The ledger file is damaged: it holds two logs of one node.');
  const proofs: EquivocationProof[] = [];
  for (const proof of file.value.proofs) {
    const [a, b] = [fromBase64(proof.a), fromBase64(proof.b)];
    if (a === null || b === null) return damaged;
    proofs.push({ type: 'equivocation', v: 1, a, b });
  }
  return ok({ v: 2, file: { manifest: manifest.value, logs, proofs } });
}

function decodeAll(texts: readonly string[]): readonly Uint8Array[] | null {
  const entries: Uint8Array[] = [];
  for (const text of texts) {
    const bytes = fromBase64(text);
    if (bytes === null) return null;
    entries.push(bytes);
  }
  return entries;
}
