import type { AdmissionGate, Finding } from './gate';

/** Half of the time after which a job is given to another node: a busy moment must not lose it. */
export const MOST_FIRST_TOKEN_MS = 5_000;
/** Slower than one token a second is not worth the wait. */
export const LEAST_DECODE_MILLI_TOKENS_PER_S = 1_000;
/** What a device gives for one right answer at most, wrong ones and refusals paid along. */
export const MOST_COMPUTING_MS_PER_RIGHT_ANSWER = 60_000;

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;

/** From the card's pace and the lengths of the target evaluation: what a typical question costs on the author's device. */
export const latencyAndCost: AdmissionGate = {
  name: 'latency-and-cost',
  label: 'Fast and cheap enough',
  demand: `First token within ${MOST_FIRST_TOKEN_MS / 1_000} s, at least ${LEAST_DECODE_MILLI_TOKENS_PER_S / 1_000} token a second, at most ${MOST_COMPUTING_MS_PER_RIGHT_ANSWER / 1_000} s of computing for each right answer.`,
  judge({ card, measured: { target } }): Finding {
    const { prefillMilliTokensPerS, decodeMilliTokensPerS } = card;
    const firstTokenMs = Math.ceil(
      (mean(target.items.map((item) => item.promptTokens)) * 1e6) / prefillMilliTokensPerS,
    );
    const writingMs = (mean(target.items.map(({ ids }) => ids.length)) * 1e6) / decodeMilliTokensPerS;
    const answerMs = Math.ceil(firstTokenMs + writingMs);
    const perRightMs = target.right === 0 ? null : Math.ceil((answerMs * target.items.length) / target.right);
    return {
      passed:
        firstTokenMs <= MOST_FIRST_TOKEN_MS &&
        decodeMilliTokensPerS >= LEAST_DECODE_MILLI_TOKENS_PER_S &&
        perRightMs !== null &&
        perRightMs <= MOST_COMPUTING_MS_PER_RIGHT_ANSWER,
      figures: { firstTokenMs, answerMs, decodeMilliTokensPerS, ...(perRightMs === null ? {} : { perRightMs }) },
      sentence:
        perRightMs === null
          ? 'No answer was right, so none was worth its cost.'
          : `The first token comes after ${seconds(firstTokenMs)}, a whole answer after ${seconds(answerMs)}; a right answer costs ${seconds(perRightMs)} of computing.`,
    };
  },
};

const seconds = (ms: number): string => (ms < 1_000 ? `${ms} ms` : `${Number((ms / 1_000).toPrecision(2))} s`);
