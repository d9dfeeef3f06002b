import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  ChatCompletionRequestNonStreaming,
  ChatCompletionRequestStreaming,
  ChatOptions,
  LogitProcessor,
  MLCEngineConfig,
  ResponseFormat,
  ResumeChatCompletionOptions,
  ResumeProbeResult,
  ResumeResult,
} from '@mlc-ai/web-llm';
import type { Engine, WebLlmModule } from '#workers/web-llm/engine';
import type { GraphicsAdapter, GraphicsDevice } from '#workers/web-llm/graphics';
import type { WebLlmWorkerOptions } from '#workers/web-llm/web-llm-worker';
import { TOY_ANSWER_MARK, TOY_END, TOY_VOCABULARY } from './web-llm-model';

type Scope = WebLlmWorkerOptions['scope'];

export interface StandInFaults {
  /** A real global scope with its real graphics; without it everything is made up. */
  readonly scope?: Scope;
  readonly features?: readonly string[];
  readonly software?: boolean;
  readonly noAdapter?: boolean;
  /** Every logit is NaN: a device that computes nonsense. */
  readonly nonsense?: boolean;
  /** The device's sampler draws this token whatever it is given. */
  readonly drawsAlways?: number;
  /** The private files of this browser, which outlive the worker; without them it has none of its own. */
  readonly kept?: KeptSessions;
  /** So many tokens at the end of an unfinished answer are not on disk yet. */
  readonly unwritten?: number;
  /** Copies of the cache turn out to be unreadable after the tokens that they cover were put back. */
  readonly brokenCopies?: boolean;
  /** Called with each shard that is read while loading. */
  readonly onShard?: (path: string) => void;
}

/** What crash-resume has on disk, by the name of each session. */
export type KeptSessions = Map<string, KeptSession>;

interface KeptSession {
  readonly modelId: string;
  readonly request: ChatCompletionRequestStreaming;
  readonly promptIds: readonly number[];
  readonly tokens: number[];
  /** The key-value cache after the prompt and so many of the tokens. */
  checkpoint: { readonly cache: readonly Cached[]; readonly tokens: number } | null;
  finished: boolean;
}

export interface StandInWebLlm {
  readonly module: WebLlmModule;
  /** The global scope of the worker that the module believes to be in. */
  readonly scope: Scope;
  /** Addresses that were asked of the network; all of them were refused. */
  readonly fetched: readonly string[];
  /** Settings that the engine was last loaded with, the model's own under those of the load. */
  readonly settings: ChatOptions;
  /** Per call of `forwardTokensAndSample` the ids that were fed. */
  readonly fed: readonly (readonly number[])[];
  /** Formats of the chat requests, and the ids that each put in before its first token. */
  readonly formats: readonly ResponseFormat[];
  readonly prompts: readonly (readonly number[])[];
  /** Per answer that was taken up: how many of its tokens were computed again, and whether a copy of the cache was put back. */
  readonly resumed: readonly { readonly replayedTokens: number; readonly recoveryMode: 'kv' | 'token_replay' }[];
  loseDevice(message: string): void;
  /** Loses the device in the pass after so many more of them; as web-llm's, that pass never ends. */
  loseDeviceAfter(passes: number): void;
}

/** Ids with the kernel that put them into the cache. */
export interface Cached {
  readonly id: number;
  readonly byDecode: boolean;
}

export const PREFILL_CHUNK = 64;
const MASKED = -3.4e38;

/**
 * Stands in for the module `@mlc-ai/web-llm`, since no model library can be had without a network: the surface that our
 * worker uses, with the types of the package, so that a package that changes breaks the type check here. It does what was
 * read in the source of 0.2.86: files come through the global caches and, where they lack one, from the network; logit
 * processors really choose; the key-value cache has one sequence and a length that must fit; a chat request prefills what
 * its template begins with, masks by its format before the processor, and holds the engine while it runs; crash-resume
 * refuses a registered processor and a format, writes each token behind the answer and the cache now and then, and
 * shows a processor every token that it puts back. Its logits are
 * a toy: a function of the ids in the cache, and in their last digits of the kernel that put each there. A format is
 * understood when it lists its texts: a schema that is one `enum`, or a grammar of alternatives in quotation marks.
 */
export function createStandInWebLlm(
  textOf: (ids: readonly number[]) => string,
  faults: StandInFaults = {},
): StandInWebLlm {
  const fetched: string[] = [];
  const fed: number[][] = [];
  const formats: ResponseFormat[] = [];
  const prompts: (readonly number[])[] = [];
  const resumed: { replayedTokens: number; recoveryMode: 'kv' | 'token_replay' }[] = [];
  /** What each token writes, as far as it was asked. */
  const pieces: string[] = [];
  let settings: ChatOptions = {};
  let lose: (message: string) => void = () => {};
  let passesLeft = Infinity;

  const prototype: { requestDevice(): Promise<GraphicsDevice> } = {
    requestDevice: async () => ({
      lost: new Promise((resolve) => (lose = (message) => resolve({ message }))),
    }),
  };
  const adapter = Object.assign(Object.create(prototype) as typeof prototype, {
    features: new Set(faults.features ?? ['shader-f16']),
    isFallbackAdapter: faults.software === true,
  });
  const scope: Scope = faults.scope ?? {
    navigator: { gpu: { requestAdapter: async () => (faults.noAdapter === true ? null : adapter) } },
    GPUAdapter: { prototype },
    fetch(input: Request) {
      fetched.push(input.url);
      return Promise.reject(new TypeError('Failed to fetch'));
    },
  };

  /** As web-llm reads a file: from the cache of that name, else by `cache.add`, which fetches. */
  async function read(cacheName: string, url: string): Promise<Response> {
    const cache = await (scope.caches as CacheStorage).open(cacheName);
    if ((await cache.match(new Request(url))) === undefined) await cache.add(new Request(url));
    return (await cache.match(new Request(url)))!;
  }

  class StandInEngine implements Engine {
    #config: MLCEngineConfig;
    #processor: LogitProcessor | undefined;
    #cache: Cached[] = [];
    #interrupted = false;
    #running = false;

    constructor(config: MLCEngineConfig = {}) {
      this.#config = config;
    }

    async reload(modelId: string | string[], chatOpts?: ChatOptions | ChatOptions[]): Promise<void> {
      const record = this.#config.appConfig?.model_list.find((one) => one.model_id === modelId);
      if (record === undefined || Array.isArray(chatOpts)) throw new Error('ModelNotFoundError');
      this.#processor = this.#config.logitProcessorRegistry?.get(record.model_id);
      try {
        await this.#load(record.model, record.model_lib, record.required_features ?? [], chatOpts);
      } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') return;
        throw error;
      }
    }

    async #load(model: string, library: string, features: readonly string[], chatOpts: ChatOptions | undefined) {
      const own = (await (await read('webllm/config', `${model}mlc-chat-config.json`)).json()) as ChatOptions;
      settings = { ...own, ...chatOpts };
      await (await read('webllm/wasm', library)).arrayBuffer();
      const found = (await scope.navigator!.gpu!.requestAdapter()) as GraphicsAdapter & {
        requestDevice(): Promise<GraphicsDevice & { destroy?(): void }>;
      };
      const device = await found.requestDevice();
      if (device.destroy !== undefined) lose = () => device.destroy!();
      const missing = features.find((feature) => !found.features.has(feature));
      if (missing !== undefined) throw Object.assign(new Error(missing), { name: 'FeatureSupportError' });
      await (await read('webllm/model', `${model}tokenizer.json`)).arrayBuffer();
      const { records } = (await (await read('webllm/model', `${model}tensor-cache.json`)).json()) as {
        records: { dataPath: string }[];
      };
      for (const [index, { dataPath }] of records.entries()) {
        faults.onShard?.(dataPath);
        await deviceSync();
        await (await read('webllm/model', new URL(dataPath, model).href)).arrayBuffer();
        const text = `Loading model from cache[${index + 1}/${records.length}]`;
        this.#config.initProgressCallback?.({ progress: (index + 1) / records.length, timeElapsed: 0, text });
      }
      const { context_window_size: window = -1, sliding_window_size: sliding = -1 } = settings;
      if ((window === -1) === (sliding === -1)) throw new Error('WindowSizeConfigurationError');
      this.#cache = [];
      this.#config.initProgressCallback?.({ progress: 1, timeElapsed: 0, text: 'Finish loading' });
    }

    async resetChat(): Promise<void> {
      this.#cache = [];
      this.#processor?.resetState();
    }

    async forwardTokensAndSample(inputIds: number[], _isPrefill: boolean): Promise<number> {
      if (this.#running) throw new Error('The engine is in use: this call takes no lock.');
      fed.push([...inputIds]);
      this.#forward(inputIds);
      return this.#sample(null);
    }

    #forward(ids: readonly number[]): void {
      for (let from = 0; from < ids.length; from += PREFILL_CHUNK) {
        const chunk = ids.slice(from, from + PREFILL_CHUNK);
        for (const id of chunk) {
          if (!(id >= 0 && id < TOY_VOCABULARY)) throw new Error('memory access out of bounds');
          this.#cache.push({ id, byDecode: chunk.length === 1 });
        }
      }
      if (this.#cache.length > (settings.context_window_size ?? 0)) throw new Error('The key-value cache is full.');
    }

    /** `written` is what a form has so far and `allowed` the texts that it takes; null where nothing is asked for. */
    async #sample(form: { written: readonly number[]; allowed: readonly string[] } | null): Promise<number> {
      await deviceSync();
      if (passesLeft-- <= 0) {
        lose('');
        await new Promise(() => {});
      }
      const neutral = [settings.temperature, settings.top_p, settings.repetition_penalty, settings.frequency_penalty];
      if (neutral.some((value) => value === undefined)) throw new RangeError('A setting of the sampler is missing.');
      const logits = faults.nonsense === true ? new Float32Array(TOY_VOCABULARY).fill(NaN) : toyLogits(this.#cache);
      if (form !== null) {
        const soFar = textOf(form.written);
        for (let id = 0; id < logits.length; id++) {
          const longer = soFar + (pieces[id] ??= textOf([id]));
          const fits =
            id === TOY_END
              ? form.allowed.includes(soFar)
              : longer.length > soFar.length && form.allowed.some((text) => text.startsWith(longer));
          if (!fits) logits[id] = MASKED;
        }
      }
      const processed = this.#processor?.processLogits(logits) ?? logits;
      let drawn = 0;
      for (let id = 1; id < processed.length; id++) if (processed[id]! > processed[drawn]!) drawn = id;
      drawn = faults.drawsAlways ?? drawn;
      this.#processor?.processSampledToken(drawn);
      if (form !== null && logits[drawn]! <= Math.fround(MASKED))
        throw new Error('Grammar matcher rejected the newly sampled token.');
      return drawn;
    }

    setLogitProcessorRegistry(registry?: Map<string, LogitProcessor>): void {
      this.#config = { ...this.#config, logitProcessorRegistry: registry! };
    }

    chatCompletion(request: ChatCompletionRequestNonStreaming): Promise<ChatCompletion>;
    chatCompletion(request: ChatCompletionRequestStreaming): Promise<AsyncIterable<ChatCompletionChunk>>;
    chatCompletion(request: ChatCompletionRequest): Promise<AsyncIterable<ChatCompletionChunk> | ChatCompletion>;
    async chatCompletion(request: ChatCompletionRequest): Promise<AsyncIterable<ChatCompletionChunk> | ChatCompletion> {
      if (request.stream !== true) throw new Error('The stand-in only streams.');
      const resumable = request.extra_body?.resumable;
      if (resumable?.enabled === true) {
        if (request.response_format != null) throw new Error('Resumable generation does not support grammars.');
        if (this.#config.logitProcessorRegistry?.has(request.model!) === true)
          throw new Error('Resumable generation does not support a custom LogitProcessor.');
      }
      return this.#stream(request);
    }

    async *#stream(request: ChatCompletionRequestStreaming): AsyncGenerator<ChatCompletionChunk> {
      const { messages, response_format } = request;
      this.#running = true;
      try {
        this.#interrupted = false;
        const template = settings.conv_template!;
        const written =
          messages.map(({ content }) => content).join('') + template.seps.join('') + template.system_message;
        if (written !== '') throw new Error('The stand-in has no tokenizer for the text of a template.');
        await this.resetChat();
        const promptIds = [...(template.system_prefix_token_ids ?? [])];
        prompts.push(promptIds);
        this.#forward(promptIds);
        const resumable = request.extra_body?.resumable;
        let session: KeptSession | null = null;
        if (resumable?.enabled === true && faults.kept !== undefined) {
          if (faults.kept.has(resumable.sessionId!)) throw new Error('Resumable session already exists.');
          const modelId = request.model!;
          session = { modelId, request, promptIds, tokens: [], checkpoint: null, finished: false };
          faults.kept.set(resumable.sessionId!, session);
        }
        if (response_format != null) formats.push(response_format);
        const allowed = resumable?.enabled === true ? null : textsOf(response_format);
        yield* this.#goOn(request, [], session, allowed);
      } finally {
        this.#running = false;
      }
    }

    /** The tokens after those of `answer`, the last of which is not in the cache yet. */
    async *#goOn(
      { max_tokens, extra_body }: ChatCompletionRequestStreaming,
      answer: number[],
      session: KeptSession | null,
      allowed: readonly string[] | null,
    ): AsyncGenerator<ChatCompletionChunk> {
      const { stop_token_ids } = settings.conv_template!;
      const isOver = (): boolean =>
        stop_token_ids.includes(answer.at(-1) ?? -1) || answer.length >= (max_tokens ?? Infinity);
      const every = extra_body?.resumable?.checkpointIntervalTokens ?? 512;
      let over = isOver();
      while (!over && !this.#interrupted) {
        const last = answer.at(-1);
        if (last !== undefined) this.#forward([last]);
        if (session !== null && answer.length - (session.checkpoint?.tokens ?? 0) >= every)
          session.checkpoint = { cache: [...this.#cache], tokens: answer.length };
        const id = await this.#sample(allowed === null ? null : { written: answer, allowed });
        answer.push(id);
        over = isOver();
        session?.tokens.splice(
          0,
          Infinity,
          ...answer.slice(0, over ? answer.length : -(faults.unwritten ?? 0) || undefined),
        );
        yield chunkOf(null);
      }
      if (session !== null && over) session.finished = true;
      yield chunkOf(over ? 'stop' : null);
    }

    async listResumableSessions(): Promise<ResumeProbeResult[]> {
      return [...(faults.kept ?? [])].map(([sessionId, session]) => {
        const { modelId, tokens, promptIds, checkpoint, finished } = session;
        const resumable = !finished && this.#config.logitProcessorRegistry?.has(modelId) !== true;
        return {
          ...{ sessionId, resumable, modelId },
          emittedTokens: tokens.length,
          processedSeqLen: promptIds.length + tokens.length,
          recoveryMode: !resumable ? 'none' : checkpoint === null ? 'token_replay' : 'kv',
        };
      });
    }

    async resumeChatCompletion(
      sessionId: string,
      options?: ResumeChatCompletionOptions,
    ): Promise<ResumeResult | AsyncIterable<ChatCompletionChunk>> {
      const session = faults.kept?.get(sessionId);
      if (session === undefined) throw new Error(`Resumable session not found: ${sessionId}`);
      if (options?.continueGeneration !== true || options.stream !== true)
        throw new Error('The stand-in takes a session up as a stream only.');
      return this.#takeUp(session);
    }

    async *#takeUp(session: KeptSession): AsyncGenerator<ChatCompletionChunk> {
      this.#running = true;
      try {
        this.#interrupted = false;
        const { promptIds, tokens } = session;
        let { checkpoint } = session;
        if (checkpoint !== null && faults.brokenCopies === true) {
          await this.resetChat();
          for (const id of tokens.slice(0, checkpoint.tokens)) this.#processor?.processSampledToken(id);
          checkpoint = null;
        }
        await this.resetChat();
        const covered = checkpoint?.tokens ?? 0;
        if (checkpoint === null) this.#forward(promptIds);
        else this.#cache = [...checkpoint.cache];
        for (const [at, id] of tokens.entries()) {
          if (at > covered) this.#forward([tokens[at - 1]!]);
          this.#processor?.processSampledToken(id);
        }
        const recoveryMode = checkpoint === null ? 'token_replay' : 'kv';
        resumed.push({ replayedTokens: tokens.length - covered, recoveryMode });
        yield* this.#goOn(session.request, [...tokens], session, null);
      } finally {
        this.#running = false;
      }
    }

    async deleteResumableSession(sessionId: string): Promise<void> {
      faults.kept?.delete(sessionId);
    }

    async interruptGenerate(): Promise<void> {
      this.#interrupted = true;
    }
  }

  return {
    module: { MLCEngine: StandInEngine },
    scope,
    fetched,
    get settings() {
      return settings;
    },
    fed,
    formats,
    prompts,
    resumed,
    loseDevice: (message) => lose(message),
    loseDeviceAfter: (passes) => (passesLeft = passes),
  };
}

/** Waiting for the device lets the thread's messages in. */
const deviceSync = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

const chunkOf = (finish_reason: 'stop' | null): ChatCompletionChunk => ({
  id: 'toy',
  choices: [{ delta: {}, finish_reason, index: 0 }],
  model: 'toy',
  object: 'chat.completion.chunk',
  created: 0,
});

/** The texts that a format lists. */
function textsOf(format: ResponseFormat | undefined): readonly string[] {
  if (format?.type === 'json_object') {
    const { enum: values } = JSON.parse(format.schema!) as { enum?: unknown[] };
    if (values !== undefined) return values.map((value) => JSON.stringify(value));
  } else if (format?.type === 'grammar') {
    const [, choices = ''] = /^root ::= (.*)$/.exec(format.grammar!) ?? [];
    return choices.split(' | ').map((text) => JSON.parse(text) as string);
  }
  throw new Error('Failed to initialize the grammar matcher: Aborted().');
}

/** A number between 0 and 1 that follows from two others. */
function noise(a: number, b: number): number {
  let word = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 1, 0xc2b2ae35);
  word = Math.imul(word ^ (word >>> 15), 0x2c1b3c6d);
  word = Math.imul(word ^ (word >>> 12), 0x297a2d39);
  return ((word ^ (word >>> 15)) >>> 0) / 0x1_0000_0000;
}

/** One likeliest token far above the rest, and the end some 14 to 19 tokens after the prompt's last mark. */
export function toyLogits(cache: readonly Cached[]): Float32Array {
  let state = 7;
  let kernels = 3;
  for (const { id, byDecode } of cache) {
    state = Math.imul(state ^ id, 0x01000193) >>> 0;
    kernels = Math.imul(kernels ^ (byDecode ? 1 : 2), 0x01000193) >>> 0;
  }
  const mark = cache.findLastIndex(({ id }) => id === TOY_ANSWER_MARK);
  const prompt = cache.slice(0, mark + 1).reduce((sum, { id }) => sum + id, 0);
  const likeliest = cache.length - mark >= 15 + (prompt % 6) ? TOY_END : 260 + Math.floor(noise(state, 0) * 1_000);
  return Float32Array.from(
    { length: TOY_VOCABULARY },
    (_, id) => 3 * noise(state, id + 1) + (id === likeliest ? 6 : 0) + 1e-3 * noise(kernels, id),
  );
}
