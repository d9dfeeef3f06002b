import { createPassphraseSeal } from '#adapters/identity-passphrase';
import { createIdentitySeedStore } from '#adapters/keys-webcrypto/identity-seed-store';
import { NODE_KEY_RECORD, openNodeKey } from '#adapters/keys-webcrypto/open-node-key';
import { createSeedSigner } from '#adapters/signer-seed';
import { openIdbStorage } from '#adapters/storage-idb/open-idb-storage';
import { createTabElection, type TabElection } from '#adapters/tab-election';
import { createVerify } from '#adapters/verify-webcrypto';
import { utf8 } from '#core/base/bytes';
import type { Chance, Clock } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import { exportBackup, openBackup } from '#core/identity/backup';
import { certifyNode, nodesOfIdentity } from '#core/identity/identity';
import type { NodeKey } from '#core/identity/ports';
import type { NodeStorage } from '#core/storage/ports';
import { storageCases } from '#tests/conformance/storage';

const chance: Chance = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };
const clock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  every: (periodMs, run) => {
    const timer = setInterval(run, periodMs);
    return () => clearInterval(timer);
  },
};
const verify = createVerify();
const open = async (name?: string): Promise<NodeStorage> =>
  unwrap(await openIdbStorage(name === undefined ? {} : { name }));
const nodeKey = async (): Promise<NodeKey> =>
  unwrap(
    await openNodeKey({ openStorage: () => openIdbStorage(), loadSeedSigner: async () => createSeedSigner, chance }),
  );

let kept: NodeStorage | null = null;
let lost: string | null = null;
let election: TabElection | null = null;
const events: string[] = [];

const harness = {
  caseNames: () => storageCases.map(({ name }) => name),
  async runCase(index: number) {
    const opened: NodeStorage[] = [];
    const name = `conformance-${index}`;
    await storageCases[index]!.run(async () => {
      const storage = await open(name);
      opened.push(storage);
      return storage;
    });
    for (const storage of opened) storage.close();
  },

  async append(position: number, size: number) {
    kept ??= await open();
    const result = await kept.log.append(position, noise(size));
    return result.ok ? 'ok' : result.error.code;
  },
  /** Appends until the page dies, saying after each what is promised to stay. */
  async appendForever() {
    const storage = await open();
    for (let position = unwrap(await storage.log.length()); ; position++) {
      unwrap(await storage.log.append(position, utf8(`entry ${position}`)));
      console.log(`kept ${position}`);
    }
  },
  /** Writes records and entries of logs at the same time until the page dies, saying when either is done. */
  async writeEverywhereForever() {
    const storage = await open();
    const records = async () => {
      for (let at = 0; ; at++) {
        unwrap(await storage.records.set(`filled-${at % 20}`, noise(20_000)));
        console.log('record');
      }
    };
    const log = storage.logNamed('filled');
    const entries = async () => {
      for (let length = unwrap(await log.length()); ; length += 20) {
        const some = Array.from({ length: 20 }, () => noise(1_000));
        unwrap(await log.appendAll(length, some));
        console.log('entries');
      }
    };
    await Promise.all([records(), entries()]);
  },
  async logTexts() {
    const storage = await open();
    const entries = unwrap(await storage.log.read(0, 100_000));
    storage.close();
    return entries.map(({ position, bytes }) => `${position} ${new TextDecoder().decode(bytes)}`);
  },
  async setRecord(key: string, value: unknown) {
    kept ??= await open();
    const result = await kept.records.set(key, value);
    return result.ok ? 'ok' : `${result.error.code}: ${result.error.message}`;
  },
  async getRecord(key: string) {
    kept ??= await open();
    return unwrap(await kept.records.get<unknown>(key)) ?? null;
  },
  async fill(key: string, bytes: number) {
    kept ??= await open();
    const result = await kept.records.set(key, noise(bytes));
    return result.ok ? 'ok' : `${result.error.code}: ${result.error.message}`;
  },
  async hold() {
    lost = null;
    kept = unwrap(await openIdbStorage({ onLost: ({ code }) => (lost = code) }));
  },
  lost: () => lost,
  async upgradeElsewhere() {
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open('tabmesh', 99);
      request.onsuccess = () => {
        request.result.close();
        resolve();
      };
      request.onerror = () => reject(request.error);
    });
  },
  async openCode() {
    const opened = await openIdbStorage();
    if (opened.ok) opened.value.close();
    return opened.ok ? 'ok' : opened.error.code;
  },

  async nodeKey() {
    const { signer, keptAs, created } = await nodeKey();
    const probe = utf8('probe');
    return {
      nodeId: signer.nodeId,
      keptAs,
      created,
      signs: await verify(signer.nodeId, probe, await signer.sign(probe)),
    };
  },
  /** What a script that got hold of the record could take out of it. */
  async exportNodeKey() {
    const storage = await open();
    const record = unwrap(await storage.records.get<{ privateKey: CryptoKey }>(NODE_KEY_RECORD));
    storage.close();
    const tried = await Promise.all(
      (['pkcs8', 'jwk', 'raw'] as const).map((format) =>
        crypto.subtle.exportKey(format, record!.privateKey).then(
          () => 'exported',
          () => 'refused',
        ),
      ),
    );
    return tried;
  },
  async makeIdentity() {
    const storage = await open();
    const seed = chance.bytes(32);
    unwrap(await createIdentitySeedStore(storage.records, chance).save(seed));
    storage.close();
    return createSeedSigner(seed).nodeId;
  },
  async backup(passphrase: string) {
    const storage = await open();
    const seed = unwrap(await createIdentitySeedStore(storage.records, chance).load())!;
    const certificate = await certifyNode(createSeedSigner(seed), (await nodeKey()).signer, 1);
    storage.close();
    const deps = { seal: createPassphraseSeal(chance), seedSigner: createSeedSigner };
    return unwrap(
      await exportBackup(deps, { createdAt: 1, seed, communities: [], certificates: [certificate] }, passphrase),
    );
  },
  async restore(file: string, passphrase: string) {
    const deps = { seal: createPassphraseSeal(chance), seedSigner: createSeedSigner, verify };
    const contents = await openBackup(deps, file, passphrase);
    if (!contents.ok) return { code: contents.error.code };
    const storage = await open();
    unwrap(await createIdentitySeedStore(storage.records, chance).save(contents.value.seed));
    storage.close();
    const identity = createSeedSigner(contents.value.seed);
    const certificates = [...contents.value.certificates, await certifyNode(identity, (await nodeKey()).signer, 2)];
    const nodes = await nodesOfIdentity(identity.nodeId, certificates, verify);
    return { code: 'ok', identity: identity.nodeId, nodes: nodes.map(({ node }) => node) };
  },

  async elect(stopMs: number | 'never' = 0) {
    election = createTabElection({
      clock,
      chance,
      onElected: () => events.push('elected'),
      onLost: () => {
        events.push('stopping');
        return new Promise((resolve) => {
          if (stopMs === 'never') return;
          setTimeout(() => {
            events.push('stopped');
            resolve();
          }, stopMs);
        });
      },
    });
    await election.start();
    return election.state;
  },
  electionState: () => election?.state ?? null,
  electionEvents: () => events,
  async takeOver() {
    const result = await election!.takeOver();
    return result.ok ? 'ok' : result.error.code;
  },
  stopElection: () => election!.stop(),
  /** A tab whose script hangs: it answers nobody. */
  hang(ms: number) {
    setTimeout(() => {
      const until = performance.now() + ms;
      while (performance.now() < until);
    }, 0);
  },
};

/** Bytes that do not compress. */
function noise(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65_536)));
  return bytes;
}

declare global {
  interface Window {
    storageHarness: typeof harness;
  }
}
window.storageHarness = harness;
