import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { importsOf } from './imports-of';
import { complaint, type Aliases } from './rooms';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const { imports: ALIASES } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { imports: Aliases };
const aliases = Object.fromEntries(Object.entries(ALIASES).map(([key, value]) => [key, value.replace(/^\.\//, '')]));

/** Folders of the brief; whatever else stands at the top is configuration, or ignored by git. */
const TOP_FOLDERS = ['docs', 'signaling', 'src', 'static', 'tests', 'workers'];
const IGNORED_FOLDERS = ['build', 'node_modules', 'playwright-report', 'test-results'];

const foldersIn = (path: string) =>
  readdirSync(join(ROOT, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);

const sourceFiles = ['src', 'workers', 'signaling', 'tests'].flatMap((top) =>
  readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })
    .map((path) => `${top}/${path.replaceAll('\\', '/')}`)
    .filter((path) => /\.(ts|svelte)$/.test(path)),
);

const brokenEdges = (path: string, text: string): string[] =>
  importsOf(path, text).flatMap(({ specifier, typeOnly }) => {
    const reason = complaint(path, specifier, typeOnly, aliases);
    return reason === null ? [] : [`${path} imports ${specifier}: ${reason}.`];
  });

test('imports run down the house and never sideways', () => {
  const broken = sourceFiles.flatMap((path) => brokenEdges(path, readFileSync(join(ROOT, path), 'utf8')));
  expect(broken.join('\n')).toBe('');
});

test('no folder stands at the top that the brief does not name', () => {
  const beyond = foldersIn('.').filter(
    (name) => !name.startsWith('.') && !TOP_FOLDERS.includes(name) && !IGNORED_FOLDERS.includes(name),
  );
  expect(beyond).toEqual([]);
});

test('every service has a contract, a handler and a test', () => {
  const lacking = foldersIn('src/services').flatMap((name) => {
    const folder = `src/services/${name}`;
    const files = readdirSync(join(ROOT, folder));
    return [
      ...['contract.ts', 'handler.ts']
        .filter((file) => !files.includes(file))
        .map((file) => `${folder} has no ${file}`),
      ...(files.some((file) => file.endsWith('.test.ts')) ? [] : [`${folder} has no test`]),
    ];
  });
  expect(lacking).toEqual([]);
});

test('every alias leads to a folder that exists', () => {
  const astray = Object.entries(aliases).filter(([, target]) => !existsSync(join(ROOT, target.replace(/\*.*$/, ''))));
  expect(astray).toEqual([]);
});

describe('a broken edge is found', () => {
  const broken: readonly (readonly [file: string, code: string, reason: RegExp])[] = [
    ['src/core/jobs/queue.ts', "import { route } from '../experts/pipeline';", /built in floors/],
    ['src/core/transport/ports.ts', "import type { Log } from '../storage/ports';", /never on one beside/],
    ['src/core/ledger/chain.ts', "export { openDB } from 'idb';", /behind the storage port/],
    ['src/core/base/ids.ts', "import { readFileSync } from 'node:fs';", /the rest runs in a tab too/],
    ['src/core/bus/bus.ts', "import { systemClock } from '#adapters/clock-system/clock';", /nothing impure/],
    ['src/adapters/storage-idb/log.ts', "import { link } from '../transport-peerjs/link';", /one port/],
    ['src/adapters/storage-idb/log.ts', "import { log } from '../storage-memory/log';", /one technology/],
    ['src/services/echo/handler.ts', "import { handle } from '../text-stats/handler';", /contract\.ts, nothing else/],
    ['src/services/echo/contract.ts', "import { handle } from './handler';", /what others may know/],
    ['src/services/echo/handler.ts', "import { table } from '../registry';", /contract\.ts, nothing else/],
    ['src/node/create-node.ts', "const { peers } = await import('#adapters/transport-peerjs/peers');", /no adapter/],
    ['src/node/create-node.ts', "import Page from '#ui/components/Page.svelte';", /nothing above it/],
    ['src/ui/state/peers.svelte.ts', "import { createBus } from '#core/bus/bus';", /takes values from base/],
    ['src/ui/state/peers.svelte.ts', "import { createBus, type Bus } from '#core/bus/bus';", /takes values from base/],
    [
      'src/ui/components/Face.svelte',
      '<script lang="ts">\n  import { Peer } from \'peerjs\';\n</script>\n<i></i>',
      /transport port/,
    ],
    [
      'src/ui/engine.ts',
      "new Worker(new URL('../../workers/timer/worker.ts', import.meta.url));",
      /takes values from base/,
    ],
    [
      'src/routes/+page.svelte',
      "<script>import { idb } from '#adapters/storage-idb/log';</script>",
      /put together what ui has/,
    ],
    ['workers/transformers/worker.ts', "import { createBus } from '#core/bus/bus';", /off the page thread/],
    ['signaling/start.ts', "import { theme } from '#ui/theme.ts';", /never knows the interface/],
    ['src/cli/main.ts', "type Peers = import('#ui/state/peers.svelte').Peers;", /beside the interface/],
    ['src/core/jobs/lease.ts', "import { clock } from '#tests/fakes/clock';", /nothing in the house looks at tests/],
    ['src/core/jobs/lease.ts', "import leftPad from 'left-pad';", /no home yet/],
    ['src/common/things.ts', "import { ok } from '#core/base/result';", /no room/],
  ];
  test.each(broken)('%s: %s', (file, code, reason) => {
    expect(brokenEdges(file, code).join('\n')).toMatch(reason);
  });

  const sound: readonly (readonly [file: string, code: string])[] = [
    ['src/core/experts/pipeline.ts', "import { lease } from '../jobs/lease';"],
    ['src/services/check-rescore/handler.ts', "import { outcome } from '../check-redo/contract';"],
    ['src/services/work-services.ts', "import('./echo/handler');"],
    ['src/node/browser.ts', "import { links } from '#adapters/transport-peerjs/links';"],
    ['src/ui/state/peers.svelte.ts', "import type { TabNode } from '#node/tab-node';"],
    ['src/ui/state/peers.svelte.ts', "import { type PeerView } from '#node/page-api';"],
    [
      'src/adapters/engine-worker/engine.ts',
      "new Worker(new URL('../../../workers/transformers/worker.ts', import.meta.url));",
    ],
    ['src/adapters/verify-webcrypto.ts', "import('./verify-noble');"],
    ['src/adapters/storage-fs.ts', "import { write } from './storage-fs-files/write';"],
    ['src/adapters/storage-idb/log.test.ts', "import { log } from '../storage-memory/log';"],
  ];
  test.each(sound)('and a sound one is not: %s: %s', (file, code) => {
    expect(brokenEdges(file, code)).toEqual([]);
  });
});
