import * as v from 'valibot';
import { hex } from '#core/base/bytes';
import { modelManifestSchema, type ModelManifest } from '#core/engines/model-manifest';
import type { ModelSource } from '#core/engines/worker-protocol';
import { hashesSchema } from '#workers/transformers/model-files';

type StoredSource = Extract<ModelSource, { readonly kind: 'stored' }>;

export interface SourceChange {
  readonly manifest?: Partial<ModelManifest>;
  /** Files in place of those of the folder, or besides them; their hashes are made anew. */
  readonly files?: Readonly<Record<string, string>>;
  /** New paths by the old ones. */
  readonly paths?: Readonly<Record<string, string>>;
}

const get = async (url: string): Promise<Response> => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
  return response;
};

/** What a manifest says of a model that comes with a card in a folder of its own. */
const CARD_MODEL = {
  id: 'card-model',
  name: 'A model with a card',
  family: 'card',
  version: '1',
  engine: 'transformers',
  tasks: ['chat'],
  parameters: 1_700_000,
  quantisation: 'fp32',
  source: { kind: 'app', folder: 'models' },
  licence: { name: 'MIT' },
  memoryBytes: 64_000_000,
  features: [],
  contextTokens: 256,
  chatTemplate: 'card',
  temperaturePercent: 0,
} as const;

/**
 * The model in a folder (`manifest.json`, or `hashes.json` for one with a card) as the model store hands it out: blobs
 * by path, with their manifest.
 */
export async function storedSource(
  folder: string,
  { manifest, files = {}, paths = {} }: SourceChange = {},
): Promise<StoredSource> {
  const base = `${location.origin}${folder}`;
  const own = await fetch(`${base}manifest.json`);
  const said: unknown = own.ok
    ? await own.json()
    : {
        ...CARD_MODEL,
        files: Object.entries(v.parse(hashesSchema, await (await get(`${base}hashes.json`)).json()).files).map(
          ([path, file]) => ({ path, ...file }),
        ),
      };
  const whole = v.parse(modelManifestSchema, { ...(said as object), ...manifest });
  const blobByPath: Record<string, Blob> = {};
  const listed = new Map(whole.files.map((file) => [file.path, file]));
  for (const file of whole.files) {
    if (files[file.path] !== undefined) continue;
    const path = paths[file.path] ?? file.path;
    blobByPath[path] = await (await get(base + file.path)).blob();
    listed.delete(file.path);
    listed.set(path, { ...file, path });
  }
  for (const [path, text] of Object.entries(files)) {
    const blob = new Blob([text]);
    const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
    listed.set(path, { path, sha256: hex(new Uint8Array(digest)), sizeBytes: blob.size });
    blobByPath[path] = blob;
  }
  return { kind: 'stored', manifest: { ...whole, files: [...listed.values()] }, blobByPath };
}

/** A token that the test models were never shown: with it as the end no answer ends before its limit. */
const NEVER_DRAWN_ID = 0;

/** The model with a card in a folder, with answers as long as they are asked for. */
export async function endlessSource(folder: string): Promise<StoredSource> {
  const card = JSON.parse(await textIn(folder, 'card.json')) as object;
  // A refusal would be an answer of another model.
  const endless = JSON.stringify({ ...card, endTokenId: NEVER_DRAWN_ID, refusal: undefined });
  return storedSource(folder, { files: { 'card.json': endless } });
}

/** The text of one file of a folder, to be changed. */
export const textIn = async (folder: string, path: string): Promise<string> =>
  (await get(`${location.origin}${folder}${path}`)).text();
