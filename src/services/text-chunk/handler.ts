import type { Handler } from '#core/bus/capability';
import type { TextChunkOutput } from './contract';
import { runTextChunk } from './run';

export const textChunkHandler: Handler<unknown, TextChunkOutput> = async (payload) => runTextChunk(payload);
