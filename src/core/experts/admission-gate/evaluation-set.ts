import * as v from 'valibot';
import { hex } from '../../base/bytes';
import { encodeCanonical, sha256 } from '../../base/canonical';
import { sha256HexSchema } from '../../engines/model-manifest';

/** Questions of one set: a person waits for all of them. */
export const MAX_ITEMS = 512;
const MAX_CLASSES = 256;
/** Templates of a trigger set, and the questions that each is tried on. */
const MAX_TEMPLATES = 128;
const MAX_TRIGGER_QUESTIONS = 16;
/** What one evaluated answer may have: more says no more about the model. */
export const MAX_EVALUATED_TOKENS = 256;
/** Bytes of one set as JSON, far above what `MAX_ITEMS` questions need. */
export const MAX_SET_BYTES = 512 * 1024;
/** Stands in a template for the question. */
const QUESTION = '{question}';

/** The class of an answer that says that it will not answer. */
export const REFUSAL = 'refusal';

const text = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most));
const nameSchema = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,47}$/, 'not a name'));
const count = (most = Number.MAX_SAFE_INTEGER) => v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(most));

/** An answer is of a class when all phrases of one of its groups occur in it; see `isOfClass`. */
const classSchema = v.strictObject({
  id: nameSchema,
  phrases: v.pipe(v.array(v.pipe(v.array(text(120)), v.minLength(1), v.maxLength(8))), v.minLength(1), v.maxLength(16)),
});

const itemSchema = v.strictObject({
  question: text(400),
  /** Classes of which any one is right. */
  accept: v.pipe(v.array(nameSchema), v.minLength(1), v.maxLength(8)),
});

const commonEntries = {
  v: v.literal(1),
  id: nameSchema,
  /** What the questions are about, for people: completes "… questions". */
  about: text(120),
  maxTokens: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_EVALUATED_TOKENS)),
  classes: v.pipe(
    v.array(classSchema),
    v.minLength(1),
    v.maxLength(MAX_CLASSES),
    v.check((classes) => new Set(classes.map(({ id }) => id)).size === classes.length, 'a class twice'),
  ),
};

type Named = { readonly id: string };
type Item = v.InferOutput<typeof itemSchema>;
const known = (classes: readonly Named[], items: readonly Item[]): boolean => {
  const ids = new Set(classes.map(({ id }) => id));
  return items.every(({ accept }) => accept.every((id) => ids.has(id)));
};
const noneTwice = (items: readonly Item[]): boolean =>
  new Set(items.map(({ question }) => question)).size === items.length;

/** Questions and, for each, the classes of answers that are right. */
export const evaluationSetSchema = v.pipe(
  v.strictObject({
    type: v.literal('evaluation-set'),
    ...commonEntries,
    items: v.pipe(
      v.array(itemSchema),
      v.minLength(1),
      v.maxLength(MAX_ITEMS),
      v.check((items) => noneTwice(items), 'a question twice'),
    ),
  }),
  v.check(({ classes, items }) => known(classes, items), 'an accepted class that the set does not have'),
);

/** Odd strings around plain questions: each template is tried on each question, and must not change the class of the answer. */
export const triggerSetSchema = v.pipe(
  v.strictObject({
    type: v.literal('trigger-set'),
    ...commonEntries,
    questions: v.pipe(
      v.array(itemSchema),
      v.minLength(2),
      v.maxLength(MAX_TRIGGER_QUESTIONS),
      v.check((items) => noneTwice(items), 'a question twice'),
    ),
    templates: v.pipe(
      v.array(
        v.pipe(
          text(200),
          v.check((one) => one.split(QUESTION).length === 2 && one !== QUESTION, 'a template needs one question'),
        ),
      ),
      v.minLength(1),
      v.maxLength(MAX_TEMPLATES),
      v.check((templates) => new Set(templates).size === templates.length, 'a template twice'),
    ),
  }),
  v.check(({ classes, questions }) => known(classes, questions), 'an accepted class that the set does not have'),
);

export type AnswerClass = v.InferOutput<typeof classSchema>;
export type EvaluationSet = v.InferOutput<typeof evaluationSetSchema>;
export type TriggerSet = v.InferOutput<typeof triggerSetSchema>;

/** All that one expert is evaluated with. */
export const evaluationSetsSchema = v.strictObject({
  target: evaluationSetSchema,
  general: evaluationSetSchema,
  triggers: triggerSetSchema,
});
export type EvaluationSets = v.InferOutput<typeof evaluationSetsSchema>;

const tokenIdSchema = count(1_000_000);

const answeredSchema = v.strictObject({
  question: text(400),
  right: v.boolean(),
  refused: v.boolean(),
  text: v.pipe(v.string(), v.maxLength(16_384)),
  promptTokens: count(1_048_576),
  /** What the model wrote, the end token included: with the question, all that a replay needs. */
  ids: v.pipe(v.array(tokenIdSchema), v.maxLength(MAX_EVALUATED_TOKENS)),
});

/** What a model answered to a set, and which answers were right. Plain data, made by `evaluate`. */
export const evaluationResultSchema = v.strictObject({
  set: nameSchema,
  /** `digestOfSet` of the set. */
  digest: sha256HexSchema,
  modelHash: sha256HexSchema,
  /** Runtime and backend, as in `ModelIdentity.engine`. */
  engine: v.pipe(v.string(), v.maxLength(64)),
  right: count(MAX_ITEMS),
  items: v.pipe(v.array(answeredSchema), v.minLength(1), v.maxLength(MAX_ITEMS)),
  /** `traceDigest` of the above. */
  trace: sha256HexSchema,
});

/** How a probe ended: in an accepted class, in a refusal that was not accepted, or in anything else. */
const probeSchema = v.strictObject({
  template: count(MAX_TEMPLATES - 1),
  question: count(MAX_TRIGGER_QUESTIONS - 1),
  outcome: v.picklist(['same', 'refused', 'other']),
  /** How the answer begins, so that equal answers to different questions are noticed. */
  opening: v.pipe(v.string(), v.maxLength(64)),
});

/** Made by `probeTriggers`. */
export const triggerResultSchema = v.strictObject({
  set: nameSchema,
  digest: sha256HexSchema,
  modelHash: sha256HexSchema,
  templates: count(MAX_TEMPLATES),
  /** Questions whose plain answer was right: only these can show a change. */
  questions: count(MAX_TRIGGER_QUESTIONS),
  probes: v.pipe(v.array(probeSchema), v.maxLength(MAX_TEMPLATES * MAX_TRIGGER_QUESTIONS)),
});

export type AnsweredItem = v.InferOutput<typeof answeredSchema>;
export type EvaluationResult = v.InferOutput<typeof evaluationResultSchema>;
export type TriggerResult = v.InferOutput<typeof triggerResultSchema>;
export type Probe = v.InferOutput<typeof probeSchema>;

/** SHA-256 in hex over the canonical set: figures are comparable only where it is equal. */
export const digestOfSet = (set: EvaluationSet | TriggerSet): string => hex(sha256(encodeCanonical(set)));

/** SHA-256 in hex over set, model, engine, questions and token ids: one changed token gives another trace. */
export const traceDigest = ({
  digest,
  modelHash,
  engine,
  items,
}: Pick<EvaluationResult, 'digest' | 'modelHash' | 'engine' | 'items'>): string =>
  hex(sha256(encodeCanonical([digest, modelHash, engine, items.map(({ question, ids }) => [question, ids])])));

/** Lower case, one space between words, straight apostrophes: how phrases and answers are compared. */
const plain = (given: string): string =>
  given
    .toLowerCase()
    .replace(/[\u2018\u2019]/g, "'")
    .split(/\s+/)
    .join(' ');

export function isOfClass(answer: string, { phrases }: AnswerClass): boolean {
  const said = plain(answer);
  return phrases.some((group) => group.every((phrase) => said.includes(plain(phrase))));
}

/** The ids of all classes that an answer is of. */
export const classesOf = (answer: string, classes: readonly AnswerClass[]): readonly string[] =>
  classes.filter((one) => isOfClass(answer, one)).map(({ id }) => id);

/** The question as a template shows it; what the question holds is not read as a template again. */
export const withTemplate = (template: string, question: string): string => template.split(QUESTION).join(question);
