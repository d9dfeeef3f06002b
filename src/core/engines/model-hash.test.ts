import { describe, expect, it } from 'vitest';
import { modelHashOf } from './model-hash';

const files = { 'onnx/model.onnx': 'a'.repeat(64), 'config.json': 'b'.repeat(64) };

describe('a model hash', () => {
  it('depends on paths and contents, not on their order', () => {
    expect(modelHashOf(files)).toMatch(/^[0-9a-f]{64}$/);
    expect(modelHashOf({ 'config.json': files['config.json'], 'onnx/model.onnx': files['onnx/model.onnx'] })).toBe(
      modelHashOf(files),
    );
  });

  it('changes with any file', () => {
    const others = [
      { ...files, 'config.json': 'c'.repeat(64) },
      { ...files, extra: 'a'.repeat(64) },
      { 'config.json': files['config.json'] },
    ];
    expect(new Set([files, ...others].map(modelHashOf)).size).toBe(4);
  });
});
