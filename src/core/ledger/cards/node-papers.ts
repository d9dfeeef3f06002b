import * as v from 'valibot';
import type { NodeId } from '../../base/ids';
import type { Verify } from '../../base/ports';
import { fail, ok, type Failure, type Result } from '../../base/result';
import { checkAgainst } from '../../wire/gate';
import { signedSchema } from '../../wire/signed';
import { MAX_EXPERTS } from './card-fields';
import { openAdvertisement, type OpenedAdvertisement } from './host-advertisement';
import { openNodeCard, type OpenedNodeCard } from './node-card';

/** What a node shows of itself as a host: its card and its offers, one for each expert. */
export const nodePapersSchema = v.strictObject({
  /** Null: it has none. */
  card: v.nullable(signedSchema),
  advertisements: v.pipe(v.array(signedSchema), v.maxLength(MAX_EXPERTS)),
});
export type NodePapers = v.InferOutput<typeof nodePapersSchema>;

export const NO_PAPERS: NodePapers = { card: null, advertisements: [] };

export interface OpenedPapers {
  readonly card: OpenedNodeCard;
  readonly advertisements: readonly OpenedAdvertisement[];
  /** Why offers were refused, one entry each. */
  readonly refused: readonly Failure[];
}

/**
 * The papers that `node` itself showed, checked: what it passes on from others is refused. An offer that is refused takes
 * nothing else with it. Codes `malformed`, `no_card`, `other_node` (another node's card), those of `openNodeCard`.
 */
export async function openNodePapers(
  given: unknown,
  node: NodeId,
  verify: Verify,
  now: number,
): Promise<Result<OpenedPapers>> {
  const papers = checkAgainst(nodePapersSchema, given);
  if (!papers.ok) return papers;
  if (papers.value.card === null) return fail('no_card', 'The node shows no card.');
  const card = await openNodeCard(papers.value.card, verify, now);
  if (!card.ok) return card;
  if (card.value.node !== node) return fail('other_node', 'The node shows the card of another one.');
  const advertisements: OpenedAdvertisement[] = [];
  const refused: Failure[] = [];
  for (const signed of papers.value.advertisements) {
    const opened = await openAdvertisement(signed, card.value, verify, now);
    if (opened.ok) advertisements.push(opened.value);
    else refused.push(opened.error);
  }
  return ok({ card: card.value, advertisements, refused });
}
