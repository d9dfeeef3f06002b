import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createOpfsModelStore, type OpfsModelStore } from '#adapters/engine-store-opfs/opfs-model-store';
import { hex } from '#core/base/bytes';
import type { Chance, Clock } from '#core/base/ports';
import { SILENCE_MS } from '#workers/store/pace';
import type { FileWish } from '#core/engines/model-store';
import { modelStoreCases } from '#tests/conformance/model-store';
import { modelServerAt } from '#tests/fakes/model-server-client';

const chance: Chance = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };
const system = createSystemClock();
/**
 * Waits between tries are fifty times shorter, so that the rules about them are checked soon. What silence is stays as it
 * is: shorter, a busy machine would be taken for a dead line, and ask again.
 */
const clock: Clock = {
  ...system,
  after: (delayMs, run) => system.after(delayMs < SILENCE_MS ? delayMs / 50 : delayMs, run),
};

const createTab = (time: Clock): OpfsModelStore => createOpfsModelStore({ clock: time, chance });
let store = createTab(system);
let pausing = new AbortController();
let running: Promise<string> = Promise.resolve('nothing');
let storedBytes = 0;
let longTasksMs: number[] = [];
new PerformanceObserver((list) => {
  longTasksMs = [...longTasksMs, ...list.getEntries().map(({ duration }) => duration)];
}).observe({ type: 'longtask' });

const harness = {
  async runCase(index: number, serverOrigin: string): Promise<string> {
    const tabs: OpfsModelStore[] = [];
    const result = await modelStoreCases[index]!.run({
      open: async () => {
        const tab = createTab(clock);
        tabs.push(tab);
        return tab;
      },
      server: modelServerAt(serverOrigin),
      deadUrl: 'http://127.0.0.1:1/file.bin',
    }).then(
      () => '',
      (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
    for (const tab of tabs) tab.close();
    return result;
  },

  /** Begins a download; `outcome` says how it ended. */
  start(wish: FileWish) {
    pausing = new AbortController();
    storedBytes = 0;
    running = store
      .fetch(wish, (progress) => (storedBytes = progress.storedBytes), pausing.signal)
      .then((result) => (result.ok ? 'ok' : `${result.error.code}: ${result.error.message}`));
  },
  outcome: () => running,
  storedBytes: () => storedBytes,
  pause() {
    pausing.abort();
    return running;
  },
  /** Ends the worker in the midst of what it does. */
  kill() {
    store.close();
    store = createTab(system);
  },
  /** Lets every worker from now on find this estimate: it asks for it itself, where no script of a test reaches. */
  estimateAs(estimate: StorageEstimate) {
    const answer = `StorageManager.prototype.estimate = async () => (${JSON.stringify(estimate)});`;
    window.Worker = class extends Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        const script = `import ${JSON.stringify(new URL(url, location.href).href)};\n${answer}`;
        super(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })), options);
      }
    };
  },
  unfinished: () => store.unfinished().then((result) => (result.ok ? result.value : [])),
  list: () => store.list().then((result) => (result.ok ? result.value : [])),
  usage: () => store.usage(),
  delete: (sha256: string) => store.delete(sha256).then(({ ok }) => ok),
  forget: (url: string) => store.forget(url).then(({ ok }) => ok),
  async hashOf(sha256: string) {
    const opened = await store.open(sha256);
    if (!opened.ok) return opened.error.code;
    return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', await opened.value.arrayBuffer())));
  },
  /** What `open` gives is a handle: taking it reads nothing, whatever the size. */
  async openKind(sha256: string) {
    const opened = await store.open(sha256);
    return opened.ok ? { kind: opened.value.constructor.name, sizeBytes: opened.value.size } : null;
  },
  async measure(wish: FileWish) {
    longTasksMs = [];
    const startedAt = performance.now();
    harness.start(wish);
    const outcome = await running;
    const tookMs = performance.now() - startedAt;
    // The last tasks are told one turn later.
    await new Promise((resolve) => system.after(0, () => resolve(null)));
    return { outcome, tookMs, longTasksMs };
  },
};

export type ModelStoreHarness = typeof harness;
Object.assign(window, { modelStore: harness });
