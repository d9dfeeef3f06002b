import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import {
  classesOf,
  evaluationSetsSchema,
  MAX_SET_BYTES,
  REFUSAL,
  type EvaluationSets,
} from '#core/experts/admission-gate/evaluation-set';
import { LEAST_GENERAL_ITEMS } from '#core/experts/admission-gate/general-holds';
import { LEAST_TEMPLATES } from '#core/experts/admission-gate/no-trigger';
import { LEAST_TARGET_ITEMS } from '#core/experts/admission-gate/target-improves';
import { checkAgainst } from '#core/wire/gate';

const textOf = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const read = <T>(path: string): T => JSON.parse(textOf(path)) as T;

const sets: EvaluationSets = unwrap(
  checkAgainst(evaluationSetsSchema, {
    target: read('./target.json'),
    general: read('./general.json'),
    triggers: read('./triggers.json'),
  }),
);

interface IntentFile {
  readonly intents: readonly { readonly id: string; readonly answer: string; readonly questions: readonly string[] }[];
}
const DATA = '../data/';
const intents = readdirSync(new URL(DATA, import.meta.url))
  .filter((name) => name.startsWith('intents-'))
  .flatMap((name) => read<IntentFile>(DATA + name).intents);
const heldOut = read<{ intents: { question: string }[]; foreign: string[] }>(`${DATA}held-out.json`);
const known = [
  ...intents.flatMap(({ questions }) => questions),
  ...Object.values(read<{ questions: Record<string, string[]> }>(`${DATA}more-questions.json`).questions).flat(),
  ...read<{ questions: string[] }>(`${DATA}foreign.json`).questions,
  ...read<{ questions: string[] }>(`${DATA}more-foreign.json`).questions,
  ...heldOut.intents.map(({ question }) => question),
  ...heldOut.foreign,
];

/** As Spark sees a question, in words. */
const wordsOf = (question: string): ReadonlySet<string> =>
  new Set(
    question
      .toLowerCase()
      .replace(/['’‘`´]/g, '')
      .split(/[^a-z0-9]+/)
      .filter((word) => word !== ''),
  );
const shareOf = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  let shared = 0;
  for (const word of a) if (b.has(word)) shared += 1;
  return shared / (a.size + b.size - shared);
};

describe("Spark's evaluation sets", () => {
  test('are large enough for the gates that read them', () => {
    expect(sets.target.items.length).toBeGreaterThanOrEqual(LEAST_TARGET_ITEMS);
    expect(sets.general.items.length).toBeGreaterThanOrEqual(LEAST_GENERAL_ITEMS);
    expect(sets.triggers.templates.length).toBeGreaterThanOrEqual(LEAST_TEMPLATES);
    for (const name of ['target', 'general', 'triggers']) {
      expect(textOf(`./${name}.json`).length).toBeLessThanOrEqual(MAX_SET_BYTES);
    }
  });

  test('hold no question that Spark was trained on or held to before, nor one in nearly the same words', () => {
    const knownWords = known.map(wordsOf);
    const near = [...sets.target.items, ...sets.general.items].flatMap(({ question }) => {
      const words = wordsOf(question);
      const at = knownWords.findIndex((one) => shareOf(words, one) >= 0.8);
      return at === -1 ? [] : [`${question} ~ ${known[at]}`];
    });
    expect(known.length).toBeGreaterThan(10_000);
    expect(near).toEqual([]);
  });

  test('ask for every one of its answers, and tell each from all others by its phrases', () => {
    const refusal = read<{ refusal: { text: string } }>('../../../../static/models/spark/card.json').refusal.text;
    const answers = [...intents, { id: REFUSAL, answer: refusal }];
    const classes = Object.fromEntries(answers.map(({ id, answer }) => [id, classesOf(answer, sets.target.classes)]));
    expect(classes).toEqual(Object.fromEntries(answers.map(({ id }) => [id, [id]])));
    const asked = new Set(sets.target.items.flatMap(({ accept }) => accept));
    expect(intents.filter(({ id }) => !asked.has(id))).toEqual([]);
  });

  test('have general questions that only a refusal meets', () => {
    expect(sets.general.items.every(({ accept }) => accept.length === 1 && accept[0] === REFUSAL)).toBe(true);
  });
});
