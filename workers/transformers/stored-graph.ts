import type { DataType } from '@huggingface/transformers';
import { fail, ok, type Result } from '#core/base/result';
import type { ModelManifest } from '#core/engines/model-manifest';

/** Which ONNX file a model runs, in the terms of transformers.js. */
export interface GraphChoice {
  /** Its folder inside the model, without slashes at the ends; empty for the top. */
  readonly subfolder: string;
  /** Its name without the ending and without what tells the quantisation. */
  readonly fileName: string;
  readonly dtype: Exclude<DataType, 'auto'>;
  /** How many files beside it hold its weights: `<name>.onnx_data`, `<name>.onnx_data_1`, … */
  readonly dataFiles: number;
}

/** What transformers.js appends to the name of a graph, by quantisation. */
const SUFFIX_BY_DTYPE: Readonly<Record<GraphChoice['dtype'], string>> = {
  fp32: '',
  fp16: '_fp16',
  int8: '_int8',
  uint8: '_uint8',
  q8: '_quantized',
  q4: '_q4',
  q2: '_q2',
  q1: '_q1',
  q4f16: '_q4f16',
  q2f16: '_q2f16',
  q1f16: '_q1f16',
  bnb4: '_bnb4',
};

const isDtype = (name: string): name is GraphChoice['dtype'] => Object.hasOwn(SUFFIX_BY_DTYPE, name);

const ONNX = '.onnx';

/**
 * The one graph that a manifest means: of the ONNX files that it lists, the one whose name ends as its quantisation
 * says. Code: `load_failed`, when there is none or more than one.
 */
export function chooseGraph({
  quantisation,
  files,
}: Pick<ModelManifest, 'quantisation' | 'files'>): Result<GraphChoice> {
  if (!isDtype(quantisation))
    return fail(
      'load_failed',
      `The model could not be loaded: this engine does not know the quantisation ${quantisation}.`,
    );
  const suffix = SUFFIX_BY_DTYPE[quantisation];
  const foreign = Object.values(SUFFIX_BY_DTYPE).filter((other) => other.length > suffix.length);
  const fits = (stem: string): boolean => stem.endsWith(suffix) && !foreign.some((other) => stem.endsWith(other));
  const paths = files.map(({ path }) => path);
  const graphs = paths.filter((path) => path.endsWith(ONNX) && fits(path.slice(0, -ONNX.length)));
  const [graph] = graphs;
  if (graph === undefined || graphs.length > 1)
    return fail(
      'load_failed',
      `The model could not be loaded: its list has ${graphs.length} graphs of the quantisation ${quantisation}, not one.`,
    );
  const slash = graph.lastIndexOf('/');
  let dataFiles = 0;
  while (paths.includes(`${graph}_data${dataFiles === 0 ? '' : `_${dataFiles}`}`)) dataFiles++;
  return ok({
    subfolder: graph.slice(0, Math.max(slash, 0)),
    fileName: graph.slice(slash + 1, graph.length - ONNX.length - suffix.length),
    dtype: quantisation,
    dataFiles,
  });
}
