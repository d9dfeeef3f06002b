import type { Handler } from '#core/bus/capability';
import type { Clock } from '#core/base/ports';
import { ok } from '#core/base/result';

export const createPingHandler =
  (clock: Clock): Handler<{ echo?: string | undefined }, { echo: string | null; at: number }> =>
  async ({ echo }) =>
    ok({ echo: echo ?? null, at: clock.now() });
