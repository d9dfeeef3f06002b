import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as { version: string };

/**
 * What PeerJS brings for its own message formats and for browsers of years ago, a quarter of the first load. Links carry
 * raw bytes in frames of our own, and every browser that has the keys this app needs speaks WebRTC as the standard says.
 */
const UNUSED_IN_PEERJS: Readonly<Record<string, string>> = {
  '@msgpack/msgpack': 'export class Encoder {}\nexport const decodeMultiStream = undefined;',
  'peerjs-js-binarypack': 'export const pack = undefined, unpack = undefined;',
  'webrtc-adapter': "export default { browserDetails: { browser: 'unknown', version: 0 } };",
};

const withoutUnusedParts: Plugin = {
  name: 'tabmesh:peerjs-raw-only',
  apply: 'build',
  enforce: 'pre',
  resolveId: (id, importer) =>
    id in UNUSED_IN_PEERJS && /[\\/]peerjs[\\/]/.test(importer ?? '') ? `\0${id}` : undefined,
  load: (id) => (id.startsWith('\0') ? UNUSED_IN_PEERJS[id.slice(1)] : undefined),
};

/**
 * Seeds and backups sign in plain code, which brings SHA-512. In a copy of its own it comes with that code; in one module with
 * SHA-256, which everything needs, it would come with the first load.
 */
const hashesOfCurves: Plugin = {
  name: 'tabmesh:hashes-of-curves',
  apply: 'build',
  enforce: 'pre',
  async resolveId(id, importer) {
    if (id !== '@noble/hashes/sha2.js' || !/[\\/]@noble[\\/]curves[\\/]/.test(importer ?? '')) return undefined;
    const resolved = await this.resolve(id, importer, { skipSelf: true });
    return resolved === null ? undefined : `${resolved.id}?curves`;
  },
};

const SHARED_BY_PLACES =
  /[\\/]src[\\/]ui[\\/](?:(?!batch|capability-words|contribution-words|download|evidence|file-hash|hosts|limits|margin-plot|mesh-layout|models|qr-path|receipt-|route-lines|tasks)[a-z-]+\.ts|components[\\/](?:Button|Card|Chip|DutyLight|Empty|Face|NodeName|Page|Problem|VerdictChip)\.svelte)|@lucide[\\/]svelte[\\/]dist[\\/](?!icons)/;

/** What opens a ledger and what a message passes. What only some ledgers need (`growth`, `cards`, beginning with a checkpoint), and what makes files of them, comes when it is needed. */
const OPENS_A_LEDGER =
  /[\\/]src[\\/]core[\\/](?:base|wire|ledger)[\\/](?!growth|cards|least|rules[\\/](?:contribution|naming|provenance|shard|training)|certified-checkpoint|plan-beginning|trusted-start|tailed-log|witness-duty|replay|contribution-terms|ledger-file|parse-json-through|parse-plain-json|json-limits|json-text|signed-text|boxed-float|car\.ts|merge)/;

const UNIT_TESTS = [
  'src/**/*.test.ts',
  'workers/**/*.test.ts',
  'signaling/**/*.test.ts',
  'tests/{architecture,conformance,vectors,integration,rules,schemas,simulation}/**/*.test.ts',
];
/** Sweeps over every moment at which a disk may fail, and simulations: seconds each, run by `npm test` and not before every commit. */
const LONG = ['**/*.long.test.ts'];
/** What puts something else in the place of a module or of a global needs modules of its own. */
const ALONE = [
  'src/cli/inbox-process.test.ts',
  'src/adapters/storage-fs-files/write-folder.test.ts',
  'src/ui/state/step-bench.test.ts',
  'signaling/app-files.test.ts',
];

export default defineConfig({
  // Unit tests compile no component: they start without the compiler.
  plugins: process.env['VITEST']
    ? []
    : [withoutUnusedParts, hashesOfCurves, import('@sveltejs/kit/vite').then(({ sveltekit }) => sveltekit())],
  define: { __TABMESH_VERSION__: JSON.stringify(version) },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // What every place of the app shows lies in one file: dozens of tiny ones compress badly.
        // So does what every page loads to open its ledger, where dynamic imports share parts of it.
        advancedChunks: {
          groups: [
            { name: 'places', test: SHARED_BY_PLACES, minShareCount: 2 },
            { name: 'ledger', test: OPENS_A_LEDGER, minShareCount: 2 },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  optimizeDeps: { exclude: ['@huggingface/transformers', 'onnxruntime-web', '@mlc-ai/web-llm'] },
  resolve: {
    // The runtime's own loader file stays apart from the bundle, so that only the same-origin paths given at run time decide.
    conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'],
  },
  test: {
    environment: 'node',
    // A test waits on events; only a hang ends here, on a busy machine too.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // On two cores as many as there are: what else runs beside them is short.
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: UNIT_TESTS,
          exclude: [...ALONE, ...LONG],
          // Test files of one process share their modules: nothing here is made on import, and no test changes what others use.
          // With modules of its own for each, half of the time went into loading them.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
      { extends: true, test: { name: 'long', include: LONG, exclude: ['node_modules/**', 'build/**'] } },
    ],
  },
});
