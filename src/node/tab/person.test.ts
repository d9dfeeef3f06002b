import { expect, test } from 'vitest';
import { createSeedSigner, SEED_BYTES } from '#adapters/signer-seed';
import { createMemory } from '#adapters/storage-memory';
import { ok, unwrap } from '#core/base/result';
import { exportBackup } from '#core/identity/backup';
import type { IdentitySeedStore, PassphraseSeal } from '#core/identity/ports';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { signerNamed, testVerify } from '#tests/fakes/test-community';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { openPerson } from './person';

const PASSPHRASE = 'correct horse battery';

/** Something that somebody waits for. */
function latch() {
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  return { release, released };
}

test('a backup that is restored while the node writes an identity of its own waits for that, takes its place, and stays', async () => {
  const [writing, written, decoded] = [latch(), latch(), latch()];
  const saved: Uint8Array[] = [];
  const seedStore: IdentitySeedStore = {
    load: async () => ok((saved.at(-1) as Uint8Array<ArrayBuffer> | undefined) ?? null),
    async save(seed) {
      saved.push(seed);
      writing.release();
      await written.released;
      return ok(undefined);
    },
  };
  // What a passphrase does to a backup is not looked at here.
  const seal: PassphraseSeal = {
    seal: async (_passphrase, _iterations, plaintext) => ({
      salt: new Uint8Array(16),
      nonce: new Uint8Array(12),
      ciphertext: Uint8Array.from(plaintext),
    }),
    async open(_passphrase, _iterations, { ciphertext }) {
      decoded.release();
      return ok(Uint8Array.from(ciphertext));
    },
  };
  const { records } = createMemory().open();
  const open = async () =>
    unwrap(
      await openPerson({
        records,
        nodeKey: { signer: signerNamed('node'), keptAs: 'memory', created: false },
        seedStore,
        loadSeedSigner: async () => createSeedSigner,
        loadSeal: async () => seal,
        verify: testVerify,
        chance: createSeededChance(1),
        clock: createVirtualClock(),
      }),
    );
  const seed = new Uint8Array(SEED_BYTES).fill(7);
  const contents = { createdAt: 0, seed, communities: [], certificates: [] };
  const file = unwrap(await exportBackup({ seal, seedSigner: createSeedSigner }, contents, PASSPHRASE));
  const identityId = createSeedSigner(seed).nodeId;

  const person = await open();
  const made = person.establish();
  await writing.released;
  const restored = person.restore(file, PASSPHRASE);
  await decoded.released;
  // All that needs no disk is done by the next turn of the loop.
  await new Promise((resolve) => setImmediate(resolve));
  expect(saved).toHaveLength(1);
  written.release();
  unwrap(await made);
  unwrap(await restored);
  expect(person.view.identityId).toBe(identityId);
  expect(saved.at(-1)).toEqual(seed);
  expect((await open()).view.identityId).toBe(identityId);
});
