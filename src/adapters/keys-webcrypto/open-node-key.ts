import { hex, utf8 } from '#core/base/bytes';
import { nodeIdOf, type NodeId } from '#core/base/ids';
import type { Chance, Signer } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { KeptAs, NodeKey, SeedSigner } from '#core/identity/ports';
import type { NodeStorage } from '#core/storage/ports';
import { SEED_BYTES, unwrapSeed, wrapSeed, type WrappedSeed } from './wrapped-seed';

/** Where the key of this node lies; the row holds nothing else, so that a browser that loses it loses only it. */
export const NODE_KEY_RECORD = 'node/key';
const TRIAL_PREFIX = 'node/key-trial/';

type KeyRecord =
  | {
      readonly kind: 'webcrypto';
      readonly nodeId: NodeId;
      readonly privateKey: CryptoKey;
      readonly publicKey: CryptoKey;
    }
  | { readonly kind: 'wrapped-seed'; readonly nodeId: NodeId; readonly wrapped: WrappedSeed };

export interface NodeKeyDeps {
  /** Opens the profile's storage anew each time: a key is trusted only after it came back through a fresh connection. */
  readonly openStorage: () => Promise<Result<NodeStorage>>;
  /** Loaded only where the platform cannot keep an Ed25519 key. */
  readonly loadSeedSigner: () => Promise<SeedSigner>;
  readonly chance: Chance;
}

/**
 * The key of this profile's node: the one that is kept, else a new one. A new key is stored on trial, read back through a
 * fresh connection, and must sign what then verifies; only after that it becomes the node's. First an Ed25519 key that
 * cannot be extracted, else a seed wrapped by such a key, else one in memory that is gone with the tab. Of two tabs that
 * make one at the same moment both get the same. Codes: `storage_outdated`, `node_key_unreadable`: a key is there and
 * does not sign any more; it is left as it is.
 */
export async function openNodeKey(deps: NodeKeyDeps): Promise<Result<NodeKey>> {
  const opened = await deps.openStorage();
  if (!opened.ok) return opened.error.code === 'storage_outdated' ? opened : ok(await inMemory(deps));
  const storage = opened.value;
  try {
    const kept = await readKept(storage, deps, false);
    if (!kept.ok) return kept.error.code === 'storage_unavailable' ? ok(await inMemory(deps)) : kept;
    if (kept.value !== null) return ok(kept.value);

    for (const make of [makeWebCryptoRecord, makeWrappedRecord]) {
      const record = await make(deps).catch(() => null);
      if (record === null || !(await survivesRoundTrip(record, storage, deps))) continue;
      const wrote = await storage.records.setIfAbsent(NODE_KEY_RECORD, record);
      if (!wrote.ok) continue;
      const back = await readKept(storage, deps, wrote.value);
      if (!back.ok) return back;
      if (back.value !== null) return ok(back.value);
    }
    return ok(await inMemory(deps));
  } finally {
    storage.close();
  }
}

async function readKept(storage: NodeStorage, deps: NodeKeyDeps, created: boolean): Promise<Result<NodeKey | null>> {
  const record = await storage.records.get(NODE_KEY_RECORD);
  if (!record.ok) return record;
  if (record.value === undefined) return ok(null);
  const signer = await provenSigner(record.value, deps);
  if (signer === null) {
    return fail(
      'node_key_unreadable',
      'This browser can no longer use the key of this node. Delete everything in Settings to begin anew; your identity can be restored from its backup.',
    );
  }
  return ok({ signer, keptAs: (record.value as KeyRecord).kind, created });
}

async function survivesRoundTrip(record: KeyRecord, storage: NodeStorage, deps: NodeKeyDeps): Promise<boolean> {
  const trial = `${TRIAL_PREFIX}${hex(deps.chance.bytes(8))}`;
  try {
    if (!(await storage.records.set(trial, record)).ok) return false;
    const fresh = await deps.openStorage();
    if (!fresh.ok) return false;
    try {
      const back = await fresh.value.records.get(trial);
      if (!back.ok) return false;
      const signer = await provenSigner(back.value, deps);
      return signer?.nodeId === record.nodeId;
    } finally {
      fresh.value.close();
    }
  } finally {
    await storage.records.delete(trial);
  }
}

async function makeWebCryptoRecord(): Promise<KeyRecord> {
  const pair = (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;
  return { kind: 'webcrypto', nodeId: await nodeIdOfKey(pair.publicKey), ...pair };
}

async function makeWrappedRecord({ chance, loadSeedSigner }: NodeKeyDeps): Promise<KeyRecord> {
  const seed = chance.bytes(SEED_BYTES);
  const { nodeId } = (await loadSeedSigner())(seed);
  return { kind: 'wrapped-seed', nodeId, wrapped: await wrapSeed(seed, chance) };
}

/** For a browser that keeps nothing: the same key until the tab closes. */
async function inMemory({ chance, loadSeedSigner }: NodeKeyDeps): Promise<NodeKey> {
  const keptAs: KeptAs = 'memory';
  const record = await makeWebCryptoRecord().catch(() => null);
  if (record?.kind === 'webcrypto')
    return { signer: platformSigner(record.nodeId, record.privateKey), keptAs, created: true };
  return { signer: (await loadSeedSigner())(chance.bytes(SEED_BYTES)), keptAs, created: true };
}

/** A signer out of a stored record, when it is whole and truly signs as the node that it names. */
async function provenSigner(value: unknown, { loadSeedSigner, chance }: NodeKeyDeps): Promise<Signer | null> {
  const record = (value ?? {}) as Partial<KeyRecord>;
  try {
    if (record.kind === 'webcrypto') {
      const { nodeId, privateKey, publicKey } = record as KeyRecord & { kind: 'webcrypto' };
      if ((await nodeIdOfKey(publicKey)) !== nodeId) return null;
      const signer = platformSigner(nodeId, privateKey);
      const probe = chance.bytes(32);
      const signature = await signer.sign(probe);
      return (await crypto.subtle.verify('Ed25519', publicKey, signature, probe)) ? signer : null;
    }
    if (record.kind === 'wrapped-seed') {
      const seed = await unwrapSeed(record.wrapped);
      if (seed === null) return null;
      const signer = (await loadSeedSigner())(seed);
      seed.fill(0);
      await signer.sign(utf8('probe'));
      return signer.nodeId === record.nodeId ? signer : null;
    }
  } catch {
    // A row without its keys throws wherever it is used: it is no signer.
  }
  return null;
}

const platformSigner = (nodeId: NodeId, privateKey: CryptoKey): Signer => ({
  nodeId,
  sign: async (bytes) => new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, Uint8Array.from(bytes))),
});

const nodeIdOfKey = async (publicKey: CryptoKey): Promise<NodeId> =>
  nodeIdOf(new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)));
