import type { Shown } from './demands';

/** A case at the edge, and the tests that cover it. */
export interface EdgeCase {
  readonly edge: string;
  readonly shown: readonly Shown[];
}

const TRACES_TEST = 'src/core/evidence/trace-file.test.ts';
const INDEX_TEST = 'src/core/evidence/artefact-index.test.ts';
const EVIDENCE_TEST = 'tests/integration/evidence.test.ts';
const EVIDENCE_COMMAND_TEST = 'src/cli/evidence/evidence.test.ts';
const PATCH_TEST = 'src/core/experts/objective/patch-policy.test.ts';
const DIFF_TEST = 'src/core/experts/objective/apply-patch.test.ts';
const RULES_TEST = 'src/core/ledger/rules/rules.test.ts';
const CONTRIBUTION_TEST = 'src/core/ledger/rules/contribution-rules.test.ts';
const OFFER_TEST = 'src/core/ledger/cards/host-advertisement.test.ts';

export const EDGE_CASES: readonly EdgeCase[] = [
  {
    edge: 'A trace whose chosen node is a number: nothing is written.',
    shown: [[TRACES_TEST, 'a trace that breaks its form is refused before the file is touched']],
  },
  {
    edge: 'Candidates that are a text: refused as traces, read as plain rows.',
    shown: [[TRACES_TEST, 'a wrong field passes a plain read of the rows, and no read as traces']],
  },
  {
    edge: 'A row that is no JSON.',
    shown: [[TRACES_TEST, 'a row that is no JSON, or no object, refuses the whole rewrite']],
  },
  {
    edge: 'A rewrite of a bad row leaves neither output nor manifest.',
    shown: [[EVIDENCE_COMMAND_TEST, 'a bad row leaves neither output nor manifest']],
  },
  {
    edge: 'One changed byte in a sealed file is a failure, and exit code 1.',
    shown: [
      [EVIDENCE_COMMAND_TEST, 'one changed byte in any file of the folder, or in the bundle, is exit code 1'],
      [EVIDENCE_TEST, 'one changed byte anywhere in the file is found'],
    ],
  },
  {
    edge: 'A sealed file that was deleted has no actual hash.',
    shown: [[EVIDENCE_TEST, 'a file that is taken away is missed by seal, list and policy']],
  },
  {
    edge: 'An index made by hand passes its schema and not the comparison.',
    shown: [[INDEX_TEST, 'an index made by hand passes its schema and fails the check against the generated one']],
  },
  {
    edge: 'A summary that misses a file refuses before anything is bundled, with exit code 1.',
    shown: [
      [EVIDENCE_TEST, 'a summary names what is missing, whatever it is, and nothing is bundled while anything is'],
      [EVIDENCE_TEST, 'a missing source is named before anything is bundled'],
      [
        EVIDENCE_COMMAND_TEST,
        'a missing source, a bad row, a key that is none or a folder that is not there write nothing',
      ],
    ],
  },
  {
    edge: 'Patches of a file that is not listed, too large, without a target, of two files.',
    shown: [
      [PATCH_TEST, 'a patch may change what the policy names: a file, or a folder with what lies below it'],
      [PATCH_TEST, 'a patch changes no more files and lines than it may'],
      [DIFF_TEST, 'diff_too_large'],
      [DIFF_TEST, 'diff_malformed'],
    ],
  },
  {
    edge: 'A forbidden patch still leaves its trace, and no workspace.',
    shown: [
      ['tests/integration/tasks.test.ts', 'a patch that goes beyond what it may do leaves its trace like any other'],
    ],
  },
  {
    edge: 'A spend key that is said again pays its host once.',
    shown: [[RULES_TEST, 'pays its host once, whoever writes how it ended and how often it is said']],
  },
  {
    edge: 'A spend key that is bound to something else.',
    shown: [
      [RULES_TEST, 'wrong_spend_key'],
      [RULES_TEST, 'is not spent by a receipt that names another one'],
    ],
  },
  {
    edge: 'A charge that is off by one.',
    shown: [[RULES_TEST, 'the charge is exact, one micro below is as wrong as one above']],
  },
  {
    edge: 'Not all ways to challenge.',
    shown: [[RULES_TEST, 'a work receipt must allow all four ways to challenge it, whichever one is missing']],
  },
  {
    edge: 'An offer at a rate of nothing, below the minimum.',
    shown: [[OFFER_TEST, 'at a rate of nothing, below the node’s minimum, is refused']],
  },
  {
    edge: 'An expert that is not on the node card.',
    shown: [[OFFER_TEST, 'of an expert that the card does not list is refused']],
  },
  {
    edge: 'Outputs of models of others whose terms nobody verified.',
    shown: [[CONTRIBUTION_TEST, 'terms_not_verified']],
  },
  { edge: 'A contribution that is not owned.', shown: [[CONTRIBUTION_TEST, 'not_owned']] },
  { edge: 'A skill that changes nothing.', shown: [[CONTRIBUTION_TEST, 'no_gain']] },
  {
    edge: 'The second seal over a download whose files lie flat beside each other.',
    shown: [[EVIDENCE_COMMAND_TEST, 'a folder whose files were put flat beside each other verifies']],
  },
  {
    edge: 'A quality far above the cap is held to it.',
    shown: [
      [
        'src/core/ledger/growth/open-contribution.test.ts',
        'is base times multiplier, the multiplier held between floor and cap',
      ],
    ],
  },
  {
    edge: 'A list of what travels with a path that is missing, too much or twice, or with a class missing.',
    shown: [
      [
        'src/core/evidence/bundle-policy.test.ts',
        'what travels and should not, is missing or is listed twice is drift',
      ],
      ['src/core/evidence/bundle-policy.test.ts', 'a missing class, another sealed set, metadata under the first seal'],
    ],
  },
  {
    edge: 'A stated count that was altered.',
    shown: [
      [EVIDENCE_TEST, 'a stated count that is not that of the list is one failure more'],
      [INDEX_TEST, 'a count that is not that of the list, or another version, is no index'],
    ],
  },
  {
    edge: 'Admission exactly at a threshold.',
    shown: [
      [
        'src/core/experts/admission-gate/run-admission-gate.test.ts',
        'exactly at the threshold an expert passes, and one step beyond it does not',
      ],
    ],
  },
  {
    edge: 'A payer that spends more than it has.',
    shown: [[RULES_TEST, 'all that is available can be reserved, and nothing after it']],
  },
  {
    edge: 'Credit that is minted twice for one contribution.',
    shown: [
      [RULES_TEST, 'minted_twice'],
      ['tests/integration/contributions.test.ts', 'comes into being once: not again by the same receipt'],
    ],
  },
  {
    edge: 'An offer that has expired.',
    shown: [
      [RULES_TEST, 'an advertisement counts until the millisecond in which it expires'],
      [OFFER_TEST, 'ends with its hour, and with the card that it stands on'],
    ],
  },
];
