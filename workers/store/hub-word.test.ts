import { describe, expect, it } from 'vitest';
import { hubWordFor } from './hub-word';

const word = 'a'.repeat(64);
const url = 'https://hub.test/owner/repository/resolve/main/onnx/model%20file.onnx';
const never = new AbortController().signal;
const entry = { type: 'file', path: 'onnx/model file.onnx', oid: 'b'.repeat(40), size: 5, lfs: { oid: word, size: 5 } };

const answering =
  (body: BodyInit | null, status = 200): typeof fetch =>
  async () =>
    new Response(body, { status });

describe("a hub's word", () => {
  it('is asked for as a form, which needs no preflight, and is the hash of this very file', async () => {
    const asked: [string, RequestInit][] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      asked.push([String(input), init!]);
      return Response.json([{ ...entry, path: 'onnx/other.onnx', lfs: { oid: 'c'.repeat(64) } }, entry]);
    };
    expect(await hubWordFor(fetch, url, never)).toBe(word);
    const [[address, init]] = asked as [[string, RequestInit]];
    expect(address).toBe('https://hub.test/api/models/owner/repository/paths-info/main');
    expect(init).toMatchObject({ method: 'POST', credentials: 'omit' });
    expect(init.headers).toBeUndefined();
    expect(String(init.body)).toBe('paths=onnx%2Fmodel+file.onnx&expand=false');
  });

  it('is not there for a file that lies in Git itself, nor for one that the hub does not list', async () => {
    const { lfs: _lfs, ...inGit } = entry;
    for (const listed of [[inGit], [], [{ ...entry, path: 'another' }]])
      expect(await hubWordFor(answering(JSON.stringify(listed)), url, never)).toBeNull();
  });

  it('is not believed when the answer is malformed, too long or no success', async () => {
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(10_000).fill(91)),
    });
    for (const body of ['', 'no JSON', '{}', JSON.stringify([{ ...entry, lfs: { oid: 'short' } }]), endless])
      expect(await hubWordFor(answering(body), url, never)).toBeNull();
    expect(await hubWordFor(answering(JSON.stringify([entry]), 404), url, never)).toBeNull();
    expect(await hubWordFor(() => Promise.reject(new TypeError('offline')), url, never)).toBeNull();
  });

  it('is not asked for elsewhere', async () => {
    const fetch: typeof globalThis.fetch = () => {
      throw new Error('asked');
    };
    for (const other of ['https://models.test/files/model.onnx', 'https://hub.test/a/resolve/main/x', 'no address'])
      expect(await hubWordFor(fetch, other, never)).toBeNull();
  });
});
