import type { Clock, Verify } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import { openExpertCard, type OpenedExpertCard } from '#core/experts/expert-card';
import type { KeyValueStore } from '#core/storage/ports';
import { checkAgainst } from '#core/wire/gate';
import { signedSchema, type Signed } from '#core/wire/signed';

const MEASURED_KEY = 'experts/measured/';
/** Of as many models as evaluations are kept of; a card has about 1 KB. */
const MAX_MEASURED = 8;

export interface SignedExpertCard {
  readonly card: Signed;
  readonly opened: OpenedExpertCard;
}

/** Own expert cards of what was measured without an evaluation, by model hash. */
export interface MeasuredCards {
  readonly byHash: ReadonlyMap<string, SignedExpertCard>;
  /** Takes the place of an older one of the same weights. Codes of `openExpertCard` and of the store. */
  keep(card: Signed): Promise<Result<void>>;
}

/** Opens what this profile keeps; a card that is damaged or has expired is forgotten. */
export async function openMeasuredCards(
  records: KeyValueStore,
  verify: Verify,
  clock: Clock,
): Promise<Result<MeasuredCards>> {
  const byHash = new Map<string, SignedExpertCard>();
  const keys = await records.keys(MEASURED_KEY);
  if (!keys.ok) return keys;
  for (const key of keys.value) {
    const found = await records.get<unknown>(key);
    if (!found.ok) return found;
    const card = checkAgainst(signedSchema, found.value);
    const opened = card.ok ? await openExpertCard(card.value, verify, clock.now()) : card;
    if (card.ok && opened.ok) byHash.set(opened.value.modelHash, { card: card.value, opened: opened.value });
    else await records.delete(key);
  }
  return ok({
    byHash,
    async keep(card) {
      const opened = await openExpertCard(card, verify, clock.now());
      if (!opened.ok) return opened;
      const { modelHash } = opened.value;
      const written = await records.set(MEASURED_KEY + modelHash, card);
      if (!written.ok) return written;
      byHash.set(modelHash, { card, opened: opened.value });
      const newestFirst = [...byHash].sort(([, a], [, b]) => b.opened.at - a.opened.at);
      for (const [hash] of newestFirst.slice(MAX_MEASURED)) {
        byHash.delete(hash);
        await records.delete(MEASURED_KEY + hash);
      }
      return ok(undefined);
    },
  });
}
