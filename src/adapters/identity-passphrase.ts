import type { Chance } from '#core/base/ports';
import { fail, ok } from '#core/base/result';
import type { PassphraseSeal } from '#core/identity/ports';

const SALT_BYTES = 16;
/** What AES-GCM is built for (NIST SP 800-38D section 8.2.1); a fresh key per file makes a random one safe. */
const NONCE_BYTES = 12;

/** PBKDF2-SHA256 and AES-256-GCM by WebCrypto. Needs a secure context. Half a second per call, by intent. */
export function createPassphraseSeal(chance: Chance): PassphraseSeal {
  return {
    async seal(passphrase, iterations, plaintext, associated) {
      const salt = chance.bytes(SALT_BYTES);
      const nonce = chance.bytes(NONCE_BYTES);
      const key = await deriveKey(passphrase, salt, iterations);
      const sealed = await crypto.subtle.encrypt(
        { name: 'AES-GCM', iv: nonce, additionalData: Uint8Array.from(associated) },
        key,
        Uint8Array.from(plaintext),
      );
      return { salt, nonce, ciphertext: new Uint8Array(sealed) };
    },
    async open(passphrase, iterations, { salt, nonce, ciphertext }, associated) {
      const key = await deriveKey(passphrase, salt, iterations);
      try {
        const plain = await crypto.subtle.decrypt(
          { name: 'AES-GCM', iv: nonce, additionalData: Uint8Array.from(associated) },
          key,
          ciphertext,
        );
        return ok(new Uint8Array(plain));
      } catch {
        return fail('wrong_passphrase', 'The passphrase does not open this.');
      }
    },
  };
}

async function deriveKey(passphrase: string, salt: Uint8Array<ArrayBuffer>, iterations: number): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', new TextEncoder().encode(passphrase), 'PBKDF2', false, [
    'deriveKey',
  ]);
  return crypto.subtle.deriveKey(
    { name: 'PBKDF2', hash: 'SHA-256', salt, iterations },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}
