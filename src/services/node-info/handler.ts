import { ok } from '#core/base/result';
import type { Handler } from '#core/bus/capability';
import type { InfoOutput } from './contract';

export const createInfoHandler =
  (info: () => InfoOutput): Handler<Record<string, never>, InfoOutput> =>
  async () =>
    ok(info());
