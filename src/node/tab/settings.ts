import * as v from 'valibot';
import { fail, ok, type Result } from '#core/base/result';
import type { KeyValueStore } from '#core/storage/ports';
import { MAX_AMOUNT_MICROS, MAX_RATE_MICROS } from '#core/ledger/cards/money';
import { checkAgainst } from '#core/wire/gate';
import type { Settings } from '../tab-node';

const KEY = 'settings';
/** The model that comes with the app. */
export const BUILT_IN_MODEL = 'spark-1';

/** A tenth of a credit: some hundred answers of the built-in model, a handful of a large one. */
const DEFAULT_PAY_AT_MOST_MICROS = 100_000;

const micros = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most));
const modelIdSchema = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,63}$/));

/** Typed and versioned; a field that an older version did not know gets its default. */
const settingsSchema = v.object({
  v: v.literal(1),
  theme: v.fallback(v.picklist(['system', 'light', 'dark']), 'system'),
  askWhere: v.fallback(v.picklist(['mesh', 'self']), 'mesh'),
  meshConsentAt: v.fallback(v.nullable(v.number()), null),
  contributeConsentAt: v.fallback(v.nullable(v.number()), null),
  pauseOnBattery: v.fallback(v.boolean(), true),
  pauseOnMetered: v.fallback(v.boolean(), true),
  hours: v.fallback(
    v.nullable(
      v.object({
        from: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(23)),
        to: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(23)),
      }),
    ),
    null,
  ),
  research: v.fallback(v.boolean(), false),
  evidenceGraph: v.fallback(v.boolean(), false),
  rateMicros: v.fallback(v.nullable(micros(MAX_RATE_MICROS)), null),
  minimumJobMicros: v.fallback(micros(MAX_AMOUNT_MICROS), 0),
  payAtMostMicros: v.fallback(micros(MAX_AMOUNT_MICROS), DEFAULT_PAY_AT_MOST_MICROS),
  model: v.fallback(modelIdSchema, BUILT_IN_MODEL),
  embedModel: v.fallback(v.nullable(modelIdSchema), null),
  rerankModel: v.fallback(v.nullable(modelIdSchema), null),
  keepTraces: v.fallback(v.boolean(), true),
});

export const DEFAULT_SETTINGS: Settings = {
  theme: 'system',
  askWhere: 'mesh',
  meshConsentAt: null,
  contributeConsentAt: null,
  pauseOnBattery: true,
  pauseOnMetered: true,
  hours: null,
  research: false,
  evidenceGraph: false,
  keepTraces: true,
  model: BUILT_IN_MODEL,
  rateMicros: null,
  minimumJobMicros: 0,
  payAtMostMicros: DEFAULT_PAY_AT_MOST_MICROS,
  embedModel: null,
  rerankModel: null,
};

export async function loadSettings(records: KeyValueStore): Promise<Result<Settings>> {
  const stored = await records.get(KEY);
  if (!stored.ok) return stored;
  if (stored.value === undefined) return ok(DEFAULT_SETTINGS);
  const parsed = checkAgainst(settingsSchema, stored.value);
  return ok(parsed.ok ? plain(parsed.value) : DEFAULT_SETTINGS);
}

/** Writes the changed settings; what is not valid is refused and changes nothing. */
export async function storeSettings(
  records: KeyValueStore,
  before: Settings,
  change: Partial<Settings>,
): Promise<Result<Settings>> {
  const next = { v: 1 as const, ...before, ...change };
  const parsed = v.safeParse(settingsSchema, next);
  // In JSON no number is null.
  const numberless = Object.values(next).some((value) => Number.isNaN(value));
  if (numberless || !parsed.success || JSON.stringify(plain(parsed.output)) !== JSON.stringify(plain(next))) {
    return fail('bad_setting', 'That setting is not one of those offered.');
  }
  const stored = await records.set(KEY, next);
  return stored.ok ? ok(plain(next)) : stored;
}

const plain = ({
  theme,
  askWhere,
  meshConsentAt,
  contributeConsentAt,
  pauseOnBattery,
  pauseOnMetered,
  hours,
  research,
  evidenceGraph,
  keepTraces,
  model,
  rateMicros,
  minimumJobMicros,
  payAtMostMicros,
  embedModel,
  rerankModel,
}: Settings): Settings => ({
  theme,
  askWhere,
  meshConsentAt,
  contributeConsentAt,
  pauseOnBattery,
  pauseOnMetered,
  hours,
  research,
  evidenceGraph,
  keepTraces,
  model,
  rateMicros,
  minimumJobMicros,
  payAtMostMicros,
  embedModel,
  rerankModel,
});
