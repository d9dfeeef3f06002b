import { transfer } from 'comlink';
import type { EncoderWorker } from '#core/engines/encoder-protocol';
import type { ModelWorker } from '#core/engines/worker-protocol';
import type { EncoderWorkerHandle, ModelWorkerHandle } from './model-worker-handle';
import { handleOf } from './worker-thread';

/** The Web Worker that runs models on transformers.js. Its script, and with it the runtime, is first fetched here. */
const startThread = (): Worker =>
  new Worker(new URL('../../../workers/transformers/main.ts', import.meta.url), { type: 'module', name: 'model' });

export const spawnModelWorker = (): ModelWorkerHandle =>
  handleOf<ModelWorker<MessagePort>>(startThread(), (remote) => ({
    load: (request, progress) => remote.load(request, transfer(progress, [progress])),
    encodePrompt: (messages) => remote.encodePrompt(messages),
    decode: (ids) => remote.decode(ids),
    score: (promptIds, outputIds, sampling) => remote.score(promptIds, outputIds, sampling),
    generate: (request, port) => remote.generate(request, transfer(port, [port])),
  }));

export const spawnEncoderWorker = (): EncoderWorkerHandle =>
  handleOf<EncoderWorker<MessagePort>>(startThread(), (remote) => ({
    loadEncoder: (request, progress) => remote.loadEncoder(request, transfer(progress, [progress])),
    embed: (texts) => remote.embed(texts),
    rank: (query, passages) => remote.rank(query, passages),
    classify: (texts) => remote.classify(texts),
  }));
