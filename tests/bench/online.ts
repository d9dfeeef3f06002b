import type { BrowserContext } from 'playwright';
import { atMost, type Bench } from './bench';
import { medianMs } from './figures';
import { openProfile, withPeople } from './profiles';

const MAX_ONLINE_MS = 3_000;

/** Milliseconds since the navigation began. */
interface Arrival {
  readonly firstPaintMs: number;
  readonly onlineMs: number;
  readonly linkedMs: number;
}

/** Runs in the page before its own code: notes when `ready` resolved and when the first link stood. */
function watchArrival(): void {
  const seen = { onlineMs: 0, linkedMs: 0 };
  (window as unknown as { arrival: typeof seen }).arrival = seen;
  let api: Window['tabmesh'];
  Object.defineProperty(window, 'tabmesh', {
    configurable: true,
    // A method, not an arrow: tsx would mark a named arrow with a call that the page does not know.
    get() {
      return api;
    },
    set(value: NonNullable<Window['tabmesh']>) {
      api = value;
      void value.ready.then(() => {
        seen.onlineMs = performance.now();
        const look = setInterval(() => {
          if (value.status().peers === 0) return;
          seen.linkedMs = performance.now();
          clearInterval(look);
        }, 5);
      });
    },
  });
}

async function visit(context: BrowserContext, origin: string): Promise<Arrival> {
  const page = await context.newPage();
  await page.goto(origin);
  await page.waitForFunction(() => (window as unknown as { arrival: { linkedMs: number } }).arrival.linkedMs > 0);
  const arrival = await page.evaluate(() => ({
    ...(window as unknown as { arrival: { onlineMs: number; linkedMs: number } }).arrival,
    firstPaintMs: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
    state: window.tabmesh!.status().state,
  }));
  if (arrival.state !== 'online') throw new Error(`The visit ended ${arrival.state}, not online.`);
  // The next visit is that of someone who came back: the shell is in the browser's cache by then.
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.close();
  return arrival;
}

/**
 * A browser that just started, with an empty profile, opens the address; then the same profile opens it again. Another
 * person is already there, so that the time to the first link can be seen as well.
 */
export const online: Bench = {
  name: 'online',
  title: 'From the address to online',
  async run({ origin, quick, say }) {
    const rounds = quick ? 2 : 9;
    const cold: Arrival[] = [];
    const warm: Arrival[] = [];
    await withPeople(async (arrive) => {
      await arrive(origin);
      for (let round = 0; round < rounds; round++) {
        say(`visit ${round + 1} of ${rounds}`);
        const { context, close } = await openProfile();
        try {
          await context.addInitScript(watchArrival);
          cold.push(await visit(context, origin));
          warm.push(await visit(context, origin));
        } finally {
          await close();
        }
      }
    });
    const coldOnlineMs = medianMs(cold.map((one) => one.onlineMs));
    const linkAfterOnlineMs = [...cold, ...warm].map((one) => one.linkedMs - one.onlineMs);
    return {
      figures: {
        rounds,
        coldOnlineMs,
        coldOnlineWorstMs: Math.round(Math.max(...cold.map((one) => one.onlineMs))),
        coldFirstPaintMs: medianMs(cold.map((one) => one.firstPaintMs)),
        coldLinkedMs: medianMs(cold.map((one) => one.linkedMs)),
        warmOnlineMs: medianMs(warm.map((one) => one.onlineMs)),
        warmFirstPaintMs: medianMs(warm.map((one) => one.firstPaintMs)),
        warmLinkedMs: medianMs(warm.map((one) => one.linkedMs)),
        linkAfterOnlineMs: medianMs(linkAfterOnlineMs),
      },
      bars: [atMost('online, first visit', coldOnlineMs, MAX_ONLINE_MS, 'ms')],
    };
  },
};
