import { MOST_SAVED } from '#core/experts/audit';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import type { LanguageModel } from '#core/engines/language-model';
import { copiedAnswer } from '#tests/simulation/adversaries/copied-answer';
import { cutOff } from '#tests/simulation/adversaries/cut-off';
import { forgedIds } from '#tests/simulation/adversaries/forged-ids';
import { ignoredSeed } from '#tests/simulation/adversaries/ignored-seed';
import { laxSpeculation } from '#tests/simulation/adversaries/lax-speculation';
import { nowAndThen, partTime } from '#tests/simulation/adversaries/part-time';
import { prefill } from '#tests/simulation/adversaries/prefill';
import { quantised } from '#tests/simulation/adversaries/quantised';
import { smallerSibling } from '#tests/simulation/adversaries/smaller-sibling';
import { wrongSeed } from '#tests/simulation/adversaries/wrong-seed';
import { LONG_LENGTH, LONG_QUESTIONS, type Kind } from './questions';

/** Folders below `tests/models/`. */
export type ModelName = 'loom' | 'loom-small' | 'loom-mid' | 'loom-tiny' | 'loom-q8' | 'loom-q4';

/** How far the others are from Loom, in nats per token at temperature 1: workers/models/loom/README.md. */
export const DIVERGENCE: Readonly<Record<Exclude<ModelName, 'loom'>, number>> = {
  'loom-q8': 6.8e-6,
  'loom-q4': 1.2e-3,
  'loom-small': 2.7e-2,
  'loom-mid': 0.175,
  'loom-tiny': 0.455,
};

/** What an executor has at hand. */
export interface Means {
  /** The model that it says it runs. */
  readonly claimed: LanguageModel;
  /** The same on a graphics processor. */
  readonly onGpu: LanguageModel | null;
  /** The condition's other model. */
  readonly other: LanguageModel | null;
  /** What an honest node answered to the long question of this number. */
  readonly answered: (
    index: number,
  ) => Promise<{ readonly ids: readonly number[]; readonly finish: 'stop' | 'length' }>;
}

export interface Condition {
  readonly name: string;
  readonly kind: Kind;
  /** Answers of a whole run. */
  readonly answers: number;
  readonly other?: ModelName;
  /** Where the answer is scored; on WebAssembly when absent. Named so, the executor may write there. */
  readonly webgpu?: 'scores' | 'writes';
  /** Tokens that are the liar's own: from a share of those allowed up to another. Absent: none that can be told apart. */
  readonly own?: readonly [from: number, to: number];
  /** Whether there was a lie at all in the answer with this number and so many tokens: some end before it would begin. */
  readonly lied?: (index: number, tokens: number) => boolean;
  /** What the lie saves at most, as a share of the price. */
  readonly saves: number;
  readonly executor: (means: Means, index: number, seed: number) => LanguageModel;
}

const VOCABULARY_SIZE = 758;

const honest = (name: string, kind: Kind, answers: number, webgpu?: 'scores' | 'writes'): Condition => ({
  name,
  kind,
  answers,
  ...(webgpu === undefined ? {} : { webgpu }),
  saves: 0,
  executor: ({ claimed, onGpu }) => (webgpu === 'writes' ? onGpu! : claimed),
});

const isFifth = (index: number): boolean => index % 5 === 4;

const siblings = (other: ModelName, answers: Record<'all' | 'half' | 'quarter', number>): readonly Condition[] =>
  (
    [
      ['all of it', answers.all, 0, 1],
      ['last half', answers.half, 1 / 2, 1],
      ['last quarter', answers.quarter, 3 / 4, 1],
    ] as const
  ).map(([where, count, from, to]) => ({
    name: `${other}: ${where}`,
    kind: 'long',
    answers: count,
    other,
    own: [from, to],
    saves: MOST_SAVED * (to - from),
    executor: ({ claimed, other: sibling }) =>
      from === 0 ? smallerSibling(claimed, sibling!) : partTime(claimed, sibling!, { from, to }),
  }));

const inFewerBits = (other: ModelName, answers: number): Condition => ({
  name: `${other}: all of it`,
  kind: 'long',
  answers,
  other,
  own: [0, 1],
  saves: MOST_SAVED,
  executor: ({ claimed, other: lighter }) => quantised(claimed, lighter!),
});

const forged = (by: 'any' | 'likely', count: number, answers: number): Condition => ({
  name: `forged ids: ${count} ${by}`,
  kind: 'long',
  answers,
  saves: 0,
  executor: ({ claimed }, index, seed) =>
    forgedIds(claimed, { count, by, vocabularySize: VOCABULARY_SIZE }, createSeededChance(seed + index)),
});

/** Everything that is measured, in the order in which it runs: the honest answers first, for many lies begin with one. */
export const CONDITIONS: readonly Condition[] = [
  honest('honest: long', 'long', 400),
  ...siblings('loom-tiny', { all: 500, half: 400, quarter: 400 }),
  ...siblings('loom-mid', { all: 500, half: 400, quarter: 400 }),
  honest('honest: mixed', 'mixed', 4_700),
  ...siblings('loom-small', { all: 150, half: 150, quarter: 150 }),
  inFewerBits('loom-q4', 100),
  inFewerBits('loom-q8', 60),
  {
    name: 'wrong seed',
    kind: 'long',
    answers: 60,
    own: [0, 1],
    saves: 0,
    executor: ({ claimed }) => wrongSeed(claimed),
  },
  {
    name: 'ignored seed',
    kind: 'long',
    answers: 60,
    own: [0, 1],
    saves: 0,
    executor: ({ claimed }) => ignoredSeed(claimed),
  },
  {
    name: 'copied answer',
    kind: 'long',
    answers: 300,
    own: [0, 1],
    saves: 1,
    executor: ({ claimed, answered }, index) => copiedAnswer(claimed, () => answered(index + LONG_QUESTIONS)),
  },
  {
    name: 'pre-fill, the best of 3 drafts: loom-tiny',
    kind: 'long',
    answers: 60,
    other: 'loom-tiny',
    own: [0, 1],
    saves: MOST_SAVED,
    executor: ({ claimed, other }) => prefill(claimed, other!),
  },
  ...([0.5, 0.1] as const).map((tolerated): Condition => ({
    name: `lax speculation up to ${tolerated}: loom-mid`,
    kind: 'long',
    answers: 30,
    other: 'loom-mid',
    own: [0, 1],
    saves: MOST_SAVED,
    executor: ({ claimed, other }) => laxSpeculation(claimed, other!, tolerated),
  })),
  {
    name: 'loom-tiny: first half',
    kind: 'long',
    answers: 100,
    other: 'loom-tiny',
    own: [0, 1 / 2],
    saves: MOST_SAVED / 2,
    executor: ({ claimed, other }) => partTime(claimed, other!, { from: 0, to: 1 / 2 }),
  },
  {
    name: 'loom-tiny: one answer in five',
    kind: 'long',
    answers: 200,
    other: 'loom-tiny',
    own: [0, 1],
    lied: isFifth,
    saves: MOST_SAVED,
    executor: ({ claimed, other }, index) => nowAndThen(claimed, other!, () => isFifth(index)),
  },
  forged('any', 1, 300),
  forged('any', 4, 100),
  forged('likely', 1, 300),
  forged('likely', 4, 100),
  ...(['stop', 'stop_without_end', 'length'] as const).map((excuse): Condition => ({
    name: `cut off at half, says ${excuse}`,
    kind: 'long',
    answers: 200,
    lied: (_index, tokens) => tokens === LONG_LENGTH / 2,
    saves: 1 / 2,
    executor: ({ claimed }) => cutOff(claimed, 1 / 2, excuse),
  })),
  honest('honest: written on WASM, scored on WebGPU', 'long', 300, 'scores'),
  honest('honest: written on WebGPU, scored on WASM', 'mixed', 20, 'writes'),
];

export const isHonest = (name: string): boolean => name.startsWith('honest');

/** Where the liar's own tokens lie in a long answer; of an honest one nowhere. */
export const ownTokens = ({ own }: Condition): readonly [from: number, to: number] =>
  own === undefined ? [0, 0] : [Math.floor(own[0] * LONG_LENGTH), Math.floor(own[1] * LONG_LENGTH)];

/** Whether an answer holds a lie. */
export const isLie = (condition: Condition, index: number, tokens: number): boolean =>
  condition.lied?.(index, tokens) ?? tokens > ownTokens(condition)[0];
