/** Money is whole micros: millionths of a credit. */

/** The unit of account. */
export const CURRENCY = 'AEM_CREDIT';
export const MICROS_PER_CREDIT = 1_000_000;
/** A thousand credits for one token: with the most tokens of one receipt still an exact whole number. */
export const MAX_RATE_MICROS = 1_000_000_000;
/** A million credits: what any one job may cost at least, or a host may have to put down. */
export const MAX_AMOUNT_MICROS = 1_000_000 * MICROS_PER_CREDIT;
