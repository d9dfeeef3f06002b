import type { Workbox } from 'workbox-window';
import { after, every } from '../time';

const SERVICE_WORKER_URL = '/service-worker.js';
const CHANNEL = 'tabmesh.update';
const CHECK_EVERY_MS = 3_600_000;
/** How long the other tabs of this profile may take to hand back their jobs before the version switches anyway. */
const OTHER_TABS_MS = 25_000;

/**
 * The service worker and new versions. One accepted update reloads every tab of the profile, so all of them are told
 * to keep drafts and hand back jobs first.
 */
export class Updates {
  /** True when a new version is downloaded and waits. */
  available = $state(false);
  switching = $state(false);
  readonly version: string = __TABMESH_VERSION__;

  #prepare: () => Promise<void>;
  #workbox: Workbox | null = null;
  #channel: BroadcastChannel | null = null;

  /** `prepare` keeps what is typed and hands running jobs back. */
  constructor(prepare: () => Promise<void>) {
    this.#prepare = prepare;
  }

  /** Registers the service worker; does nothing where the browser or the context has none. */
  async register(): Promise<void> {
    if (!('serviceWorker' in navigator) || this.#workbox !== null) return;
    const { Workbox } = await import('workbox-window');
    const workbox = new Workbox(SERVICE_WORKER_URL);
    this.#workbox = workbox;
    this.#listenToTabs();

    workbox.addEventListener('waiting', () => (this.available = true));
    let controlled = navigator.serviceWorker.controller !== null;
    let reloading = false;
    workbox.addEventListener('controlling', () => {
      // The very first worker takes over a page that it did not serve: nothing to reload for.
      if (controlled && !reloading) {
        reloading = true;
        location.reload();
      }
      controlled = true;
    });
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') void this.check();
    });
    every(CHECK_EVERY_MS, () => void this.check());
    // A browser may refuse (private window, full disk): the app then works without being offline-capable.
    const registration = await workbox.register({ immediate: true }).catch(() => undefined);
    // After an install that failed half way workbox-window hears of no later one, so the registration is heard as well.
    registration?.addEventListener('updatefound', () => {
      const { installing } = registration;
      installing?.addEventListener('statechange', () => {
        if (installing.state === 'installed' && navigator.serviceWorker.controller !== null) this.available = true;
      });
    });
  }

  /** Asks the server for a new version; offline this does nothing. */
  async check(): Promise<void> {
    await this.#workbox?.update().catch(() => {});
  }

  /** Switches to the new version: hand back, keep, switch, reload. */
  async apply(): Promise<void> {
    if (this.switching) return;
    this.switching = true;
    await Promise.all([this.#prepare(), this.#prepareOtherTabs()]);
    this.#workbox?.messageSkipWaiting();
  }

  #listenToTabs(): void {
    if (typeof BroadcastChannel === 'undefined') return;
    const channel = new BroadcastChannel(CHANNEL);
    this.#channel = channel;
    channel.addEventListener('message', (event) => {
      if (event.data !== 'prepare') return;
      this.switching = true;
      void this.#prepare().then(() => channel.postMessage('prepared'));
    });
  }

  async #prepareOtherTabs(): Promise<void> {
    const channel = this.#channel;
    if (channel === null || !('locks' in navigator)) return;
    const others = await otherTabs();
    if (others === 0) return;
    await new Promise<void>((resolve) => {
      let answered = 0;
      after(OTHER_TABS_MS, resolve);
      channel.addEventListener('message', (event) => {
        if (event.data === 'prepared' && ++answered >= others) resolve();
      });
      channel.postMessage('prepare');
    });
  }
}

const TAB_LOCK = 'tabmesh.tab';

/** Each open tab holds a shared lock for its life; so tabs can be counted without asking them. */
export function countThisTab(): void {
  if ('locks' in navigator)
    void navigator.locks.request(TAB_LOCK, { mode: 'shared' }, () => new Promise(() => {})).catch(() => {});
}

async function otherTabs(): Promise<number> {
  const { held = [] } = await navigator.locks.query();
  return Math.max(held.filter((lock) => lock.name === TAB_LOCK).length - 1, 0);
}
