import { expect, test } from 'vitest';
import { decide, FORBIDDEN_MARGIN, scoreClaim } from './decision';

const logits = Float32Array.from([0, 3, 2, -1]);
/** Softmax of 3 among these: about 0.69. */
const P_BEST = 1 / (1 + Math.exp(-1) + Math.exp(-3) + Math.exp(-4));

test('the most likely token is chosen, ties going to the lowest id', () => {
  expect(decide({}, logits, 0).chosenId).toBe(1);
  expect(decide({}, Float32Array.from([5, 5, 1]), 3).chosenId).toBe(0);
});

test('an unsure model refuses, at the first position only', () => {
  const rule = { refusal: { firstTokenId: 3, minProbability: P_BEST + 0.05 } };
  expect(decide(rule, logits, 0).chosenId).toBe(3);
  expect(decide(rule, logits, 1).chosenId).toBe(1);
  expect(decide({ refusal: { firstTokenId: 3, minProbability: P_BEST - 0.05 } }, logits, 0).chosenId).toBe(1);
});

test('where the model must refuse, every other first token is forbidden, the most likely one too', () => {
  const rule = { refusal: { firstTokenId: 3, minProbability: P_BEST + 0.05 } };
  expect(scoreClaim(rule, logits, 0, 3)).toMatchObject({ rank: 0, margin: 0 });
  for (const claimed of [0, 1, 2]) expect(scoreClaim(rule, logits, 0, claimed).margin).toBe(FORBIDDEN_MARGIN);
});

test('where the model is sure, a refusal is as wrong as its logit says', () => {
  const rule = { refusal: { firstTokenId: 3, minProbability: P_BEST - 0.05 } };
  expect(scoreClaim(rule, logits, 0, 3)).toMatchObject({ rank: 3, margin: 4 });
  expect(scoreClaim(rule, logits, 0, 1)).toMatchObject({ rank: 0, margin: 0 });
});

test('a probability at the threshold itself is honest on either side of it', () => {
  const rule = { refusal: { firstTokenId: 3, minProbability: P_BEST } };
  expect(scoreClaim(rule, logits, 0, 3).margin).toBe(0);
  expect(scoreClaim(rule, logits, 0, 1).margin).toBe(0);
  expect(scoreClaim(rule, logits, 0, 2).margin).toBe(1);
});

test('an id outside the vocabulary is never right', () => {
  expect(scoreClaim({}, logits, 2, 99)).toMatchObject({ rank: 4, margin: FORBIDDEN_MARGIN });
});
