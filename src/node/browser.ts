import type { Chance } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { ModelStore } from '#core/engines/model-store';
import { checkAgainst } from '#core/wire/gate';
import { serverConfigSchema, type ServerConfig } from '#core/wire/signaling-messages';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createWorkerClock } from '#adapters/clock-worker/worker-clock';
import { createWorkerModelLoader } from '#adapters/engine-worker/worker-model-loader';
import { createIdentitySeedStore } from '#adapters/keys-webcrypto/identity-seed-store';
import { openNodeKey } from '#adapters/keys-webcrypto/open-node-key';
import { openIdbStorage } from '#adapters/storage-idb/open-idb-storage';
import { createTabElection } from '#adapters/tab-election';
import { createPeerJsNetwork } from '#adapters/transport-peerjs/peerjs-network';
import { createVerify } from '#adapters/verify-webcrypto';
import { createTabNode } from './create-tab-node';
import type { Election } from './tab/deps';
import { createBrowserSurroundings } from './browser-surroundings';
import type { TabNode } from './tab-node';

/** What a server says of itself is small; a page waits no longer than this before it goes on with what it knows. */
const SERVER_TIMEOUT_MS = 4_000;

const webCryptoChance: Chance = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };

async function fetchJson(path: string): Promise<Result<unknown>> {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(SERVER_TIMEOUT_MS), cache: 'no-cache' });
    if (response.ok) return ok(await response.json());
  } catch {
    // Said below, as for a server that answers with a fault.
  }
  return fail('offline', 'The server cannot be reached.');
}

async function fetchConfig(): Promise<Result<ServerConfig>> {
  const json = await fetchJson('/api/config');
  return json.ok ? checkAgainst(serverConfigSchema, json.value) : json;
}

const loadSeedSigner = async () => (await import('#adapters/signer-seed')).createSeedSigner;

/** Wires the node of this tab from the browser's adapters, puts it on `window.tabmesh`, and starts it. */
export async function startTabNode(): Promise<TabNode> {
  const systemClock = createSystemClock();
  const clock = createWorkerClock({ fallback: systemClock });
  const chance = webCryptoChance;
  const verify = createVerify(async () => (await import('#adapters/verify-noble')).createVerify());

  let modelStore: Promise<ModelStore> | null = null;
  const openModelStore = async (): Promise<ModelStore> =>
    (await import('#adapters/engine-store-opfs/opfs-model-store')).createOpfsModelStore({ clock, chance });

  let iceServers: RTCIceServer[] = [];
  const election: Election & { inner: ReturnType<typeof createTabElection> | null } = {
    inner: null,
    async start({ elected, lost }) {
      this.inner = createTabElection({ onElected: elected, onLost: lost, clock: systemClock, chance });
      await this.inner.start();
    },
    get waiting() {
      return this.inner?.state === 'waiting';
    },
    takeOver() {
      return this.inner?.takeOver() ?? Promise.resolve(ok(undefined));
    },
    async stop() {
      await this.inner?.stop();
    },
  };

  const node = createTabNode({
    version: __TABMESH_VERSION__,
    clock,
    chance,
    verify,
    loadSeedSigner,
    loadSeal: async () => (await import('#adapters/identity-passphrase')).createPassphraseSeal(chance),
    election,
    surroundings: createBrowserSurroundings(),
    openStorage: (onLost) => openIdbStorage({ onLost }),
    openNodeKey: () => openNodeKey({ openStorage: () => openIdbStorage(), loadSeedSigner, chance }),
    createSeedStore: (storage) => createIdentitySeedStore(storage.records, chance),
    createNetwork: (signer) =>
      createPeerJsNetwork({ signer, url: location.origin, iceServers: async () => iceServers, clock, chance }),
    loadPairing: async (self) =>
      (await import('#adapters/transport-pairing/webrtc-pairing')).createWebRtcPairing({
        self,
        iceServers: async () => iceServers,
        clock,
        chance,
      }),
    async fetchConfig() {
      const config = await fetchConfig();
      if (config.ok) iceServers = config.value.iceServers as RTCIceServer[];
      return config;
    },
    createModels: (sourceOf) => createWorkerModelLoader({ clock, sourceOf }),
    async loadEncoders(sourceOf) {
      const { createWorkerEncoderLoader } = await import('#adapters/engine-worker/worker-encoder-loader');
      return createWorkerEncoderLoader({ clock, sourceOf });
    },
    async loadSandbox() {
      const [{ createSupervisedSandbox }, { spawnSandboxWorker }] = await Promise.all([
        import('#adapters/engine-sandbox/supervised-sandbox'),
        import('#adapters/engine-sandbox/spawn-sandbox-worker'),
      ]);
      return createSupervisedSandbox({ clock, spawn: spawnSandboxWorker });
    },
    loadEvaluationSets: async (id) => (await import('#adapters/engine-evaluation')).loadEvaluationSets(id),
    probe: async () => (await import('#adapters/engine-probe/probe-device')).probeDevice({ clock }),
    loadModelStore: async () => (modelStore ??= openModelStore()),
    async fetchCatalogue() {
      const json = await fetchJson('/api/models');
      return json.ok ? ok((json.value as { readonly catalogue?: unknown } | null)?.catalogue) : json;
    },
  });

  window.tabmesh = node.page;
  // Others learn at once that this tab is gone; a page that comes back out of the browser's cache starts anew.
  window.addEventListener('pagehide', () => void node.stop());
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
  void node.begin();
  return node;
}
