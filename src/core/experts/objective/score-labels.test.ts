import { describe, expect, it } from 'vitest';
import { fail, unwrap } from '#core/base/result';
import { createTurnModel } from '#tests/fakes/turn-model';
import { agrees, labelIn, scoreLabels, SCORE_TOLERANCE_MILLI } from './score-labels';

const never = new AbortController().signal;
const ask = (text: string) => [{ role: 'user' as const, text }];
const labels = ['good', 'bad', 'neither'];

/** Likes `neither` whatever is asked, and what a text says a little more. */
const biased = createTurnModel({
  logProbability: (conversation, answer) =>
    (answer === 'neither' ? -1 : -4) + (conversation.includes(`text: ${answer}`) ? 2 : 0),
});

describe('labels are scored', () => {
  it('by the probability of each as the whole answer', async () => {
    const model = createTurnModel({ logProbability: (_, answer) => -answer.length });
    expect(unwrap(await scoreLabels(model, { messages: ask('?'), labels }, never))).toEqual({
      milli: [-4_000, -3_000, -7_000],
      best: 1,
    });
  });

  it('against what they score when nothing is asked, so that a favourite has no head start', async () => {
    const messages = ask('text: bad');
    expect(unwrap(await scoreLabels(biased, { messages, labels }, never)).best).toBe(2);
    expect(unwrap(await scoreLabels(biased, { messages, baseline: ask('text:'), labels }, never))).toEqual({
      milli: [0, 2_000, 0],
      best: 1,
    });
  });

  it('the first of equal ones is the best', async () => {
    const model = createTurnModel({ logProbability: () => -2 });
    expect(unwrap(await scoreLabels(model, { messages: ask('?'), labels }, never)).best).toBe(0);
  });

  it('and read from generated text where the prompt hides their tokens', async () => {
    const model = createTurnModel({ showsTurns: false, says: () => 'I think it is Bad.' });
    expect(unwrap(await scoreLabels(model, { messages: ask('?'), labels }, never))).toEqual({ milli: null, best: 1 });
    const mute = createTurnModel({ showsTurns: false, says: () => 'Who knows.' });
    expect(await scoreLabels(mute, { messages: ask('?'), labels }, never)).toMatchObject({
      error: { code: 'no_label' },
    });
  });

  it('and only from a text that is a label alone, where the question says so', async () => {
    const asked = { messages: ask('?'), labels, otherwise: 2 };
    const best = async (said: string) =>
      unwrap(await scoreLabels(createTurnModel({ showsTurns: false, says: () => said }), asked, never)).best;
    expect(await Promise.all(['Bad.', '“bad”', ' BAD\n', 'not bad', 'good and bad', ''].map(best))).toEqual([
      1, 1, 1, 2, 2, 2,
    ]);
  });

  it('not when the answer was stopped, nor when the model fails', async () => {
    const stopped = AbortSignal.abort();
    expect(await scoreLabels(biased, { messages: ask('?'), labels }, stopped)).toMatchObject({
      error: { code: 'cancelled' },
    });
    const hidden = createTurnModel({ showsTurns: false, says: () => 'bad' });
    expect(await scoreLabels(hidden, { messages: ask('?'), labels }, stopped)).toMatchObject({
      error: { code: 'cancelled' },
    });
    const gone = { ...biased, score: async () => fail('engine_gone', 'Gone.') };
    expect(await scoreLabels(gone, { messages: ask('?'), labels }, never)).toMatchObject({
      error: { code: 'engine_gone' },
    });
    const small = createTurnModel({ identity: { contextTokens: 10 } });
    expect(await scoreLabels(small, { messages: ask('x'.repeat(20)), labels }, never)).toMatchObject({
      error: { code: 'prompt_too_long' },
    });
  });
});

it('the label in a text is the one named first, the longest of those that begin there', () => {
  expect(labelIn('It is not good but bad', ['bad', 'good'])).toBe(1);
  expect(labelIn('Very good', ['very', 'very good'])).toBe(1);
  expect(labelIn('VERY GOOD', ['very good', 'very'])).toBe(0);
  expect(labelIn('none of it', ['yes', 'no way'])).toBeNull();
});

describe('claimed scores hold', () => {
  const claimed = { milli: [-100, -2_000], best: 0 };

  it('within what devices differ by, and with the best one claimed', () => {
    expect(agrees(claimed, claimed)).toBe(true);
    expect(agrees(claimed, { milli: [-100 - SCORE_TOLERANCE_MILLI, -2_000], best: 0 })).toBe(true);
    expect(agrees(claimed, { milli: [-101 - SCORE_TOLERANCE_MILLI, -2_000], best: 0 })).toBe(false);
    expect(agrees({ ...claimed, best: 1 }, claimed)).toBe(false);
    expect(agrees({ milli: [-100], best: 0 }, claimed)).toBe(false);
    expect(agrees({ milli: [-100, NaN], best: 0 }, claimed)).toBe(false);
  });

  it('on a near tie whichever side rounding took', () => {
    expect(agrees({ milli: [-100, -99], best: 1 }, { milli: [-99, -100], best: 0 })).toBe(true);
  });

  it('without scores only when there are none and the label is the same', () => {
    expect(agrees({ milli: null, best: 1 }, { milli: null, best: 1 })).toBe(true);
    expect(agrees({ milli: null, best: 1 }, { milli: null, best: 0 })).toBe(false);
    expect(agrees({ milli: null, best: 0 }, claimed)).toBe(false);
    expect(agrees(claimed, { milli: null, best: 0 })).toBe(false);
  });
});
