import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { FALLBACK_PAGE, SERVER_PATHS } from './pages';

/** Which files the app consists of; written into the built worker, see svelte.config.js. */
interface Shell {
  /** Fetched ahead, about as much as a photograph: what every page needs to open offline. */
  readonly precache: { url: string; revision: string | null }[];
  /** Paths of engine files, named by their content: kept once they were used, never fetched ahead. */
  readonly engines: readonly string[];
}

/** The part of the service worker's global scope that is used here: its full types cannot stand beside the page's. */
interface Scope {
  readonly __SHELL: Shell;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'activate', listener: (event: { waitUntil(done: Promise<unknown>): void }) => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

const scope = self as unknown as Scope;
const { precache, engines } = (self as unknown as Scope).__SHELL;

/** Outlives an update of the app: an engine that did not change is not fetched again. Models have a store of their own. */
const ENGINE_CACHE = 'engines-v1';
const enginePaths = new Set(engines);

/** Answers from the cache, else from the network; only a whole, good answer is kept. */
async function keepWhenUsed(request: Request): Promise<Response> {
  const cache = await caches.open(ENGINE_CACHE);
  const kept = await cache.match(request.url);
  if (kept) return kept;
  const response = await fetch(request);
  // A full disk must not take the engine away from a page that has it in hand.
  if (response.status === 200) void cache.put(request.url, response.clone()).catch(() => undefined);
  return response;
}

async function dropEnginesOfOlderVersions(): Promise<void> {
  const cache = await caches.open(ENGINE_CACHE);
  const requests = await cache.keys();
  const outdated = requests.filter((request) => !enginePaths.has(new URL(request.url).pathname));
  await Promise.all(outdated.map((request) => cache.delete(request)));
}

precacheAndRoute(precache);
cleanupOutdatedCaches();
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && enginePaths.has(url.pathname),
  ({ request }) => keepWhenUsed(request),
);
registerRoute(new NavigationRoute(createHandlerBoundToURL(FALLBACK_PAGE), { denylist: [...SERVER_PATHS] }));

// The first visit's page is taken over at once, so that an engine it loads is kept. A page of an older version is only
// ever taken over after its person said yes: until the message below, a new worker waits.
scope.addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([scope.clients.claim(), dropEnginesOfOlderVersions()]));
});
scope.addEventListener('message', ({ data }) => {
  if (typeof data === 'object' && data !== null && 'type' in data && data.type === 'SKIP_WAITING')
    void scope.skipWaiting();
});
