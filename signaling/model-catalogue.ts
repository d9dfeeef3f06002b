import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { readTextFile } from '#adapters/storage-fs-files/write-files';
import type { Signer } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { modelCatalogueSchema, type ModelCatalogue } from '#core/engines/model-manifest';
import { MAX_CATALOGUE_BYTES, signCatalogue } from '#core/experts/model-catalogue';
import { checkAgainst } from '#core/wire/gate';
import { parseJsonThrough } from '#core/wire/parse-json-through';

const BUILT_IN = fileURLToPath(new URL('../static/models/catalogue.json', import.meta.url));
/** JSON with its white space and hashes as text takes a few times what the signed bytes take. */
const MAX_FILE_BYTES = 4 * MAX_CATALOGUE_BYTES;

/** The models that this server offers, signed once when it starts. */
export interface ServedCatalogue {
  /** GET and HEAD of `/api/models`. */
  serve(request: IncomingMessage, response: ServerResponse): void;
}

/**
 * The built-in catalogue and what whoever runs the server adds in a file of the same form; an entry there takes the
 * place of the built-in one with its id. Read once: a changed file counts from the next start. Code `bad_models`, with
 * what is wrong in one sentence.
 */
export async function openModelCatalogue(signer: Signer, ownFile?: string): Promise<Result<ServedCatalogue>> {
  const builtIn = await readCatalogue(BUILT_IN);
  if (!builtIn.ok) return builtIn;
  const own = ownFile === undefined ? ok(null) : await readCatalogue(ownFile);
  if (!own.ok) return own;
  const merged = merge(builtIn.value, own.value);
  if (!merged.ok) return merged;
  const signed = await signCatalogue(signer, merged.value);
  if (!signed.ok) return fail('bad_models', signed.error.message);

  const body = Buffer.from(`${JSON.stringify({ catalogue: signed.value })}\n`);
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
  return ok({
    serve(request, response) {
      // Asked anew on every visit, sent only when it changed.
      const headers = {
        ETag: etag,
        'Cache-Control': 'no-cache',
        'Access-Control-Allow-Origin': '*',
        'Cross-Origin-Resource-Policy': 'cross-origin',
      };
      if (matches(request.headers['if-none-match'], etag)) {
        response.writeHead(304, headers).end();
        return;
      }
      response.writeHead(200, {
        ...headers,
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': body.length,
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    },
  });
}

/** RFC 9110 section 13.1.2, by weak comparison. */
const matches = (given: string | undefined, etag: string): boolean =>
  given !== undefined && given.split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim()));

async function readCatalogue(path: string): Promise<Result<ModelCatalogue>> {
  const text = await readTextFile(path, MAX_FILE_BYTES);
  if (!text.ok) return fail('bad_models', text.error.message);
  if (text.value === null) return fail('bad_models', `There is no catalogue of models at ${path}.`);
  const parsed = parseJsonThrough(modelCatalogueSchema, text.value, MAX_FILE_BYTES);
  return parsed.ok ? parsed : fail('bad_models', `${path} is no catalogue of models: ${parsed.error.message}`);
}

function merge(builtIn: ModelCatalogue, own: ModelCatalogue | null): Result<ModelCatalogue> {
  if (own === null) return ok(builtIn);
  const ownById = new Map(own.models.map((manifest) => [manifest.id, manifest]));
  const known = new Set(builtIn.models.map(({ id }) => id));
  const models = [
    ...builtIn.models.map((manifest) => ownById.get(manifest.id) ?? manifest),
    ...own.models.filter(({ id }) => !known.has(id)),
  ];
  const checked = checkAgainst(modelCatalogueSchema, { ...builtIn, models });
  return checked.ok
    ? checked
    : fail('bad_models', `The catalogues of models do not go together: ${checked.error.message}`);
}
