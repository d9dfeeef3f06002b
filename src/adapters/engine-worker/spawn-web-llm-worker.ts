import { transfer } from 'comlink';
import type { ModelWorker } from '#core/engines/worker-protocol';
import type { ModelWorkerHandle } from './model-worker-handle';
import { handleOf } from './worker-thread';

/** The Web Worker that runs models on web-llm. Its script is fetched here, the package itself with the first model. */
const startThread = (): Worker =>
  new Worker(new URL('../../../workers/web-llm/main.ts', import.meta.url), { type: 'module', name: 'web-llm' });

/** `start` starts another thread that says the same. */
export const spawnWebLlmWorker = (start: () => Worker = startThread): ModelWorkerHandle =>
  handleOf<ModelWorker<MessagePort>>(start(), (remote) => ({
    load: (request, progress) => remote.load(request, transfer(progress, [progress])),
    encodePrompt: (messages) => remote.encodePrompt(messages),
    decode: (ids) => remote.decode(ids),
    score: (promptIds, outputIds, sampling) => remote.score(promptIds, outputIds, sampling),
    generate: (request, port) => remote.generate(request, transfer(port, [port])),
  }));
