import type { Handler } from '#core/bus/capability';
import type { TextStatsOutput } from './contract';
import { runTextStats } from './run';

export const textStatsHandler: Handler<unknown, TextStatsOutput> = async (payload) => runTextStats(payload);
