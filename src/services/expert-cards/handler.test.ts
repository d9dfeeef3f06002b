import { expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { checkAgainst } from '#core/wire/gate';
import { sign } from '#core/wire/signed';
import { expertCards } from './contract';
import { createExpertCardsHandler } from './handler';

test('a node shows its papers as the contract promises', async () => {
  const card = await sign(createSeedSigner(new Uint8Array(32).fill(1)), {
    type: 'expert-card',
    v: 1,
  });
  const papers = { cards: [card], verifications: [] };
  const context = {
    caller: 'a'.repeat(64),
    local: false,
    callId: 'c',
    signal: new AbortController().signal,
    emit: () => {},
  };
  const shown = await createExpertCardsHandler(async () => papers)({}, context);
  expect(shown).toEqual({ ok: true, value: papers });
  expect(checkAgainst(expertCards.output, papers).ok).toBe(true);
  expect(
    checkAgainst(expertCards.output, {
      ...papers,
      cards: Array.from({ length: 17 }, () => card),
    }).ok,
  ).toBe(false);
});
