import * as v from 'valibot';
import { cidSchema } from '../../base/ids';
import { fail, ok, type Result } from '../../base/result';
import { TIERS } from '../../engines/device-roles';
import { modelIdSchema, sha256HexSchema } from '../../engines/model-manifest';
import type { Violation } from '../rules/naming-rule';
import { MAX_AMOUNT_MICROS, MAX_RATE_MICROS } from './money';

/** What cards, offers and packets have in common. */

/** Work that a node may earn credits with. */
export const EARNING_ROLES = ['inference', 'training', 'verification'] as const;
export type EarningRole = (typeof EARNING_ROLES)[number];

/** The receipt without which a role earns nothing. */
export const RECEIPT_OF_ROLE: Readonly<Record<EarningRole, string>> = {
  inference: 'inference_work_receipt',
  training: 'training_work_receipt',
  verification: 'verification_receipt',
};
/** Proof of what a node says of its capacity; every node card must ask for it. */
export const CAPACITY_PROBE_RECEIPT = 'capacity_probe_receipt';
/** What the pipeline did for a request; whoever answers asks for it. */
export const ROUTE_TRACE_RECEIPT = 'route_trace_receipt';

/**
 * How private a prompt may be, the least first: `public` prompts only, those with names taken out (`redacted`) too, or
 * everything short of what is private (`private_prohibited`). Whoever answers can read the prompt.
 */
export const PRIVACY_CLASSES = ['public', 'redacted', 'private_prohibited'] as const;
export type PrivacyClass = (typeof PRIVACY_CLASSES)[number];

/** Continents as the names of time zones have them; no card says more of where it is. */
export const LOCALITY_BUCKETS = ['africa', 'america', 'asia', 'europe', 'oceania', 'unknown'] as const;
export type LocalityBucket = (typeof LOCALITY_BUCKETS)[number];

/** Tiers of devices, and that nobody measured this one. */
export const DEVICE_CLASSES = [...TIERS, 'unmeasured'] as const;

/** Models that one node may offer at once: as many as it may name. */
export const MAX_EXPERTS = 16;

export const text = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most));
export const count = (most: number = Number.MAX_SAFE_INTEGER, least = 0) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most));
export const rateMicrosSchema = count(MAX_RATE_MICROS);
export const amountMicrosSchema = count(MAX_AMOUNT_MICROS);

/** A list in which nothing stands twice. The published schema knows that by `uniqueItems`. */
export const listOf = <T extends string>(item: v.GenericSchema<T>, most: number, least = 0) =>
  v.pipe(
    v.array(item),
    v.minLength(least),
    v.maxLength(most),
    v.metadata({ uniqueItems: true }),
    v.check((entries) => new Set(entries).size === entries.length, 'an entry twice'),
  );

export const rolesSchema = listOf(v.picklist(EARNING_ROLES), EARNING_ROLES.length);
export const receiptNamesSchema = listOf(
  v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,47}$/, 'not the name of a receipt')),
  16,
);
/** Kinds of work, each by the capability that does it. */
export const taskClassesSchema = listOf(
  v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_.]{0,47}@[1-9][0-9]{0,3}$/, 'not a capability')),
  64,
);
/** Where code runs: a name such as `web-worker` or `quickjs`. */
export const sandboxProfileSchema = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,31}$/, 'not a sandbox profile'));

/** A model in one set of weights, and the signed expert card that says what it was measured at. */
export const offeredExpertEntries = {
  /** The model's id, for instance `spark-1`. */
  expert: modelIdSchema,
  /** SHA-256 over the fingerprints of its files; see `manifestHashOf`. */
  modelHash: sha256HexSchema,
  /** Content id of the expert card. */
  expertCard: cidSchema,
};

export interface Timed {
  readonly at: number;
  readonly expiresAt: number;
}

/** Whether a statement ends after it begins, and lives no longer than it may. */
export const livesAtMost = ({ at, expiresAt }: Timed, mostMs: number): boolean =>
  expiresAt > at && expiresAt - at <= mostMs;

/** Everything that speaks against a card; valid when nothing does. */
export interface CardReport {
  readonly valid: boolean;
  readonly violations: readonly Violation[];
}

export const reportOf = (found: readonly (Violation | null)[]): CardReport => {
  const violations = found.filter((one) => one !== null);
  return { valid: violations.length === 0, violations };
};

/** The first thing that speaks against it, as a failure. */
export function firstOf({ violations }: CardReport): Result<void> {
  const [first] = violations;
  return first === undefined ? ok(undefined) : fail(first.code, first.sentence);
}
