import { GRADES, type Grade } from '../../engines/fit';
import type { AdmissionGate, Finding } from './gate';

/** A tight fit serves, if slowly; what does not fit takes the page down with it. */
export const WORST_GRADE: Grade = 'tight';

/** By the same estimate that the models of a device are shown with. */
export const fitsNode: AdmissionGate = {
  name: 'fits-node',
  label: 'Fits this device',
  demand: 'The memory of this device holds it, comfortably or tightly.',
  judge({ card, fit }): Finding {
    const figures = { memoryBytes: card.memoryBytes };
    if (fit === null) {
      return { passed: false, figures, sentence: 'It is not known yet whether it fits this device.' };
    }
    return {
      passed: GRADES.indexOf(fit.grade) <= GRADES.indexOf(WORST_GRADE),
      figures,
      sentence: fit.reasons[0] ?? 'It fits.',
    };
  },
};
