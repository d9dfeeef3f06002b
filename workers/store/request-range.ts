import type { Gap } from './partial-file';

/** What a server said to one request. */
export type Answer =
  | {
      readonly kind: 'body';
      /** Where its bytes begin: as asked, or 0 from a server that gives whole files only. */
      readonly fromByte: number;
      readonly totalBytes: number | null;
      /** The server's mark of this version of the file; null when it gives none that can be relied on. */
      readonly validator: string | null;
      /** SHA-256 of the whole file by the server's own word, where a page is let see it. */
      readonly word: string | null;
      readonly reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
    }
  | { readonly kind: 'unreachable' }
  /** There is nothing from there on. */
  | { readonly kind: 'past_end' }
  | { readonly kind: 'refused'; readonly status: number };

/**
 * How every request of the store is made. Weights lie in the store already, so the HTTP cache would only double them.
 * Some hubs refuse by referrer, and none needs a cookie.
 */
export const REQUEST: RequestInit = { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' };

/**
 * Asks for the bytes of a gap. Always by `Range`, also for the whole: servers then send the bytes as they are and not
 * compressed, so that lengths mean what they say.
 *
 * `Range: bytes=n-` is the one header of this kind that a page may send to another origin without asking first; with
 * `If-Range` the browser would send a preflight, which the storage behind the model hub refuses (huggingface/datasets
 * issue 7931). So the validator is compared here: a 206 carries the same `ETag` and `Last-Modified` as the whole file
 * (RFC 9110, section 15.3.7), and whoever asked drops the answer when they are not those of the bytes it has.
 */
export async function requestRange(
  fetch: typeof globalThis.fetch,
  url: string,
  { fromByte, toByte }: Gap,
  signal: AbortSignal,
): Promise<Answer> {
  const range = `bytes=${fromByte}-${toByte === null ? '' : toByte - 1}`;
  const response = await fetch(url, { ...REQUEST, headers: { Range: range }, signal }).catch(() => null);
  if (response === null) return { kind: 'unreachable' };
  const { status, headers } = response;
  if (status === 416) return { kind: 'past_end' };
  if (status !== 200 && status !== 206) return { kind: 'refused', status };
  if (response.body === null) return { kind: 'unreachable' };
  const answer = {
    kind: 'body',
    validator: validatorOf(headers),
    word: sha256Of(headers.get('X-Linked-ETag')),
    reader: response.body.getReader(),
  } as const;
  const length = numberOf(headers.get('Content-Length'));
  if (status === 200) {
    const encoded = headers.has('Content-Encoding');
    return { ...answer, fromByte: 0, totalBytes: encoded ? null : length };
  }
  const said = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('Content-Range') ?? '');
  if (said !== null) return { ...answer, fromByte: Number(said[1]), totalBytes: numberOf(said[2] ?? null) };
  // Another origin that does not expose `Content-Range`: what was asked for comes, and its length tells the end.
  return { ...answer, fromByte, totalBytes: toByte === null && length !== null ? fromByte + length : null };
}

function numberOf(text: string | null): number | null {
  if (text === null || !/^\d{1,15}$/.test(text)) return null;
  return Number(text);
}

/** Longer ones exist, but none that a server of files makes. */
const MAX_ETAG_LENGTH = 200;

/** A strong `ETag`, else the date; a weak `ETag` says that two contents may differ and still be alike. */
function validatorOf(headers: Headers): string | null {
  const etag = headers.get('ETag');
  if (etag !== null && /^"[^"]*"$/.test(etag) && etag.length <= MAX_ETAG_LENGTH) return etag;
  const modified = headers.get('Last-Modified');
  return modified !== null && modified.length <= MAX_ETAG_LENGTH ? `modified ${modified}` : null;
}

/** Git's SHA-1, which the hub gives for small files in the same place, is no SHA-256 and says nothing here. */
const sha256Of = (etag: string | null): string | null => /^"?([0-9a-f]{64})"?$/.exec(etag ?? '')?.[1] ?? null;
