import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { createServer } from 'vite';

export interface HarnessServer {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly origin: string;
  /** Opens the plain page with `module` loaded; throws with the module's own error when loading failed. */
  open(page: Page, module: string): Promise<void>;
  close(): Promise<void>;
}

export interface HarnessOptions {
  /** Harness modules as paths from the repository root: `/tests/browser/x.harness.ts`. Each puts its functions on `window`. */
  readonly modules: readonly string[];
  /** Extra response headers, for pages that need isolation. */
  readonly headers?: Record<string, string>;
}

/**
 * Serves the repository's own TypeScript to a real browser through Vite, without the app: no SvelteKit, no reload, no
 * file watching. Packages that the modules import are bundled before the first page, so a page never reloads mid-run.
 */
export async function serveHarness({ modules, headers = {} }: HarnessOptions): Promise<HarnessServer> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const name = modules.join('-').replace(/[^a-z0-9]+/gi, '-');
  const server = await createServer({
    configFile: false,
    root,
    appType: 'mpa',
    logLevel: 'error',
    // One cache per set of modules: two servers side by side would throw each other's bundles away.
    cacheDir: `${root}node_modules/.vite-harness/${name}`,
    define: { __TABMESH_VERSION__: JSON.stringify('0.0.0') },
    worker: { format: 'es' },
    resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'] },
    optimizeDeps: {
      entries: modules.map((module) => module.replace(/^\//, '')),
      exclude: ['@huggingface/transformers', 'onnxruntime-web', '@mlc-ai/web-llm'],
    },
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null, headers },
  });
  await server.listen();
  const address = server.httpServer?.address();
  if (address === null || typeof address !== 'object') throw new Error('The harness server has no port.');
  const origin = `http://127.0.0.1:${address.port}`;
  return {
    origin,
    async open(page, module) {
      await page.goto(`${origin}/tests/browser/harness.html?module=${encodeURIComponent(module)}`);
      await page.waitForFunction(() => document.documentElement.dataset['harness'] !== undefined);
      const state = await page.evaluate(() => document.documentElement.dataset['harness']);
      if (state !== 'ready')
        throw new Error(`${module} did not load: ${await page.evaluate(() => document.body.textContent)}`);
    },
    close: () => server.close(),
  };
}
