import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import adapter from '@sveltejs/adapter-static';

const OUT = 'build';
const FALLBACK = '200.html';
const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));

/** A file above this is an engine, not shell: it is kept when it was used, never fetched ahead. */
const MAX_SHELL_FILE_BYTES = 300 * 1024;
/** What the service worker may fetch ahead, compressed as on the wire. */
const MAX_SHELL_BYTES = 1.5 * 1024 * 1024;
/** Kit gives these names by content, so the name is the revision. */
const NAMED_BY_CONTENT = /^_app\/immutable\//;
/** Runtimes are engines at any size: without their large half, the small one is of no use offline. */
const ENGINE = /\/(ort-|web-?llm)[^/]*$|\.wasm$/;
/** Models have their own store; schemas are for others to read; the worker file cannot hold itself; version.json must always be asked afresh. */
const NEVER_KEPT = /^(models|schemas)\/|^service-worker\.js$|^_app\/version\.json$|\.(map|br|gz|txt)$/;

/** Style attributes in markup that are allowed, by their text; all other styling comes from files or from the DOM's own API. */
const STYLE_ATTRIBUTES = [
  // src/app.html
  'display: contents',
  // Kit's announcer of the page's title to screen readers
  'position: absolute; left: 0; top: 0; clip: rect(0 0 0 0); clip-path: inset(50%); overflow: hidden; white-space: nowrap; width: 1px; height: 1px',
];
const hashOf = (text) => `sha256-${createHash('sha256').update(text).digest('base64')}`;

/**
 * Puts the list of files into the service worker where it says `self.__SHELL`: Kit's own list knows no sizes and not the
 * fallback page. Revisions are content hashes, so that an update fetches only what changed.
 */
function listShell() {
  const precache = [];
  const engines = [];
  let wireBytes = 0;
  const files = readdirSync(OUT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(OUT.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
  for (const file of files) {
    if (NEVER_KEPT.test(file)) continue;
    const bytes = readFileSync(join(OUT, file));
    const immutable = NAMED_BY_CONTENT.test(file);
    if (bytes.length > MAX_SHELL_FILE_BYTES || ENGINE.test(file)) {
      if (immutable) engines.push(`/${file}`);
      continue;
    }
    wireBytes += gzipSync(bytes).length;
    const revision = immutable ? null : createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    precache.push({ url: `/${file}`, revision });
  }
  if (wireBytes > MAX_SHELL_BYTES) {
    throw new Error(
      `The shell is ${wireBytes} bytes compressed, more than the ${MAX_SHELL_BYTES} that may be fetched ahead.`,
    );
  }
  const worker = join(OUT, 'service-worker.js');
  const code = readFileSync(worker, 'utf8');
  const parts = code.split('self.__SHELL');
  if (parts.length !== 2) throw new Error('The service worker must say self.__SHELL exactly once.');
  writeFileSync(worker, parts.join(JSON.stringify({ precache, engines })));
  // A server that watches the folder takes the fallback page's date for the build's: it must be the last to change.
  const now = new Date();
  utimesSync(join(OUT, FALLBACK), now, now);
}

const site = adapter({ pages: OUT, assets: OUT, fallback: FALLBACK });

/** @type {import('@sveltejs/kit').Config} */
export default {
  kit: {
    // Every page is drawn in the browser; the fallback has absolute URLs, so a deep link works offline too.
    adapter: {
      ...site,
      async adapt(builder) {
        await site.adapt(builder);
        listShell();
      },
    },
    serviceWorker: { register: false },
    files: { serviceWorker: 'src/service-worker/index.ts' },
    // The version, not the time: the same source builds the same bytes, and an update is a change of content.
    version: { name: version, pollInterval: 0 },
    typescript: {
      // svelte-check looks for the types of a component where this says; of package.json's own aliases it only knows the files.
      config: (config) => {
        config.compilerOptions.paths['#ui/*'] = ['../src/ui/*'];
      },
    },
    csp: {
      mode: 'hash',
      directives: {
        'default-src': ['self'],
        'script-src': ['self', 'wasm-unsafe-eval'],
        'style-src': ['self'],
        'style-src-attr': ['unsafe-hashes', ...STYLE_ATTRIBUTES.map(hashOf)],
        'img-src': ['self', 'blob:', 'data:'],
        'font-src': ['self'],
        'connect-src': ['self'],
        'worker-src': ['self'],
        'manifest-src': ['self'],
        'object-src': ['none'],
        'base-uri': ['none'],
        'form-action': ['self'],
        'require-trusted-types-for': ['script'],
        'trusted-types': ['default', 'svelte-trusted-html', 'sveltekit-trusted-url'],
      },
    },
  },
};
