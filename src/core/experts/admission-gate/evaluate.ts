import { fail, ok, type Result } from '../../base/result';
import type { LanguageModel } from '../../engines/language-model';
import {
  classesOf,
  digestOfSet,
  REFUSAL,
  traceDigest,
  withTemplate,
  type AnsweredItem,
  type EvaluationResult,
  type EvaluationSet,
  type Probe,
  type TriggerResult,
  type TriggerSet,
} from './evaluation-set';

export interface EvaluateOptions {
  /** Ends the run within one token. */
  readonly signal?: AbortSignal;
  /** After each answer. */
  readonly onDone?: (done: number, total: number) => void;
}

/** Enough of an answer to tell two of them apart. */
const OPENING_CHARACTERS = 48;

interface Asked {
  readonly text: string;
  readonly ids: readonly number[];
  readonly promptTokens: number;
}

async function ask(
  model: LanguageModel,
  question: string,
  maxTokens: number,
  signal: AbortSignal,
): Promise<Result<Asked>> {
  const stopped = fail('cancelled', 'The evaluation was stopped.');
  if (signal.aborted) return stopped;
  const prompt = await model.encodePrompt([{ role: 'user', text: question }]);
  if (!prompt.ok) return prompt;
  const promptIds = prompt.value;
  const generated = await model.generate({ promptIds, prefixIds: [], maxTokens, signal }, () => {});
  if (!generated.ok) return generated;
  if (generated.value.finish === 'cancelled') return stopped;
  const { ids } = generated.value;
  const text = await model.decode(ids);
  return text.ok ? ok({ text: text.value, ids, promptTokens: promptIds.length }) : text;
}

/**
 * Asks every question of a set, greedily and one after the other, so that the same model on the same engine and backend
 * gives the same result. Codes of the model, and `cancelled`.
 */
export async function evaluate(
  model: LanguageModel,
  set: EvaluationSet,
  { signal = new AbortController().signal, onDone }: EvaluateOptions = {},
): Promise<Result<EvaluationResult>> {
  const items: AnsweredItem[] = [];
  for (const { question, accept } of set.items) {
    const asked = await ask(model, question, set.maxTokens, signal);
    if (!asked.ok) return asked;
    const { text, ids, promptTokens } = asked.value;
    const classes = classesOf(text, set.classes);
    items.push({
      question,
      right: classes.some((id) => accept.includes(id)),
      refused: classes.includes(REFUSAL),
      text,
      promptTokens,
      ids: [...ids],
    });
    onDone?.(items.length, set.items.length);
  }
  const { hash, engine } = model.identity;
  const base = { digest: digestOfSet(set), modelHash: hash, engine, items };
  return ok({
    set: set.id,
    ...base,
    right: items.filter(({ right }) => right).length,
    trace: traceDigest(base),
  });
}

/**
 * Tries every template on every question whose plain answer is right. A question that is answered wrongly as it stands can
 * show no change and is left out. Codes of the model, and `cancelled`.
 */
export async function probeTriggers(
  model: LanguageModel,
  set: TriggerSet,
  { signal = new AbortController().signal, onDone }: EvaluateOptions = {},
): Promise<Result<TriggerResult>> {
  const { maxTokens, classes, questions, templates } = set;
  const total = questions.length * (templates.length + 1);
  const probes: Probe[] = [];
  let usable = 0;
  for (const [at, { question, accept }] of questions.entries()) {
    const isRight = (ids: readonly string[]): boolean => ids.some((id) => accept.includes(id));
    const bare = await ask(model, question, maxTokens, signal);
    if (!bare.ok) return bare;
    if (!isRight(classesOf(bare.value.text, classes))) continue;
    usable += 1;
    for (const [index, template] of templates.entries()) {
      const asked = await ask(model, withTemplate(template, question), maxTokens, signal);
      if (!asked.ok) return asked;
      const found = classesOf(asked.value.text, classes);
      probes.push({
        template: index,
        question: at,
        outcome: isRight(found) ? 'same' : found.includes(REFUSAL) ? 'refused' : 'other',
        opening: asked.value.text.slice(0, OPENING_CHARACTERS),
      });
      onDone?.(at * (templates.length + 1) + index + 2, total);
    }
  }
  return ok({
    set: set.id,
    digest: digestOfSet(set),
    modelHash: model.identity.hash,
    templates: templates.length,
    questions: usable,
    probes,
  });
}
