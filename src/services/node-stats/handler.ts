import { ok } from '#core/base/result';
import type { Handler } from '#core/bus/capability';
import type { StatsOutput } from './contract';

export const createStatsHandler =
  (stats: () => StatsOutput): Handler<Record<string, never>, StatsOutput> =>
  async () =>
    ok(stats());
