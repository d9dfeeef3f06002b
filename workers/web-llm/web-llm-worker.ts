import { fail, ok, type Result } from '#core/base/result';
import type { FinishReason, LoadProgress } from '#core/engines/language-model';
import type { GenerationEvent, ModelWorker, WorkerLoaded, WorkerLoadRequest } from '#core/engines/worker-protocol';
import { createYield } from '../shared/yield-to-messages';
import { generateTokens, scoreTokens, type ForwardModel } from '../transformers/generation';
import { encodeConversation } from '../transformers/prompting';
import { passThroughTemplate, type ChatRequestParts } from './chat-request';
import type { WebLlmModule } from './engine';
import { checkAdapter, watchDevices, type GraphicsScope } from './graphics';
import { createKeyValueCache, PASS_TOKENS } from './key-value-cache';
import { CHECKPOINT_TOKENS, generateKept } from './kept-answer';
import { openModel, type OpenedModel } from './open-model';
import { formatOf, generateShaped } from './shaped-answer';
import { addressOf, closeNetwork, serveStored, type NetworkScope } from './stored-scopes';
import { createTokenProcessor } from './token-processor';
import { createTurns } from './turns';

/**
 * xgrammar keeps every form that it ever compiled, about half a megabyte each. After so many the worker is replaced,
 * between two answers.
 */
export const MAX_FORMS = 512;

export interface WebLlmWorkerOptions {
  /** The package; fetched when a model is loaded and everything that can be looked at before is right. */
  readonly loadModule: () => Promise<WebLlmModule>;
  /** The worker's global scope: its caches and its network are taken over. */
  readonly scope: NetworkScope & GraphicsScope;
  /** Ends this worker: its page hears of it and starts another. */
  readonly breakDown: (error: Error) => void;
  readonly nowMs: () => number;
  /** `CHECKPOINT_TOKENS` when absent. */
  readonly checkpointTokens?: number;
}

interface Loaded extends ChatRequestParts {
  readonly opened: OpenedModel;
}

/** Of web-llm's errors those that say what the device lacks, as its own classes are called. */
const UNFIT = ['ShaderF16SupportError', 'FeatureSupportError', 'WebGPUNotAvailableError'];

/**
 * The model worker over web-llm; see `ModelWorker` for what it promises. The engine is constructed here and not by the
 * package's own pair of page and worker: that pair answers our messages with errors, loses the kind of its own, and takes
 * no logit processor.
 *
 * Generation and checking drive the engine by `forwardTokensAndSample`, token by token, and not by its chat requests:
 * they take the ids that `encodePrompt` gave, exactly, where a chat request takes text and makes its own prompt of it; an
 * answer goes on after any of its tokens and stops after any; and every logit is seen once, raw, by the rule that the
 * checkers apply. That call locks nothing and reads no settings but those of the load, so `turns` locks and the load sets
 * all of them. Only answers in a given form go by chat requests, for their grammar, and those that nobody checks, for the
 * package's crash-resume (see `generateKept`).
 *
 * `load` takes models of the store. Any message on its progress port gives the load up, with `cancelled`; the worker is
 * then of no more use. `score` also fails with `engine_busy`, when other checks or an answer in a given form would keep
 * it waiting too long.
 */
export function createWebLlmWorker(options: WebLlmWorkerOptions): ModelWorker<MessagePort> {
  const { loadModule, scope, breakDown, nowMs, checkpointTokens = CHECKPOINT_TOKENS } = options;
  const yieldToMessages = createYield();
  const forms = new Set<string>();
  let loaded: Loaded | null = null;

  const withModel = async <T>(run: (model: Loaded) => Promise<Result<T>> | Result<T>): Promise<Result<T>> =>
    loaded === null ? fail('engine_failed', 'The model is not loaded.') : run(loaded);

  const forwardModelOf = ({ vocabularySize, contextTokens, decode }: Loaded): Omit<ForwardModel, 'openSequence'> => ({
    vocabularySize,
    contextTokens,
    passTokens: PASS_TOKENS,
    decode,
  });

  async function loadModel(
    { modelId, source, device }: WorkerLoadRequest,
    tell: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<Result<WorkerLoaded>> {
    const opening = await openModel(source);
    if (!opening.ok) return opening;
    const opened = opening.value;
    const { manifest, hash, library, blobByPath, vocabularySize, contextTokens, tokenizer } = opened;
    const fits = await checkAdapter(scope, manifest, device);
    if (!fits.ok) return fits;
    const greeting = encodeConversation(tokenizer.prompt, opened.style, [{ role: 'user', text: 'hello' }]);
    if (!greeting.ok) return fail('load_failed', greeting.error.message);
    let module: WebLlmModule;
    try {
      module = await loadModule();
    } catch {
      return fail('offline', 'The engine is not on this device yet, and there is no connection to load it.');
    }

    closeNetwork(scope);
    watchDevices(scope, (message) => breakDown(new Error(`the graphics device was lost (${message})`)));
    const totalBytes = Object.values(blobByPath).reduce((sum, { size }) => sum + size, 0);
    let loadedBytes = 0;
    const tellState = (): void => tell({ loadedBytes, totalBytes });
    tellState();
    const address = addressOf(hash);
    const files = serveStored(
      scope,
      address,
      blobByPath,
      (path) => {
        loadedBytes += blobByPath[path]!.size;
        tellState();
      },
      signal,
    );

    const { endTokenId, otherEndIds } = opened;
    const processor = createTokenProcessor(vocabularySize);
    const template = passThroughTemplate([endTokenId, ...otherEndIds]);
    const engine = new module.MLCEngine({
      appConfig: {
        model_list: [
          {
            model: address,
            model_id: modelId,
            model_lib: address + library,
            required_features: [...manifest.features],
          },
        ],
        cacheBackend: 'cache',
      },
      logitProcessorRegistry: new Map([[modelId, processor]]),
      // Compiling kernels reads nothing more, but says that it goes on.
      initProgressCallback: tellState,
      logLevel: 'WARN',
    });
    try {
      await engine.reload(modelId, {
        context_window_size: contextTokens,
        sliding_window_size: -1,
        conv_template: template,
        conv_config: {},
        // Neutral: the processor has chosen already.
        temperature: 1,
        top_p: 1,
        repetition_penalty: 1,
        frequency_penalty: 0,
        presence_penalty: 0,
      });
    } catch (error) {
      if (!signal.aborted) {
        if (error instanceof Error && UNFIT.includes(error.name)) return fail('load_failed', error.message);
        throw error;
      }
    } finally {
      files.close();
    }
    // Given up while it read, the engine says nothing at all.
    if (signal.aborted) return fail('cancelled', 'Loading the model was given up.');

    // web-llm takes nothing up again for a model that has a processor here, since it cannot put back what a processor
    // remembers. Ours remembers nothing: it stays where the load has put it.
    engine.setLogitProcessorRegistry(new Map());
    const turns = createTurns();
    const cache = createKeyValueCache({ engine, modelId, processor, turns, nowMs });
    const rules = { decision: {}, endTokenId, otherEndIds };
    const { decode } = tokenizer;
    loaded = {
      ...{ opened, engine, modelId, template, processor, turns, cache, rules },
      ...{ vocabularySize, contextTokens, decode, nowMs },
    };
    await warmUp(loaded, greeting.value);
    const identity = { id: modelId, name: manifest.name, hash, engine: 'web-llm/webgpu', contextTokens };
    return ok({ identity, endTokenId });
  }

  return {
    async load(request, progress) {
      const given = new AbortController();
      progress.onmessage = () => given.abort();
      try {
        return await loadModel(request, (state) => progress.postMessage(state), given.signal);
      } finally {
        progress.close();
      }
    },

    encodePrompt: (messages) =>
      withModel(({ opened, contextTokens }) => {
        const ids = encodeConversation(opened.tokenizer.prompt, opened.style, messages);
        if (!ids.ok || ids.value.length < contextTokens) return ids;
        return fail(
          'prompt_too_long',
          `The question is too long for this model: it holds ${contextTokens} tokens in all.`,
        );
      }),

    decode: (ids) =>
      withModel(({ vocabularySize, decode }) =>
        ids.every((id) => Number.isInteger(id) && id >= 0 && id < vocabularySize)
          ? ok(decode(ids))
          : fail('unknown_token', 'The text has tokens that this model does not have.'),
      ),

    score: (promptIds, outputIds, sampling) =>
      withModel(async (model) => {
        const sequence = await model.cache.openCheck();
        if (sequence === null)
          return fail('engine_busy', 'The model on this device is busy with other work; ask another node to check.');
        try {
          const oneByOne = { ...forwardModelOf(model), passTokens: 1, openSequence: () => sequence };
          return await scoreTokens(oneByOne, model.rules, promptIds, outputIds, sampling, yieldToMessages);
        } finally {
          sequence.close();
        }
      }),

    async generate(request, port) {
      const tell = (event: GenerationEvent): void => port.postMessage(event);
      const stop = new AbortController();
      port.onmessage = () => stop.abort();
      const run = {
        onToken: (token: { id: number; text: string }) => tell({ type: 'token', token }),
        stopped: () => stop.signal.aborted,
        yieldToMessages,
      };
      try {
        const result = await withModel<FinishReason>(async (model) => {
          const { shape, keptAs } = request;
          if (shape === undefined) {
            let { prefixIds } = request;
            if (keptAs !== undefined) {
              const kept = await generateKept(model, { keptAs, checkpointTokens }, request, run, stop.signal);
              if (!kept.ok) return kept;
              if ('finish' in kept.value) return ok(kept.value.finish);
              prefixIds = kept.value.goesOnAfter;
            }
            const openSequence = () => model.cache.openAnswer(stop.signal);
            const tokenByToken = { ...forwardModelOf(model), openSequence };
            return generateTokens(tokenByToken, model.rules, { ...request, prefixIds }, run);
          }
          const format = formatOf(shape);
          if (!format.ok) return format;
          forms.add(JSON.stringify(format.value));
          return generateShaped(model, format.value, request, run, stop.signal);
        });
        if (result.ok) tell({ type: 'ended', finish: result.value });
        else tell({ type: 'failed', code: result.error.code, message: result.error.message });
      } catch (error) {
        // Stopped while others computed.
        if (error !== stop.signal.reason) throw error;
        tell({ type: 'ended', finish: 'cancelled' });
      } finally {
        port.onmessage = null;
        if (forms.size > MAX_FORMS) breakDown(new Error('its grammar compiler is full'));
      }
    },
  };
}

/**
 * A first pass allocates and compiles what is left to compile; without it the first question would pay for that. It also
 * finds a device that computes nonsense (see `createTokenProcessor`) before anyone asks it.
 */
async function warmUp({ cache }: Loaded, ids: readonly number[]): Promise<void> {
  const sequence = cache.openAnswer(new AbortController().signal);
  await sequence.feed(ids);
  await sequence.feed(ids.slice(-1));
  sequence.close();
}
