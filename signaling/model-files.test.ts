import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { openModelFiles, OWN_MODELS_PATH, rangeOf } from './model-files';

const BYTES = Buffer.from(Array.from({ length: 1_000 }, (_, at) => at % 251));
let folder: string;
let port: number;
let close: () => Promise<void>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-models-'));
  await mkdir(join(folder, 'loom'));
  await writeFile(join(folder, 'loom', 'model.onnx'), BYTES);
  await writeFile(join(folder, '.secret'), 'no');
  await writeFile(join(folder, 'loom', 'empty'), '');
  const files = unwrap(await openModelFiles(folder));
  const server = createServer((incoming, response) => void files.serve(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  close = () => new Promise((resolve) => server.close(() => resolve()));
});
afterAll(async () => {
  await close();
  await rm(folder, { recursive: true, force: true });
});

/** Without `fetch`, which would tidy the path. */
function get(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, headers, method }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

const FILE = `${OWN_MODELS_PATH}loom/model.onnx`;

describe('own models', () => {
  it('come whole, and in parts with where they lie', async () => {
    const whole = await get(FILE);
    expect(whole).toMatchObject({ status: 200, body: BYTES });
    expect(whole.headers).toMatchObject({ 'accept-ranges': 'bytes', 'content-length': '1000' });
    const part = await get(FILE, { range: 'bytes=100-199' });
    expect(part).toMatchObject({ status: 206, body: BYTES.subarray(100, 200) });
    expect(part.headers['content-range']).toBe('bytes 100-199/1000');
    expect((await get(FILE, { range: 'bytes=900-' })).body).toEqual(BYTES.subarray(900));
    expect((await get(FILE, { range: 'bytes=-10' })).body).toEqual(BYTES.subarray(990));
    expect((await get(FILE, { range: 'bytes=1000-' })).status).toBe(416);
    expect(await get(FILE, {}, 'HEAD')).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect(await get(`${OWN_MODELS_PATH}loom/empty`)).toMatchObject({ status: 200, body: Buffer.alloc(0) });
  });

  it('go on only where the file is still the same', async () => {
    const { etag } = (await get(FILE)).headers;
    expect((await get(FILE, { range: 'bytes=5-9', 'if-range': etag! })).status).toBe(206);
    expect(await get(FILE, { range: 'bytes=5-9', 'if-range': '"other"' })).toMatchObject({ status: 200, body: BYTES });
    expect((await get(FILE, { 'if-none-match': etag! })).status).toBe(304);
  });

  it('are all that is reachable', async () => {
    for (const path of [
      OWN_MODELS_PATH,
      `${OWN_MODELS_PATH}../loom/model.onnx`,
      `${OWN_MODELS_PATH}loom/../loom/model.onnx`,
      `${OWN_MODELS_PATH}%2e%2e/loom/model.onnx`,
      `${OWN_MODELS_PATH}.secret`,
      `${OWN_MODELS_PATH}%`,
      '/etc/passwd',
    ])
      expect((await get(path)).status, path).toBe(404);
    expect((await get(FILE, {}, 'POST')).status).toBe(405);
  });

  it('need a folder that can be read', async () => {
    expect(await openModelFiles(join(folder, 'nowhere'))).toMatchObject({ error: { code: 'models_unreadable' } });
  });
});

describe('a range', () => {
  it.each([
    ['bytes=0-0', { from: 0, to: 0 }],
    ['bytes=5-99', { from: 5, to: 9 }],
    ['bytes=-3', { from: 7, to: 9 }],
    ['bytes=-30', { from: 0, to: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=6-5', null],
    ['bytes=-', null],
    ['bytes=0-1,3-4', null],
    ['lines=0-1', null],
    ['bytes=99999999999999999999-', null],
    [undefined, null],
  ])('%s of ten bytes', (header, expected) => {
    expect(rangeOf(header, 10)).toEqual(expected);
  });
});
