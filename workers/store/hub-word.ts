import * as v from 'valibot';
import { sha256HexSchema } from '#core/engines/model-manifest';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import { REQUEST } from './request-range';

/** One file's entry is some hundred bytes. */
const MAX_WORD_BYTES = 16 * 1024;

const pathsInfoSchema = v.array(v.object({ path: v.string(), lfs: v.optional(v.object({ oid: sha256HexSchema })) }));

/**
 * What a model hub itself says the SHA-256 of a file is, or null when it says nothing: the address is none of a hub, the
 * file is small and lies in Git itself (then the hub knows its Git hash only), or the question fails.
 *
 * The hub says it in `X-Linked-ETag`, but on the redirect from `/resolve/` to its storage, and what a page fetches shows
 * the last answer only: with `redirect: 'manual'` a page gets an opaque one without headers, with `follow` the storage's
 * own `ETag`, which is the hash of its chunk tree (huggingface.js issue 1023 and pull request 1024, where the same was
 * tried). What a page can read is the hub's list of files: `POST /api/models/{repository}/paths-info/{revision}` gives
 * `lfs.oid`, the SHA-256 of the content (huggingface.js, `packages/hub/src/lib/paths-info.ts`). As a form it needs no
 * preflight. A hub that serves files without a redirect shows the header, which `requestRange` reads.
 *
 * Held against this word is what was lost or swapped between the hub and here. Whoever can change a file on the hub
 * changes its word too: only a pinned hash is held against that.
 */
export async function hubWordFor(
  fetch: typeof globalThis.fetch,
  url: string,
  signal: AbortSignal,
): Promise<string | null> {
  const file = /^\/([\w.-]+\/[\w.-]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathOf(url));
  if (file === null) return null;
  const [, repository, revision, path] = file as unknown as [string, string, string, string];
  try {
    const plainPath = decodeURIComponent(path);
    const response = await fetch(new URL(`/api/models/${repository}/paths-info/${revision}`, url).href, {
      ...REQUEST,
      method: 'POST',
      body: new URLSearchParams({ paths: plainPath, expand: 'false' }),
      signal,
    });
    const text = response.ok ? await shortText(response) : null;
    if (text === null) return null;
    const listed = parseJsonThrough(pathsInfoSchema, text, MAX_WORD_BYTES);
    if (!listed.ok) return null;
    return listed.value.find((entry) => entry.path === plainPath)?.lfs?.oid ?? null;
  } catch {
    return null;
  }
}

/** The body as text, or null when there is more of it than a word needs: nobody's answer may fill the memory. */
async function shortText({ body }: Response): Promise<string | null> {
  if (body === null) return null;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
    if (text.length > MAX_WORD_BYTES) {
      await reader.cancel();
      return null;
    }
  }
}

function pathOf(url: string): string {
  try {
    return new URL(url).pathname;
  } catch {
    return '';
  }
}
