import { expect, it } from 'vitest';
import { readModelCard } from './models';

it('reads the measured scores of the model', () => {
  const card = readModelCard({
    name: 'Spark',
    parameters: 1_892_544,
    scores: { intents: { right: 74, of: 100 }, foreign: { refused: 47, of: 50 } },
  });
  expect(card).toMatchObject({ name: 'Spark', parameters: 1_892_544 });
  expect(card.scores.map(({ right, of }) => [right, of])).toEqual([
    [74, 100],
    [47, 50],
  ]);
});

it('leaves out what is missing or malformed', () => {
  for (const json of [null, [], 'x', { scores: 7 }, { scores: { intents: { right: 'many', of: 100 } } }]) {
    expect(readModelCard(json)).toEqual({ name: 'Spark', parameters: null, scores: [] });
  }
});
