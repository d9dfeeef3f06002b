import type { AdmissionGate, Finding } from './gate';

/** A device that computes wrongly would be measured, and would answer, as another expert than it names. */
export const computesRightly: AdmissionGate = {
  name: 'computes-rightly',
  label: 'Computed as elsewhere',
  demand: 'Golden transcripts, made on another device, come out the same here.',
  judge({ card: { selfTest } }): Finding {
    if (selfTest === null) {
      return { passed: false, figures: {}, sentence: 'No golden transcripts are known that it could be tested with.' };
    }
    const { passed, positions, agreeing, gross } = selfTest;
    return {
      passed: passed && positions > 0,
      figures: { positions, agreeing, gross },
      sentence: `${agreeing} of ${positions} tokens came out as on other devices.`,
    };
  },
};
