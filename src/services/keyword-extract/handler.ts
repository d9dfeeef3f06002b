import type { Handler } from '#core/bus/capability';
import type { KeywordExtractOutput } from './contract';
import { runKeywordExtract } from './run';

export const keywordExtractHandler: Handler<unknown, KeywordExtractOutput> = async (payload) =>
  runKeywordExtract(payload);
