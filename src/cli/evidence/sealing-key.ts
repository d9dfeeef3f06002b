import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { readTextFile, type FileWrite } from '#adapters/storage-fs-files/write-files';
import { createSeedSigner, SEED_BYTES } from '#adapters/signer-seed';
import { base64, fromBase64 } from '#core/base/bytes';
import { nodeIdSchema } from '#core/base/ids';
import type { Signer } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { parseJsonThrough } from '#core/wire/parse-json-through';

const MAX_KEY_BYTES = 4_096;

const keySchema = v.strictObject({
  format: v.literal('tabmesh-sealing-key'),
  v: v.literal(1),
  /** The public half, for people; it follows from the seed. */
  nodeId: nodeIdSchema,
  seed: v.pipe(v.string(), v.maxLength(64)),
});

export interface SealingKey {
  readonly signer: Signer;
  /** The file to write when the key was made now; null when it lay there. */
  readonly made: FileWrite | null;
}

/** The key that evidence is sealed with: out of a file, or, where `mayMake`, made anew for that file. Codes `no_key`, `bad_key`. */
export async function readSealingKey(path: string, mayMake: boolean): Promise<Result<SealingKey>> {
  const text = await readTextFile(path, MAX_KEY_BYTES);
  if (!text.ok) return text;
  if (text.value === null) return mayMake ? ok(makeKey(path)) : fail('no_key', `There is no key at ${path}.`);
  const bad = fail('bad_key', `${path} is not a sealing key of Tabmesh.`);
  const read = parseJsonThrough(keySchema, text.value, MAX_KEY_BYTES);
  const seed = read.ok ? fromBase64(read.value.seed) : null;
  if (!read.ok || seed?.length !== SEED_BYTES) return bad;
  const signer = createSeedSigner(seed);
  return signer.nodeId === read.value.nodeId ? ok({ signer, made: null }) : bad;
}

function makeKey(path: string): SealingKey {
  const seed = Uint8Array.from(randomBytes(SEED_BYTES));
  const signer = createSeedSigner(seed);
  const key = { format: 'tabmesh-sealing-key', v: 1, nodeId: signer.nodeId, seed: base64(seed) };
  return { signer, made: { path, text: `${JSON.stringify(key, null, 2)}\n`, readAs: null, secret: true } };
}
