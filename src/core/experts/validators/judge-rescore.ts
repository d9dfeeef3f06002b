import type { ChatMessage, LanguageModel, ScoredPosition } from '../../engines/language-model';
import type { Sampling } from '../../engines/sampling';
import type { Evidence } from '../../ledger/statements';
import { CAUTIOUS_LIMITS, judgeMargins, MEASURED_LIMITS } from './margin-test';
import { accepted, rejected, undecided, type Judgement } from './open-claim';
import { planPositions } from './positions';
import { marginBytes, type LookedAt } from './sealed-verdict';

/** A language model's answer as its executor claims it. */
export interface AnswerClaim {
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  readonly modelHash: string;
  /** Runtime and backend that generated it. */
  readonly engine: string;
  readonly promptIds: readonly number[];
  readonly ids: readonly number[];
  readonly text: string;
  readonly finish: 'stop' | 'length';
  /** How its tokens were drawn; absent: greedy. */
  readonly sampling?: Sampling;
}

export interface RescoreJudgement extends Judgement {
  readonly lookedAt?: LookedAt;
}

/** Engines on a graphics processor: what honest devices of one class differ by is not measured yet, so nobody is punished. */
const RECORDED_ONLY = /\/webgpu$/;
/** One thread of WebAssembly adds in the same order everywhere: honest devices agree to the last bits. */
const MEASURED = /^(?:transformers\/wasm|scripted)$/;

/**
 * Whether this answer is the one that the model gives, without generating it: the prompt's ids, the ending and the text
 * first, then one teacher-forced pass, of which the planned positions are judged (see docs/spec/checking.md). It says
 * nothing about whether the answer is true. `seed` draws the positions: see `positionSeed`.
 */
export async function judgeRescore(
  model: LanguageModel,
  claim: AnswerClaim,
  seed: Uint8Array,
): Promise<RescoreJudgement> {
  const { promptIds, ids } = claim;
  const { engine } = model.identity;
  if (claim.modelHash !== model.identity.hash) return undecided('other_model');
  if (claim.engine !== engine) return undecided('other_engine');

  const prompt = await model.encodePrompt(claim.messages);
  if (!prompt.ok)
    return prompt.error.code === 'prompt_too_long' ? rejected('prompt_mismatch') : undecided('engine_failed');
  if (!sameIds(prompt.value, promptIds)) return rejected('prompt_mismatch');

  if (!endsAsItSays(claim, model)) return rejected('ending_mismatch');

  const text = await model.decode(ids);
  if (!text.ok) return text.error.code === 'unknown_token' ? rejected('token_mismatch') : undecided('engine_failed');
  if (text.value !== claim.text) return rejected('text_mismatch');

  const scores = await model.score(promptIds, ids, claim.sampling);
  if (!scores.ok || scores.value.length !== ids.length) return undecided('engine_failed');
  return judged(scores.value, seed, engine);
}

/** The margins at the planned positions, and what follows from them. */
function judged(scores: readonly ScoredPosition[], seed: Uint8Array, engine: string): RescoreJudgement {
  const { decision, positions, gross, soft, clippedSum, worst } = judgeMargins(
    scores,
    planPositions({ length: scores.length, seed }),
    MEASURED.test(engine) ? MEASURED_LIMITS : CAUTIOUS_LIMITS,
  );
  const evidence: Evidence = {
    positions: positions.length,
    length: scores.length,
    gross,
    soft,
    clippedMilli: milli(clippedSum),
    worstMilli: milli(worst),
    engine,
  };
  const lookedAt: LookedAt = { positions, margins: marginBytes(positions.map((at) => scores[at]!.margin)) };
  if (decision === 'accepted') return { ...accepted, evidence, lookedAt };
  // With every position scored nothing stays open; what is left of it is a number that says nothing.
  if (decision !== 'rejected') return undecided('engine_failed');
  const finding = RECORDED_ONLY.test(engine) ? undecided('recorded_only') : rejected('token_mismatch');
  return { ...finding, evidence, lookedAt };
}

const milli = (logits: number): number => Math.min(1e9, Math.round(logits * 1_000));

/** `stop`: the end token once, as the last id. `length`: no end token, and exactly as many ids as were allowed or fit. */
function endsAsItSays(
  { promptIds, ids, maxTokens, finish }: AnswerClaim,
  { endTokenId, identity }: LanguageModel,
): boolean {
  const limit = Math.min(maxTokens, identity.contextTokens - promptIds.length);
  if (ids.length === 0 || ids.length > limit) return false;
  const end = ids.indexOf(endTokenId);
  return finish === 'stop' ? end === ids.length - 1 : end === -1 && ids.length === limit;
}

const sameIds = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, index) => id === b[index]);
