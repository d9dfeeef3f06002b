import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { chooseGraph } from './stored-graph';

const choose = (quantisation: string, ...paths: readonly string[]) =>
  chooseGraph({ quantisation, files: paths.map((path) => ({ path, sha256: null, sizeBytes: null })) });

describe('the graph that a manifest means', () => {
  it('is the one whose name ends as its quantisation says', () => {
    const all = [
      'config.json',
      'onnx/model.onnx',
      'onnx/model_fp16.onnx',
      'onnx/model_q4.onnx',
      'onnx/model_q4f16.onnx',
    ];
    const chosen = { subfolder: 'onnx', fileName: 'model', dataFiles: 0 };
    for (const dtype of ['fp32', 'fp16', 'q4', 'q4f16'])
      expect(unwrap(choose(dtype, ...all))).toEqual({ ...chosen, dtype });
    expect(unwrap(choose('q8', 'onnx/model_quantized.onnx'))).toEqual({ ...chosen, dtype: 'q8' });
  });

  it('may have another name and lie anywhere', () => {
    expect(unwrap(choose('q4', 'decoder_model_merged_q4.onnx'))).toEqual({
      subfolder: '',
      fileName: 'decoder_model_merged',
      dtype: 'q4',
      dataFiles: 0,
    });
    expect(unwrap(choose('fp32', 'a/b/net.onnx'))).toMatchObject({ subfolder: 'a/b', fileName: 'net' });
  });

  it('brings along the files that hold its weights, and no others', () => {
    const paths = [
      'onnx/model_q4.onnx',
      'onnx/model_q4.onnx_data',
      'onnx/model_q4.onnx_data_1',
      'onnx/model.onnx_data',
    ];
    expect(unwrap(choose('q4', ...paths))).toMatchObject({ fileName: 'model', dataFiles: 2 });
    expect(unwrap(choose('q4', 'onnx/model_q4.onnx', 'onnx/model_q4.onnx_data_1'))).toMatchObject({ dataFiles: 0 });
  });

  it('is refused when there is none, more than one, or a quantisation that nobody knows', () => {
    const refused = [
      choose('q4', 'onnx/model.onnx'),
      choose('fp32', 'onnx/model_q4.onnx'),
      choose('fp32', 'onnx/encoder.onnx', 'onnx/decoder.onnx'),
      choose('q4f16_1', 'onnx/model.onnx'),
      choose('toString', 'onnx/model.onnx'),
    ];
    for (const one of refused) expect(one).toMatchObject({ ok: false, error: { code: 'load_failed' } });
  });
});
