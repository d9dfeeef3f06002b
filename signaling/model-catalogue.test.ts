import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createVerify } from '#adapters/verify-webcrypto';
import { unwrap } from '#core/base/result';
import { manifestFromJson, openManifest } from '#core/identity/community';
import { MAX_MODELS, type ModelManifest } from '#core/engines/model-manifest';
import { openCatalogue } from '#core/experts/model-catalogue';
import type { ServerConfig } from '#core/wire/signaling-messages';
import { startServer, tryStartServer, type RunningServer, type ServerOptions } from '#signaling/server';

const verify = createVerify();
let scratch: string;
const running: RunningServer[] = [];
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tabmesh-models-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const optionsWith = (modelsFile?: string): ServerOptions => ({
  port: 0,
  host: '127.0.0.1',
  dataFolder: join(scratch, 'data'),
  app: { kind: 'none' },
  version: '1.2.3',
  stun: false,
  ...(modelsFile === undefined ? {} : { modelsFile }),
});

async function start(modelsFile?: string): Promise<string> {
  const server = await startServer(optionsWith(modelsFile));
  running.push(server);
  return server.url;
}

async function write(name: string, text: string): Promise<string> {
  const path = join(scratch, name);
  await writeFile(path, text);
  return path;
}
const fileOf = (...models: unknown[]): string => JSON.stringify({ type: 'model-catalogue', v: 1, models });

const own: ModelManifest = {
  id: 'our-own',
  name: 'Our own',
  family: 'ours',
  version: '1',
  engine: 'transformers',
  tasks: ['chat'],
  parameters: 1_000,
  quantisation: 'q4',
  source: { kind: 'hub', repository: 'people/model', revision: 'main' },
  files: [{ path: 'config.json', sha256: null, sizeBytes: null }],
  licence: { name: 'MIT' },
  memoryBytes: 1_000,
  features: [],
  contextTokens: 256,
  chatTemplate: 'tokenizer',
  temperaturePercent: 70,
};

/** As a page does it: the founder comes from the community that the server offers. */
async function modelsAt(url: string): Promise<readonly ModelManifest[]> {
  const config = (await (await fetch(`${url}/api/config`)).json()) as ServerConfig;
  const community = unwrap(await openManifest(unwrap(manifestFromJson(config.community)), verify));
  const answer = (await (await fetch(`${url}/api/models`)).json()) as { catalogue: unknown };
  return unwrap(await openCatalogue(answer.catalogue, verify, community.founder)).models;
}

describe('/api/models', () => {
  test('is the built-in catalogue, signed by the community that the server offers', async () => {
    const models = await modelsAt(await start());
    expect(models[0]!.id).toBe('spark-1');
    expect(models.length).toBeGreaterThan(12);
  });

  test('has own entries behind the built-in ones, or in the place of the one with the same id', async () => {
    const builtIn = await modelsAt(await start());
    const file = await write('own.json', fileOf(own, { ...own, id: 'spark-1', name: 'Our Spark' }));
    const models = await modelsAt(await start(file));
    expect(models.map(({ id }) => id)).toEqual([...builtIn.map(({ id }) => id), 'our-own']);
    expect(models[0]).toEqual({ ...own, id: 'spark-1', name: 'Our Spark' });
    expect(models.at(-1)).toEqual(own);
  });

  test('is asked for anew each time and sent only when it changed', async () => {
    const url = await start();
    const first = await fetch(`${url}/api/models`);
    const etag = first.headers.get('etag')!;
    expect(etag).toMatch(/^"[A-Za-z0-9_-]{43}"$/);
    expect(first.headers.get('cache-control')).toBe('no-cache');
    expect(first.headers.get('access-control-allow-origin')).toBe('*');
    for (const given of [etag, `"x", W/${etag}`, '*']) {
      const again = await fetch(`${url}/api/models`, { headers: { 'if-none-match': given } });
      expect([again.status, await again.text()]).toEqual([304, '']);
    }
    expect((await fetch(`${url}/api/models`, { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
    const other = await fetch(`${await start(await write('other.json', fileOf(own)))}/api/models`);
    expect(other.headers.get('etag')).not.toBe(etag);
  });

  test('answers HEAD without a body, and nothing but GET and HEAD', async () => {
    const url = await start();
    const head = await fetch(`${url}/api/models`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(1_000);
    expect((await fetch(`${url}/api/models`, { method: 'POST' })).status).toBe(404);
  });

  test.each([
    ['missing.json', null, /^There is no catalogue of models at .*missing\.json\.$/],
    ['text.json', 'no json', /text\.json is no catalogue of models: The file is not valid JSON\.$/],
    [
      'version.json',
      JSON.stringify({ type: 'model-catalogue', v: 2, models: [] }),
      /version that this app does not know/,
    ],
    ['extra.json', fileOf({ ...own, run: 'anything' }), /malformed at models\.0/],
    ['upwards.json', fileOf({ ...own, files: [{ path: '../secret', sha256: null, sizeBytes: null }] }), /not a path/],
    [
      'insecure.json',
      fileOf({ ...own, files: [{ path: 'a', url: 'http://a.test/', sha256: null, sizeBytes: null }] }),
      /malformed/,
    ],
    ['prototype.json', '{"__proto__":1}', /reserved name/],
    ['large.json', ' '.repeat(5 * 1024 * 1024), /larger than/],
  ])('with the malformed file %s no server starts, and one sentence says why', async (name, text, sentence) => {
    const path = text === null ? join(scratch, name) : await write(name, text);
    const started = await tryStartServer(optionsWith(path));
    expect(started).toMatchObject({ ok: false, error: { code: 'bad_models' } });
    expect(started.ok ? '' : started.error.message).toMatch(sentence);
    expect(started.ok ? '' : started.error.message).not.toContain('\n');
  });

  test('with more models than a catalogue may name no server starts', async () => {
    const many = Array.from({ length: MAX_MODELS }, (_, index) => ({ ...own, id: `m${index}` }));
    const started = await tryStartServer(optionsWith(await write('many.json', fileOf(...many))));
    expect(started).toMatchObject({ ok: false, error: { code: 'bad_models' } });
  });
});
