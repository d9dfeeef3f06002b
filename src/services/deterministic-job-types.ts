import type { Capability } from '#core/bus/capability';
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

type Definition<Output> = Pick<JobType<Output>, 'run' | 'payloadFault' | 'units' | 'text'> & {
  readonly capability: Capability<unknown, Output>;
  readonly withFloats?: JobType<Output>['withFloats'];
};

/** One job as batches and validators need it. */
function defineType<Output>({ capability, withFloats, ...rest }: Definition<Output>): JobType {
  const type: JobType<Output> = {
    ...rest,
    name: capability.id.slice(0, capability.id.indexOf('@')),
    capability: capability.id,
    output: capability.output,
    withFloats: withFloats ?? ((output) => output),
  };
  return type;
}

/** The six jobs with their code, by the names that manifests use. */
export const deterministicJobTypes: JobTypes = jobTypesByName([
  defineType<EchoOutput>({
    capability: echo,
    run: runEcho,
    payloadFault: echoPayloadFault,
    units: echoUnits,
    text: echoText,
  }),
  defineType<TextStatsOutput>({
    capability: textStats,
    run: runTextStats,
    payloadFault: textStatsPayloadFault,
    units: textStatsUnits,
    text: textStatsText,
  }),
  defineType<KeywordExtractOutput>({
    capability: keywordExtract,
    run: runKeywordExtract,
    payloadFault: keywordExtractPayloadFault,
    units: keywordExtractUnits,
    text: keywordExtractText,
  }),
  defineType<TextChunkOutput>({
    capability: textChunk,
    run: runTextChunk,
    payloadFault: textChunkPayloadFault,
    units: textChunkUnits,
    text: textChunkText,
  }),
  defineType<TextEmbedOutput>({
    capability: textEmbed,
    run: runTextEmbed,
    payloadFault: textEmbedPayloadFault,
    units: textEmbedUnits,
    text: textEmbedText,
  }),
  defineType<TextRetrieveOutput>({
    capability: textRetrieve,
    run: runTextRetrieve,
    payloadFault: textRetrievePayloadFault,
    units: textRetrieveUnits,
    text: textRetrieveText,
    withFloats: withFloatScores,
  }),
]);
