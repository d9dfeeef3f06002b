import type { Signer } from '../base/ports';
import type { Result } from '../base/result';

/** The Ed25519 signer of a 32-byte seed (RFC 8032 section 5.1.5). The same seed always gives the same key. */
export type SeedSigner = (seed: Uint8Array) => Signer;

/** What a passphrase sealed: every part that is needed to open it again, and nothing that gives it away. */
export interface PassphraseSealed {
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

/**
 * Seals bytes under a passphrase: PBKDF2-SHA256 (RFC 8018) to an AES-256-GCM key. `open` fails with `wrong_passphrase`
 * when the tag does not match: a wrong passphrase and changed bytes look alike, by design of the cipher.
 * `associated` is authenticated and not encrypted; both sides must give the same.
 */
export interface PassphraseSeal {
  seal(
    passphrase: string,
    iterations: number,
    plaintext: Uint8Array,
    associated: Uint8Array,
  ): Promise<PassphraseSealed>;
  open(
    passphrase: string,
    iterations: number,
    sealed: PassphraseSealed,
    associated: Uint8Array,
  ): Promise<Result<Uint8Array<ArrayBuffer>>>;
}

/** `webcrypto`: not extractable, in this profile. `wrapped-seed`: encrypted by a key of that kind. `memory`: gone with the tab. */
export type KeptAs = 'webcrypto' | 'wrapped-seed' | 'memory';

/** The key of this node, ready to sign. */
export interface NodeKey {
  readonly signer: Signer;
  readonly keptAs: KeptAs;
  /** True when it was made just now, false when it was found. */
  readonly created: boolean;
}

/** Keeps the seed of the person's identity in this profile, encrypted at rest. */
export interface IdentitySeedStore {
  load(): Promise<Result<Uint8Array<ArrayBuffer> | null>>;
  save(seed: Uint8Array): Promise<Result<void>>;
}
