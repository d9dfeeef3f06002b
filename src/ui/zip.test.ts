import { zipSync } from 'fflate';
import { expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { unzipFiles, zipFiles } from './zip';

const files = new Map([
  ['hashes.json', '{"é😀":1}\n'],
  ['worker-message-logs/%43.json', 'x'.repeat(100_000)],
  ['empty.json', ''],
]);
const zipped = async (): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await (await zipFiles(files, async () => {})).arrayBuffer());

it('packs texts into the same bytes each time, smaller, and unpacks them again', async () => {
  const bytes = await zipped();
  expect(await zipped()).toEqual(bytes);
  expect(bytes.length).toBeLessThan(2_000);
  expect([...unwrap(await unzipFiles(bytes))]).toEqual([...files]);
});

it('lets the page have its turn after each file', async () => {
  let turns = 0;
  await zipFiles(files, async () => void (turns += 1));
  expect(turns).toBe(files.size);
});

it('refuses what is no zip, is cut off, or holds no text', async () => {
  const bytes = await zipped();
  expect(await unzipFiles(new Uint8Array(10))).toMatchObject({ error: { code: 'not_a_zip' } });
  expect(await unzipFiles(bytes.slice(0, bytes.length - 30))).toMatchObject({ error: { code: 'not_a_zip' } });
  const binary = zipSync({ 'picture.png': new Uint8Array([0xff]), 'a.json': new Uint8Array([0xff]) });
  expect(await unzipFiles(binary)).toMatchObject({
    error: { code: 'not_text', message: expect.stringMatching(/^a\.json/) },
  });
});

it('refuses a zip that says it holds more than a flow, before it unpacks anything; one that says less is cut', async () => {
  const bytes = await zipped();
  const view = new DataView(bytes.buffer);
  const entries = [...bytes.keys()].filter((at) => at + 4 <= bytes.length && view.getUint32(at, true) === 0x02014b50);
  expect(entries).toHaveLength(3);
  // Uncompressed size in the central directory (APPNOTE 4.3.12).
  view.setUint32(entries[1]! + 24, 0x7fffffff, true);
  expect(await unzipFiles(bytes)).toMatchObject({ error: { code: 'too_large' } });
  view.setUint32(entries[1]! + 24, 5, true);
  const cut = await unzipFiles(bytes);
  expect(cut.ok ? cut.value.get('worker-message-logs/%43.json') : 'xxxxx').toBe('xxxxx');
});
