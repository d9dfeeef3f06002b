import { computesRightly } from './computes-rightly';
import { fitsNode } from './fits-node';
import type { AdmissionGate, AdmissionInput, GateReport } from './gate';
import { generalHolds } from './general-holds';
import { latencyAndCost } from './latency-and-cost';
import { leavesTrace } from './leaves-trace';
import { noNearDuplicate } from './no-near-duplicate';
import { noTrigger } from './no-trigger';
import { signedManifest } from './signed-manifest';
import { targetImproves } from './target-improves';
import { verifiersAgree } from './verifiers-agree';

/** All conditions of admission, in the order in which they are shown. */
export const ADMISSION_GATES: readonly AdmissionGate[] = [
  targetImproves,
  generalHolds,
  noNearDuplicate,
  noTrigger,
  fitsNode,
  signedManifest,
  computesRightly,
  verifiersAgree,
  latencyAndCost,
  leavesTrace,
];

/** Gates that a verifier can judge alone: on the strength of these it signs that an expert passed. */
const ALONE: ReadonlySet<AdmissionGate> = new Set([
  targetImproves,
  generalHolds,
  noTrigger,
  computesRightly,
  leavesTrace,
]);

export interface AdmissionReport {
  readonly expert: string;
  readonly version: string;
  readonly modelHash: string;
  /** True when every gate passed. */
  readonly admitted: boolean;
  readonly gates: readonly GateReport[];
  /** One sentence for a person. */
  readonly sentence: string;
}

/** Asks every gate, whatever the others said: a report names all that is missing. */
export function runAdmissionGate(input: AdmissionInput): AdmissionReport {
  const gates = ADMISSION_GATES.map(({ name, label, demand, judge }): GateReport => ({
    gate: name,
    label,
    demand,
    ...judge(input),
  }));
  const failed = gates.filter(({ passed }) => !passed);
  const { expert, version, modelHash } = input.card;
  return {
    expert,
    version,
    modelHash,
    admitted: failed.length === 0,
    gates,
    sentence:
      failed.length === 0
        ? `It passed all ${gates.length} gates.`
        : `It passed ${gates.length - failed.length} of ${gates.length} gates; missing: ${failed.map(({ label }) => label.toLowerCase()).join(', ')}.`,
  };
}

/** What a verifier may say of an expert after it evaluated it on its own device. */
export const passesAlone = (input: AdmissionInput): boolean =>
  ADMISSION_GATES.filter((gate) => ALONE.has(gate)).every((gate) => gate.judge(input).passed);
