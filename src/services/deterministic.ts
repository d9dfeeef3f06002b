import type { Capability, Handler, ServiceDefinition } from '#core/bus/capability';
import type { WorkKind } from '#core/experts/work-kind';
import { jobTypesByName, type JobType, type JobTypes } from '#core/jobs/batch/job-type';
import { echo, echoText, echoUnits, type EchoOutput } from './echo/contract';
import { echoPayloadFault, runEcho } from './echo/run';
import { textStats, textStatsText, textStatsUnits, type TextStatsOutput } from './text-stats/contract';
import { textStatsPayloadFault, runTextStats } from './text-stats/run';
import {
  keywordExtract,
  keywordExtractText,
  keywordExtractUnits,
  type KeywordExtractOutput,
} from './keyword-extract/contract';
import { keywordExtractPayloadFault, runKeywordExtract } from './keyword-extract/run';
import { textChunk, textChunkText, textChunkUnits, type TextChunkOutput } from './text-chunk/contract';
import { textChunkPayloadFault, runTextChunk } from './text-chunk/run';
import { textEmbed, textEmbedText, textEmbedUnits, type TextEmbedOutput } from './text-embed/contract';
import { textEmbedPayloadFault, runTextEmbed } from './text-embed/run';
import { textRetrieve, textRetrieveText, textRetrieveUnits, type TextRetrieveOutput } from './text-retrieve/contract';
import { textRetrievePayloadFault, runTextRetrieve, withFloatScores } from './text-retrieve/run';

interface Definition<Output> {
  readonly capability: Capability<unknown, Output>;
  run: JobType<Output>['run'];
  payloadFault: JobType<Output>['payloadFault'];
  units: JobType<Output>['units'];
  text: JobType<Output>['text'];
  load(): Promise<Handler<unknown, Output>>;
  withFloats?: JobType<Output>['withFloats'];
}

interface DeterministicJob {
  readonly jobType: JobType;
  readonly workKind: WorkKind;
  readonly service: ServiceDefinition;
}

/** One job as batches, the pipeline and the bus need it. */
function defineJob<Output>(definition: Definition<Output>): DeterministicJob {
  const {
    capability,
    run,
    payloadFault,
    units,
    text,
    load,
    withFloats = (output: Output): unknown => output,
  } = definition;
  const jobType: JobType<Output> = {
    name: capability.id.slice(0, capability.id.indexOf('@')),
    capability: capability.id,
    output: capability.output,
    run,
    payloadFault,
    units,
    text,
    withFloats,
  };
  const workKind: WorkKind<unknown, Output, never> = {
    capability,
    check: 'redo',
    checkCapability: 'check.redo@1',
    progress: () => ({ ids: [], text: '' }),
    text,
    model: () => null,
    tokens: () => null,
    units: (payload, output) => (payloadFault(payload) === null ? units(output) : 0),
  };
  return { jobType, workKind, service: { capability, load } };
}

const echoJob = defineJob<EchoOutput>({
  capability: echo,
  run: runEcho,
  payloadFault: echoPayloadFault,
  units: echoUnits,
  text: echoText,
  load: async () => (await import('./echo/handler')).echoHandler,
});

const textStatsJob = defineJob<TextStatsOutput>({
  capability: textStats,
  run: runTextStats,
  payloadFault: textStatsPayloadFault,
  units: textStatsUnits,
  text: textStatsText,
  load: async () => (await import('./text-stats/handler')).textStatsHandler,
});

const keywordExtractJob = defineJob<KeywordExtractOutput>({
  capability: keywordExtract,
  run: runKeywordExtract,
  payloadFault: keywordExtractPayloadFault,
  units: keywordExtractUnits,
  text: keywordExtractText,
  load: async () => (await import('./keyword-extract/handler')).keywordExtractHandler,
});

const textChunkJob = defineJob<TextChunkOutput>({
  capability: textChunk,
  run: runTextChunk,
  payloadFault: textChunkPayloadFault,
  units: textChunkUnits,
  text: textChunkText,
  load: async () => (await import('./text-chunk/handler')).textChunkHandler,
});

const textEmbedJob = defineJob<TextEmbedOutput>({
  capability: textEmbed,
  run: runTextEmbed,
  payloadFault: textEmbedPayloadFault,
  units: textEmbedUnits,
  text: textEmbedText,
  load: async () => (await import('./text-embed/handler')).textEmbedHandler,
});

const textRetrieveJob = defineJob<TextRetrieveOutput>({
  capability: textRetrieve,
  run: runTextRetrieve,
  payloadFault: textRetrievePayloadFault,
  units: textRetrieveUnits,
  text: textRetrieveText,
  load: async () => (await import('./text-retrieve/handler')).textRetrieveHandler,
  withFloats: withFloatScores,
});

const jobs: readonly DeterministicJob[] = [
  echoJob,
  textStatsJob,
  keywordExtractJob,
  textChunkJob,
  textEmbedJob,
  textRetrieveJob,
];

/** The six jobs whose output depends on the payload alone, by the names that manifests use. */
export const deterministicJobTypes: JobTypes = jobTypesByName(jobs.map((job) => job.jobType));

/** The same for the pipeline: checked by doing them again. */
export const deterministicWorkKinds: readonly WorkKind[] = jobs.map((job) => job.workKind);

/** The same for the bus. */
export const deterministicServices: readonly ServiceDefinition[] = jobs.map((job) => job.service);
