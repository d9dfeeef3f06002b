import { describe, expect, it } from 'vitest';
import { hex, utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import type { LoadProgress } from '#core/engines/language-model';
import { loadModelFiles, type ModelFileSource } from './model-files';

const URL_BASE = 'https://mesh.test/models/spark/';

const hashesOf = (files: Record<string, string>): string =>
  JSON.stringify({
    files: Object.fromEntries(
      Object.entries(files).map(([path, text]) => [
        path,
        { sha256: hex(sha256(utf8(text))), sizeBytes: utf8(text).length },
      ]),
    ),
  });

const FILES = { 'config.json': '{"a":1}', 'onnx/model.onnx': 'weights' };

/** A server and a cache in memory. `served` may be changed between loads; null is a broken connection. */
function world(files: Record<string, string> = FILES) {
  const served = new Map<string, string | null>(Object.entries({ ...files, 'hashes.json': hashesOf(files) }));
  const kept = new Map<string, Uint8Array<ArrayBuffer>>();
  const requests: string[] = [];
  const progress: LoadProgress[] = [];
  const state = { online: true, full: false };
  const urlOf = (input: RequestInfo | URL): string => (input instanceof Request ? input.url : String(input));
  const source: ModelFileSource = {
    async fetch(input, init) {
      const path = urlOf(input).slice(URL_BASE.length);
      requests.push(init?.cache === 'reload' ? `${path} (reload)` : path);
      if (!state.online) throw new TypeError('Failed to fetch');
      const body = served.get(path);
      if (body === null) throw new TypeError('Failed to fetch');
      return body === undefined ? new Response('not found', { status: 404 }) : new Response(body);
    },
    cache: {
      match: async (key) => {
        const bytes = kept.get(urlOf(key));
        return bytes === undefined ? undefined : new Response(bytes);
      },
      async put(key, response) {
        if (state.full) throw new DOMException('full', 'QuotaExceededError');
        kept.set(urlOf(key), new Uint8Array(await response.arrayBuffer()));
      },
      delete: async (key) => kept.delete(urlOf(key)),
      keys: async () => [...kept.keys()].map((url) => new Request(url)),
    },
    digest: async (bytes) => sha256(bytes),
  };
  return {
    served,
    kept,
    requests,
    progress,
    state,
    source,
    load: () => loadModelFiles(URL_BASE, source, (step) => progress.push(step)),
  };
}

describe('loading model files', () => {
  it('gives every file with its hash and says how far it got', async () => {
    const { load, progress } = world();
    const { bytesByPath, hashByPath } = unwrap(await load());
    expect(bytesByPath.get('onnx/model.onnx')).toEqual(utf8('weights'));
    expect(hashByPath['config.json']).toBe(hex(sha256(utf8(FILES['config.json']))));
    expect(progress[0]).toEqual({ loadedBytes: 0, totalBytes: 14 });
    expect(progress.at(-1)).toEqual({ loadedBytes: 14, totalBytes: 14 });
  });

  it('loads again without a connection once it was loaded', async () => {
    const { load, state, requests } = world();
    unwrap(await load());
    state.online = false;
    requests.length = 0;
    expect(unwrap(await load()).bytesByPath.size).toBe(2);
    expect(requests).toEqual(['hashes.json']);
  });

  it('says that it is offline when it has never been loaded, or only in part', async () => {
    const { load, state, served } = world();
    state.online = false;
    expect(await load()).toMatchObject({ error: { code: 'offline' } });
    state.online = true;
    served.set('onnx/model.onnx', null);
    expect(await load()).toMatchObject({ error: { code: 'offline' } });
    state.online = false;
    expect(await load()).toMatchObject({ error: { code: 'offline' } });
  });

  it('refuses a file with another hash and keeps nothing of it', async () => {
    const { load, served, kept, requests } = world();
    served.set('onnx/model.onnx', 'weighty');
    expect(await load()).toMatchObject({ error: { code: 'hash_mismatch' } });
    expect([...kept.keys()].some((key) => key.includes('model.onnx'))).toBe(false);
    expect(requests.filter((path) => path.startsWith('onnx'))).toEqual(['onnx/model.onnx', 'onnx/model.onnx (reload)']);
  });

  it('refuses a file that is longer than announced without reading on', async () => {
    const { load, served } = world();
    served.set('onnx/model.onnx', 'weights'.repeat(1_000));
    expect(await load()).toMatchObject({ error: { code: 'hash_mismatch' } });
  });

  it('replaces a kept file that was damaged', async () => {
    const { load, kept } = world();
    unwrap(await load());
    const key = [...kept.keys()].find((url) => url.includes('model.onnx'))!;
    kept.set(key, utf8('damaged'));
    expect(unwrap(await load()).bytesByPath.get('onnx/model.onnx')).toEqual(utf8('weights'));
    expect(kept.get(key)).toEqual(utf8('weights'));
  });

  it('takes a new version when there is one and drops the files of the old', async () => {
    const { load, served, kept } = world();
    unwrap(await load());
    const next = { ...FILES, 'onnx/model.onnx': 'better weights' };
    for (const [path, text] of Object.entries({ ...next, 'hashes.json': hashesOf(next) })) served.set(path, text);
    kept.set('https://mesh.test/models/other/x?sha256=1', utf8('other'));
    expect(unwrap(await load()).bytesByPath.get('onnx/model.onnx')).toEqual(utf8('better weights'));
    expect([...kept.keys()].filter((url) => url.includes('model.onnx'))).toHaveLength(1);
    expect(kept.has('https://mesh.test/models/other/x?sha256=1')).toBe(true);
  });

  it('works without room to keep anything, and without a cache', async () => {
    const { load, state, source } = world();
    state.full = true;
    expect((await load()).ok).toBe(true);
    expect((await loadModelFiles(URL_BASE, { ...source, cache: null }, () => {})).ok).toBe(true);
  });

  it('refuses a list of hashes that is none', async () => {
    const bad = [
      '<!doctype html>',
      '{}',
      '{"files":{"../secret":{"sha256":"' + 'a'.repeat(64) + '","sizeBytes":1}}}',
      '{"files":{"a":{"sha256":"x","sizeBytes":1}}}',
    ];
    for (const text of bad) {
      const { load, served } = world();
      served.set('hashes.json', text);
      expect(await load()).toMatchObject({ error: { code: 'load_failed' } });
    }
    const { load, served } = world();
    served.delete('hashes.json');
    expect(await load()).toMatchObject({ error: { code: 'load_failed' } });
  });

  it('says which file the server does not have', async () => {
    const { load, served } = world();
    served.delete('config.json');
    expect(await load()).toMatchObject({
      error: { code: 'load_failed', message: 'The model could not be loaded: config.json answered 404.' },
    });
  });
});
