import type { LogitProcessor } from '@mlc-ai/web-llm';

/** What a token that is not forced gets: far enough for a probability of 0, finite so that nothing on the device becomes NaN. */
const UNWANTED = -1e4;

const NOBODY_HEARS: AnswerEars = { taken() {} };

export interface TokenProcessor extends LogitProcessor {
  /**
   * Who chooses every token from now on. `choose` gets the logits as the model computed them, after web-llm's own mask
   * where a grammar is in force; the array is its own to keep. `answer` hears of what becomes of it.
   */
  chooseBy(choose: (logits: Float32Array) => number, answer?: AnswerEars): void;
}

export interface AnswerEars {
  /** A token was taken: the one that was chosen, or one that web-llm has from a run that it takes up again. */
  taken(id: number): void;
  /** web-llm begins anew with the first token. Without it tokens that nobody chose are a fault of the device. */
  begun?(): void;
}

/**
 * Takes the choice of tokens away from web-llm: its sampler is given an array in which only the chosen token can be
 * drawn. So its temperature, nucleus and random numbers decide nothing. Throws, and so ends the worker, when a device
 * computes no numbers or does not draw the only token that it can: 15 % of real browser configurations in one public set
 * computed wrongly.
 */
export function createTokenProcessor(vocabularySize: number): TokenProcessor {
  const nobody = (): never => {
    throw new Error('The runtime asks for a token that nobody wants.');
  };
  let choose: (logits: Float32Array) => number = nobody;
  let ears: AnswerEars = NOBODY_HEARS;
  /** Between the choice of a token and its draw. */
  let drawing = false;
  const forced = new Float32Array(vocabularySize).fill(UNWANTED);
  let forcedId: number | null = null;

  return {
    chooseBy(next, answer = NOBODY_HEARS) {
      choose = next;
      ears = answer;
      drawing = false;
    },
    processLogits(logits) {
      if (logits.length !== vocabularySize)
        throw new Error(`The model gives ${logits.length} logits, and its settings name ${vocabularySize} tokens.`);
      // A mask may write -Infinity; NaN fails both comparisons.
      for (const logit of logits)
        if (!(logit < Infinity)) throw new Error('The graphics device computes no numbers for this model.');
      const id = choose(logits);
      if (forcedId !== null) forced[forcedId] = UNWANTED;
      forced[id] = 0;
      forcedId = id;
      drawing = true;
      return forced;
    },
    processSampledToken(id) {
      const takenUp = !drawing && ears.begun !== undefined;
      if (!takenUp && id !== forcedId) throw new Error('The graphics device draws tokens that have no probability.');
      drawing = false;
      ears.taken(id);
    },
    resetState() {
      ears.begun?.();
    },
  };
}

/** Of equals the lowest id. */
export function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}
