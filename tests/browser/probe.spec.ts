import { chromium, expect, test, type Browser, type Page } from '@playwright/test';
import { browserLaunch } from '../find-browser';
import type { ProbeHarness } from './probe.harness';
import { serveHarness, type HarnessServer } from './serve-harness';

declare global {
  interface Window {
    probeHarness: ProbeHarness;
  }
}

const MODULE = '/tests/browser/probe.harness.ts';
const SOFTWARE_GPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
let server: HarnessServer;

test.beforeAll(async () => {
  server = await serveHarness({ modules: [MODULE, '/workers/probe/probe.worker.ts'] });
});
test.afterAll(() => server.close());

async function withBrowser<T>(flags: readonly string[], run: (page: Page) => Promise<T>): Promise<T> {
  const browser: Browser = await chromium.launch(browserLaunch(flags));
  try {
    const page = await browser.newPage();
    await server.open(page, MODULE);
    return await run(page);
  } finally {
    await browser.close();
  }
}
const probe = (page: Page, measureOn: 'auto' | 'webgpu' | 'nothing') =>
  page.evaluate((on) => window.probeHarness.probe(on), measureOn);

test('without WebGPU there is no graphics, and the processor is measured in WebAssembly', async () => {
  const { result, valid } = await withBrowser(['--disable-features=WebGPU,WebGPUService'], (page) =>
    probe(page, 'auto'),
  );
  expect(valid).toBe(true);
  expect(result).toMatchObject({
    ok: true,
    value: { device: { graphics: null, phone: false }, measured: { on: 'wasm' } },
  });
  if (!result.ok) return;
  console.log(
    `One thread: ${result.value.measured!.gflops.toFixed(1)} GFLOP/s, ${result.value.measured!.gigabytesPerSecond.toFixed(1)} GB/s`,
  );
  expect(result.value.measured!.gflops).toBeGreaterThan(0);
  // More than one thread of any processor does: then it was the clock that was measured.
  expect(result.value.measured!.gflops).toBeLessThan(250);
  expect(result.value.measured!.gigabytesPerSecond).toBeGreaterThan(0);
  expect(result.value.device.cores).toBeGreaterThan(0);
});

test('a software adapter is read, told as what it is, and not measured unless asked', async () => {
  await withBrowser(SOFTWARE_GPU, async (page) => {
    const read = await probe(page, 'nothing');
    expect(read.valid).toBe(true);
    expect(read.result).toMatchObject({
      value: { device: { graphics: { architecture: 'swiftshader', software: true } }, measured: null },
    });
    const graphics = read.result.ok ? read.result.value.device.graphics! : null;
    expect(graphics!.maxBufferBytes).toBeGreaterThan(0);
    expect(graphics!.maxBuffersPerStage).toBeGreaterThanOrEqual(8);
    expect(graphics!.features.length).toBeGreaterThan(0);
    expect((await probe(page, 'auto')).result).toMatchObject({ value: { measured: { on: 'wasm' } } });
  });
});

test('the kernels of the GPU run, give the right sums and leave the page responsive', async () => {
  const { result, valid, turns } = await withBrowser(SOFTWARE_GPU, (page) => probe(page, 'webgpu'));
  expect(valid).toBe(true);
  // A page that waits for the GPU itself gets no turn at all.
  expect(turns).toBeGreaterThan(5);
  expect(result).toMatchObject({ value: { measured: { on: 'webgpu' } } });
  if (!result.ok) return;
  console.log(
    `SwiftShader: ${result.value.measured!.gflops.toFixed(2)} GFLOP/s, ${result.value.measured!.gigabytesPerSecond.toFixed(2)} GB/s`,
  );
  expect(result.value.measured!.gflops).toBeGreaterThan(0);
  expect(result.value.measured!.gigabytesPerSecond).toBeGreaterThan(0);
});
