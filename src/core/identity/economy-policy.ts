import * as v from 'valibot';
import { nodeIdSchema } from '../base/ids';

/** A millionth of a credit is the smallest amount; amounts are whole numbers of these. */
export const MICROS_PER_CREDIT = 1_000_000;
/** A billion credits: sums of thousands of such amounts are still exact in a double. */
export const MAX_MICROS = 1_000_000_000 * MICROS_PER_CREDIT;
/** As many as a certificate has room for; seven are drawn of more. */
const MAX_WITNESSES = 13;
const MAX_CURATORS = 9;
const MAX_WINDOWS = 8;
/** Longer than anyone waits to be paid. */
const MAX_WINDOW_SECONDS = 30 * 24 * 60 * 60;

export const microsSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_MICROS));
const count = (least: number, most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most));
const nodesSchema = (least: number, most: number) =>
  v.pipe(
    v.array(nodeIdSchema),
    v.minLength(least),
    v.maxLength(most),
    v.check((nodes) => new Set(nodes).size === nodes.length, 'a node twice'),
  );

/** How a community pays for work, as its founder signed it: part of the manifest, so it never changes. */
export const economyPolicySchema = v.strictObject({
  currency: v.literal('AEM_CREDIT'),
  /** What the founder may owe. Every other limit is carved out of it, so nobody's is made of nothing. */
  founderLimitMicros: microsSchema,
  /** What whoever invites carves out of its own limit for a newcomer, as far as it has it. */
  newcomerLimitMicros: microsSchema,
  /** Of a price, in thousandths, what those who checked the work get together. */
  validatorShareMilli: count(0, 500),
  /** What a payer may promise while too few witnesses can be reached. */
  provisionalCapMicros: microsSchema,
  /** Of a node's capacity, in percent, what is kept for those who have no credit. */
  freeSharePercent: count(0, 100),
  /** How long work of at most so much may be challenged, ascending; the last one holds for everything above, too. */
  windows: v.pipe(
    v.array(v.strictObject({ upToMicros: microsSchema, seconds: count(1, MAX_WINDOW_SECONDS) })),
    v.minLength(1),
    v.maxLength(MAX_WINDOWS),
    v.check(
      (windows) =>
        windows.every(
          ({ upToMicros, seconds }, at) =>
            at === 0 || (upToMicros > windows[at - 1]!.upToMicros && seconds >= windows[at - 1]!.seconds),
        ),
      'windows must ascend',
    ),
  ),
  /** Who cosigns what payers do, until enough members from enough branches can be drawn. */
  witnesses: nodesSchema(1, MAX_WITNESSES),
  /** Two of three of them (a majority) must agree before anything is minted. */
  curators: nodesSchema(0, MAX_CURATORS),
  /** Whether accepted contributions mint credit at all. */
  mint: v.boolean(),
});

export type EconomyPolicy = v.InferOutput<typeof economyPolicySchema>;

/** What a founder gets who chooses nothing: windows of ten minutes, an hour and a day for one, ten and more credits. */
export const defaultEconomyPolicy = (founder: string): EconomyPolicy => ({
  currency: 'AEM_CREDIT',
  founderLimitMicros: 1_000 * MICROS_PER_CREDIT,
  newcomerLimitMicros: 5 * MICROS_PER_CREDIT,
  validatorShareMilli: 200,
  provisionalCapMicros: MICROS_PER_CREDIT / 10,
  freeSharePercent: 20,
  windows: [
    { upToMicros: MICROS_PER_CREDIT, seconds: 600 },
    { upToMicros: 10 * MICROS_PER_CREDIT, seconds: 3_600 },
    { upToMicros: MAX_MICROS, seconds: 86_400 },
  ],
  witnesses: [founder],
  curators: [founder],
  mint: false,
});
