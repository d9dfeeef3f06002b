import type { AdmissionGate, Finding } from './gate';

/** With fewer, one unlucky question already weighs more than the allowed loss. */
export const LEAST_GENERAL_ITEMS = 30;
/** Whatever came before: small losses of many versions must not add up. */
export const LEAST_GENERAL_PERCENT = 90;
/** The usual margin for "not worse" in evaluations of models. On some 50 questions it is coarse: two of them. */
export const MOST_LOST_PERCENT = 5;

/** What the expert could do besides its task, it can still do. */
export const generalHolds: AdmissionGate = {
  name: 'general-holds',
  label: 'No worse at the rest',
  demand: `At least ${LEAST_GENERAL_ITEMS} questions, ${LEAST_GENERAL_PERCENT} % of them rightly answered, and at most ${MOST_LOST_PERCENT} points fewer than by the version before.`,
  judge({ measured: { general }, incumbent }): Finding {
    const of = general.items.length;
    const { right } = general;
    const figures = { right, of, leastPercent: LEAST_GENERAL_PERCENT };
    if (of < LEAST_GENERAL_ITEMS) return { passed: false, figures, sentence: `Only ${of} questions were asked.` };
    const enough = right * 100 >= LEAST_GENERAL_PERCENT * of;
    const said = `${right} of ${of} other questions met rightly`;
    if (incumbent === null) return { passed: enough, figures, sentence: `${said}.` };
    const before = incumbent.general;
    if (before.digest !== general.digest) {
      const sentence = `Version ${incumbent.version} was asked other questions, so the two cannot be compared.`;
      return { passed: false, figures, sentence };
    }
    const lost = before.right - right;
    return {
      passed: enough && lost * 100 <= MOST_LOST_PERCENT * of,
      figures: { ...figures, before: before.right, mostLostPercent: MOST_LOST_PERCENT },
      sentence: `${said}, ${before.right} by version ${incumbent.version}.`,
    };
  },
};
