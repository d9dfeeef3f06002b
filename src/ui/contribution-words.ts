import type { ContributionKind, Delta, FindingReceipt } from '#core/ledger/growth/growth-fields';
import type { TeacherPolicyCard } from '#core/ledger/cards/teacher-policy';
import type { SkillContribution } from '#core/ledger/growth/contribution-receipt';
import type { Finding } from '#core/ledger/growth/finding';
import type { ContributionStage, GivenContribution } from '#node/tab/growth-views';
import { counted, list } from './words';

const figures = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });

/** Contributions as a person reads them. Shares come in thousandths. */

interface KindWords {
  readonly label: string;
  readonly note: string;
  /** What is most often measured of it. */
  readonly measure: Delta['measure'];
  readonly stage: GivenContribution['contribution']['use']['stage'];
}

export const KIND_WORDS: Readonly<Record<ContributionKind, KindWords>> = {
  knowledge: {
    label: 'Knowledge',
    note: 'A text from which experts answer better than before.',
    measure: 'right_answers',
    stage: 'expert_refinement',
  },
  skill: {
    label: 'A skill',
    note: 'A way to do something, shown by work that others checked.',
    measure: 'passed_tests',
    stage: 'expert_refinement',
  },
  data_shard: {
    label: 'Training data',
    note: 'Records that models may learn from.',
    measure: 'usable_records',
    stage: 'seed',
  },
  evaluation: {
    label: 'An evaluation',
    note: 'Questions that catch faults which were not caught before.',
    measure: 'caught_faults',
    stage: 'eval_hardening',
  },
  curriculum: {
    label: 'A curriculum',
    note: 'An order in which something is learned better.',
    measure: 'right_answers',
    stage: 'expert_refinement',
  },
  operator: {
    label: 'An improvement for operators',
    note: 'Something that those who lend devices took up.',
    measure: 'adopting_nodes',
    stage: 'router_training',
  },
};

export const MEASURE_WORDS: Readonly<Record<Delta['measure'], string>> = {
  right_answers: 'Right answers',
  passed_tests: 'Passed tests',
  caught_faults: 'Faults caught',
  found_passages: 'Passages found',
  usable_records: 'Usable records',
  adopting_nodes: 'Nodes that took it up',
};

/** What a verifier says by accepting each receipt. */
export const RECEIPT_WORDS: Readonly<Record<FindingReceipt, { readonly label: string; readonly question: string }>> = {
  provenance_receipt: {
    label: 'Where it comes from',
    question: 'It is what it says it is, and its giver may give it.',
  },
  skill_execution_receipt: { label: 'The skill at work', question: 'The work that is named shows the skill.' },
  knowledge_delta_eval_receipt: { label: 'What it brings', question: 'With it more answers are right.' },
  skill_delta_eval_receipt: { label: 'What it brings', question: 'With it more of the work succeeds.' },
  data_quality_receipt: { label: 'How good the data is', question: 'Its records are usable.' },
  eval_adversarial_receipt: { label: 'What it catches', question: 'It catches more faults.' },
  curriculum_delta_receipt: { label: 'What it brings', question: 'What is learned in this order is learned better.' },
  operator_reality_gate_receipt: { label: 'Whether it is used', question: 'Operators really use it.' },
};

export const VERDICT_LABELS: Readonly<Record<Finding['verdict'], string>> = {
  accepted: 'finds it true',
  rejected: 'finds it wrong',
  undecided: 'cannot tell',
};

export const STAGE_WORDS: Readonly<
  Record<ContributionStage, { readonly word: string; readonly tone: 'unchecked' | 'waiting' | 'checked' }>
> = {
  declared: { word: 'Waits for others to look', tone: 'unchecked' },
  found: { word: 'Found true', tone: 'waiting' },
  receipted: { word: 'Has a receipt', tone: 'checked' },
  approved: { word: 'Approved', tone: 'waiting' },
  minted: { word: 'Credited', tone: 'checked' },
  elsewhere: { word: 'Credited to somebody else', tone: 'unchecked' },
};

/** `0.5`, `2`. */
export const figure = (milli: number): string => figures.format(milli / 1_000);

/** `75 %`, `75.3 %`. */
export const share = (milli: number): string => `${figures.format(milli / 10)} %`;

/** A percentage as a person types it, in thousandths; null for what is none. */
export function milliOf(percent: string): number | null {
  const value = Number(percent.replace('%', '').trim());
  const milli = Math.round(value * 10);
  return percent.trim() === '' || !Number.isFinite(value) || milli < 0 || milli > 1_000 ? null : milli;
}

/** `1.5`, as a person types it, in thousandths; null for what is no such figure. */
export function timesMilliOf(times: string): number | null {
  const value = Number(times.trim());
  const milli = Math.round(value * 1_000);
  return times.trim() === '' || !Number.isFinite(value) || milli < 0 || milli > 100_000 ? null : milli;
}

export const deltaWords = ({ measure, beforeMilli, afterMilli, samples }: Omit<Delta, 'set'>): string =>
  `${MEASURE_WORDS[measure]}: ${share(beforeMilli)} before, ${share(afterMilli)} after, of ${counted(samples, 'case')}`;

export function findingWords({ verdict, delta, qualityMilli }: Finding): string {
  const figures = [
    ...(delta === null ? [] : [`${share(delta.beforeMilli)} before, ${share(delta.afterMilli)} after`]),
    ...(qualityMilli === null
      ? []
      : [
          qualityMilli === 1_000
            ? 'as good as was to be expected'
            : `${figure(qualityMilli)} times what was to be expected`,
        ]),
  ];
  return [VERDICT_LABELS[verdict], ...figures].join('; ');
}

/** Words apart by commas, as fields of contributions hold them. */
export const wordsOf = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((word) =>
        word
          .trim()
          .toLowerCase()
          .replace(/[^a-z0-9]+/g, '_')
          .replace(/^[^a-z]+|_+$/g, '')
          .slice(0, 48),
      )
      .filter((word) => word !== ''),
  ),
];

const FORMATS: Readonly<Record<string, string>> = {
  md: 'text/markdown',
  txt: 'text/plain',
  csv: 'text/csv',
  json: 'application/json',
  jsonl: 'application/jsonl',
  pdf: 'application/pdf',
  zip: 'application/zip',
};

/** A file's format by the end of its name. */
export const formatOf = (fileName: string): string =>
  FORMATS[/\.([a-z0-9]+)$/i.exec(fileName)?.[1]?.toLowerCase() ?? ''] ?? 'application/octet-stream';

/** How a file of a format ends; nothing for formats that are not known here, so that nobody's file says what opens it. */
export function endingOf(format: string): string {
  const known = Object.entries(FORMATS).find(([, one]) => one === format);
  return known === undefined ? '' : `.${known[0]}`;
}

/** Of how many cases: a whole number from 1 to a million. */
export const isCaseCount = (typed: string): boolean =>
  /^[1-9][0-9]{0,6}$/.test(typed.trim()) && Number(typed) <= 1_000_000;

/** Whether a contract says everything that one must. */
export const isWholeSkill = ({ id, version, type, input, operation, output }: SkillContribution['skill']): boolean =>
  /^[a-z][a-z0-9-]{0,47}$/.test(id) &&
  /^[a-z][a-z0-9_]{0,31}$/.test(type) &&
  version.length <= 32 &&
  [version, input, operation, output].every((text) => text !== '');

/** What somebody read in the terms of a model. */
export function termsWords(policy: TeacherPolicyCard): string {
  const allowed = [
    ...(policy.allowedForTraining ? ['learning from its outputs'] : []),
    ...(policy.allowedOutputsRetention ? ['keeping them'] : []),
    ...(policy.allowedForCommercialUse ? ['using them for money'] : []),
  ];
  return allowed.length === 0 ? 'allows nothing' : `allows ${list(allowed)}`;
}

/** The sentence of the first condition that holds; null where none does. */
export const firstOf = (conditions: readonly (readonly [holds: boolean, sentence: string])[]): string | null =>
  conditions.find(([holds]) => holds)?.[1] ?? null;
