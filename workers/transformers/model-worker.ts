import { fail, ok, type Result } from '#core/base/result';
import type { GenerationEvent, ModelWorker, WorkerLoaded } from '#core/engines/worker-protocol';
import { createYield } from '../shared/yield-to-messages';
import { pickDevice } from './environment';
import { generateTokens, scoreTokens, type GenerationRules } from './generation';
import { CARD_FILE, readModelCard } from './model-card';
import { openSource, textOf, type OpenedModel } from './open-source';
import { encodeConversation, type PromptStyle } from './prompting';
import { loadRuntime, type TextRuntime } from './runtime';

interface Loaded {
  readonly style: PromptStyle;
  readonly rules: GenerationRules;
  readonly runtime: TextRuntime;
}

/** Newer models keep their template in a file of its own, which the library does not look for. */
const TEMPLATE_FILE = 'chat_template.jinja';

async function styleOf(opened: OpenedModel): Promise<Result<PromptStyle>> {
  if (opened.chatTemplate === 'none') return ok({ kind: 'none' });
  if (opened.chatTemplate === 'tokenizer')
    return ok({ kind: 'tokenizer', template: await textOf(opened, TEMPLATE_FILE) });
  const card = readModelCard(await textOf(opened, CARD_FILE));
  return card.ok ? ok({ kind: 'card', card: card.value }) : card;
}

/** The model worker over transformers.js; see `ModelWorker` for what it promises. */
export function createModelWorker(): ModelWorker<MessagePort> {
  const yieldToMessages = createYield();
  let loaded: Loaded | null = null;

  const withModel = async <T>(run: (model: Loaded) => Promise<Result<T>> | Result<T>): Promise<Result<T>> =>
    loaded === null ? fail('engine_failed', 'The model is not loaded.') : run(loaded);

  return {
    async load({ modelId, source, device: wanted }, progress) {
      const opened = await openSource(source, (state) => progress.postMessage(state));
      progress.close();
      if (!opened.ok) return opened;
      const style = await styleOf(opened.value);
      if (!style.ok) return style;
      const card = style.value.kind === 'card' ? style.value.card : null;
      const contextTokens = card?.contextTokens ?? opened.value.contextTokens;
      if (contextTokens === null) return fail('load_failed', 'The model does not say how much text it holds.');
      const device = await pickDevice(wanted, opened.value.features);
      const runtime = await loadRuntime(opened.value, device, contextTokens);
      const [endTokenId, ...otherEndIds] = card === null ? runtime.endTokenIds : [card.endTokenId];
      if (endTokenId === undefined)
        return fail('load_failed', 'The model could not be loaded: it does not say which token ends an answer.');
      const greeting = encodeConversation(runtime.tokenizer, style.value, [{ role: 'user', text: 'hello' }]);
      if (!greeting.ok) return fail('load_failed', greeting.error.message);
      await warmUp(runtime, greeting.value);
      loaded = { style: style.value, rules: { decision: card?.decision ?? {}, endTokenId, otherEndIds }, runtime };
      const identity = {
        id: modelId,
        name: card?.name ?? opened.value.name ?? modelId,
        hash: opened.value.hash,
        engine: `transformers/${device}`,
        contextTokens,
      };
      return ok<WorkerLoaded>({ identity, endTokenId });
    },

    encodePrompt: (messages) =>
      withModel(({ style, runtime }) => {
        const ids = encodeConversation(runtime.tokenizer, style, messages);
        if (!ids.ok || ids.value.length < runtime.contextTokens) return ids;
        return fail(
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
      withModel(({ runtime, rules }) => scoreTokens(runtime, rules, promptIds, outputIds, sampling, yieldToMessages)),

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
async function warmUp(runtime: TextRuntime, ids: readonly number[]): Promise<void> {
  const sequence = runtime.openSequence();
  await sequence.feedAll(ids);
  await sequence.feed(ids.slice(-1));
  sequence.close();
}
