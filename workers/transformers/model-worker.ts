import { fail, ok, type Result } from '#core/base/result';
import { modelHashOf } from '#core/engines/model-hash';
import type { GenerationEvent, ModelWorker, WorkerLoaded } from '#core/engines/worker-protocol';
import { createYield } from '../shared/yield-to-messages';
import { generateTokens, scoreTokens, type GenerationRules } from './generation';
import { loadModelFiles, MODEL_CACHE, type ModelFileSource } from './model-files';
import { readModelCard, renderPrompt, type ModelCard } from './model-card';
import { loadRuntime, pickDevice, type TextRuntime } from './runtime';

interface Loaded {
  readonly card: ModelCard;
  readonly rules: GenerationRules;
  readonly runtime: TextRuntime;
}

async function fileSource(): Promise<ModelFileSource> {
  return {
    fetch: (input, init) => fetch(input, init),
    cache: 'caches' in self ? await caches.open(MODEL_CACHE).catch(() => null) : null,
    digest: async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)),
  };
}

/** The model worker over transformers.js; see `ModelWorker` for what it promises. */
export function createModelWorker(): ModelWorker<MessagePort> {
  const yieldToMessages = createYield();
  let loaded: Loaded | null = null;

  const withModel = async <T>(run: (model: Loaded) => Promise<Result<T>> | Result<T>): Promise<Result<T>> =>
    loaded === null ? fail('engine_failed', 'The model is not loaded.') : run(loaded);

  return {
    async load({ modelId, source, device: wanted }, progress) {
      if (source.kind !== 'folder') return fail('load_failed', 'This engine cannot load stored models yet.');
      const files = await loadModelFiles(source.url, await fileSource(), (state) => progress.postMessage(state));
      progress.close();
      if (!files.ok) return files;
      const card = readModelCard(files.value);
      if (!card.ok) return card;
      const device = await pickDevice(wanted);
      const runtime = await loadRuntime(modelId, files.value, device, card.value.contextTokens);
      const { name, endTokenId, decision } = card.value;
      loaded = { card: card.value, rules: { decision, endTokenId }, runtime };
      await warmUp(loaded);
      const identity = {
        id: modelId,
        name,
        hash: modelHashOf(files.value.hashByPath),
        engine: `transformers/${device}`,
        contextTokens: card.value.contextTokens,
      };
      return ok<WorkerLoaded>({ identity, endTokenId });
    },

    encodePrompt: (messages) =>
      withModel(({ card, runtime }) => {
        const ids = runtime.encode(renderPrompt(card, messages));
        return ids.length < runtime.contextTokens
          ? ok(ids)
          : fail(
              'prompt_too_long',
              `The question is too long for this model: it holds ${runtime.contextTokens} tokens in all.`,
            );
      }),

    decode: (ids) =>
      withModel(({ runtime }) =>
        ids.every((id) => Number.isInteger(id) && id >= 0 && id < runtime.vocabularySize)
          ? ok(runtime.decode(ids))
          : fail('unknown_token', 'The text has tokens that this model does not have.'),
      ),

    score: (promptIds, outputIds, sampling) =>
      withModel(({ runtime, rules }) => scoreTokens(runtime, rules, promptIds, outputIds, sampling)),

    async generate(request, port) {
      const tell = (event: GenerationEvent): void => port.postMessage(event);
      let stopped = false;
      port.onmessage = () => (stopped = true);
      try {
        const run = await withModel(({ runtime, rules }) =>
          generateTokens(runtime, rules, request, {
            onToken: (token) => tell({ type: 'token', token }),
            stopped: () => stopped,
            yieldToMessages,
          }),
        );
        if (run.ok) tell({ type: 'ended', finish: run.value });
        else tell({ type: 'failed', code: run.error.code, message: run.error.message });
      } finally {
        port.onmessage = null;
      }
    },
  };
}

/** A first pass compiles kernels and allocates; without it the first question would pay for that. */
async function warmUp({ card, runtime }: Loaded): Promise<void> {
  const ids = runtime.encode(renderPrompt(card, [{ role: 'user', text: 'hello' }]));
  const sequence = runtime.openSequence();
  await sequence.feed(ids);
  await sequence.feed(ids.slice(-1));
  sequence.close();
  await runtime.pass(ids);
}
