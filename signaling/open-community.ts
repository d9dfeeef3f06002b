import * as v from 'valibot';
import { base64, fromBase64 } from '#core/base/bytes';
import { nodeIdSchema } from '#core/base/ids';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import {
  createManifest,
  manifestFromJson,
  manifestToJson,
  openManifest,
  type Community,
} from '#core/identity/community';
import type { SeedSigner } from '#core/identity/ports';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import type { ServerConfig } from '#core/wire/signaling-messages';
import type { DataFolder } from '#signaling/data-folder';

const FILE = 'community.json';
const SEED_BYTES = 32;
const MAX_FILE_BYTES = 128 * 1024;

const fileSchema = v.object({
  seed: v.string(),
  payload: v.string(),
  signatures: v.array(v.object({ keyId: nodeIdSchema, signature: v.string() })),
});

/** The community that a bare visit joins. */
export interface OpenCommunity {
  readonly community: Community;
  /** The signed manifest as `/api/config` carries it. */
  readonly manifest: ServerConfig['community'];
  /** The founder's key, which is the server's own. */
  readonly signer: Signer;
}

export interface OpenCommunityParts {
  readonly folder: DataFolder;
  /** Given to a community that is founded now; a kept one keeps its own. */
  readonly name: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly verify: Verify;
  readonly seedSigner: SeedSigner;
}

/**
 * The open community that was kept, or a new one. A damaged file is refused and never replaced: its id is on people's
 * invites. Codes: `data_damaged`, `data_unreadable`, `data_unwritable`.
 */
export async function keepOpenCommunity(parts: OpenCommunityParts): Promise<Result<OpenCommunity>> {
  const { folder, verify, seedSigner } = parts;
  const damaged = () =>
    fail(
      'data_damaged',
      `The open community in ${folder.path}/${FILE} is damaged; restore the file, or delete it to found a new community.`,
    );

  const text = await folder.read(FILE);
  if (!text.ok) return text;
  if (text.value !== null) {
    const file = parseJsonThrough(fileSchema, text.value, MAX_FILE_BYTES);
    if (!file.ok) return damaged();
    const { seed: seedText, ...manifest } = file.value;
    const seed = fromBase64(seedText);
    const signed = manifestFromJson(manifest);
    if (seed?.length !== SEED_BYTES || !signed.ok) return damaged();
    const community = await openManifest(signed.value, verify);
    const signer = seedSigner(seed);
    if (!community.ok || !community.value.open || community.value.founder !== signer.nodeId) return damaged();
    return ok({ community: community.value, manifest, signer });
  }

  const seed = parts.chance.bytes(SEED_BYTES);
  const signer = seedSigner(seed);
  const signed = await createManifest(signer, { name: parts.name, open: true, createdAt: parts.clock.now() });
  const manifest = manifestToJson(signed);
  const community = await openManifest(signed, verify);
  if (!community.ok) return community;
  const written = await folder.write(FILE, `${JSON.stringify({ seed: base64(seed), ...manifest }, null, 2)}\n`);
  return written.ok ? ok({ community: community.value, manifest, signer }) : written;
}
