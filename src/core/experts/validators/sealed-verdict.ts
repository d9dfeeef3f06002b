import { concat, equalBytes, utf8 } from '../../base/bytes';
import { sha256 } from '../../base/canonical';
import type { NodeId } from '../../base/ids';
import type { Chance } from '../../base/ports';
import { fail, ok, type Result } from '../../base/result';
import { SALT_BYTES } from '../../ledger/statements';
import { idOfSigned, type Signed } from '../../wire/signed';

/** Verdicts that wait to be revealed; a requester asks for its own within seconds. */
const MAX_WAITING = 256;

/** Margins as one byte each, in hundredths of a logit, everything above 2.55 as 255: for a picture, not for a decision. */
export const MARGIN_STEP = 0.01;

/** Which tokens were looked at and by how much each missed, for whoever wants to see it. Not part of the signed verdict. */
export interface LookedAt {
  readonly positions: readonly number[];
  readonly margins: Uint8Array<ArrayBuffer>;
}

export interface RevealedVerdict {
  readonly verdict: Signed;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly lookedAt: LookedAt | null;
}

/** What a validator hands out before it says what it found: SHA-256 over salt and the verdict's content id. */
export const sealOf = (salt: Uint8Array, verdict: Signed): Uint8Array<ArrayBuffer> =>
  sha256(concat(salt, utf8(idOfSigned(verdict))));

export const opensSeal = (sealed: Uint8Array, { salt, verdict }: RevealedVerdict): boolean =>
  equalBytes(sealed, sealOf(salt, verdict));

export const marginBytes = (margins: readonly number[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(margins, (margin) => Math.min(255, Math.round(margin / MARGIN_STEP)));

/** The verdicts of this validator that are fixed but not yet told: whoever asks several hears none before all are fixed. */
export interface SealedVerdicts {
  seal(requester: NodeId, jobId: string, verdict: Signed, lookedAt: LookedAt | null): Uint8Array<ArrayBuffer>;
  /**
   * Tells a verdict, after `tell` wrote it down: others read the log, so it stands there no sooner. Code `not_sealed`, those of
   * `tell`. May be asked again while it is kept; it is written once.
   */
  reveal(requester: NodeId, jobId: string): Promise<Result<RevealedVerdict>>;
}

export function createSealedVerdicts(
  chance: Chance,
  tell: (verdict: Signed) => Promise<Result<unknown>>,
): SealedVerdicts {
  const waiting = new Map<string, RevealedVerdict & { told: Promise<Result<unknown>> | null }>();
  const keyOf = (requester: NodeId, jobId: string): string => `${requester}/${jobId}`;
  return {
    seal(requester, jobId, verdict, lookedAt) {
      const salt = chance.bytes(SALT_BYTES);
      const key = keyOf(requester, jobId);
      waiting.delete(key);
      waiting.set(key, { verdict, salt, lookedAt, told: null });
      if (waiting.size > MAX_WAITING) waiting.delete(waiting.keys().next().value!);
      return sealOf(salt, verdict);
    },
    async reveal(requester, jobId) {
      const found = waiting.get(keyOf(requester, jobId));
      if (found === undefined) return fail('not_sealed', 'This node holds no verdict on that job for you.');
      const telling = (found.told ??= tell(found.verdict));
      let isTold = false;
      try {
        const told = await telling;
        isTold = told.ok;
        return told.ok ? ok({ verdict: found.verdict, salt: found.salt, lookedAt: found.lookedAt }) : told;
      } finally {
        // What failed or broke is tried again by whoever asks next, and not by each of several that waited for it.
        if (!isTold && found.told === telling) found.told = null;
      }
    },
  };
}
