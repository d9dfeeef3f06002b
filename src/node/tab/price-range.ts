import type { CapabilityId } from '#core/bus/capability';
import type { MeshNode } from '../create-node';
import type { PriceRange } from '../tab-node';

const CHAT: CapabilityId = 'llm.chat@1';

/** What those who offer answers now would charge for this one at most. Null: nobody is paid here, or nobody offers. */
export async function priceRange(node: MeshNode, input: unknown): Promise<PriceRange | null> {
  const economy = await node.economy();
  if (economy === null) return null;
  const prices = await Promise.all(
    node.roster.offering(CHAT).map((entry) => economy.payer.price(entry.node, CHAT, input)),
  );
  if (prices.length === 0) return null;
  const paid = prices.filter((price) => price !== null);
  return {
    fromMicros: paid.length === 0 ? 0 : Math.min(...paid),
    toMicros: paid.length === 0 ? 0 : Math.max(...paid),
    free: paid.length < prices.length,
  };
}
