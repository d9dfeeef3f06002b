import { equalBytes } from '#core/base/bytes';
import type { Chance } from '#core/base/ports';
import { fail, ok } from '#core/base/result';
import type { IdentitySeedStore } from '#core/identity/ports';
import type { KeyValueStore } from '#core/storage/ports';
import { unwrapSeed, wrapSeed } from './wrapped-seed';

const RECORD = 'identity/seed';

/**
 * The identity's seed, wrapped. A save counts only after it was read back; before that the old one is put back in its
 * place. Codes: those of the storage, `identity_unreadable` (it is there and this browser cannot open it; a backup can
 * be restored over it).
 */
export function createIdentitySeedStore(records: KeyValueStore, chance: Chance): IdentitySeedStore {
  const load: IdentitySeedStore['load'] = async () => {
    const record = await records.get(RECORD);
    if (!record.ok) return record;
    if (record.value === undefined) return ok(null);
    const seed = await unwrapSeed(record.value);
    return seed === null
      ? fail('identity_unreadable', 'This browser can no longer read your identity. Restore it from a backup.')
      : ok(seed);
  };
  return {
    load,
    async save(seed) {
      const before = await records.get(RECORD);
      if (!before.ok) return before;
      const written = await records.set(RECORD, await wrapSeed(seed, chance));
      if (!written.ok) return written;
      const back = await load();
      if (back.ok && back.value !== null && equalBytes(back.value, seed)) return ok(undefined);
      await (before.value === undefined ? records.delete(RECORD) : records.set(RECORD, before.value));
      return fail('identity_unreadable', 'This browser cannot keep your identity safely, so nothing was changed.');
    },
  };
}
