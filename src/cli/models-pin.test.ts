import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { modelCatalogueSchema, type ModelCatalogue, type ModelManifest } from '#core/engines/model-manifest';
import { checkAgainst } from '#core/wire/gate';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import { commands } from './commands';
import { pinModels } from './pin-models';
import { renderCatalogue } from './render-catalogue';
import { runCommandLine } from './run-command-line';

const COMMIT = 'c'.repeat(40);
const LIBRARY = 'https://libraries.test/engine.wasm';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const file = (path: string, rest: Partial<ModelManifest['files'][number]> = {}) => ({
  path,
  sha256: null,
  sizeBytes: null,
  ...rest,
});

const small: ModelManifest = {
  id: 'small-onnx',
  name: 'Small',
  family: 'small',
  version: '1',
  engine: 'transformers',
  tasks: ['chat'],
  parameters: 1_000,
  quantisation: 'q4',
  source: { kind: 'hub', repository: 'people/small', revision: 'main' },
  files: [file('config.json'), file('onnx/model_q4.onnx')],
  licence: { name: 'MIT' },
  memoryBytes: 1_000,
  features: [],
  contextTokens: 256,
  chatTemplate: 'tokenizer',
  temperaturePercent: 70,
};
const sharded: ModelManifest = {
  ...small,
  id: 'sharded-mlc',
  engine: 'web-llm',
  quantisation: 'q4f32_1',
  source: { kind: 'hub', repository: 'people/sharded', revision: 'main' },
  files: [
    file('tensor-cache.json'),
    file('engine.wasm', { url: LIBRARY }),
    file('params_shard_0.bin'),
    file('params_shard_7.bin'),
  ],
  library: 'engine.wasm',
};
const catalogueOf = (...models: ModelManifest[]): ModelCatalogue =>
  unwrap(checkAgainst(modelCatalogueSchema, { type: 'model-catalogue', v: 1, models }));

/** What the hub keeps as large files: it tells their hash, and their bytes lie elsewhere. */
const large: Record<string, string> = {
  'people/small/onnx/model_q4.onnx': 'weights of the small model',
  'people/sharded/params_shard_0.bin': 'first shard',
  'people/sharded/params_shard_1.bin': 'second',
};
const plain: Record<string, string> = {
  'people/small/config.json': '{"model_type":"llama"}',
  'people/sharded/tensor-cache.json': JSON.stringify({
    metadata: { ParamSize: 3 },
    records: [
      { dataPath: 'params_shard_0.bin', format: 'raw-shard', nbytes: 'first shard'.length, records: [] },
      { dataPath: 'params_shard_1.bin', format: 'raw-shard', nbytes: 'second'.length, records: [] },
    ],
  }),
};

let folder: string;
let hub: Server;
let hubUrl: string;
let asked: string[] = [];
let cutAfter = Infinity;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-pin-'));
  // As the hub answers: commit and hash in headers of its own, large files behind a redirect to another host.
  hub = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (asked.length > cutAfter) return request.socket.destroy();
    const [, repository, revision, path] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(request.url ?? '') ?? [];
    const key = `${repository}/${path}`;
    response.setHeader('X-Repo-Commit', COMMIT);
    if (revision !== 'main' && revision !== COMMIT) return response.writeHead(404).end();
    if (large[key] !== undefined) {
      response.setHeader('X-Linked-Etag', `"${sha256(large[key])}"`);
      response.setHeader('X-Linked-Size', large[key].length);
      return response.writeHead(302, { Location: '/elsewhere/never-asked' }).end();
    }
    if (plain[key] === undefined) return response.writeHead(404).end('Entry not found');
    response.setHeader('X-Linked-Etag', '"0123456789012345678901234567890123456789"');
    response.writeHead(200).end(request.method === 'HEAD' ? undefined : plain[key]);
  });
  await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
  hubUrl = `http://127.0.0.1:${(hub.address() as AddressInfo).port}/`;
});
afterEach(() => {
  asked = [];
  cutAfter = Infinity;
});
afterAll(async () => {
  hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** The real fetch, and a host for compiled libraries that is not the hub. */
const withLibraries: typeof fetch = (input, init) =>
  input === LIBRARY ? Promise.resolve(new Response('library', { status: 200 })) : fetch(input, init);
const pin = (catalogue: ModelCatalogue, only: string | null = null) =>
  pinModels(catalogue, { fetch: withLibraries, hubUrl }, only);

async function write(catalogue: ModelCatalogue): Promise<string> {
  const path = join(folder, 'catalogue.json');
  await writeFile(path, renderCatalogue(catalogue));
  return path;
}
const run = (...args: string[]) => runCommandLine(['models', 'pin', ...args], { commands, version: '1', folder });

describe('pinning', () => {
  test('a branch becomes the commit that it names, and later questions are about that commit', async () => {
    const report = unwrap(await pin(catalogueOf(small)));
    expect(report.catalogue.models[0]!.source).toEqual({ ...small.source, revision: COMMIT });
    expect(asked.slice(1).every((line) => line.includes(`/resolve/${COMMIT}/`))).toBe(true);
  });

  test('a large file gets what the hub tells of it, and none of its bytes are asked for', async () => {
    const report = unwrap(await pin(catalogueOf(small)));
    const text = large['people/small/onnx/model_q4.onnx']!;
    expect(report.catalogue.models[0]!.files[1]).toEqual({
      path: 'onnx/model_q4.onnx',
      sha256: sha256(text),
      sizeBytes: text.length,
    });
    expect(asked.some((line) => line.startsWith('GET') && line.includes('model_q4'))).toBe(false);
    expect(asked.some((line) => line.includes('elsewhere'))).toBe(false);
  });

  test('a file without a SHA-256 at the hub is fetched and hashed here', async () => {
    const text = plain['people/small/config.json']!;
    const report = unwrap(await pin(catalogueOf(small)));
    expect(report.catalogue.models[0]!.files[0]).toMatchObject({ sha256: sha256(text), sizeBytes: text.length });
    expect(report.lines).toContain(`small-onnx config.json: ${text.length} bytes, hashed here, ${sha256(text)}`);
  });

  test('the weights of a web-llm model become those that its own list names', async () => {
    const report = unwrap(await pin(catalogueOf(sharded)));
    expect(report.failed).toEqual([]);
    expect(report.catalogue.models[0]!.files.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
      ['tensor-cache.json', plain['people/sharded/tensor-cache.json']!.length],
      ['engine.wasm', 7],
      ['params_shard_0.bin', 11],
      ['params_shard_1.bin', 6],
    ]);
    expect(report.lines).toContain('sharded-mlc params_shard_7.bin: is not part of the model, left out');
    expect(report.catalogue.models[0]!.files[1]!.sha256).toBe(sha256('library'));
  });

  test('a pinned model is not asked about again, and pinning twice changes nothing', async () => {
    const first = unwrap(await pin(catalogueOf(small, sharded)));
    asked = [];
    const second = unwrap(await pin(first.catalogue));
    expect(asked).toEqual([]);
    expect(second.pinned).toBe(0);
    expect(renderCatalogue(second.catalogue)).toBe(renderCatalogue(first.catalogue));
  });

  test('a file that is missing or differs from what was listed stays unpinned, and the others are pinned', async () => {
    const odd = {
      ...small,
      files: [
        file('config.json', { sizeBytes: 5 }),
        file('gone.json'),
        file('onnx/model_q4.onnx', { sha256: 'a'.repeat(64) }),
        file('again/config.json'),
      ],
    };
    plain['people/small/again/config.json'] = 'more';
    const report = unwrap(await pin(catalogueOf(odd)));
    expect(report.catalogue.models[0]!.files.map(({ sha256 }) => sha256)).toEqual([
      null,
      null,
      'a'.repeat(64),
      sha256('more'),
    ]);
    expect(report.failed).toHaveLength(3);
    expect(report.failed[1]).toBe('small-onnx gone.json (is not there, status 404)');
  });

  test('a connection that breaks keeps what was pinned before', async () => {
    cutAfter = 3;
    const report = unwrap(await pin(catalogueOf(small)));
    expect(report.pinned).toBe(1);
    expect(report.failed).toHaveLength(1);
    expect(report.catalogue.models[0]!.files.map(({ sha256 }) => sha256 !== null)).toEqual([true, false]);
  });
});

describe('models pin', () => {
  test('writes hashes and sizes into the file, in the same order, and says what it did with each', async () => {
    const path = await write(catalogueOf(small, { ...small, id: 'other' }));
    const outcome = await run('--file', path, '--hub', hubUrl, '--only', 'small-onnx');
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/config\.json: 22 bytes, hashed here, [0-9a-f]{64}\n/);
    expect(outcome.stdout).toMatch(/Pinned 2 files\.\n$/);
    const after = unwrap(parseJsonThrough(modelCatalogueSchema, await readFile(path, 'utf8'), 1e6));
    expect(after.models.map(({ id }) => id)).toEqual(['small-onnx', 'other']);
    expect(after.models[0]!.files.every(({ sha256 }) => sha256 !== null)).toBe(true);
    expect(after.models[1]).toEqual({ ...small, id: 'other' });
    expect(renderCatalogue(after)).toBe(await readFile(path, 'utf8'));
  });

  test('without a network it is one sentence, exit code 1, and nothing is written', async () => {
    const path = await write(catalogueOf(small));
    const before = await readFile(path, 'utf8');
    const outcome = await run('--file', path, '--hub', 'http://127.0.0.1:1');
    expect(outcome).toMatchObject({ exitCode: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/^127\.0\.0\.1:1 cannot be reached[^\n]*\n$/);
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  test('what could not be pinned is named, with exit code 1, and the rest is written', async () => {
    const path = await write(catalogueOf({ ...small, files: [file('config.json'), file('gone.json')] }));
    const outcome = await run('--file', path, '--hub', hubUrl);
    expect(outcome).toMatchObject({ exitCode: 1, stdout: '' });
    expect(outcome.stderr).toMatch(
      /^Pinned and written: 1; not pinned: small-onnx gone\.json \(is not there, status 404\)\.\n$/,
    );
    expect(await readFile(path, 'utf8')).toContain(sha256(plain['people/small/config.json']!));
  });

  test.each([
    [['--only', 'nobody'], 1, /has no model nobody/],
    [['--hub', 'nonsense'], 2, /not an http or https address/],
    [['--file', 'none.json'], 1, /no catalogue of models at .*none\.json/],
  ])('%j is refused', async (args, exitCode, message) => {
    const path = await write(catalogueOf(small));
    const outcome = await run(...(args[0] === '--file' ? args : ['--file', path, ...args]));
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.stderr).toMatch(message);
    expect(asked).toEqual([]);
  });

  test('a malformed catalogue is refused with what is wrong in it', async () => {
    const path = join(folder, 'malformed.json');
    await writeFile(path, JSON.stringify({ type: 'model-catalogue', v: 1, models: [{ ...sharded, library: 'none' }] }));
    const outcome = await run('--file', path, '--hub', hubUrl);
    expect(outcome).toMatchObject({ exitCode: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/malformed\.json: .*models: a model whose library is not among its files/);
  });
});
