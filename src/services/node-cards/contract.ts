import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { nodePapersSchema, type NodePapers } from '#core/ledger/cards/node-papers';

/** What a node shows of itself as a host: its signed card and offers. Whoever asks checks them with `openNodePapers`. */
export const nodeCards = defineCapability<Record<string, never>, NodePapers>({
  id: 'node.cards@1',
  input: v.strictObject({}) as never,
  output: nodePapersSchema,
  trust: 'member',
  timeoutMs: 5_000,
});
