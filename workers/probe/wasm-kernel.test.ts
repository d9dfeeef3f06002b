import { describe, expect, test } from 'vitest';
import { javaScriptKernel, measureProcessor } from './processor';
import { fastestRate } from './timing';
import { COLUMNS_AT_ONCE, createWasmKernel } from './wasm-kernel';

describe('matrix by vector in WebAssembly', () => {
  test.each([
    [1, 16],
    [3, 16],
    [7, 64],
    [128, 512],
  ])('gives what JavaScript gives for %d rows of %d columns', (rows, columns) => {
    expect(columns % COLUMNS_AT_ONCE).toBe(0);
    const bytes = 4 * (rows * columns + columns + rows);
    const { memory, multiply } = createWasmKernel(bytes);
    const floats = new Float32Array(memory.buffer);
    // Small whole numbers: sums in any order are exact.
    for (let i = 0; i < rows * columns + columns; i++) floats[i] = ((i * 7 + 3) % 11) - 5;
    multiply(0, 4 * rows * columns, 4 * (rows * columns + columns), rows, columns);
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let column = 0; column < columns; column++)
        sum += floats[row * columns + column]! * floats[rows * columns + column]!;
      expect(floats[rows * columns + columns + row]).toBe(sum);
    }
  });
});

describe('the measurement of a processor', () => {
  test('runs on WebAssembly where there is some, with figures above zero', async () => {
    const speed = await measureProcessor(40);
    expect(speed).toMatchObject({ on: 'wasm' });
    expect(speed!.gflops).toBeGreaterThan(0.01);
    expect(speed!.gflops).toBeLessThan(250);
    expect(speed!.gigabytesPerSecond).toBeGreaterThan(0.01);
  });

  test('has a kernel for where there is none', () => {
    expect(javaScriptKernel().multiply({ rows: 2, columns: 32 })).toBe(32);
  });
});

test('a rate comes from at least one batch that was timed, however small the budget', async () => {
  const batches: number[] = [];
  const rate = await fastestRate((times) => void batches.push(times), 0);
  expect(batches).toEqual([1, 1]);
  expect(rate).toBeGreaterThan(0);
});
