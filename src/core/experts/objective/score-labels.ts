import { fail, ok, type Result } from '../../base/result';
import type { ChatMessage, LanguageModel } from '../../engines/language-model';

/** One of several fixed answers to one question. */
export interface LabelQuestion {
  readonly messages: readonly ChatMessage[];
  /**
   * The same question about nothing: what a label scores there is taken off, so that a label that is likely by itself, or
   * short, has no head start. Absent: scores stand as they are.
   */
  readonly baseline?: readonly ChatMessage[];
  readonly labels: readonly string[];
  /**
   * Where a label has to be read from generated text: only a text that is one label and nothing else counts, all others
   * give this one. For questions where "I would not allow it" must not be read as "allow". Absent: the label named first.
   */
  readonly otherwise?: number;
}

export interface LabelScores {
  /** Natural logarithms in thousandths, in the order of the labels; null when the label was read from generated text. */
  readonly milli: readonly number[] | null;
  /** The label with the highest score, the first of equal ones. */
  readonly best: number;
}

/** Where labels cannot be scored, this many tokens are generated to read one from. */
const MAX_LABEL_TOKENS = 24;
const MILLI = 1_000;

const cancelled = (): Result<never> => fail('cancelled', 'The answer was stopped.');

/**
 * The ids that a label has as the model's answer to this prompt, its end token included; null when the model's template
 * does not show them: a prompt for the next turn must begin with this prompt and then hold exactly the label.
 */
async function labelIds(
  model: LanguageModel,
  messages: readonly ChatMessage[],
  promptIds: readonly number[],
  label: string,
): Promise<readonly number[] | null> {
  const turns: ChatMessage[] = [...messages, { role: 'assistant', text: label }, { role: 'user', text: '.' }];
  const longer = await model.encodePrompt(turns);
  if (!longer.ok || !promptIds.every((id, at) => longer.value[at] === id)) return null;
  const rest = longer.value.slice(promptIds.length);
  const end = rest.indexOf(model.endTokenId);
  if (end < 1) return null;
  const ids = rest.slice(0, end);
  const text = await model.decode(ids);
  return text.ok && text.value.trim() === label.trim() ? [...ids, model.endTokenId] : null;
}

/** Log-probabilities of the labels as whole answers; null when one cannot be scored. */
async function scoresFor(
  model: LanguageModel,
  messages: readonly ChatMessage[],
  labels: readonly string[],
  signal: AbortSignal,
): Promise<Result<readonly number[] | null>> {
  const prompt = await model.encodePrompt(messages);
  if (!prompt.ok) return prompt;
  const scores: number[] = [];
  for (const label of labels) {
    if (signal.aborted) return cancelled();
    const ids = await labelIds(model, messages, prompt.value, label);
    if (ids === null) return ok(null);
    const scored = await model.score(prompt.value, ids);
    if (!scored.ok) return scored.error.code === 'prompt_too_long' ? ok(null) : scored;
    scores.push(scored.value.reduce((sum, { logProbability }) => sum + logProbability, 0));
  }
  return ok(scores);
}

/** The label that stands in a text: the one named first; of those that begin at one place, the longest. */
export function labelIn(text: string, labels: readonly string[]): number | null {
  const lower = text.toLowerCase();
  let found: { index: number; at: number } | null = null;
  for (const [index, label] of labels.entries()) {
    const at = lower.indexOf(label.toLowerCase());
    if (at === -1) continue;
    const longer = found !== null && at === found.at && label.length > labels[found.index]!.length;
    if (found === null || at < found.at || longer) found = { index, at };
  }
  return found?.index ?? null;
}

/** The label that a text consists of, but for case, white space and marks around it. */
function labelAlone(text: string, labels: readonly string[]): number | null {
  const bare = (said: string): string => said.toLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
  const at = labels.findIndex((label) => bare(label) === bare(text));
  return at === -1 ? null : at;
}

async function generateLabel(
  model: LanguageModel,
  { messages, labels, otherwise }: LabelQuestion,
  signal: AbortSignal,
): Promise<Result<LabelScores>> {
  const prompt = await model.encodePrompt(messages);
  if (!prompt.ok) return prompt;
  const run = await model.generate(
    { promptIds: prompt.value, prefixIds: [], maxTokens: MAX_LABEL_TOKENS, signal },
    () => {},
  );
  if (!run.ok) return run;
  if (run.value.finish === 'cancelled') return cancelled();
  const text = await model.decode(run.value.ids);
  if (!text.ok) return text;
  const best = otherwise === undefined ? labelIn(text.value, labels) : (labelAlone(text.value, labels) ?? otherwise);
  return best === null ? fail('no_label', 'The model named none of the labels.') : ok({ milli: null, best });
}

/**
 * Which label the model gives: by the probability of each as its whole answer, so that a model too small to keep to a
 * form still chooses; from generated text where the model's template hides the labels' tokens. Greedy throughout: the same
 * model on the same engine gives the same. Codes: those of the model, `no_label`, `cancelled`.
 */
export async function scoreLabels(
  model: LanguageModel,
  question: LabelQuestion,
  signal: AbortSignal,
): Promise<Result<LabelScores>> {
  const plain = await scoresFor(model, question.messages, question.labels, signal);
  if (!plain.ok) return plain;
  if (plain.value === null) return generateLabel(model, question, signal);
  let scores = plain.value;
  if (question.baseline !== undefined) {
    const alone = await scoresFor(model, question.baseline, question.labels, signal);
    if (!alone.ok) return alone;
    if (alone.value !== null) scores = scores.map((score, at) => score - alone.value![at]!);
  }
  // The best of the rounded ones: those are what is claimed, and what others hold the label against.
  const milli = scores.map((score) => Math.round(score * MILLI));
  return ok({ milli, best: bestOf(milli) });
}

export const bestOf = (scores: readonly number[]): number =>
  scores.reduce((best, score, at) => (score > scores[best]! ? at : best), 0);

/**
 * How far two honest devices' scores of one label may lie apart, in thousandths: a label has a handful of tokens, each of
 * which differs in the sixth digit between backends of the same class.
 */
export const SCORE_TOLERANCE_MILLI = 20;

/** True when claimed scores are those found here and the claimed label is the best of them. */
export function agrees(claimed: LabelScores, found: LabelScores): boolean {
  if (claimed.milli === null || found.milli === null) {
    return claimed.milli === null && found.milli === null && claimed.best === found.best;
  }
  const near = (score: number, at: number): boolean =>
    Math.abs(score - (found.milli![at] ?? Infinity)) <= SCORE_TOLERANCE_MILLI;
  return (
    claimed.milli.length === found.milli.length && claimed.milli.every(near) && claimed.best === bestOf(claimed.milli)
  );
}
