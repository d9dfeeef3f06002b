import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { manifestHashOf, type ModelManifest } from '#core/engines/model-manifest';
import { openStored, textOf } from './open-source';

const file = (path: string, sizeBytes: number | null = 2) => ({ path, sha256: 'ab'.repeat(32), sizeBytes });
const manifest: ModelManifest = {
  id: 'small-1',
  name: 'Small',
  family: 'small',
  version: '1',
  engine: 'transformers',
  tasks: ['chat'],
  parameters: 1_000,
  quantisation: 'q4',
  source: { kind: 'app', folder: 'models/small' },
  files: [file('config.json'), file('onnx/model_q4.onnx')],
  licence: { name: 'MIT' },
  memoryBytes: 1,
  features: ['shader-f16'],
  contextTokens: 512,
  chatTemplate: 'tokenizer',
  temperaturePercent: 70,
};
const blobs = { 'config.json': new Blob(['{}']), 'onnx/model_q4.onnx': new Blob(['ab']) };
const refused = { ok: false, error: { code: 'load_failed' } };

describe('a model of the store', () => {
  it('has the hash of its manifest, and its files as they are', async () => {
    const opened = unwrap(openStored(manifest, { ...blobs, 'secret.txt': new Blob(['x']) }));
    expect(opened).toMatchObject({ name: 'Small', hash: manifestHashOf(manifest), contextTokens: 512 });
    expect([...opened.contentByPath.keys()]).toEqual(['config.json', 'onnx/model_q4.onnx']);
    expect(opened.contentByPath.get('config.json')).toBe(blobs['config.json']);
    expect(await textOf(opened, 'config.json')).toBe('{}');
    expect(await textOf(opened, 'secret.txt')).toBeNull();
  });

  it('is refused while one of its files is missing, has another size, or is not pinned', () => {
    expect(openStored(manifest, { 'config.json': blobs['config.json'] })).toMatchObject(refused);
    expect(openStored(manifest, { ...blobs, 'config.json': new Blob(['{ }']) })).toMatchObject(refused);
    const unpinned = { ...manifest, files: [...manifest.files, { ...file('a.txt'), sha256: null }] };
    expect(openStored(unpinned, { ...blobs, 'a.txt': new Blob(['ab']) })).toMatchObject(refused);
  });

  it('may have files whose size nobody said', () => {
    const open = { ...manifest, files: [file('config.json', null), file('onnx/model_q4.onnx', null)] };
    expect(openStored(open, blobs).ok).toBe(true);
  });
});
