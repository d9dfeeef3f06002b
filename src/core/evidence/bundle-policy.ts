import * as v from 'valibot';
import { fail, ok, type Result } from '../base/result';
import {
  artefactsOf,
  FIRST_SEAL_REPORT,
  METADATA,
  sealedBy,
  TERMINAL_RECEIPT,
  type Artefact,
  type PolicyClass,
  type SealStage,
} from './artefacts';
import { indexOf, INDEX_VERSION } from './artefact-index';

export const POLICY_VERSION = 1;

const REASONS: Readonly<Record<PolicyClass, string>> = {
  'sealed-evidence': 'what happened and what follows from it: the first seal is over exactly this',
  'first-seal': 'cannot hash itself, so the second seal does',
  'seal-verification': 'exists only after the first seal, so the second one covers it',
  'metadata-and-receipts': 'says what the bundle is, or proves the jobs by itself; covered by the second seal',
  'second-seal': 'cannot hash itself: its signature and the terminal receipt stand for it',
  'terminal-receipt': 'ends the chain: sealing it would ask for another receipt, without end',
};

/** The classes, in the order in which they come to be. */
export const POLICY_CLASSES = Object.keys(REASONS) as readonly PolicyClass[];

const policyEntrySchema = v.strictObject({
  path: v.string(),
  role: v.string(),
  sealedBy: v.nullable(v.picklist(['first', 'second'])),
  reason: v.string(),
});

export const policySchema = v.strictObject({
  v: v.literal(POLICY_VERSION),
  decision: v.string(),
  firstSeal: v.string(),
  secondSeal: v.string(),
  terminalReceipt: v.string(),
  classes: v.record(v.string(), v.array(policyEntrySchema)),
  secondSealArtefacts: v.array(v.string()),
});

export type BundlePolicy = v.InferOutput<typeof policySchema>;

const pathsOf = (artefacts: readonly Artefact[]): string[] => artefacts.map(({ path }) => path);

/** What travels in a bundle, in which class, sealed by what, and why: made from the table of artefacts. */
export function policyOf(withWords: boolean): BundlePolicy {
  const artefacts = artefactsOf(withWords);
  const firstOf = (policyClass: PolicyClass): string =>
    artefacts.find((one) => one.policyClass === policyClass)?.path ?? '';
  return {
    v: POLICY_VERSION,
    decision: withWords
      ? 'the maker of this bundle chose to show the words of question and answer'
      : 'the words of question and answer stay with those who have them: salted commitments stand for them',
    firstSeal: firstOf('first-seal'),
    secondSeal: firstOf('second-seal'),
    terminalReceipt: firstOf('terminal-receipt'),
    classes: Object.fromEntries(
      POLICY_CLASSES.map((policyClass) => [
        policyClass,
        artefacts
          .filter((one) => one.policyClass === policyClass)
          .map(({ path, role, sealStage }) => ({
            path,
            role,
            sealedBy: sealStage === 'none' ? null : sealStage,
            reason: REASONS[policyClass],
          })),
      ]),
    ),
    secondSealArtefacts: pathsOf(sealedBy('second', withWords)),
  };
}

/** Whether a policy is one under which a bundle can be sealed and reviewed. Code `bad_policy`, with the rule that it breaks. */
export function checkPolicy(policy: BundlePolicy): Result<void> {
  const broken = (rule: string) => fail('bad_policy', `The policy of the bundle does not hold: ${rule}.`);
  for (const policyClass of POLICY_CLASSES) {
    if ((policy.classes[policyClass] ?? []).length === 0) return broken(`the class ${policyClass} is missing`);
  }
  const entries = Object.values(policy.classes).flat();
  const bySecond = entries.filter((one) => one.sealedBy === 'second').map(({ path }) => path);
  if ([...bySecond].sort().join() !== [...policy.secondSealArtefacts].sort().join())
    return broken('the list of what the second seal covers is not that of its classes');
  for (const path of [METADATA, FIRST_SEAL_REPORT]) {
    if (!bySecond.includes(path)) return broken(`${path} comes after the first seal and must be under the second`);
  }
  if (entries.some(({ path, sealedBy: seal }) => path === TERMINAL_RECEIPT && seal !== null))
    return broken('the terminal receipt is sealed');
  return ok(undefined);
}

/** How a list of what travels differs from what should. */
export interface TravelDrift {
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly duplicates: readonly string[];
  /** Told, but no fault in itself. */
  readonly orderMatches: boolean;
  readonly ok: boolean;
}

export function travelDrift(paths: readonly string[], withWords: boolean): TravelDrift {
  const expected = pathsOf(artefactsOf(withWords));
  const missing = expected.filter((path) => !paths.includes(path));
  const extra = [...new Set(paths.filter((path) => !expected.includes(path)))];
  const duplicates = [...new Set(paths.filter((path, index) => paths.indexOf(path) !== index))];
  return {
    missing,
    extra,
    duplicates,
    orderMatches: paths.join() === expected.join(),
    ok: missing.length + extra.length + duplicates.length === 0,
  };
}

/** What each gate of an evidence bundle demands, for a person, in the order in which they are passed. */
export const GATE_DEMANDS = {
  container: 'Every byte of the file is accounted for',
  sources: 'Traces, statements and receipts are whole, every signature holds, every trace replays',
  documents: 'Every report is what follows from them',
  index: 'The index is the generated one',
  'index-text': 'So is the index for people',
  status: 'So is the status',
  metadata: 'Index, text and files are in step',
  policy: 'The policy of what travels holds',
  'travel-drift': 'Nothing is missing and nothing is too much',
  'first-seal': 'The first seal, over traces and evidence, holds',
  'second-seal': 'The second seal, over the first, the metadata and the receipts, holds',
  'terminal-receipt': 'The terminal receipt says so and is signed',
} as const;

export type GateName = keyof typeof GATE_DEMANDS;

export const GATES = Object.keys(GATE_DEMANDS) as readonly GateName[];

/** The state of the evidence at a glance: counts by seal, role and class, and which command passes which gates. */
export function statusOf(withWords: boolean): object {
  const index = indexOf(withWords);
  const artefacts = artefactsOf(withWords);
  const policy = policyOf(withWords);
  return {
    v: 1,
    command: 'evidence verify',
    gates: GATES,
    artefactIndex: {
      indexVersion: INDEX_VERSION,
      artefactCount: index.artefactCount,
      paths: pathsOf(artefacts),
      sealStageCounts: countsOf(artefacts.map(({ sealStage }): SealStage => sealStage)),
      roleCounts: countsOf(artefacts.map(({ role }) => role)),
    },
    artefacts: artefacts.map(({ path, sealStage, role, schema, verifier }) => ({
      path,
      sealStage,
      role,
      schema,
      verifier,
    })),
    policy: {
      policyVersion: POLICY_VERSION,
      classCounts: countsOf(artefacts.map(({ policyClass }) => policyClass)),
      terminalReceipt: policy.terminalReceipt,
      secondSealArtefacts: policy.secondSealArtefacts,
    },
    travelDrift: travelDrift(pathsOf(artefacts), withWords),
  };
}

function countsOf(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
