import type { MeasuredSpeed } from '#core/engines/device-measure';
import { fastestRate } from './timing';
import { createWasmKernel } from './wasm-kernel';

/** Fits the second cache of every processor of these years: sums alone are measured. */
const NEAR = { rows: 128, columns: 512 };
/** Larger than the last cache of most: the way from memory is measured. */
const FAR = { rows: 2_048, columns: 4_096 };

const FLOAT_BYTES = 4;

interface Kernel {
  readonly on: MeasuredSpeed['on'];
  /** All numbers are 1, so each result is the number of columns. */
  multiply(size: typeof NEAR): number;
}

/** Matrix by vector on one thread of the processor: in the cache for sums, out of memory for bytes. Null when its sums are wrong. */
export async function measureProcessor(budgetMs: number): Promise<MeasuredSpeed | null> {
  const { on, multiply } = createKernel();
  if ([NEAR, FAR].some((size) => multiply(size) !== size.columns)) return null;
  const rate = (size: typeof NEAR): Promise<number> =>
    fastestRate((times) => {
      for (let i = 0; i < times; i++) multiply(size);
    }, budgetMs / 2);
  const near = await rate(NEAR);
  const far = await rate(FAR);
  return {
    on,
    gflops: (near * 2 * NEAR.rows * NEAR.columns) / 1e9,
    gigabytesPerSecond: (far * FAR.rows * FAR.columns * FLOAT_BYTES) / 1e9,
  };
}

function createKernel(): Kernel {
  const matrixBytes = FAR.rows * FAR.columns * FLOAT_BYTES;
  const vectorBytes = FAR.columns * FLOAT_BYTES;
  try {
    const { memory, multiply } = createWasmKernel(matrixBytes + vectorBytes + FAR.rows * FLOAT_BYTES);
    const floats = new Float32Array(memory.buffer);
    floats.fill(1);
    return {
      on: 'wasm',
      multiply({ rows, columns }) {
        multiply(0, matrixBytes, matrixBytes + vectorBytes, rows, columns);
        return floats[(matrixBytes + vectorBytes) / FLOAT_BYTES]!;
      },
    };
  } catch {
    // No WebAssembly, or none with SIMD.
    return javaScriptKernel();
  }
}

export function javaScriptKernel(): Kernel {
  const matrix = new Float32Array(FAR.rows * FAR.columns).fill(1);
  const vector = new Float32Array(FAR.columns).fill(1);
  const out = new Float32Array(FAR.rows);
  return {
    on: 'javascript',
    multiply({ rows, columns }) {
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        for (let column = 0; column < columns; column++) sum += matrix[row * columns + column]! * vector[column]!;
        out[row] = sum;
      }
      return out[0]!;
    },
  };
}
