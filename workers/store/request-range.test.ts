import { describe, expect, it } from 'vitest';
import { requestRange, type Answer } from './request-range';

const never = new AbortController().signal;

async function answerTo(
  headers: Record<string, string>,
  { status = 206, toByte = null as number | null } = {},
): Promise<Answer> {
  const fetch: typeof globalThis.fetch = async () => new Response('bytes', { status, headers });
  return requestRange(fetch, 'https://models.test/file', { fromByte: 10, toByte }, never);
}

describe('what a server says to a range', () => {
  it('is where its bytes begin and how long the file is', async () => {
    expect(await answerTo({ 'Content-Range': 'bytes 10-14/15' })).toMatchObject({ fromByte: 10, totalBytes: 15 });
    expect(await answerTo({ 'Content-Range': 'bytes 12-14/*' })).toMatchObject({ fromByte: 12, totalBytes: null });
    expect(await answerTo({ 'Content-Length': '15' }, { status: 200 })).toMatchObject({ fromByte: 0, totalBytes: 15 });
  });

  it('is taken from the length of the body where another origin hides the range, but for a part in the middle', async () => {
    expect(await answerTo({ 'Content-Length': '5' })).toMatchObject({ fromByte: 10, totalBytes: 15 });
    expect(await answerTo({ 'Content-Length': '5' }, { toByte: 15 })).toMatchObject({ fromByte: 10, totalBytes: null });
    expect(await answerTo({ 'Content-Range': 'nonsense' })).toMatchObject({ fromByte: 10, totalBytes: null });
  });

  it('is no length when the body comes compressed, nor when it is no number', async () => {
    const compressed = { 'Content-Length': '15', 'Content-Encoding': 'gzip' };
    expect(await answerTo(compressed, { status: 200 })).toMatchObject({ totalBytes: null });
    for (const length of ['-1', '1e9', '9'.repeat(16)])
      expect(await answerTo({ 'Content-Length': length }, { status: 200 })).toMatchObject({ totalBytes: null });
  });

  it('is a mark of the version only when that is strong and short', async () => {
    const modified = 'Thu, 01 Jan 2026 00:00:00 GMT';
    for (const [headers, validator] of [
      [{ ETag: '"one"', 'Last-Modified': modified }, '"one"'],
      [{ ETag: 'W/"one"', 'Last-Modified': modified }, `modified ${modified}`],
      [{ ETag: `"${'x'.repeat(500)}"` }, null],
      [{ ETag: 'bare' }, null],
    ] as const)
      expect(await answerTo(headers)).toMatchObject({ validator });
  });

  it("is the hub's word only when it is a SHA-256", async () => {
    const sha256 = 'a'.repeat(64);
    for (const [etag, word] of [
      [`"${sha256}"`, sha256],
      [sha256, sha256],
      [`"${'a'.repeat(40)}"`, null],
    ] as const)
      expect(await answerTo({ 'X-Linked-ETag': etag })).toMatchObject({ word });
  });

  it('may be a refusal', async () => {
    expect(await answerTo({}, { status: 416 })).toEqual({ kind: 'past_end' });
    expect(await answerTo({}, { status: 403 })).toEqual({ kind: 'refused', status: 403 });
  });
});
