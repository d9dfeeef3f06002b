import { unwrap } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { samplingSeed, type Sampling } from '#core/engines/sampling';
import {
  answer,
  expect,
  failsWith,
  generate,
  OWN_MARGIN,
  rule,
  same,
  type ConformanceCase,
} from './language-model-runs';

/** Drawn with other noise, a token of a model that varies loses by this much at many places of an answer. */
const GROSS_MARGIN = 0.5;
/** At how many places of a hundred, at least: one in ten is what the check of answers is made to find. */
const GROSS_PERCENT = 10;

/** The seed that a nonce of this byte gives for this model. */
const seedOf = (model: LanguageModel, nonce: number): Uint8Array =>
  samplingSeed({
    nonce: new Uint8Array(32).fill(nonce),
    jobId: 'conformance',
    executor: 'ab'.repeat(32),
    modelHash: model.identity.hash,
  });

const drawnBy = (model: LanguageModel, nonce: number, temperature = 1): Sampling => ({
  temperature,
  seeds: [{ from: 0, seed: seedOf(model, nonce) }],
});

const worstOf = (scores: readonly { readonly margin: number }[]): number =>
  scores.reduce((worst, { margin }) => Math.max(worst, margin), 0);

/** What every language model promises of tokens that are drawn by a seed. */
export const sampledModelCases: readonly ConformanceCase[] = [
  rule('the same seed gives the same tokens again', async (model, { question }) => {
    const sampling = drawnBy(model, 1);
    same((await answer(model, question, sampling)).ids, (await answer(model, question, sampling)).ids, 'ids');
  }),

  rule('at temperature 0 the likeliest tokens come, whatever the seed', async (model, { question }) => {
    same((await answer(model, question, drawnBy(model, 1, 0))).ids, (await answer(model, question)).ids, 'ids');
  }),

  rule('a model finds no fault with what it drew itself', async (model, { question }) => {
    for (const nonce of [1, 2, 3]) {
      const sampling = drawnBy(model, nonce);
      const { promptIds, ids } = await answer(model, question, sampling);
      const scores = unwrap(await model.score(promptIds, ids, sampling));
      same(scores.length, ids.length, 'positions');
      const worst = worstOf(scores);
      expect(worst <= OWN_MARGIN, `a token that it drew with nonce ${nonce} has margin ${worst}`);
    }
  }),

  rule(
    'a drawn answer that another went on with, under a seed of its own, is faultless as a whole',
    async (model, { question }) => {
      const first = drawnBy(model, 1);
      const { promptIds, ids } = await answer(model, question, first);
      const at = ids.length >> 1;
      const prefixIds = ids.slice(0, at);
      const both: Sampling = { ...first, seeds: [...first.seeds, { from: at, seed: seedOf(model, 2) }] };
      const rest = unwrap(await generate(model, promptIds, { prefixIds, sampling: both }).done);
      const worst = worstOf(unwrap(await model.score(promptIds, [...prefixIds, ...rest.ids], both)));
      expect(worst <= OWN_MARGIN, `a token of the two parts has margin ${worst}`);
    },
  ),

  rule('sampling that is out of range or malformed is refused, and does no harm', async (model, { question }) => {
    const { promptIds, ids } = await answer(model, question);
    const seed = seedOf(model, 1);
    const malformed: readonly Sampling[] = [
      { temperature: -0.1, seeds: [{ from: 0, seed }] },
      { temperature: 2.1, seeds: [{ from: 0, seed }] },
      { temperature: NaN, seeds: [{ from: 0, seed }] },
      { temperature: Infinity, seeds: [{ from: 0, seed }] },
      { temperature: 1, seeds: [] },
      { temperature: 1, seeds: [{ from: 1, seed }] },
      {
        temperature: 1,
        seeds: [
          { from: 0, seed },
          { from: 0, seed },
        ],
      },
      {
        temperature: 1,
        seeds: [
          { from: 0, seed },
          { from: 1.5, seed },
        ],
      },
      { temperature: 1, seeds: [{ from: 0, seed: seed.slice(1) }] },
      { temperature: 1, seeds: Array.from({ length: 1_000 }, (_, from) => ({ from, seed })) },
    ];
    for (const sampling of malformed) {
      failsWith(await generate(model, promptIds, { sampling }).done, 'sampling_malformed');
      failsWith(await model.score(promptIds, ids, sampling), 'sampling_malformed');
    }
    same((await answer(model, question)).ids, ids, 'the answer afterwards');
  }),
];

/** What a model promises whose answers differ from draw to draw; one that has learned its answers by heart cannot. */
export const variedModelCases: readonly ConformanceCase[] = [
  rule('another nonce gives other tokens', async (model, { question }) => {
    const answers = [];
    for (const nonce of [1, 2, 3]) answers.push((await answer(model, question, drawnBy(model, nonce))).ids);
    same(new Set(answers.map((ids) => JSON.stringify(ids))).size, answers.length, 'different answers');
  }),

  rule('an answer drawn with another seed than the one it claims stands out', async (model, { question }) => {
    const { promptIds, ids } = await answer(model, question, drawnBy(model, 1));
    const scores = unwrap(await model.score(promptIds, ids, drawnBy(model, 2)));
    const gross = scores.filter(({ margin }) => margin > GROSS_MARGIN).length;
    expect(
      (100 * gross) / scores.length >= GROSS_PERCENT,
      `only ${gross} of ${scores.length} tokens of another seed have a margin above ${GROSS_MARGIN}`,
    );
  }),

  rule('an answer of the likeliest tokens stands out where it should have been drawn', async (model, { question }) => {
    const { promptIds, ids } = await answer(model, question);
    const scores = unwrap(await model.score(promptIds, ids, drawnBy(model, 1)));
    const gross = scores.filter(({ margin }) => margin > GROSS_MARGIN).length;
    expect(
      (100 * gross) / scores.length >= GROSS_PERCENT,
      `only ${gross} of ${scores.length} undrawn tokens have a margin above ${GROSS_MARGIN}`,
    );
  }),
];
