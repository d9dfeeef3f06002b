import { createSystemClock } from '#adapters/clock-system/system-clock';
import type { ModelWorkerHandle } from '#adapters/engine-worker/model-worker-handle';
import { spawnModelWorker } from '#adapters/engine-worker/spawn-model-worker';
import { loadSupervisedModel } from '#adapters/engine-worker/supervised-model';
import { unwrap } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { samplingSeed, type Sampling } from '#core/engines/sampling';
import { endlessSource } from '#tests/browser/engine.sources';

const clock = createSystemClock();
const never = new AbortController().signal;

declare global {
  interface Window {
    /** Kills the browser's graphics process; the bench offers it. */
    crashGraphics(): Promise<void>;
  }
}

export interface Subject {
  readonly folder: string;
  readonly question: string;
}

/** The model of a folder through the adapter of the app, with answers as long as they are asked for. */
async function openEndless({ folder }: Subject): Promise<LanguageModel> {
  return unwrap(
    await loadSupervisedModel({
      modelId: 'under-measure',
      source: await endlessSource(folder),
      device: 'wasm',
      clock,
      spawn: spawnModelWorker,
      onProgress: () => {},
      onGone: () => {},
    }),
  );
}

const promptOf = async (model: LanguageModel, question: string): Promise<readonly number[]> =>
  unwrap(await model.encodePrompt([{ role: 'user', text: question }]));

async function timed<T>(run: () => Promise<T>): Promise<{ readonly value: T; readonly tookMs: number }> {
  const startedMs = performance.now();
  const value = await run();
  return { value, tookMs: performance.now() - startedMs };
}

async function answer(
  model: LanguageModel,
  promptIds: readonly number[],
  maxTokens: number,
  sampling?: Sampling,
): Promise<readonly number[]> {
  const request = {
    promptIds,
    prefixIds: [],
    maxTokens,
    signal: never,
    ...(sampling === undefined ? {} : { sampling }),
  };
  const { ids } = unwrap(await model.generate(request, () => {}));
  if (ids.length !== maxTokens) throw new Error(`An answer ended after ${ids.length} of ${maxTokens} tokens.`);
  return ids;
}

/** Sampling of the n-th answer. */
const drawn = (model: LanguageModel, index: number): Sampling => ({
  temperature: 1,
  seeds: [
    {
      from: 0,
      seed: samplingSeed({
        nonce: new Uint8Array(32).fill(index),
        jobId: `bench-${index}`,
        executor: 'ab'.repeat(32),
        modelHash: model.identity.hash,
      }),
    },
  ],
});

export interface LengthRow {
  readonly tokens: number;
  readonly generateMs: number;
  readonly checkMs: number;
}

const harness = {
  /** Answers of these lengths, each checked at once; where the context is too short, as many tokens as it holds. */
  async lengths(subject: Subject, lengths: readonly number[], rounds: number): Promise<LengthRow[][]> {
    const model = await openEndless(subject);
    const promptIds = await promptOf(model, subject.question);
    const room = model.identity.contextTokens - promptIds.length;
    const rowsByLength: LengthRow[][] = lengths.map(() => []);
    // The first round compiles and fills caches, and is not kept.
    for (let round = -1; round < rounds; round++) {
      for (const [at, wanted] of lengths.entries()) {
        const tokens = Math.min(wanted, room);
        const generated = await timed(() => answer(model, promptIds, tokens));
        const checked = await timed(async () => unwrap(await model.score(promptIds, generated.value)));
        if (checked.value.some(({ rank }) => rank > 0)) throw new Error('The model found fault with its own answer.');
        if (round >= 0) rowsByLength[at]!.push({ tokens, generateMs: generated.tookMs, checkMs: checked.tookMs });
      }
    }
    await model.dispose();
    return rowsByLength;
  },

  /** Greedy and drawn answers in turns, and what checking each costs; milliseconds for a whole answer. */
  async draws(subject: Subject, tokens: number, rounds: number) {
    const model = await openEndless(subject);
    const promptIds = await promptOf(model, subject.question);
    const rows: { greedyMs: number; drawnMs: number; greedyCheckMs: number; drawnCheckMs: number }[] = [];
    for (let round = -1; round < rounds; round++) {
      const sampling = drawn(model, round + 1);
      const both = [undefined, sampling];
      // The order changes, so that a machine that grows slower favours neither.
      if (round % 2 !== 0) both.reverse();
      const found = new Map<Sampling | undefined, { generateMs: number; checkMs: number }>();
      for (const how of both) {
        const generated = await timed(() => answer(model, promptIds, tokens, how));
        const checked = await timed(async () => unwrap(await model.score(promptIds, generated.value, how)));
        if (checked.value.some(({ margin }) => margin > 0)) throw new Error('The model found fault with its own draw.');
        found.set(how, { generateMs: generated.tookMs, checkMs: checked.tookMs });
      }
      const greedy = found.get(undefined)!;
      const sampled = found.get(sampling)!;
      if (round >= 0)
        rows.push({
          greedyMs: greedy.generateMs,
          drawnMs: sampled.generateMs,
          greedyCheckMs: greedy.checkMs,
          drawnCheckMs: sampled.checkMs,
        });
    }
    await model.dispose();
    return rows;
  },

  /** From the abort to the settled generation: after so many tokens, or (0) while the prompt is being read. */
  async stops(subject: Subject, afterTokens: readonly number[]): Promise<number[]> {
    const model = await openEndless(subject);
    const promptIds = await promptOf(model, subject.question);
    const room = model.identity.contextTokens - promptIds.length;
    const latencies: number[] = [];
    for (const after of afterTokens) {
      const abort = new AbortController();
      let abortedMs = 0;
      let tokens = 0;
      const stop = (): void => {
        abortedMs = performance.now();
        abort.abort();
      };
      // What was given out before and comes again is read in one pass: a long one for the person who stops in it.
      const prefixIds = after === 0 ? await answer(model, promptIds, room - 1) : [];
      const running = model.generate({ promptIds, prefixIds, maxTokens: room, signal: abort.signal }, () => {
        if (++tokens === after) stop();
      });
      if (after === 0) {
        // One turn through the worker and back: by then it has begun.
        await model.decode([]);
        stop();
      }
      const { finish } = unwrap(await running);
      latencies.push(performance.now() - abortedMs);
      if (finish !== 'cancelled') throw new Error(`A stopped answer ended ${finish}.`);
    }
    await model.dispose();
    return latencies;
  },

  /** Loses the graphics device in the middle of an answer and asks again at once. Times count from the loss. */
  async loseDevice({ folder, question }: Subject) {
    const handles: ModelWorkerHandle[] = [];
    const loading = await timed(async () =>
      unwrap(
        await loadSupervisedModel({
          modelId: 'under-measure',
          source: { kind: 'folder', url: `${location.origin}${folder}` },
          device: 'webgpu',
          clock,
          spawn() {
            const handle = spawnModelWorker();
            handles.push(handle);
            return handle;
          },
          onProgress: () => {},
          onGone: () => {},
        }),
      ),
    );
    const model = loading.value;
    const promptIds = await promptOf(model, question);
    const before = model.identity.engine;
    let lostMs = 0;
    const broken = await model.generate({ promptIds, prefixIds: [], maxTokens: 200, signal: never }, () => {
      if (lostMs > 0) return;
      lostMs = performance.now();
      void window.crashGraphics();
    });
    const toldMs = performance.now() - lostMs;
    let firstTokenMs = 0;
    unwrap(
      await model.generate({ promptIds, prefixIds: [], maxTokens: 200, signal: never }, () => {
        firstTokenMs ||= performance.now() - lostMs;
      }),
    );
    const answeredMs = performance.now() - lostMs;
    const after = model.identity.engine;
    await model.dispose();
    return {
      engines: [before, after] as const,
      told: broken.ok ? broken.value.finish : broken.error.code,
      workers: handles.length,
      loadMs: loading.tookMs,
      toldMs,
      firstTokenMs,
      answeredMs,
    };
  },
};

export type EnginesHarness = typeof harness;
Object.assign(window, { engines: harness });
