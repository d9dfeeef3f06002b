import { ok } from '#core/base/result';
import type { Handler } from '#core/bus/capability';
import type { NodePapers } from '#core/ledger/cards/node-papers';

export const createNodeCardsHandler =
  (papers: () => Promise<NodePapers>): Handler<Record<string, never>, NodePapers> =>
  async () =>
    ok(await papers());
