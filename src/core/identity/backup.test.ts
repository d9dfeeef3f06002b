import { beforeAll, expect, test } from 'vitest';
import { createPassphraseSeal } from '#adapters/identity-passphrase';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-webcrypto';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { fromBase64, hex, utf8 } from '../base/bytes';
import { sha256 } from '../base/canonical';
import { unwrap, type Result } from '../base/result';
import { exportBackup, identityOfBackup, openBackup, type BackupContents } from './backup';
import { createManifest } from './community';
import { certifyNode } from './identity';

const chance = createSeededChance(1);
const verify = createVerify();
const deps = { seal: createPassphraseSeal(chance), seedSigner: createSeedSigner, verify };
const seed = sha256(utf8('person'));
const person = createSeedSigner(seed);
const node = createSeedSigner(sha256(utf8('node')));
const PASSPHRASE = 'correct horse battery';
const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.error.code);

let contents: BackupContents;
let file: string;
beforeAll(async () => {
  contents = {
    createdAt: 5,
    seed,
    communities: [
      {
        manifest: await createManifest(node, { name: 'Garden', open: false, createdAt: 1 }),
        memberships: [],
        certificates: [],
      },
    ],
    certificates: [await certifyNode(person, node, 3)],
  };
  file = unwrap(await exportBackup(deps, contents, PASSPHRASE));
});

test('what was backed up comes back with the passphrase, and the file names the person before', async () => {
  expect(unwrap(await openBackup(deps, file, PASSPHRASE))).toEqual({ ...contents, identity: person.nodeId });
  expect(unwrap(identityOfBackup(file))).toBe(person.nodeId);
  expect(JSON.parse(file)).toMatchObject({
    format: 'tabmesh-identity',
    v: 1,
    kdf: { name: 'PBKDF2-SHA256', iterations: 600_000 },
    cipher: { name: 'AES-256-GCM' },
  });
});

test('the same passphrase typed with other code points opens it too', async () => {
  const composed = unwrap(await exportBackup(deps, contents, 'Grüße an alle'.normalize('NFC')));
  expect((await openBackup(deps, composed, 'Grüße an alle'.normalize('NFD'))).ok).toBe(true);
});

test('a passphrase of fewer than ten characters is refused', async () => {
  expect(codeOf(await exportBackup(deps, contents, 'too short'))).toBe('weak_passphrase');
  expect(codeOf(await exportBackup(deps, contents, '🌱'.repeat(9)))).toBe('weak_passphrase');
});

test('every fault is its own clear sentence', async () => {
  const json = JSON.parse(file) as Record<string, unknown> & { kdf: object };
  const cases: [string, string, string][] = [
    [file, 'another passphrase', 'wrong_passphrase'],
    ['', PASSPHRASE, 'not_a_backup'],
    ['hello', PASSPHRASE, 'not_a_backup'],
    ['{"format":"something-else"}', PASSPHRASE, 'not_a_backup'],
    ['x'.repeat(3 * 1024 * 1024), PASSPHRASE, 'not_a_backup'],
    [JSON.stringify({ ...json, v: 2 }), PASSPHRASE, 'unknown_version'],
    [file.slice(0, -40), PASSPHRASE, 'backup_damaged'],
    [JSON.stringify({ ...json, ciphertext: undefined }), PASSPHRASE, 'backup_damaged'],
    [JSON.stringify({ ...json, identity: node.nodeId }), PASSPHRASE, 'backup_damaged'],
    [JSON.stringify({ ...json, kdf: { ...json.kdf, iterations: 1 } }), PASSPHRASE, 'backup_damaged'],
    [JSON.stringify({ ...json, kdf: { ...json.kdf, iterations: 2_000_000_000 } }), PASSPHRASE, 'backup_damaged'],
    [file.replace(/("ciphertext": ".{20})./, (_, head: string) => `${head}!`), PASSPHRASE, 'backup_damaged'],
  ];
  for (const [text, phrase, code] of cases) {
    const result = await openBackup(deps, text, phrase);
    expect(codeOf(result)).toBe(code);
    if (!result.ok) expect(result.error.message).toMatch(/^[A-Z][^.]*\.( [A-Z][^.]*\.)?$/);
  }
});

test('a backup whose statements do not verify is refused as a whole', async () => {
  const forged = { ...contents.certificates[0]!, payload: contents.communities[0]!.manifest.payload };
  const bad = unwrap(await exportBackup(deps, { ...contents, certificates: [forged] }, PASSPHRASE));
  expect(codeOf(await openBackup(deps, bad, PASSPHRASE))).toBe('backup_damaged');
});

test('no part of the file shows the seed', () => {
  const json = JSON.parse(file) as { ciphertext: string };
  expect(hex(fromBase64(json.ciphertext)!)).not.toContain(hex(seed));
});
