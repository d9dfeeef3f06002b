import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContextOptions } from '@playwright/test';
import { ROOT } from '#tests/steps';
import { countBytes } from './serve-app';

/** All scripts that the page itself asks for until it is online, compressed: the ledger with its rules among them, which a node reads before it signs. */
export const MAX_FIRST_LOAD_SCRIPT_BYTES = 160_000;
/** Everything on the wire until then, both ways, without the service worker's precache. */
export const MAX_VISIT_BYTES = 300_000;

export interface FirstVisit {
  readonly wireBytes: number;
  /** How many scripts the page asked for, and their size when compressed with gzip. */
  readonly scripts: number;
  readonly scriptGzipBytes: number;
}

/**
 * A first visit to the build of this repository, until the node is online; with a service worker, until it is installed
 * as well. Counts what went over the wire, and the page's scripts.
 */
export async function firstVisit(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions,
): Promise<FirstVisit> {
  const wire = await countBytes(origin);
  const context = await browser.newContext(options);
  try {
    const paths = new Set<string>();
    context.on('request', (request) => {
      const { pathname } = new URL(request.url());
      if (/\.m?js$/.test(pathname) && request.serviceWorker() === null) paths.add(pathname);
    });
    const page = await context.newPage();
    await page.goto(wire.origin);
    await page.waitForFunction(() => window.tabmesh !== undefined);
    await page.evaluate(() => window.tabmesh?.ready);
    await page.waitForFunction(() => window.tabmesh?.status().state === 'online');
    if (options.serviceWorkers !== 'block') await page.evaluate(() => navigator.serviceWorker.ready);
    let scriptGzipBytes = 0;
    for (const path of paths) scriptGzipBytes += gzipSync(readFileSync(join(ROOT, 'build', path))).length;
    return { wireBytes: wire.bytes(), scripts: paths.size, scriptGzipBytes };
  } finally {
    await context.close();
    await wire.close();
  }
}
