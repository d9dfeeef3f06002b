import type { ChatCompletionRequestStreaming } from '@mlc-ai/web-llm';
import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import type { GeneratedToken, GenerateRequest, LanguageModel } from '#core/engines/language-model';
import { samplingSeed } from '#core/engines/sampling';
import { languageModelCases } from '#tests/conformance/language-model';
import type { KeptSessions } from '#tests/fakes/web-llm';
import { loadToyModel, promptOf, runModel, type ToyFaults } from '#tests/fakes/web-llm-worker';

const NAME = 'job-1';
const sampling = {
  temperature: 2,
  seeds: [
    { from: 0, seed: samplingSeed({ nonce: new Uint8Array(32), jobId: 'j', executor: 'n' as never, modelHash: 'm' }) },
  ],
};
const textOf = (tokens: readonly GeneratedToken[]) => tokens.map(({ text }) => text).join('');

/** A model with the answer that it gives when nothing happens and nothing is kept. */
async function world(faults: ToyFaults = {}, drawn: Partial<GenerateRequest> = {}) {
  const kept: KeptSessions = new Map();
  const { model, workers } = await loadToyModel({ kept, ...faults });
  const engine = unwrap(model);
  const promptIds = await promptOf(engine);
  const alone = runModel(engine, { promptIds, ...drawn });
  const whole = unwrap(await alone.done);
  /** The kept answer; `on` runs at the token of that number. */
  const answer = async (on: Readonly<Record<number, () => void>> = {}, more: Partial<GenerateRequest> = {}) => {
    const tokens: GeneratedToken[] = [];
    const request = { promptIds, prefixIds: [], maxTokens: 99, signal: new AbortController().signal };
    const done = engine.generate({ ...request, ...drawn, keptAs: NAME, ...more }, (token) => {
      on[tokens.push(token)]?.();
    });
    return { result: await done, tokens };
  };
  const loseAt = (worker: number) => () => workers[worker]!.standIn.loseDeviceAfter(0);
  return { kept, workers, engine, promptIds, whole, text: textOf(alone.tokens), answer, loseAt };
}

describe('an answer that is kept', () => {
  it('is the same as one that is not, goes by a chat request, and leaves nothing behind', async () => {
    for (const drawn of [{}, { sampling }]) {
      const { kept, workers, promptIds, whole, text, answer } = await world({}, drawn);
      const { result, tokens } = await answer({ 2: () => expect([...kept.keys()]).toEqual([NAME]) });
      expect(unwrap(result)).toEqual(whole);
      expect(textOf(tokens)).toBe(text);
      expect(workers[0]!.standIn.prompts).toEqual([promptIds]);
      expect(kept.size).toBe(0);
    }
  });

  const keepingCases = languageModelCases.filter(({ name }) =>
    /ends at the limit|cancelling stops|in order/.test(name),
  );
  const subject = {
    async model(): Promise<LanguageModel> {
      const engine = unwrap((await loadToyModel({ kept: new Map() })).model);
      let answers = 0;
      return {
        ...engine,
        identity: engine.identity,
        generate: (request, onToken) => engine.generate({ ...request, keptAs: `job-${answers++}` }, onToken),
      };
    },
    question: 'what is a node',
    otherQuestion: 'what is a receipt',
  };
  it.each(keepingCases.map(({ name, run }) => [name, run] as const))('keeps that %s', (_name, run) => run(subject));

  it('removes what the answers of a closed tab left behind', async () => {
    const { kept, promptIds, answer } = await world();
    const request: ChatCompletionRequestStreaming = { messages: [], stream: true };
    kept.set('job-0', { modelId: 'toy-1', request, promptIds, tokens: [300], checkpoint: null, finished: false });
    await answer({ 1: () => expect([...kept.keys()]).toEqual([NAME]) });
    expect(kept.size).toBe(0);
  });

  it('is kept no longer when a check wants the cache, which then does not wait', async () => {
    const { kept, engine, promptIds, whole, answer } = await world();
    let scored = -1;
    let check: Promise<unknown> = Promise.resolve();
    const tokens: GeneratedToken[] = [];
    const run = engine.generate(
      { promptIds, prefixIds: [], maxTokens: 99, signal: new AbortController().signal, keptAs: NAME },
      (token) => {
        if (tokens.push(token) === 3)
          check = engine.score(promptIds, whole.ids).then((scores) => {
            expect(unwrap(scores).every(({ margin }) => margin === 0)).toBe(true);
            scored = tokens.length;
          });
      },
    );
    expect(unwrap(await run)).toEqual(whole);
    await check;
    expect(scored).toBeLessThan(whole.ids.length);
    expect(kept.size).toBe(0);
    expect((await answer()).result).toEqual({ ok: true, value: whole });
  });
});

describe('a graphics device that is lost in the middle of a kept answer', () => {
  it.each([
    ['each of its tokens is computed again where no copy of the cache is on disk', {}, 'token_replay', 6],
    ['and where the copy cannot be read', { checkpointTokens: 4, brokenCopies: true }, 'token_replay', 6],
    ['only what is younger than the copy of the cache is', { checkpointTokens: 4 }, 'kv', 2],
  ] as const)('ends nothing: %s', async (_what, faults, recoveryMode, replayedTokens) => {
    for (const drawn of [{}, { sampling }]) {
      const { kept, workers, whole, text, answer, loseAt } = await world(faults, drawn);
      const { result, tokens } = await answer({ 6: loseAt(0) });
      expect(unwrap(result)).toEqual(whole);
      expect(tokens.map(({ id }) => id)).toEqual(whole.ids);
      expect(textOf(tokens)).toBe(text);
      expect(workers).toHaveLength(2);
      expect(workers[1]!.standIn.resumed).toEqual([{ replayedTokens, recoveryMode }]);
      expect(kept.size).toBe(0);
    }
  });

  it('tells no token twice where the disk has fewer of them than the person', async () => {
    const { workers, whole, text, answer, loseAt } = await world({ unwritten: 3 });
    const { result, tokens } = await answer({ 8: loseAt(0) });
    expect(unwrap(result)).toEqual(whole);
    expect(textOf(tokens)).toBe(text);
    expect(workers[1]!.standIn.resumed).toEqual([{ replayedTokens: 5, recoveryMode: 'token_replay' }]);
  });

  it('goes on by its ids where the browser keeps nothing, or something else than was told', async () => {
    const nothing = await loadToyModel();
    const engine = unwrap(nothing.model);
    const promptIds = await promptOf(engine);
    const whole = unwrap(await runModel(engine, { promptIds }).done);
    const tokens: GeneratedToken[] = [];
    const request = { promptIds, prefixIds: [], maxTokens: 99, signal: new AbortController().signal, keptAs: NAME };
    const result = await engine.generate(request, (token) => {
      if (tokens.push(token) === 5) nothing.workers[0]!.standIn.loseDeviceAfter(0);
    });
    expect(unwrap(result)).toEqual(whole);
    expect(nothing.workers[1]!.standIn.resumed).toEqual([]);
    expect(nothing.workers[1]!.standIn.fed).toContainEqual([...promptIds, ...whole.ids.slice(0, 5)]);

    const { kept, workers, text, answer, loseAt } = await world();
    const other = await answer({
      5() {
        kept.get(NAME)!.tokens[1] = 301;
        loseAt(0)();
      },
    });
    expect(unwrap(other.result)).toEqual(whole);
    expect(textOf(other.tokens)).toBe(text);
    expect(workers[1]!.standIn.resumed).toHaveLength(1);
    expect(kept.size).toBe(0);
  });

  it('is survived once more, by the ids alone, and not for ever', async () => {
    const { workers, whole, text, answer, loseAt } = await world();
    const { result, tokens } = await answer({ 4: loseAt(0), 7: () => loseAt(1)() });
    expect(unwrap(result)).toEqual(whole);
    expect(textOf(tokens)).toBe(text);
    expect(workers.map(({ standIn }) => standIn.resumed.length)).toEqual([0, 1, 0]);

    const often = await world();
    const ended = await often.answer({ 4: often.loseAt(0), 6: () => often.loseAt(1)(), 8: () => often.loseAt(2)() });
    expect(ended.result).toMatchObject({ error: { code: 'engine_failed' } });
    expect(ended.tokens.map(({ id }) => id)).toEqual(often.whole.ids.slice(0, 8));
  });
});
