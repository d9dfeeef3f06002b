import { ok } from '#core/base/result';
import type { Handler } from '#core/bus/capability';
import type { ExpertPapers } from '#core/experts/expert-card';

export const createExpertCardsHandler =
  (papers: () => Promise<ExpertPapers>): Handler<Record<string, never>, ExpertPapers> =>
  async () =>
    ok(await papers());
