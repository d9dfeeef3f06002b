import type { Surroundings } from './tab/deps';

/** The parts of browser interfaces that TypeScript's DOM library does not know; each is absent in some browsers. */
interface Battery extends EventTarget {
  readonly charging: boolean;
}
interface NetworkInformation extends EventTarget {
  readonly saveData?: boolean;
  readonly type?: string;
  readonly downlink?: number;
}
/** Versions in full; the user agent string holds only their first number in some browsers. */
interface UserAgentData {
  getHighEntropyValues(hints: readonly string[]): Promise<{
    readonly platform?: string;
    readonly platformVersion?: string;
    readonly fullVersionList?: readonly { readonly brand: string; readonly version: string }[];
  }>;
}
interface NavigatorExtras {
  readonly userAgentData?: UserAgentData;
  getBattery?: () => Promise<Battery>;
  readonly connection?: NetworkInformation;
  readonly deviceMemory?: number;
  readonly gpu?: { requestAdapter(): Promise<{ readonly info?: { readonly isFallbackAdapter?: boolean } } | null> };
}

/** More than any browser says of itself; see `keptSelfTestSchema`. */
const BROWSER_CHARACTERS = 512;
/** Between tabs of one profile: what one of them was opened with and another needs. */
const PASSED_ON = 'tabmesh-passed-on';

/** The browser around the page, read where it says something and null where it does not. */
export function createBrowserSurroundings(): Surroundings {
  const extras = navigator as Navigator & NavigatorExtras;
  const listeners = new Set<() => void>();
  const tell = () => listeners.forEach((run) => run());
  let battery: Battery | null = null;
  extras
    .getBattery?.()
    .then((found) => {
      battery = found;
      found.addEventListener('chargingchange', tell);
      tell();
    })
    .catch(() => undefined);
  extras.connection?.addEventListener?.('change', tell);

  return {
    secureContext: window.isSecureContext,
    origin: location.origin,
    condition: () => ({
      onBattery: battery === null ? null : !battery.charging,
      metered: extras.connection ? extras.connection.saveData === true || extras.connection.type === 'cellular' : null,
    }),
    onConditionChanged(run) {
      listeners.add(run);
      return () => void listeners.delete(run);
    },
    // Only what the browser says without being asked to do anything: no graphics adapter is requested for presence.
    device: async () => ({
      webgpu: extras.gpu !== undefined,
      cores: navigator.hardwareConcurrency ?? null,
      memoryGb: extras.deviceMemory === undefined ? null : Math.round(extras.deviceMemory),
      tokensPerSecond: null,
    }),
    async browser() {
      const told = await extras.userAgentData
        ?.getHighEntropyValues(['fullVersionList', 'platformVersion'])
        .catch(() => undefined);
      const brands = told?.fullVersionList?.map(({ brand, version }) => `${brand} ${version}`).sort() ?? [];
      const name = brands.length === 0 ? navigator.userAgent : brands.join(', ');
      return [name, told?.platform, told?.platformVersion].filter(Boolean).join('; ').slice(0, BROWSER_CHARACTERS);
    },
    timeZone: () => Intl.DateTimeFormat().resolvedOptions().timeZone || null,
    downlinkMbps: () => extras.connection?.downlink ?? null,
    async estimate() {
      const estimate: StorageEstimate | undefined = await navigator.storage?.estimate?.().catch(() => undefined);
      return {
        usedBytes: estimate?.usage ?? null,
        quotaBytes: estimate?.quota ?? null,
        persisted: (await navigator.storage?.persisted?.()) ?? false,
      };
    },
    persist: async () => (await navigator.storage?.persist?.()) ?? false,
    passOn(text) {
      const channel = new BroadcastChannel(PASSED_ON);
      channel.postMessage(text);
      channel.close();
    },
    onPassedOn(run) {
      const channel = new BroadcastChannel(PASSED_ON);
      channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        if (typeof data === 'string') run(data);
      });
      return () => channel.close();
    },
    async deleteTheRest() {
      // What the engine keeps of an answer while it is made; nothing is there when none was cut off.
      const files = await navigator.storage?.getDirectory?.().catch(() => null);
      await files?.removeEntry('webllm-resume', { recursive: true }).catch(() => undefined);
      for (const name of (await caches?.keys()) ?? []) await caches.delete(name);
      for (const registration of (await navigator.serviceWorker?.getRegistrations()) ?? [])
        await registration.unregister();
      localStorage.clear();
      sessionStorage.clear();
    },
  };
}
