import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import type { GeneratedToken } from '#core/engines/language-model';
import { generateTokens, scoreTokens, type ForwardModel, type GenerationRules } from './generation';

const END = 9;
const VOCABULARY = 10;

/** After the sum of all ids so far, modulo 10, comes that digit; the wrong ones stand one logit lower for each step away. */
function digitModel(passTokens = 64) {
  const fed: number[][] = [];
  let open = 0;
  const logitsFor = (ids: readonly number[]): Float32Array => {
    const right = ids.reduce((sum, id) => sum + id, 0) % VOCABULARY;
    return Float32Array.from({ length: VOCABULARY }, (_, id) => -Math.abs(id - right));
  };
  const model: ForwardModel = {
    vocabularySize: VOCABULARY,
    contextTokens: 16,
    passTokens,
    openSequence() {
      open++;
      const before: number[] = [];
      return {
        async feed(ids) {
          fed.push([...ids]);
          before.push(...ids);
          return logitsFor(before);
        },
        async feedAll(ids) {
          fed.push([...ids]);
          const first = before.length;
          before.push(...ids);
          return { logitsAfter: (index) => logitsFor(before.slice(0, first + index + 1)) };
        },
        close: () => void open--,
      };
    },
    decode: (ids) => ids.filter((id) => id !== END).join(''),
  };
  return { model, fed, open: () => open };
}

const rules: GenerationRules = { decision: {}, endTokenId: END, otherEndIds: [] };

async function run(
  promptIds: readonly number[],
  { prefixIds = [] as readonly number[], maxTokens = 20, stopAfter = Infinity, greedy = rules, passTokens = 64 } = {},
) {
  const { model, fed, open } = digitModel(passTokens);
  const tokens: GeneratedToken[] = [];
  const result = await generateTokens(
    model,
    greedy,
    { promptIds, prefixIds, maxTokens },
    {
      onToken: (token) => tokens.push(token),
      stopped: () => tokens.length >= stopAfter,
      yieldToMessages: () => Promise.resolve(),
    },
  );
  return {
    ids: tokens.map((token) => token.id),
    text: tokens.map((token) => token.text).join(''),
    finish: result,
    fed,
    open: open(),
  };
}

describe('greedy generation', () => {
  it('feeds the prompt once and then only what it chose', async () => {
    const { ids, text, finish, fed, open } = await run([1, 2], { maxTokens: 4 });
    expect(ids).toEqual([3, 6, 2, 4]);
    expect(text).toBe('3624');
    expect(finish).toEqual({ ok: true, value: 'length' });
    expect(fed).toEqual([[1, 2], [3], [6], [2]]);
    expect(open).toBe(0);
  });

  it('ends with the end token, which has no text', async () => {
    expect(await run([4, 5])).toMatchObject({ ids: [END], text: '', finish: { value: 'stop' } });
  });

  it('continues after given tokens in one pass', async () => {
    const { ids, fed } = await run([1, 2], { prefixIds: [3, 6], maxTokens: 4 });
    expect(ids).toEqual([2, 4]);
    expect(fed).toEqual([[1, 2, 3, 6], [2]]);
  });

  it('generates nothing after the end, or past the limit', async () => {
    expect(await run([1], { prefixIds: [4, END] })).toMatchObject({ ids: [], finish: { value: 'stop' }, fed: [] });
    expect(await run([1], { prefixIds: [4, 4], maxTokens: 2 })).toMatchObject({
      ids: [],
      finish: { value: 'length' },
      fed: [],
    });
  });

  it('ends where the context ends', async () => {
    const { ids, finish } = await run(new Array<number>(13).fill(0), { maxTokens: 99 });
    expect(ids).toHaveLength(3);
    expect(finish).toEqual({ ok: true, value: 'length' });
  });

  it('stops before the next token when it is told to, and frees its cache', async () => {
    expect(await run([1, 2], { stopAfter: 2 })).toMatchObject({ ids: [3, 6], finish: { value: 'cancelled' }, open: 0 });
  });

  it('reads a long prompt in several passes and may be stopped between them', async () => {
    const whole = await run([1, 2, 3, 4, 5], { maxTokens: 3 });
    const parts = await run([1, 2, 3, 4, 5], { maxTokens: 3, passTokens: 2 });
    expect(parts.ids).toEqual(whole.ids);
    expect(parts.fed.slice(0, 3)).toEqual([[1, 2], [3, 4], [5]]);
    const { model, fed } = digitModel(2);
    const stopped = await generateTokens(
      model,
      rules,
      { promptIds: [1, 2, 3, 4, 5], prefixIds: [], maxTokens: 3 },
      { onToken: () => {}, stopped: () => fed.length === 2, yieldToMessages: () => Promise.resolve() },
    );
    expect([stopped, fed]).toEqual([
      { ok: true, value: 'cancelled' },
      [
        [1, 2],
        [3, 4],
      ],
    ]);
  });

  it('counts all end tokens of a model as one', async () => {
    // After 4 comes 4; 5 stands one logit lower, 9 five.
    const two: GenerationRules = { decision: {}, endTokenId: END, otherEndIds: [4] };
    expect(await run([4], { greedy: two })).toMatchObject({ ids: [END], finish: { value: 'stop' } });
    expect(await run([1], { greedy: two, prefixIds: [4] })).toMatchObject({
      ids: [],
      finish: { value: 'stop' },
      fed: [],
    });
    const { model } = digitModel();
    expect(unwrap(await scoreTokens(model, two, [4], [END]))).toMatchObject([{ rank: 0, margin: 0 }]);
    expect(unwrap(await scoreTokens(model, two, [4], [4]))[0]!.margin).toBeGreaterThan(100);
  });

  it('refuses before the runtime sees it', async () => {
    expect(await run([10])).toMatchObject({ finish: { error: { code: 'unknown_token' } }, fed: [] });
    expect(await run([1.5])).toMatchObject({ finish: { error: { code: 'unknown_token' } }, fed: [] });
    expect(await run([1], { prefixIds: [-1] })).toMatchObject({
      finish: { error: { code: 'unknown_token' } },
      fed: [],
    });
    expect(await run(new Array<number>(16).fill(0))).toMatchObject({
      finish: { error: { code: 'prompt_too_long' } },
      fed: [],
    });
    expect(await run([])).toMatchObject({ finish: { error: { code: 'prompt_empty' } }, fed: [] });
    expect(await run([1], { maxTokens: NaN })).toMatchObject({
      finish: { error: { code: 'prompt_too_long' } },
      fed: [],
    });
  });

  it('refuses to answer when it is unsure of the first token only', async () => {
    const unsure: GenerationRules = {
      decision: { refusal: { firstTokenId: 7, minProbability: 0.99 } },
      endTokenId: END,
      otherEndIds: [],
    };
    const fresh = await run([1, 2], { greedy: unsure, maxTokens: 3 });
    expect(fresh.ids[0]).toBe(7);
    const resumed = await run([1, 2], { greedy: unsure, prefixIds: [7], maxTokens: 3 });
    expect([7, ...resumed.ids]).toEqual(fresh.ids);
    const { model } = digitModel();
    expect(unwrap(await scoreTokens(model, unsure, [1, 2], fresh.ids)).map((score) => score.margin)).toEqual([0, 0, 0]);
    expect(unwrap(await scoreTokens(model, unsure, [1, 2], [3]))[0]).toMatchObject({ rank: 1 });
  });
});

describe('scoring', () => {
  const score = (promptIds: readonly number[], outputIds: readonly number[]) =>
    scoreTokens(digitModel().model, rules, promptIds, outputIds);

  it('finds its own answer faultless and a forged token by how far it stands', async () => {
    expect(unwrap(await score([1, 2], [3, 6, 2, 4])).map(({ rank, margin }) => [rank, margin])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(unwrap(await score([1, 2], [3, 9])).at(1)).toMatchObject({ margin: 3 });
  });

  it('gives the same in several passes as in one', async () => {
    const prompt = [1, 2, 3, 4];
    const claim = [0, 0, 0, 5, 1];
    const whole = unwrap(await score(prompt, claim));
    for (const passTokens of [1, 2, 3, 5, 7]) {
      const { model, open } = digitModel(passTokens);
      expect(unwrap(await scoreTokens(model, rules, prompt, claim))).toEqual(whole);
      expect(open()).toBe(0);
    }
  });

  it('scores nothing for no tokens and refuses what does not fit', async () => {
    expect(await score([1], [])).toEqual({ ok: true, value: [] });
    expect(await score([1], new Array<number>(16).fill(0))).toMatchObject({ error: { code: 'prompt_too_long' } });
    expect(await score([1], [12])).toMatchObject({ error: { code: 'unknown_token' } });
  });
});
