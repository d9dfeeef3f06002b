import type { AdmissionGate, Finding } from './gate';
import type { EvaluationResult } from './evaluation-set';
import { chanceOfAtLeast, SURE } from './sign-test';

/** With fewer questions even a good expert cannot surely be told from one that guesses. */
export const LEAST_TARGET_ITEMS = 60;

/** Questions that one of two experts answered rightly and the other did not. */
export function changesBetween(
  before: EvaluationResult,
  after: EvaluationResult,
): { readonly gained: number; readonly lost: number } {
  const rightBefore = new Map(before.items.map(({ question, right }) => [question, right]));
  let gained = 0;
  let lost = 0;
  for (const { question, right } of after.items) {
    const was = rightBefore.get(question);
    if (right && was === false) gained += 1;
    if (!right && was === true) lost += 1;
  }
  return { gained, lost };
}

/**
 * A new version must surely answer more questions than the one before (McNemar's test, exact and one-sided); a first expert must
 * surely be right more often than wrong: less helps nobody.
 */
export const targetImproves: AdmissionGate = {
  name: 'target-improves',
  label: 'Better at its own task',
  demand: `At least ${LEAST_TARGET_ITEMS} questions; surely more right answers than the version before, or, for a first one, surely more right than wrong (at most 1 chance in 20 that it was luck).`,
  judge({ measured: { target }, incumbent }): Finding {
    const of = target.items.length;
    const { right } = target;
    if (of < LEAST_TARGET_ITEMS) {
      return { passed: false, figures: { right, of }, sentence: `Only ${of} questions were asked.` };
    }
    if (incumbent === null) {
      const passed = chanceOfAtLeast(right, of) <= SURE;
      const sentence = `${right} of ${of} questions answered rightly${passed ? '' : ': not surely more right than wrong'}.`;
      return { passed, figures: { right, of }, sentence };
    }
    if (incumbent.target.digest !== target.digest) {
      const sentence = `Version ${incumbent.version} was asked other questions, so the two cannot be compared.`;
      return { passed: false, figures: { right, of }, sentence };
    }
    const { gained, lost } = changesBetween(incumbent.target, target);
    return {
      passed: gained > lost && chanceOfAtLeast(gained, gained + lost) <= SURE,
      figures: { right, of, before: incumbent.target.right, gained, lost },
      sentence: `${right} of ${of} questions answered rightly, ${incumbent.target.right} by version ${incumbent.version}: ${gained} gained, ${lost} lost.`,
    };
  },
};
