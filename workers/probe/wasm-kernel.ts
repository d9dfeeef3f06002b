/** Columns that one turn of the inner loop takes: four vectors of four numbers. */
export const COLUMNS_AT_ONCE = 16;

const PAGE_BYTES = 65_536;

export interface WasmKernel {
  readonly memory: WebAssembly.Memory;
  /** out[row] = Σ matrix[row][column] · vector[column], in 32-bit floats; addresses are byte offsets, `columns` a multiple of 16. */
  multiply(matrix: number, vector: number, out: number, rows: number, columns: number): void;
}

/** Matrix by vector in WebAssembly with SIMD, made of its bytes here: the runtimes' own kernels cannot be had alone. */
export function createWasmKernel(memoryBytes: number): WasmKernel {
  const module = new WebAssembly.Module(moduleBytes(Math.ceil(memoryBytes / PAGE_BYTES)));
  const { memory, multiply } = new WebAssembly.Instance(module).exports;
  return { memory: memory as WebAssembly.Memory, multiply: multiply as WasmKernel['multiply'] };
}

/** Unsigned LEB128 (WebAssembly core specification, section 5.2.2). */
function unsigned(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) + 128);
  }
}

const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
const name = (text: string): number[] => [...unsigned(text.length), ...Array.from(text, (char) => char.charCodeAt(0))];

const I32 = 0x7f;
const V128 = 0x7b;
const [MATRIX, VECTOR, OUT, ROWS, COLUMNS, LEFT, AT] = [0, 1, 2, 3, 4, 5, 6];
const SUMS = [7, 8, 9, 10];

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const add = (local: number, bytes: readonly number[]): number[] => [...get(local), 0x41, ...bytes, 0x6a, ...set(local)];
/** Takes from a counter and goes round again until it is zero. */
const countDown = (local: number, by: number): number[] => [...get(local), 0x41, by, 0x6b, 0x22, local, 0x0d, 0];
const load = (local: number, offset: number): number[] => [...get(local), 0xfd, 0x00, 4, ...unsigned(offset)];
const LOOP = [0x03, 0x40];
const END = 0x0b;
const F32X4_ADD = [0xfd, 0xe4, 0x01];
const F32X4_MUL = [0xfd, 0xe6, 0x01];
const ZERO = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
const lane = (index: number): number[] => [0xfd, 0x1f, index];
const F32_ADD = 0x92;
/** 64 and 4 as signed LEB128. */
const BYTES_64 = [0xc0, 0x00];
const BYTES_4 = [0x04];

const BODY: readonly number[] = [
  ...LOOP,
  ...SUMS.flatMap((sum) => [...ZERO, ...set(sum)]),
  ...[...get(COLUMNS), ...set(LEFT), ...get(VECTOR), ...set(AT)],
  ...LOOP,
  ...SUMS.flatMap((sum, index) => [
    ...get(sum),
    ...load(MATRIX, 16 * index),
    ...load(AT, 16 * index),
    ...F32X4_MUL,
    ...F32X4_ADD,
    ...set(sum),
  ]),
  ...add(MATRIX, BYTES_64),
  ...add(AT, BYTES_64),
  ...countDown(LEFT, COLUMNS_AT_ONCE),
  END,
  ...get(OUT),
  ...[...get(7), ...get(8), ...F32X4_ADD, ...get(9), ...F32X4_ADD, ...get(10), ...F32X4_ADD, ...set(7)],
  ...[
    ...get(7),
    ...lane(0),
    ...get(7),
    ...lane(1),
    F32_ADD,
    ...get(7),
    ...lane(2),
    F32_ADD,
    ...get(7),
    ...lane(3),
    F32_ADD,
  ],
  ...[0x38, 2, 0],
  ...add(OUT, BYTES_4),
  ...countDown(ROWS, 1),
  END,
  END,
];

function moduleBytes(pages: number): Uint8Array<ArrayBuffer> {
  // Two counters, then four vectors; the parameters are locals 0 to 4.
  const code = [
    ...vector([
      [2, I32],
      [4, V128],
    ]),
    ...BODY,
  ];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([[0x60, ...vector([[I32], [I32], [I32], [I32], [I32]]), 0]])),
    ...section(3, vector([[0]])),
    ...section(5, vector([[0, ...unsigned(pages)]])),
    ...section(
      7,
      vector([
        [...name('memory'), 2, 0],
        [...name('multiply'), 0, 0],
      ]),
    ),
    ...section(10, vector([[...unsigned(code.length), ...code]])),
  ]);
}
