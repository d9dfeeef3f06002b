import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createWorkerClock } from '#adapters/clock-worker/worker-clock';
import { withLies, type Lies } from '#adapters/engine-scripted';
import { createWorkerModelLoader } from '#adapters/engine-worker/worker-model-loader';
import { createPassphraseSeal } from '#adapters/identity-passphrase';
import { createIdentitySeedStore } from '#adapters/keys-webcrypto/identity-seed-store';
import { openNodeKey } from '#adapters/keys-webcrypto/open-node-key';
import { createSeedSigner } from '#adapters/signer-seed';
import { openIdbStorage } from '#adapters/storage-idb/open-idb-storage';
import { createTabElection } from '#adapters/tab-election';
import { createWebRtcPairing } from '#adapters/transport-pairing/webrtc-pairing';
import { createPeerJsNetwork } from '#adapters/transport-peerjs/peerjs-network';
import { createVerify } from '#adapters/verify-webcrypto';
import type { Chance } from '#core/base/ports';
import { fail, ok, unwrap } from '#core/base/result';
import type { LanguageModel, LanguageModelLoader } from '#core/engines/language-model';
import type { ServerConfig } from '#core/wire/signaling-messages';
import { createTabNode } from '#node/create-tab-node';
import { createBrowserSurroundings } from '#node/browser-surroundings';
import type { TabNode } from '#node/tab-node';

/** Ids of Spark's vocabulary: a forged token stays inside it. */
const VOCABULARY_SIZE = 1_400;

/** How a tab lies. */
export interface Manner {
  readonly lies: Lies;
  /** Between one token that it answers and the next. */
  readonly tokenPauseMs?: number;
  /** What it asks for a job at least, where members pay each other. */
  readonly minimumJobMicros?: number;
}

export interface ServerOfLiar {
  readonly url: string;
  readonly config: ServerConfig;
  /** As the server gives it; null: the liar knows none, so it asks for no pay. */
  readonly catalogue: unknown;
}

export interface LiarHarness {
  /** Runs the real node of a tab on this page, with a model that lies. Resolves to its id. */
  start(server: ServerOfLiar, manner: Manner): Promise<string>;
  /** Takes up an invitation, as the app does with its link. */
  join(invitation: string): Promise<void>;
}

declare global {
  interface Window {
    liar: LiarHarness;
  }
}

const clock = createSystemClock();
const chance: Chance = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };

/** Hands tokens on one by one with a pause between them, so that others can be seen to act meanwhile. */
function paced(model: LanguageModel, pauseMs: number): LanguageModel {
  return {
    get identity() {
      return model.identity;
    },
    endTokenId: model.endTokenId,
    encodePrompt: (messages) => model.encodePrompt(messages),
    decode: (ids) => model.decode(ids),
    score: (promptIds, outputIds, sampling) => model.score(promptIds, outputIds, sampling),
    dispose: () => model.dispose(),
    async generate(request, onToken) {
      let told: Promise<void> = Promise.resolve();
      const run = await model.generate(request, (token) => {
        told = told
          .then(() => new Promise<void>((resolve) => void clock.after(pauseMs, resolve)))
          .then(() => onToken(token));
      });
      await told;
      return run;
    },
  };
}

let tabNode: TabNode | null = null;

window.liar = {
  async start({ url, config, catalogue }, { lies, tokenPauseMs = 0, minimumJobMicros = 0 }) {
    // The very files that the app serves: a model with another hash would be checked by nobody.
    const honest = createWorkerModelLoader({ clock, baseUrl: `${location.origin}/build/` });
    const models: LanguageModelLoader = {
      available: honest.available,
      async load(id, onProgress) {
        const loaded = await honest.load(id, onProgress);
        return loaded.ok ? ok(withLies(paced(loaded.value, tokenPauseMs), lies, VOCABULARY_SIZE)) : loaded;
      },
    };
    let inner: ReturnType<typeof createTabElection> | null = null;
    const node = createTabNode({
      version: '0.0.0',
      clock: createWorkerClock({ fallback: clock }),
      chance,
      verify: createVerify(),
      loadSeedSigner: async () => createSeedSigner,
      loadSeal: async () => createPassphraseSeal(chance),
      election: {
        async start({ elected, lost }) {
          inner = createTabElection({ onElected: elected, onLost: lost, clock, chance });
          await inner.start();
        },
        get waiting() {
          return inner?.state === 'waiting';
        },
        takeOver: () => inner!.takeOver(),
        stop: async () => inner?.stop(),
      },
      surroundings: createBrowserSurroundings(),
      openStorage: (onLost) => openIdbStorage({ onLost }),
      openNodeKey: () =>
        openNodeKey({ openStorage: () => openIdbStorage(), loadSeedSigner: async () => createSeedSigner, chance }),
      createSeedStore: (storage) => createIdentitySeedStore(storage.records, chance),
      createNetwork: (signer) => createPeerJsNetwork({ signer, url, iceServers: async () => [], clock, chance }),
      loadPairing: async (self) => createWebRtcPairing({ self, iceServers: async () => [], clock, chance }),
      fetchConfig: async () => ok(config),
      createModels: () => models,
      loadModelStore: () => Promise.reject(new Error('A liar keeps no models.')),
      fetchCatalogue: async () =>
        catalogue === null ? fail('offline', 'This liar knows no catalogue.') : ok(catalogue),
      loadEvaluationSets: async () => fail('offline', 'A liar is not evaluated.'),
      probe: async () => fail('offline', 'A liar is not measured.'),
    });
    tabNode = node;
    window.tabmesh = node.page;
    await node.begin();
    await node.page.ready;
    unwrap(await node.saveSettings({ minimumJobMicros }));
    return node.page.status().nodeId;
  },
  async join(invitation) {
    unwrap(await tabNode!.acceptInvitation(invitation));
  },
};
