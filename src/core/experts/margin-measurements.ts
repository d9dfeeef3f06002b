import * as v from 'valibot';
import { GROSS_MARGIN, SOFT_MARGIN } from './validators/margin-test';

/** A margin is told in one byte, in hundredths of a logit: one bucket for each, the last for 2.55 and everything above. */
export const MARGIN_BUCKETS = 256;
/** Pairs of engine and device classes that are told apart; a device meets a handful. */
export const MAX_MARGIN_PAIRS = 64;

/** Above these a token missed a little, and grossly: the bounds of the margin test, as whole hundredths. */
export const SOFT_HUNDREDTHS = Math.round(SOFT_MARGIN * 100);
export const GROSS_HUNDREDTHS = Math.round(GROSS_MARGIN * 100);

/** Margins of checked tokens between two classes of devices on one engine. */
export interface MarginHistogram {
  readonly engine: string;
  readonly executorClass: string;
  readonly validatorClass: string;
  /** Counts by hundredths of a logit; the last of the 256 counts everything from 2.55 on. */
  readonly counts: readonly number[];
}

const hundredths = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MARGIN_BUCKETS - 1));
const tokens = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
/** As a node's card says it, or question marks where it says nothing. */
const deviceClass = v.pipe(v.string(), v.maxLength(64));

/**
 * By how much the devices of others differed in answers that one node had checked: how many tokens had which margin, for each
 * engine and pair of device classes. It names no node, no question and no time, so that anybody may hand it on. The same counts
 * give the same bytes.
 */
export const marginMeasurementsSchema = v.strictObject({
  type: v.literal('margin-measurements'),
  v: v.literal(1),
  /** Above so many hundredths of a logit a token missed a little. */
  softAboveHundredths: hundredths,
  /** Above so many it missed grossly. */
  grossAboveHundredths: hundredths,
  /** In the order of engine, executor and validator. */
  pairs: v.pipe(
    v.array(
      v.strictObject({
        /** Runtime and backend, for instance `transformers/webgpu`. */
        engine: v.pipe(v.string(), v.maxLength(64)),
        /** Of the device that answered: whether it has WebGPU, cores, gigabytes of memory. */
        executor: deviceClass,
        /** Of the device that checked. */
        validator: deviceClass,
        /** Ascending; margins that no token had are left out. */
        counts: v.pipe(
          v.array(
            v.strictObject({
              /** The margin in hundredths of a logit; 255 is 2.55 and everything above. */
              hundredths,
              /** Tokens that had it. */
              tokens,
            }),
          ),
          v.maxLength(MARGIN_BUCKETS),
        ),
      }),
    ),
    v.maxLength(MAX_MARGIN_PAIRS),
  ),
});

export type MarginMeasurements = v.InferOutput<typeof marginMeasurementsSchema>;

const keyOf = ({ engine, executorClass, validatorClass }: MarginHistogram): string =>
  JSON.stringify([engine, executorClass, validatorClass]);

/** What histograms say, in the form that is handed on; pairs without a single token are left out. */
export const marginMeasurements = (histograms: readonly MarginHistogram[]): MarginMeasurements => ({
  type: 'margin-measurements',
  v: 1,
  softAboveHundredths: SOFT_HUNDREDTHS,
  grossAboveHundredths: GROSS_HUNDREDTHS,
  pairs: [...histograms]
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map(({ engine, executorClass, validatorClass, counts }) => ({
      engine,
      executor: executorClass,
      validator: validatorClass,
      counts: counts.flatMap((count, at) => (count > 0 ? [{ hundredths: at, tokens: count }] : [])),
    }))
    .filter(({ counts }) => counts.length > 0),
});

/** The file itself: the same measurements, the same text. */
export const marginMeasurementsText = (measured: MarginMeasurements): string =>
  `${JSON.stringify(measured, null, 2)}\n`;
