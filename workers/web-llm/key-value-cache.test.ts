import { describe, expect, it } from 'vitest';
import { ANSWER_TURN_TOKENS, CHECK_TURN_MS, createKeyValueCache, PASS_TOKENS } from './key-value-cache';
import { createTokenProcessor } from './token-processor';
import { createTurns } from './turns';

/** An engine whose logits name the sum of the ids in its cache. */
function world() {
  const calls: (readonly number[] | 'reset')[] = [];
  const state = { nowMs: 0, inCache: [] as number[] };
  const processor = createTokenProcessor(1_000);
  const engine = {
    async resetChat() {
      calls.push('reset');
      state.inCache = [];
    },
    async forwardTokensAndSample(ids: number[]) {
      calls.push(ids);
      state.inCache.push(...ids);
      const logits = new Float32Array(1_000);
      logits[state.inCache.reduce((sum, id) => sum + id, 0) % 1_000] = 1;
      const id = processor.processLogits(logits).indexOf(0);
      processor.processSampledToken(id);
      return id;
    },
  };
  const turns = createTurns();
  const cache = createKeyValueCache({ engine, modelId: 'm', processor, turns, nowMs: () => state.nowMs });
  return { calls, state, turns, cache };
}
const never = new AbortController().signal;
const chosen = (logits: Float32Array): number => logits.indexOf(1);

describe('the cache', () => {
  it('takes a long prompt in parts, which are the same for an answer, a check and one who comes back', async () => {
    const prompt = new Array<number>(PASS_TOKENS + 1).fill(1);
    const parts = [prompt.slice(0, PASS_TOKENS), [1]];
    const { cache, calls } = world();
    const answer = cache.openAnswer(never);
    expect(chosen(await answer.feed(prompt))).toBe(PASS_TOKENS + 1);
    expect(calls.splice(0)).toEqual(['reset', ...parts]);
    cache.forget();
    expect(chosen(await answer.feed([2]))).toBe(PASS_TOKENS + 3);
    expect(calls.splice(0)).toEqual(['reset', parts[0], [1, 2]]);
    answer.close();

    const check = (await cache.openCheck())!;
    for (const id of prompt.slice(0, -1)) await check.feed([id]);
    expect(calls).toEqual([]);
    expect(chosen((await check.feedAll([1])).logitsAfter(0))).toBe(PASS_TOKENS + 1);
    expect(calls.splice(0)).toEqual(['reset', ...parts]);
    expect(chosen((await check.feedAll([5, 6])).logitsAfter(1))).toBe(PASS_TOKENS + 12);
    expect(calls).toEqual([[5], [6]]);
    check.close();
  });

  it('is handed over between two tokens, and nobody loses what they had', async () => {
    const { cache, calls, state } = world();
    const answer = cache.openAnswer(never);
    await answer.feed([1, 2]);
    const opening = cache.openCheck();
    const third = answer.feed([3]);
    const check = (await opening)!;
    expect(chosen((await check.feedAll([10])).logitsAfter(0))).toBe(10);
    // It keeps its turn while its time lasts.
    expect(chosen((await check.feedAll([11])).logitsAfter(0))).toBe(21);
    state.nowMs += CHECK_TURN_MS;
    const more = check.feedAll([12]);
    expect(chosen(await third)).toBe(6);
    expect(calls.splice(0)).toEqual(['reset', [1, 2], 'reset', [10], [11], 'reset', [1, 2, 3]]);
    // The answer gets some tokens on before it gives way again.
    for (let token = 1; token < ANSWER_TURN_TOKENS; token++) await answer.feed([token]);
    expect(calls.splice(0)).toHaveLength(ANSWER_TURN_TOKENS - 1);
    const after = answer.feed([9]);
    expect(chosen((await more).logitsAfter(0))).toBe(33);
    check.close();
    expect(chosen(await after)).toBe((6 + 28 + 9) % 1_000);
    answer.close();
  });

  it('lets one who was stopped go, even while all ids go in again', async () => {
    const { cache, turns, calls } = world();
    const controller = new AbortController();
    const answer = cache.openAnswer(controller.signal);
    await answer.feed(new Array<number>(PASS_TOKENS).fill(1));
    await answer.feed(new Array<number>(PASS_TOKENS).fill(1));
    cache.forget();
    calls.length = 0;
    const feeding = answer.feed([1]);
    controller.abort('enough');
    await expect(feeding).rejects.toBe('enough');
    expect(calls.length).toBeLessThan(4);
    answer.close();
    expect(await turns.take('check')).toBe(true);
  });
});
