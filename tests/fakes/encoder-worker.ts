import type { EncoderWorkerHandle } from '#adapters/engine-worker/model-worker-handle';
import { utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import { fail, ok, type Failure, type Result } from '#core/base/result';
import type { EncoderLoadRequest, EncoderTask } from '#core/engines/encoder-protocol';
import type { ModelIdentity } from '#core/engines/language-model';

/** What the fake model holds, in words. */
export const FAKE_CONTEXT_WORDS = 64;
const DIMENSIONS = 16;
const LABELS = ['question', 'story', 'order'];

export interface FakeEncoderWorker extends EncoderWorkerHandle {
  readonly loads: readonly EncoderLoadRequest[];
  /** How many texts each call brought. */
  readonly calls: readonly number[];
  readonly terminated: boolean;
  /** Breaks the worker itself, as a crash of its thread does. */
  crash(why: string): void;
}

export interface FakeEncoderFaults {
  /** Settles before each call is answered: one that rejects stands for a fault of the runtime, one that hangs for a hang. */
  readonly before?: () => Promise<void>;
  readonly engine?: string;
}

/** Numbers between -1 and 1 that follow from the first words of a text, and from nothing else. */
function numbersOf(text: string, count: number): { numbers: Float32Array; truncated: boolean } {
  const words = text.split(/\s+/);
  const digest = sha256(utf8(words.slice(0, FAKE_CONTEXT_WORDS).join(' ')));
  const numbers = Float32Array.from({ length: count }, (_, at) => (digest[at]! - 127.5) / 127.5);
  return { numbers, truncated: words.length > FAKE_CONTEXT_WORDS };
}

/** An encoder worker without a thread: plain code in place of a model. Dead once terminated: nothing settles any more. */
export function createFakeEncoderWorker(faults: FakeEncoderFaults = {}): FakeEncoderWorker {
  const loads: EncoderLoadRequest[] = [];
  const calls: number[] = [];
  let terminated = false;
  let task: EncoderTask | null = null;
  let crash: (failure: Failure) => void = () => {};
  const broken = new Promise<Failure>((resolve) => (crash = resolve));

  const answer = async <T>(
    wanted: EncoderTask,
    texts: readonly string[],
    of: (text: string) => T,
  ): Promise<Result<readonly T[]>> => {
    calls.push(texts.length);
    await faults.before?.();
    if (terminated) return new Promise<never>(() => {});
    return task === wanted ? ok(texts.map(of)) : fail('wrong_task', 'The model was loaded for another task.');
  };

  return {
    broken,
    loads,
    calls,
    get terminated() {
      return terminated;
    },
    crash: (why) => crash({ code: 'engine_failed', message: why }),
    terminate() {
      terminated = true;
    },
    worker: {
      async loadEncoder(request, progress) {
        loads.push(request);
        task = request.task;
        progress.postMessage({ loadedBytes: 1, totalBytes: 1 });
        // The page hears of it before the load ends: two turns of the event loop, one each way.
        for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
        const identity: ModelIdentity = {
          id: request.modelId,
          name: 'Fake',
          hash: 'ab'.repeat(32),
          engine: faults.engine ?? 'fake',
          contextTokens: FAKE_CONTEXT_WORDS,
        };
        if (task === 'embed') return ok({ task, identity, dimensions: DIMENSIONS });
        return task === 'rerank' ? ok({ task, identity }) : ok({ task, identity, labels: LABELS, exclusive: true });
      },
      embed: (texts) =>
        answer('embed', texts, (text) => {
          const { numbers, truncated } = numbersOf(text, DIMENSIONS);
          const length = Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0));
          return { vector: numbers.map((value) => value / length), truncated };
        }),
      async rank(query, passages) {
        if (query.split(/\s+/).length >= FAKE_CONTEXT_WORDS)
          return fail('query_too_long', 'The question leaves no room for a passage in this model.');
        return answer('rerank', passages, (passage) => {
          const { truncated } = numbersOf(passage, 1);
          return { score: (numbersOf(`${query} / ${passage}`, 1).numbers[0]! + 1) / 2, truncated };
        });
      },
      classify: (texts) =>
        answer('classify', texts, (text) => {
          const { numbers, truncated } = numbersOf(text, LABELS.length);
          const sum = numbers.reduce((total, value) => total + value + 1, 0);
          const labels = LABELS.map((label, at) => ({ label, probability: (numbers[at]! + 1) / sum }));
          return { labels: labels.sort((a, b) => b.probability - a.probability), truncated };
        }),
    },
  };
}
