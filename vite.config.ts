import { readFileSync } from 'node:fs';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';

const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as { version: string };

export default defineConfig({
  plugins: process.env['VITEST'] ? [] : [sveltekit()],
  define: { __TABMESH_VERSION__: JSON.stringify(version) },
  build: { target: 'es2022', assetsInlineLimit: 0 },
  worker: { format: 'es' },
  optimizeDeps: { exclude: ['@huggingface/transformers', 'onnxruntime-web', '@mlc-ai/web-llm'] },
  resolve: {
    // The runtime's own loader file stays apart from the bundle, so that only the same-origin paths given at run time decide.
    conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'],
  },
  test: {
    include: ['src/**/*.test.ts', 'workers/**/*.test.ts', 'signaling/**/*.test.ts', 'tests/{architecture,conformance,vectors,integration,simulation}/**/*.test.ts'],
    environment: 'node',
  },
});
