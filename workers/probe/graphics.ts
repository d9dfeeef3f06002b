import type { Graphics, MeasuredSpeed } from '#core/engines/device-measure';
import { fastestRate } from './timing';

/** Rows and columns of square matrices. */
interface Sizes {
  /** Multiplied with each other. */
  readonly product: number;
  /** Multiplied with a vector. */
  readonly rows: number;
}

/** 2.1 billion sums, and 64 MiB: more than caches hold, within every adapter's default limits. */
const REAL: Sizes = { product: 1_024, rows: 4_096 };
/** A processor that plays GPU would be busy for a minute. */
const SOFTWARE: Sizes = { product: 128, rows: 1_024 };

const FLOAT_BYTES = 4;
const TILE = 16;
const LANES = 64;

/** GPUBufferUsage and GPUMapMode, which TypeScript's libraries do not have as values. */
const USE = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, storage: 0x80 } as const;
const MAP_READ = 0x1;

/** Matrix by matrix in tiles: each number that is fetched is used sixteen times. */
const productCode = (size: number): string => /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
var<workgroup> tile_a: array<array<f32, ${TILE}>, ${TILE}>;
var<workgroup> tile_b: array<array<f32, ${TILE}>, ${TILE}>;
@compute @workgroup_size(${TILE}, ${TILE})
fn main(@builtin(global_invocation_id) at: vec3u, @builtin(local_invocation_id) here: vec3u) {
  var sum = 0.0;
  for (var tile = 0u; tile < ${size / TILE}u; tile++) {
    tile_a[here.y][here.x] = a[at.y * ${size}u + tile * ${TILE}u + here.x];
    tile_b[here.y][here.x] = b[(tile * ${TILE}u + here.y) * ${size}u + at.x];
    workgroupBarrier();
    for (var k = 0u; k < ${TILE}u; k++) { sum += tile_a[here.y][k] * tile_b[k][here.x]; }
    workgroupBarrier();
  }
  c[at.y * ${size}u + at.x] = sum;
}`;

/** Matrix by vector, one group of threads for a row: each number of the matrix is fetched and used once. */
const rowsCode = (size: number): string => /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
var<workgroup> sums: array<f32, ${LANES}>;
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var k = lane; k < ${size / 4}u; k += ${LANES}u) { sum += dot(a[group.x * ${size / 4}u + k], b[k]); }
  sums[lane] = sum;
  workgroupBarrier();
  for (var half = ${LANES / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { c[group.x] = sums[0]; }
}`;

/** The adapter that engines would get, or null. */
export async function findAdapter(): Promise<GPUAdapter | null> {
  const gpu = (navigator as { gpu?: GPU }).gpu;
  return (await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)) ?? null;
}

export function readGraphics(adapter: GPUAdapter): Graphics {
  const { info, limits } = adapter;
  // Browsers of 2023 and 2024 say it on the adapter itself.
  const old = (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter === true;
  return {
    vendor: info.vendor.slice(0, 64),
    architecture: info.architecture.slice(0, 64),
    software: old || info.isFallbackAdapter === true || info.architecture === 'swiftshader',
    features: [...adapter.features].map((feature) => feature.slice(0, 64)).slice(0, 64),
    maxBufferBytes: limits.maxBufferSize,
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    maxWorkgroupBytes: limits.maxComputeWorkgroupStorageSize,
    maxBuffersPerStage: limits.maxStorageBuffersPerShaderStage,
  };
}

/** Both kernels on this adapter; null when its sums are wrong. Throws what WebGPU throws. The device is given back in any case. */
export async function measureGraphics(adapter: GPUAdapter, budgetMs: number): Promise<MeasuredSpeed | null> {
  const sizes = readGraphics(adapter).software ? SOFTWARE : REAL;
  const device = await adapter.requestDevice();
  try {
    const tiles = sizes.product / TILE;
    const square = sizes.product ** 2;
    const product = createKernel(device, productCode(sizes.product), [square, square, square], [tiles, tiles]);
    const rows = createKernel(device, rowsCode(sizes.rows), [sizes.rows ** 2, sizes.rows, sizes.rows], [sizes.rows, 1]);
    const products = await fastestRate(product.run, budgetMs / 2);
    const passes = await fastestRate(rows.run, budgetMs / 2);
    if ((await product.last()) !== sizes.product || (await rows.last()) !== sizes.rows) return null;
    return {
      on: 'webgpu',
      gflops: (products * 2 * sizes.product ** 3) / 1e9,
      gigabytesPerSecond: (passes * sizes.rows ** 2 * FLOAT_BYTES) / 1e9,
    };
  } finally {
    device.destroy();
  }
}

interface GpuKernel {
  /** Resolves when the GPU has done its work that many times. */
  run(times: number): Promise<void>;
  /** The last number of the result: all inputs are 1, so it is the length of a row. */
  last(): Promise<number>;
}

/** `counts`: how many numbers both inputs and the result have; `groups`: how many groups of threads there are each way. */
function createKernel(
  device: GPUDevice,
  code: string,
  counts: readonly [number, number, number],
  groups: readonly [number, number],
): GpuKernel {
  const [countA, countB, countC] = counts;
  const ones = (count: number): GPUBuffer => {
    const buffer = device.createBuffer({ size: count * FLOAT_BYTES, usage: USE.storage, mappedAtCreation: true });
    new Float32Array(buffer.getMappedRange()).fill(1);
    buffer.unmap();
    return buffer;
  };
  const result = device.createBuffer({ size: countC * FLOAT_BYTES, usage: USE.storage | USE.copySource });
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
  });
  const bindings = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [ones(countA), ones(countB), result].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  return {
    async run(times) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindings);
      for (let i = 0; i < times; i++) pass.dispatchWorkgroups(groups[0], groups[1]);
      pass.end();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
    },
    async last() {
      const copy = device.createBuffer({ size: FLOAT_BYTES, usage: USE.mapRead | USE.copyTarget });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(result, (countC - 1) * FLOAT_BYTES, copy, 0, FLOAT_BYTES);
      device.queue.submit([encoder.finish()]);
      await copy.mapAsync(MAP_READ);
      return new Float32Array(copy.getMappedRange())[0]!;
    },
  };
}
