import { transfer, wrap } from 'comlink';
import type { Failure } from '#core/base/result';
import type { ModelWorker } from '#core/engines/worker-protocol';
import type { ModelWorkerHandle } from './model-worker-handle';

/** Starts the Web Worker that runs models on transformers.js. Its script, and with it the runtime, is first fetched here. */
export function spawnModelWorker(): ModelWorkerHandle {
  const thread = new Worker(new URL('../../../workers/transformers/main.ts', import.meta.url), {
    type: 'module',
    name: 'model',
  });
  const remote = wrap<ModelWorker<MessagePort>>(thread);
  const broken = new Promise<Failure>((resolve) => {
    const tell = (why: string): void =>
      resolve({ code: 'engine_failed', message: `The model's worker stopped: ${why}.` });
    thread.addEventListener('error', (event) => {
      event.preventDefault();
      tell(event.message || 'its script could not be loaded');
    });
    thread.addEventListener('messageerror', () => tell('a message could not be read'));
  });
  return {
    worker: {
      load: (request, progress) => remote.load(request, transfer(progress, [progress])),
      encodePrompt: (messages) => remote.encodePrompt(messages),
      decode: (ids) => remote.decode(ids),
      score: (promptIds, outputIds, sampling) => remote.score(promptIds, outputIds, sampling),
      generate: (request, port) => remote.generate(request, transfer(port, [port])),
    },
    broken,
    terminate: () => thread.terminate(),
  };
}
