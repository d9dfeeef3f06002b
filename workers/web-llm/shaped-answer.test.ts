import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import type { GeneratedToken, GenerateRequest } from '#core/engines/language-model';
import { TOY_END } from '#tests/fakes/web-llm-model';
import { loadToyModel, loadToyWorker, promptOf, runModel } from '#tests/fakes/web-llm-worker';
import { CHECK_TURN_MS } from './key-value-cache';
import { MAX_FORMS } from './web-llm-worker';

describe('an answer in a given form', () => {
  const yesOrNo = { kind: 'json-schema', schema: '{"enum":["yes","no","perhaps it is so"]}' } as const;
  const shaped = async (shape: GenerateRequest['shape'], more: Partial<GenerateRequest> = {}) => {
    const { model, workers } = await loadToyModel();
    const engine = unwrap(model);
    const promptIds = await promptOf(engine);
    const { tokens, done } = runModel(engine, { promptIds, shape: shape!, ...more });
    return { result: await done, tokens, engine, promptIds, standIn: workers[0]!.standIn };
  };
  const textOf = (tokens: readonly GeneratedToken[]) => tokens.map(({ text }) => text).join('');

  it('is one that the schema allows, ends with the end token, and streams', async () => {
    const { result, tokens, promptIds, standIn } = await shaped(yesOrNo);
    expect(unwrap(result)).toEqual({ ids: tokens.map(({ id }) => id), finish: 'stop' });
    expect(tokens.at(-1)!.id).toBe(TOY_END);
    expect(['yes', 'no', 'perhaps it is so']).toContain(JSON.parse(textOf(tokens)));
    expect(standIn.formats).toEqual([{ type: 'json_object', schema: yesOrNo.schema }]);
    expect(standIn.prompts).toEqual([promptIds]);
  });

  it('follows the seed among what the form allows', async () => {
    const grammar =
      'root ::= ' + Array.from({ length: 40 }, (_, n) => `"${String.fromCharCode(97 + (n % 26))}${n}"`).join(' | ');
    const texts = new Set<string>();
    for (let n = 0; n < 6; n++) {
      const seeds = [{ from: 0, seed: new Uint8Array(32).fill(n) }];
      const request = { sampling: { temperature: 2, seeds } };
      const { tokens } = await shaped({ kind: 'grammar', grammar }, request);
      const again = await shaped({ kind: 'grammar', grammar }, request);
      expect(textOf(again.tokens)).toBe(textOf(tokens));
      texts.add(textOf(tokens));
    }
    expect(texts.size).toBeGreaterThan(1);
  });

  it('ends at its limit, and leaves the engine fit for the next answer', async () => {
    const { result, engine, promptIds } = await shaped(yesOrNo, { maxTokens: 2 });
    expect(unwrap(result)).toMatchObject({ finish: 'length' });
    expect(unwrap(result).ids).toHaveLength(2);
    const { ids } = unwrap(await runModel(engine, { promptIds }).done);
    expect(unwrap(await engine.score(promptIds, ids)).every(({ margin }) => margin === 0)).toBe(true);
  });

  it('stops when it is told to', async () => {
    const engine = unwrap((await loadToyModel()).model);
    const promptIds = await promptOf(engine);
    const long = { kind: 'grammar', grammar: `root ::= "${'abcdefghij '.repeat(12)}"` } as const;
    const whole = unwrap(await runModel(engine, { promptIds, shape: long }).done);
    const controller = new AbortController();
    const tokens: number[] = [];
    const done = engine.generate(
      { promptIds, prefixIds: [], maxTokens: 150, shape: long, signal: controller.signal },
      ({ id }) => tokens.push(id) === 3 && controller.abort(),
    );
    const stopped = unwrap(await done);
    expect(stopped.finish).toBe('cancelled');
    expect(stopped.ids).toEqual(whole.ids.slice(0, stopped.ids.length));
    expect(stopped.ids.length).toBeLessThanOrEqual(4);
    expect(unwrap(await runModel(engine, { promptIds }).done).finish).toBe('stop');
  });

  it('is refused when it would have to be continued, or the form cannot be held to', async () => {
    const { engine, promptIds, standIn } = await shaped(yesOrNo);
    const seen = standIn.formats.length;
    for (const request of [
      { shape: yesOrNo, prefixIds: [300] },
      { shape: { kind: 'json-schema', schema: '{' } },
      { shape: { kind: 'json-schema', schema: '{}' } },
      { shape: { kind: 'grammar', grammar: 'root ::= root "a"' } },
    ] as const)
      expect(await runModel(engine, { promptIds, ...request }).done).toMatchObject({
        error: { code: 'unsupported_shape' },
      });
    expect(standIn.formats).toHaveLength(seen);
  });

  it('that nothing fits any more is given up, and the engine lives', async () => {
    // No token of the toySource writes this character.
    const { result, engine, promptIds } = await shaped({ kind: 'grammar', grammar: 'root ::= "ab\\u4e2d"' });
    expect(result).toMatchObject({ error: { code: 'unsupported_shape' } });
    expect(unwrap(await runModel(engine, { promptIds }).done).finish).toBe('stop');
  });

  it('whose tokens take longer and longer is given up', async () => {
    const { worker, state } = await loadToyWorker();
    const promptIds = unwrap(await worker.encodePrompt([{ role: 'user', text: 'what is a node' }]));
    const { port1, port2 } = new MessageChannel();
    const last = new Promise<unknown>((resolve) => {
      port1.onmessage = ({ data }: MessageEvent<{ type: string }>) => {
        state.nowMs += 6_000;
        if (data.type !== 'token') resolve(data);
      };
    });
    const shape = { kind: 'grammar', grammar: `root ::= "${'q '.repeat(60)}"` } as const;
    await worker.generate({ promptIds, prefixIds: [], maxTokens: 150, shape }, port2);
    expect(await last).toMatchObject({ type: 'failed', code: 'unsupported_shape' });
    port1.close();
  });

  it('does not fill the grammar compiler for ever: the worker is replaced between two answers', async () => {
    const { worker, handle } = await loadToyWorker();
    let broken = false;
    void handle.broken.then(() => (broken = true));
    const { port1, port2 } = new MessageChannel();
    for (let n = 0; n <= MAX_FORMS; n++) {
      expect(broken).toBe(false);
      const shape = { kind: 'json-schema', schema: `{"enum":["${n}"]}` } as const;
      // Forms count when they are handed over, whatever becomes of the answer.
      await worker.generate({ promptIds: [300], prefixIds: [], maxTokens: 1, shape }, port2);
    }
    expect((await handle.broken).message).toContain('grammar compiler');
    port1.close();
  });

  it('takes the cache from a check that had its time, and the check goes on as if alone', async () => {
    const { worker, state } = await loadToyWorker();
    const promptIds = unwrap(await worker.encodePrompt([{ role: 'user', text: 'what is a node' }]));
    const claim = Array.from({ length: 60 }, (_, n) => 300 + n);
    const alone = unwrap(await worker.score(promptIds, claim));
    let scored = false;
    const check = worker.score(promptIds, claim).finally(() => (scored = true));
    // It has begun.
    await new Promise((resolve) => setImmediate(resolve));
    state.nowMs += CHECK_TURN_MS;
    const { port1, port2 } = new MessageChannel();
    await worker.generate({ promptIds, prefixIds: [], maxTokens: 99, shape: yesOrNo }, port2);
    expect(scored).toBe(false);
    for (const [at, { margin }] of unwrap(await check).entries())
      // Put in again at once, ids are computed by the other kernel.
      expect(Math.abs(margin - alone[at]!.margin)).toBeLessThan(0.01);
    port1.close();
  });

  it('lets a check wait for it, but not for ever', async () => {
    const { worker } = await loadToyWorker();
    const encoded = unwrap(await worker.encodePrompt([{ role: 'user', text: 'what is a node' }]));
    const start = (grammar: string, at: number, then: () => void) => {
      const { port1, port2 } = new MessageChannel();
      let tokens = 0;
      port1.onmessage = ({ data }: MessageEvent<{ type: string }>) => {
        if (data.type === 'token' && ++tokens === at) then();
      };
      const shape = { kind: 'grammar', grammar } as const;
      return worker
        .generate({ promptIds: encoded, prefixIds: [], maxTokens: 150, shape }, port2)
        .finally(() => port1.close());
    };
    let short: ReturnType<typeof worker.score> | null = null;
    await start('root ::= "hello there"', 1, () => (short = worker.score(encoded, [300])));
    expect((await short!).ok).toBe(true);
    let long: ReturnType<typeof worker.score> | null = null;
    await start(`root ::= "${'q '.repeat(80)}"`, 1, () => (long = worker.score(encoded, [300])));
    expect(await long!).toMatchObject({ error: { code: 'engine_busy' } });
  });
});
