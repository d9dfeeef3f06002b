import type { NodeId } from '#core/base/ids';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import type { Failure, Result } from '#core/base/result';
import type { NodeCard } from '#core/bus/messages';
import type { DeviceMeasure } from '#core/engines/device-measure';
import type { LanguageModelLoader } from '#core/engines/language-model';
import type { ModelManifest } from '#core/engines/model-manifest';
import type { ModelStore } from '#core/engines/model-store';
import type { Sandbox } from '#core/engines/sandbox';
import type { ModelSource } from '#core/engines/worker-protocol';
import type { IdentitySeedStore, NodeKey, PassphraseSeal, SeedSigner } from '#core/identity/ports';
import type { NodeStorage } from '#core/storage/ports';
import type { Pairing } from '#core/transport/pairing';
import type { Network } from '#core/transport/ports';
import type { ServerConfig } from '#core/wire/signaling-messages';
import type { EncoderLoaders } from '../served-encoders';
import type { DeviceCondition } from './contribution';

/** Which tab of the profile runs the node. */
export interface Election {
  /** Resolves when it is known whether this tab runs the node or waits. */
  start(on: { elected: () => void; lost: () => Promise<void> }): Promise<void>;
  readonly waiting: boolean;
  takeOver(): Promise<Result<void>>;
  stop(): Promise<void>;
}

/** The device and the browser around the page. */
export interface Surroundings {
  readonly secureContext: boolean;
  readonly origin: string;
  condition(): DeviceCondition;
  onConditionChanged(run: () => void): () => void;
  /** What the device offers, as far as the browser tells; asks for no adapter before the person contributes. */
  device(): Promise<NodeCard['device']>;
  /** Name and version of the browser, as exactly as it tells them. */
  browser(): Promise<string>;
  /** The browser's time zone by its IANA name; null where it does not tell. */
  timeZone(): string | null;
  /** What the browser estimates that its line carries, in megabits a second; null where it does not. */
  downlinkMbps(): number | null;
  estimate(): Promise<{ usedBytes: number | null; quotaBytes: number | null; persisted: boolean }>;
  persist(): Promise<boolean>;
  /** Hands a text to the other tabs of this profile; without other tabs nothing happens. */
  passOn(text: string): void;
  onPassedOn(run: (text: string) => void): () => void;
  /** Deletes what lies outside the node's storage: caches, the service worker, session data. */
  deleteTheRest(): Promise<void>;
}

export interface TabNodeDeps {
  readonly version: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly verify: Verify;
  /** Signs with seeds (identities, invites): fetched when it is first needed. */
  readonly loadSeedSigner: () => Promise<SeedSigner>;
  /** Seals backups: fetched when one is made or read. */
  readonly loadSeal: () => Promise<PassphraseSeal>;
  readonly election: Election;
  readonly surroundings: Surroundings;
  readonly openStorage: (onLost: (reason: Failure) => void) => Promise<Result<NodeStorage>>;
  readonly openNodeKey: () => Promise<Result<NodeKey>>;
  readonly createSeedStore: (storage: NodeStorage) => IdentitySeedStore;
  readonly createNetwork: (signer: Signer) => Network;
  /** Opens channels without a server: fetched when somebody pairs. */
  readonly loadPairing: (self: NodeId) => Promise<Pairing>;
  readonly fetchConfig: () => Promise<Result<ServerConfig>>;
  /** Loads models into workers; it asks `sourceOf` where their bytes are. */
  readonly createModels: (sourceOf: ModelSourceOf) => LanguageModelLoader;
  /** The same for models beside the one that answers: fetched when one is first used; absent: there are none. */
  readonly loadEncoders?: (sourceOf: ModelSourceOf) => Promise<EncoderLoaders>;
  /** Where code of others runs: fetched with the first run; absent: it does not run here. */
  readonly loadSandbox?: () => Promise<Sandbox>;
  /** The store of model files: fetched when somebody chooses among models. */
  readonly loadModelStore: () => Promise<ModelStore>;
  /** The server's signed catalogue of models, as JSON. */
  readonly fetchCatalogue: () => Promise<Result<unknown>>;
  /** The evaluation sets of an expert as JSON: fetched when somebody evaluates it. */
  readonly loadEvaluationSets: (modelId: string) => Promise<Result<unknown>>;
  /** Looks at the graphics adapter and computes for three seconds; only after the person asked for it. */
  readonly probe: () => Promise<Result<DeviceMeasure>>;
}

/** Where the bytes of a model are, and which engine runs it. */
export type ModelSourceOf = (
  modelId: string,
) => Promise<Result<{ readonly source: ModelSource; readonly engine: ModelManifest['engine'] }>>;
