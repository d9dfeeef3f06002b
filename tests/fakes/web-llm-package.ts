import { MLCEngine, type LogitProcessor, type MLCEngineConfig } from '@mlc-ai/web-llm';
import type { Engine, WebLlmModule } from '#workers/web-llm/engine';
import { PREFILL_CHUNK, toyLogits, type Cached } from './web-llm';

/** What happens in the engine, for whoever looks on. */
export interface PipelineEvents {
  /** Before each pass; a promise that never settles is a device that is lost. */
  readonly onPass: () => Promise<void>;
  /** An answer is taken up: tokens computed again, tokens that a copy of the cache covers. */
  readonly onTakenUp: (replayedTokens: number, coveredTokens: number) => void;
}

interface Step {
  readonly source: 'prefill' | 'decode';
  readonly tokenId: number;
  readonly globalTokenPos: number;
}
interface Journaled {
  readonly tokenId: number;
}
interface Checkpoint {
  readonly processedSeqLen: number;
  readonly pageGroups: readonly { readonly data: ArrayBuffer | Uint8Array<ArrayBuffer> }[];
}
interface Limits {
  readonly max_tokens?: number | null;
}

/** The calls of `LLMChatPipeline` in 0.2.86 that the engine and its crash-resume make, over the toy. */
function createToyPipeline(
  processor: LogitProcessor | undefined,
  endIds: readonly number[],
  promptIds: () => readonly number[],
  textOf: (ids: readonly number[]) => string,
  { onPass, onTakenUp }: PipelineEvents,
) {
  let cache: Cached[] = [];
  let outputIds: number[] = [];
  let message = '';
  let finishReason: string | undefined;
  let conversation: unknown = null;

  async function forward(ids: readonly number[]): Promise<Float32Array> {
    await onPass();
    for (let from = 0; from < ids.length; from += PREFILL_CHUNK) {
      const chunk = ids.slice(from, from + PREFILL_CHUNK);
      cache.push(...chunk.map((id) => ({ id, byDecode: chunk.length === 1 })));
    }
    return toyLogits(cache);
  }
  function sample(logits: Float32Array): number {
    const processed = processor?.processLogits(logits) ?? logits;
    return processed.reduce((best, logit, id) => (logit > processed[best]! ? id : best), 0);
  }
  function commit(tokenId: number, { max_tokens }: Limits): void {
    processor?.processSampledToken(tokenId);
    if (finishReason !== undefined) throw new Error('Cannot call process when it is stopped');
    if (endIds.includes(tokenId)) finishReason = 'stop';
    else outputIds.push(tokenId);
    message = textOf(outputIds);
    if (outputIds.length >= (max_tokens ?? Infinity)) finishReason ??= 'length';
  }
  function begin(): void {
    outputIds = [];
    message = '';
    finishReason = undefined;
  }
  function resetChat(): void {
    cache = [];
    begin();
    processor?.resetState();
  }
  const copyOfCache = () => ({
    processedSeqLen: cache.length,
    layoutHash: 'toy',
    metadata: { groups: [] },
    pageGroups: [
      {
        groupId: 0,
        layerStart: 0,
        layerEnd: 1,
        data: new Uint8Array(Int32Array.from(cache, ({ id, byDecode }) => (byDecode ? -id - 1 : id)).buffer),
      },
    ],
  });

  return {
    resetChat,
    setConversation: (given: unknown) => (conversation = given),
    getConversationObject: () => conversation,
    getFinishReason: () => finishReason,
    getMessage: () => message,
    getTokenLogprobArray: () => [],
    stopped: () => finishReason !== undefined,
    triggerStop: () => void (finishReason ??= 'abort'),
    setSeed() {},
    getRNGState: () => 1,
    setRNGState: () => true,
    async forwardTokensAndSample(ids: number[]) {
      const id = sample(await forward(ids));
      processor?.processSampledToken(id);
      return id;
    },
    async samplePrefillStep() {
      begin();
      const promptTokenIds = [...promptIds()];
      const tokenId = sample(await forward(promptTokenIds));
      return { source: 'prefill', tokenId, globalTokenPos: cache.length, promptTokenIds, assistantPrefixTokenIds: [] };
    },
    async sampleDecodeStep(_limits: Limits, { captureCheckpoint }: { captureCheckpoint?: boolean } = {}) {
      const logits = await forward([outputIds.at(-1)!]);
      const decodeCheckpoint = captureCheckpoint === true ? copyOfCache() : undefined;
      return { source: 'decode', tokenId: sample(logits), globalTokenPos: cache.length, decodeCheckpoint };
    },
    commitSampledStep(step: Step, limits: Limits) {
      const before = message;
      commit(step.tokenId, limits);
      let same = 0;
      while (same < before.length && before[same] === message[same]) same++;
      return { ...step, textDelta: message.slice(same), textPrefixLength: same };
    },
    async replayGenerationTokens(prompt: number[], _prefix: number[], tokens: readonly Journaled[], limits: Limits) {
      resetChat();
      onTakenUp(tokens.length, 0);
      const logits = await forward(prompt);
      if (tokens.length === 0) {
        const sampledToken = { source: 'prefill' as const, tokenId: sample(logits), globalTokenPos: prompt.length };
        const committedToken = this.commitSampledStep(sampledToken, limits);
        return { replayedTokens: 0, sampledToken, committedToken };
      }
      for (const [at, { tokenId }] of tokens.entries()) {
        if (at > 0) await forward([tokens[at - 1]!.tokenId]);
        commit(tokenId, limits);
      }
      return { replayedTokens: tokens.length };
    },
    async replayFromPromptCheckpoint(
      { pageGroups }: Checkpoint,
      _prefix: number[],
      covered: readonly Journaled[],
      tail: readonly Journaled[],
      limits: Limits,
    ) {
      resetChat();
      onTakenUp(tail.length, covered.length);
      const { data } = pageGroups[0]!;
      const numbers = new Int32Array(data instanceof ArrayBuffer ? data : Uint8Array.from(data).buffer);
      cache = Array.from(numbers, (one) => (one < 0 ? { id: -one - 1, byDecode: true } : { id: one, byDecode: false }));
      for (const { tokenId } of covered) commit(tokenId, limits);
      if (tail.length === 0) throw new Error('The toy keeps no logits beside its cache.');
      for (const [at, { tokenId }] of tail.entries()) {
        if (at > 0) await forward([tail[at - 1]!.tokenId]);
        commit(tokenId, limits);
      }
      return { replayedTokens: tail.length };
    },
  };
}

/** One after the other, as the package's own lock. */
function createLock() {
  let last = Promise.resolve();
  let free: () => void = () => {};
  return {
    async acquire() {
      const before = last;
      last = new Promise((resolve) => (free = resolve));
      const mine = free;
      await before;
      free = mine;
    },
    release: async () => free(),
  };
}

/**
 * The package's own engine, with a toy in place of its pipeline: what its chat requests and its crash-resume do, write, lock
 * and refuse is the package's own code, and only the numbers are not. It reaches into what is private there, so it stands
 * for this version alone.
 */
export function createPackageOverToy(textOf: (ids: readonly number[]) => string, events: PipelineEvents): WebLlmModule {
  class PackageOverToy extends MLCEngine {
    readonly #config: MLCEngineConfig;

    constructor(config: MLCEngineConfig = {}) {
      super(config);
      this.#config = config;
    }

    override async reload(...[modelId, chatOpts]: Parameters<Engine['reload']>): Promise<void> {
      if (Array.isArray(modelId) || Array.isArray(chatOpts) || chatOpts?.conv_template === undefined)
        throw new Error('The toy is one model.');
      const template = chatOpts.conv_template;
      const pipeline = createToyPipeline(
        this.#config.logitProcessorRegistry?.get(modelId),
        template.stop_token_ids,
        () => template.system_prefix_token_ids ?? [],
        textOf,
        events,
      );
      const lock = createLock();
      Object.assign(this, {
        loadedModelIdToPipeline: new Map([[modelId, pipeline]]),
        loadedModelIdToChatConfig: new Map([[modelId, chatOpts]]),
        loadedModelIdToModelType: new Map([[modelId, 0]]),
        loadedModelIdToLock: new Map([[modelId, lock]]),
        // The package asks whether the pipeline is one of its own class, which it does not export.
        getLLMStates: () => [modelId, pipeline, chatOpts],
      });
    }
  }
  return { MLCEngine: PackageOverToy };
}
