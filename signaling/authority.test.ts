import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import { unwrap } from '#core/base/result';
import { openAuthority, type CertificateAuthority, type ServerCertificate } from '#signaling/authority';
import { certificateDer, certificatePem, isPermitted } from '#signaling/certificate-bytes';
import { openDataFolder } from '#signaling/data-folder';
import { systemChance } from '#signaling/system-chance';

const run = promisify(execFile);
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const NAMES = ['localhost', '127.0.0.1', '::1', 'vm', 'vm.local', '192.168.7.9', 'fd00::2'];

let path: string;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'tabmesh-authority-'));
});
afterEach(() => rm(path, { recursive: true, force: true }));

const open = async (clock = createSystemClock()) =>
  openAuthority({
    folder: unwrap(await openDataFolder(path)),
    clock,
    chance: systemChance,
    hostname: 'vm',
    addresses: ['203.0.113.5', '2001:db8::5', '10.0.0.1'],
  });

/** What a TLS client that trusts only this authority says: null when it is content. */
async function clientVerdict(
  authority: CertificateAuthority,
  { key, cert }: ServerCertificate,
  servername: string,
): Promise<string | null> {
  const server = createServer({ key, cert });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve) => {
      const isAddress = /^[\d.:a-f]+$/.test(servername);
      const socket = connect({
        port,
        host: '127.0.0.1',
        ca: authority.certificatePem,
        ...(isAddress ? {} : { servername }),
        checkServerIdentity: (_host, certificate) => {
          const x509 = new X509Certificate(certificate.raw);
          const match = isAddress ? x509.checkIP(servername) : x509.checkHost(servername);
          return match === undefined ? new Error('name does not match') : undefined;
        },
      });
      socket.once('secureConnect', () => resolve(null));
      socket.once('error', (error) => resolve(error.message));
      socket.once('close', () => server.close());
      socket.once('secureConnect', () => socket.destroy());
    });
  } finally {
    server.close();
  }
}

describe('the local certificate authority', () => {
  test('certifies every private name of the machine so that a client that trusts it accepts them', async () => {
    const authority = unwrap(await open());
    const certificate = unwrap(await authority.certify(NAMES));
    expect([...certificate.names].sort()).toEqual([...NAMES].sort());
    for (const name of NAMES) expect(await clientVerdict(authority, certificate, name)).toBeNull();
    expect(await clientVerdict(authority, certificate, 'other.local')).toBe('name does not match');
  });

  test('makes certificates that verify, strictly where the machine has the openssl command', async () => {
    const authority = unwrap(await open());
    const certificate = unwrap(await authority.certify(NAMES));
    const issuer = new X509Certificate(authority.certificatePem);
    expect(new X509Certificate(certificate.cert).verify(issuer.publicKey)).toBe(true);
    expect(new X509Certificate(certificate.cert).checkIssued(issuer)).toBe(true);
    if (!hasOpenssl) return;
    await writeFile(join(path, 'ca.pem'), authority.certificatePem);
    await writeFile(join(path, 'server.pem'), certificate.cert);
    const { stdout } = await run('openssl', [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      '-CAfile',
      join(path, 'ca.pem'),
      join(path, 'server.pem'),
    ]);
    expect(stdout).toMatch(/server\.pem: OK/);
  });

  test('leaves out public names and addresses, which its constraints forbid', async () => {
    const authority = unwrap(await open());
    const certificate = unwrap(
      await authority.certify(['localhost', 'bank.example', '8.8.8.8', '2001:db8::1', 'evil-vm']),
    );
    expect(certificate.names).toEqual(['localhost']);
  });

  test('certifies the public addresses that the machine had when the authority was made', async () => {
    const authority = unwrap(await open());
    const certificate = unwrap(await authority.certify(['203.0.113.5', '2001:db8::5', '203.0.113.6']));
    expect(certificate.names).toEqual(['2001:db8::5', '203.0.113.5']);
    for (const name of certificate.names) expect(await clientVerdict(authority, certificate, name)).toBeNull();
  });

  test('is refused by clients for names outside its constraints, even with its key', async () => {
    const authority = unwrap(await open());
    const kept = JSON.parse(await readFile(join(path, 'authority.json'), 'utf8')) as { key: string; subject: string };
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    for (const name of ['bank.example', '8.8.8.8']) {
      const der = certificateDer({
        serial: systemChance.bytes(16),
        subject: name,
        issuer: kept.subject,
        subjectPrivateKey: privateKey,
        issuerPrivateKey: createPrivateKey(kept.key),
        notBefore: Date.now() - 1000,
        notAfter: Date.now() + 1_000_000,
        use: { kind: 'server', names: [name] },
      });
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      expect(await clientVerdict(authority, { key, cert: certificatePem(der), names: [name] }, name)).toMatch(
        /permitted subtree/,
      );
    }
  });

  test('survives a restart with the same key and the same server certificate', async () => {
    const first = unwrap(await open());
    const before = unwrap(await first.certify(NAMES));
    const second = unwrap(await open());
    expect(second.fingerprint).toBe(first.fingerprint);
    expect(unwrap(await second.certify([...NAMES].reverse())).cert).toBe(before.cert);
  });

  test('makes a new server certificate when the names change or the old one is about to end', async () => {
    const authority = unwrap(await open());
    const before = unwrap(await authority.certify(NAMES));
    const changed = unwrap(await authority.certify([...NAMES, '10.0.0.4']));
    expect(changed.cert).not.toBe(before.cert);
    const system = createSystemClock();
    const later = unwrap(await open({ ...system, now: () => system.now() + 370 * 24 * 60 * 60 * 1000 }));
    expect(unwrap(await later.certify([...NAMES, '10.0.0.4'])).cert).not.toBe(changed.cert);
  });

  test('refuses a damaged file with one sentence and leaves it as it is', async () => {
    await writeFile(join(path, 'authority.json'), '{"key":"nonsense"}');
    const opened = await open();
    expect(opened).toMatchObject({ ok: false, error: { code: 'data_damaged' } });
  });

  test('keeps its key readable for the owner only', async () => {
    unwrap(await unwrap(await open()).certify(NAMES));
    for (const file of ['authority.json', 'server-certificate.json']) {
      expect((await stat(join(path, file))).mode & 0o777).toBe(0o600);
    }
  });
});

test('a DNS constraint covers the name and what lies below it, never what merely ends like it', () => {
  const permitted = { dns: ['local'], blocks: ['172.16.0.0/12', 'fc00::/7'] };
  expect(['local', 'a.local', '172.31.255.1', 'fd00::1'].map((name) => isPermitted(permitted, name))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['notlocal', 'local.example', '172.32.0.1', 'fe80::1'].map((name) => isPermitted(permitted, name))).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
