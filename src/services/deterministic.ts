import type { Capability, Handler, ServiceDefinition } from '#core/bus/capability';
import type { WorkKind } from '#core/experts/work-kind';
import { echo, echoText, echoUnits, type EchoOutput } from './echo/contract';
import { textStats, textStatsText, textStatsUnits, type TextStatsOutput } from './text-stats/contract';
import {
  keywordExtract,
  keywordExtractText,
  keywordExtractUnits,
  type KeywordExtractOutput,
} from './keyword-extract/contract';
import { textChunk, textChunkText, textChunkUnits, type TextChunkOutput } from './text-chunk/contract';
import { textEmbed, textEmbedText, textEmbedUnits, type TextEmbedOutput } from './text-embed/contract';
import { textRetrieve, textRetrieveText, textRetrieveUnits, type TextRetrieveOutput } from './text-retrieve/contract';

interface Definition<Output> {
  readonly capability: Capability<unknown, Output>;
  /** For an output that a validator accepted. */
  units(output: Output, payload: unknown): number;
  text(output: Output): string;
  load(): Promise<Handler<unknown, Output>>;
}

const hasMessage = (payload: unknown): boolean =>
  typeof payload === 'object' && payload !== null && 'message' in payload;

interface DeterministicJob {
  readonly workKind: WorkKind;
  readonly service: ServiceDefinition;
}

/** One job as the pipeline and the bus need it; its code comes with the first call. */
function defineJob<Output>({ capability, units, text, load }: Definition<Output>): DeterministicJob {
  const workKind: WorkKind<unknown, Output, never> = {
    capability,
    check: 'redo',
    checkCapability: 'check.redo@1',
    progress: () => ({ ids: [], text: '' }),
    text,
    model: () => null,
    tokens: () => null,
    units: (payload, output) => units(output, payload),
  };
  return { workKind, service: { capability, load } };
}

const jobs: readonly DeterministicJob[] = [
  defineJob<EchoOutput>({
    capability: echo,
    // An echo of nothing completes, and no validator accepts it.
    units: (_output, payload) => (hasMessage(payload) ? echoUnits() : 0),
    text: echoText,
    load: async () => (await import('./echo/handler')).echoHandler,
  }),
  defineJob<TextStatsOutput>({
    capability: textStats,
    units: textStatsUnits,
    text: textStatsText,
    load: async () => (await import('./text-stats/handler')).textStatsHandler,
  }),
  defineJob<KeywordExtractOutput>({
    capability: keywordExtract,
    units: keywordExtractUnits,
    text: keywordExtractText,
    load: async () => (await import('./keyword-extract/handler')).keywordExtractHandler,
  }),
  defineJob<TextChunkOutput>({
    capability: textChunk,
    units: textChunkUnits,
    text: textChunkText,
    load: async () => (await import('./text-chunk/handler')).textChunkHandler,
  }),
  defineJob<TextEmbedOutput>({
    capability: textEmbed,
    units: textEmbedUnits,
    text: textEmbedText,
    load: async () => (await import('./text-embed/handler')).textEmbedHandler,
  }),
  defineJob<TextRetrieveOutput>({
    capability: textRetrieve,
    units: textRetrieveUnits,
    text: textRetrieveText,
    load: async () => (await import('./text-retrieve/handler')).textRetrieveHandler,
  }),
];

/** The six jobs whose output depends on the payload alone, for the pipeline: checked by doing them again. */
export const deterministicWorkKinds: readonly WorkKind[] = jobs.map((job) => job.workKind);

/** The same for the bus. */
export const deterministicServices: readonly ServiceDefinition[] = jobs.map((job) => job.service);
