import { expect, test } from 'vitest';
import { createVerify } from '#adapters/verify-noble';
import { unwrap } from '#core/base/result';
import { createNodeCard } from '#core/ledger/cards/node-card';
import { NO_PAPERS, openNodePapers } from '#core/ledger/cards/node-papers';
import { checkAgainst } from '#core/wire/gate';
import { CARDS_AT, host, nodeCardDraft } from '#tests/fakes/host-cards';
import { nodeCards } from './contract';
import { createNodeCardsHandler } from './handler';

const context = {
  caller: 'a'.repeat(64),
  local: false,
  callId: 'c',
  signal: new AbortController().signal,
  emit: () => {},
};

test('a node shows its card and offers as the contract promises', async () => {
  const papers = { card: await createNodeCard(host, nodeCardDraft), advertisements: [] };
  const shown = unwrap(await createNodeCardsHandler(async () => papers)({}, context));
  expect(checkAgainst(nodeCards.output, shown)).toEqual({ ok: true, value: papers });
  expect(await openNodePapers(shown, host.nodeId, createVerify(), CARDS_AT)).toMatchObject({ ok: true });
});

test('nothing to show is an answer too, and anything else than papers is none', async () => {
  const shown = unwrap(await createNodeCardsHandler(async () => NO_PAPERS)({}, context));
  expect(checkAgainst(nodeCards.output, shown).ok).toBe(true);
  expect(checkAgainst(nodeCards.output, { ...shown, price: 1 }).ok).toBe(false);
});
