import type { Browser } from '@playwright/test';
import type { ServerConfig } from '#core/wire/signaling-messages';
import type { Manner, ServerOfLiar } from '../browser/liar.harness';
import type { HarnessServer } from '../browser/serve-harness';
import { watchForFaults, type PersonAtPage } from './people';
import type { AppServer } from './serve-app';

/** For `serveHarness`. The app's server must allow the harness's origin. */
export const LIAR_MODULE = '/tests/browser/liar.harness.ts';

export type LiarAtPage = PersonAtPage;

/** Where the liar lives, and whether it asks for pay: that takes a catalogue, and a measurement of its model. */
export interface LiarPlace {
  readonly harness: HarnessServer;
  readonly app: AppServer;
  readonly isPaid?: boolean;
}

/** A browser profile of its own with a tab that runs the real node with a model that lies. */
export async function openLiar(
  browser: Browser,
  { harness, app, isPaid = false }: LiarPlace,
  manner: Manner,
): Promise<LiarAtPage> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const faults = await watchForFaults(page);
  await harness.open(page, LIAR_MODULE);
  const read = async (path: string): Promise<unknown> => (await fetch(app.origin + path)).json();
  const server: ServerOfLiar = {
    url: app.origin,
    config: (await read('/api/config')) as ServerConfig,
    catalogue: isPaid ? ((await read('/api/models')) as { readonly catalogue: unknown }).catalogue : null,
  };
  const nodeId = await page.evaluate(([from, how]) => window.liar.start(from, how), [server, manner] as const);
  return { context, page, nodeId, faults };
}
