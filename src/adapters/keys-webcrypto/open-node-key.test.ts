import { describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createMemory, type Memory } from '#adapters/storage-memory';
import { createVerify } from '#adapters/verify-webcrypto';
import { utf8 } from '#core/base/bytes';
import { fail, ok, unwrap, type Result } from '#core/base/result';
import type { NodeKey } from '#core/identity/ports';
import type { KeyValueStore, NodeStorage } from '#core/storage/ports';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createIdentitySeedStore } from './identity-seed-store';
import { NODE_KEY_RECORD, openNodeKey, type NodeKeyDeps } from './open-node-key';

const verify = createVerify();

function depsOver(open: () => Result<NodeStorage>, seed = 1): NodeKeyDeps {
  return {
    openStorage: async () => open(),
    loadSeedSigner: async () => createSeedSigner,
    chance: createSeededChance(seed),
  };
}

/** The same memory through a browser's bad habits. */
const flawed =
  (memory: Memory, flaw: Partial<KeyValueStore> | ((records: KeyValueStore) => Partial<KeyValueStore>)) => () => {
    const storage = memory.open();
    const change = typeof flaw === 'function' ? flaw(storage.records) : flaw;
    return ok({ ...storage, records: { ...storage.records, ...change } });
  };

const holdsEd25519 = (value: unknown): boolean =>
  (value as { privateKey?: CryptoKey } | undefined)?.privateKey?.algorithm.name === 'Ed25519';
const holdsAnyKey = (value: unknown): boolean => JSON.stringify(Object.keys((value ?? {}) as object)).includes('kind');

async function signs({ signer }: NodeKey): Promise<boolean> {
  return verify(signer.nodeId, utf8('hello'), await signer.sign(utf8('hello')));
}

describe('the node key', () => {
  test('is made once, kept, and the same after every reopening', async () => {
    const memory = createMemory();
    const deps = depsOver(() => ok(memory.open()));
    const first = unwrap(await openNodeKey(deps));
    expect(first).toMatchObject({ keptAs: 'webcrypto', created: true });
    expect(await signs(first)).toBe(true);
    const second = unwrap(await openNodeKey(deps));
    expect(second).toMatchObject({ keptAs: 'webcrypto', created: false });
    expect(second.signer.nodeId).toBe(first.signer.nodeId);
    expect(await signs(second)).toBe(true);
    expect(unwrap(await memory.open().records.keys(''))).toEqual([NODE_KEY_RECORD]);
  });

  test('cannot be extracted', async () => {
    const memory = createMemory();
    unwrap(await openNodeKey(depsOver(() => ok(memory.open()))));
    const record = unwrap(await memory.open().records.get<{ privateKey: CryptoKey }>(NODE_KEY_RECORD));
    await expect(crypto.subtle.exportKey('pkcs8', record!.privateKey)).rejects.toThrow();
  });

  test('made by two tabs at once is one key', async () => {
    const memory = createMemory();
    const keys = await Promise.all(
      [1, 2, 3, 4].map(async (seed) => unwrap(await openNodeKey(depsOver(() => ok(memory.open()), seed)))),
    );
    expect(new Set(keys.map(({ signer }) => signer.nodeId)).size).toBe(1);
    expect(keys.filter(({ created }) => created)).toHaveLength(1);
    for (const key of keys) expect(await signs(key)).toBe(true);
  });

  test.each([
    [
      'refuses to store such a key',
      (records: KeyValueStore) => ({
        set: async (key: string, value: unknown) =>
          holdsEd25519(value) ? fail('not_storable', 'No.') : records.set(key, value),
      }),
    ],
    [
      'gives the whole row back as nothing',
      (records: KeyValueStore) => ({
        get: async <T>(key: string) => {
          const found = await records.get<T>(key);
          return found.ok && holdsEd25519(found.value) ? ok(null as T) : found;
        },
      }),
    ],
  ])('where the browser %s, it is a wrapped seed that survives', async (_name, flaw) => {
    const memory = createMemory();
    const deps = depsOver(flawed(memory, flaw));
    const first = unwrap(await openNodeKey(deps));
    expect(first).toMatchObject({ keptAs: 'wrapped-seed', created: true });
    expect(await signs(first)).toBe(true);
    const second = unwrap(await openNodeKey(deps));
    expect(second).toMatchObject({ keptAs: 'wrapped-seed', created: false });
    expect(second.signer.nodeId).toBe(first.signer.nodeId);
  });

  test.each([
    [
      'no key can be stored at all',
      (records: KeyValueStore) => ({
        set: async (key: string, value: unknown) =>
          holdsAnyKey(value) ? fail('not_storable', 'No.') : records.set(key, value),
      }),
    ],
    ['the disk is full', () => ({ set: async () => fail('storage_full', 'Full.') })],
  ])('where %s, it lives in memory and says so', async (_name, flaw) => {
    const memory = createMemory();
    const key = unwrap(await openNodeKey(depsOver(flawed(memory, flaw))));
    expect(key).toMatchObject({ keptAs: 'memory', created: true });
    expect(await signs(key)).toBe(true);
    expect(unwrap(await memory.open().records.keys(''))).toEqual([]);
  });

  test('lives in memory where storage cannot be opened, and is not replaced where the store is newer', async () => {
    const closed = unwrap(await openNodeKey(depsOver(() => fail('storage_unavailable', 'No.'))));
    expect(closed.keptAs).toBe('memory');
    const newer = await openNodeKey(depsOver(() => fail('storage_outdated', 'Newer.')));
    expect(newer.ok ? 'ok' : newer.error.code).toBe('storage_outdated');
  });

  test('that is there but no longer signs is said and left as it is', async () => {
    const memory = createMemory();
    unwrap(await memory.open().records.set(NODE_KEY_RECORD, { kind: 'webcrypto', nodeId: 'a'.repeat(64) }));
    const key = await openNodeKey(depsOver(() => ok(memory.open())));
    expect(key.ok ? 'ok' : key.error.code).toBe('node_key_unreadable');
    expect(unwrap(await memory.open().records.get(NODE_KEY_RECORD))).toMatchObject({ nodeId: 'a'.repeat(64) });
  });
});

describe('the identity seed', () => {
  const seed = createSeededChance(3).bytes(32);

  test('comes back, and is not stored in the clear', async () => {
    const memory = createMemory();
    const store = createIdentitySeedStore(memory.open().records, createSeededChance(4));
    expect(unwrap(await store.load())).toBe(null);
    unwrap(await store.save(seed));
    expect(unwrap(await createIdentitySeedStore(memory.open().records, createSeededChance(5)).load())).toEqual(seed);
    const record = unwrap(
      await memory.open().records.get<{ ciphertext: Uint8Array; wrappingKey: CryptoKey }>('identity/seed'),
    );
    expect(Buffer.from(record!.ciphertext).includes(Buffer.from(seed))).toBe(false);
    expect(record!.wrappingKey.extractable).toBe(false);
  });

  test('that the browser does not give back leaves the old one in place', async () => {
    const memory = createMemory();
    const { records } = memory.open();
    const store = createIdentitySeedStore(records, createSeededChance(4));
    unwrap(await store.save(seed));
    let writes = 0;
    const losing: KeyValueStore = {
      ...records,
      // The first row comes back without its key; the one that puts the old seed back is kept.
      set: (key, value) => records.set(key, writes++ === 0 ? { ...(value as object), wrappingKey: undefined } : value),
    };
    const other = createSeededChance(9).bytes(32);
    const saved = await createIdentitySeedStore(losing, createSeededChance(6)).save(other);
    expect(saved.ok ? 'ok' : saved.error.code).toBe('identity_unreadable');
    expect(unwrap(await store.load())).toEqual(seed);
  });
});
