import { expect, test, type Browser, type Page } from '@playwright/test';
import { serveHarness, type HarnessServer } from '../browser/serve-harness';
import {
  arrive,
  askThrough,
  contribute,
  expectNoFaults,
  isLinkedWith,
  ledgerOf,
  seesOffers,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';
import { LIAR_MODULE, openLiar, type LiarAtPage } from './liar-at-page';
import type { Manner } from '../browser/liar.harness';

const QUESTION = 'What is Tabmesh?';

let harness: HarnessServer;
let app: AppServer;
let asker: PersonAtPage;
let checker: PersonAtPage;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  harness = await serveHarness({ modules: [LIAR_MODULE] });
  app = await serveApp({ server: { allowedOrigins: [harness.origin] } });
  asker = await arrive(browser, app.origin);
  checker = await arrive(browser, app.origin);
});
test.afterAll(async () => {
  for (const person of [asker, checker]) await person?.context.close();
  await app?.close();
  await harness?.close();
});

const withdraw = (page: Page): Promise<void> => page.evaluate(() => window.tabmesh!.contribute(false));

/** A liar that contributes, linked with both others. */
async function liarArrives(browser: Browser, manner: Manner): Promise<LiarAtPage> {
  const liar = await openLiar(browser, { harness, app }, manner);
  await contribute(liar.page);
  for (const person of [asker, checker]) await isLinkedWith(person.page, liar.nodeId);
  return liar;
}

async function expectNothingEarned(liar: LiarAtPage): Promise<void> {
  for (const page of [asker.page, checker.page, liar.page]) {
    expect((await ledgerOf(page)).unitsByNode[liar.nodeId] ?? 0).toBe(0);
  }
}

test('a forged token is rejected by the third tab, shown as rejected, and earns nothing', async ({ browser }) => {
  await contribute(checker.page);
  await withdraw(checker.page);
  const liar = await liarArrives(browser, { lies: { forgedTokenAt: 6 }, tokenPauseMs: 60 });
  await seesOffers(asker.page, 'llm.chat@1', 1);

  // Only the liar answers; the one who checks comes while the answer streams.
  await asker.page.getByTestId('ask-input').fill(QUESTION);
  await asker.page.getByTestId('ask-send').click();
  await asker.page.getByRole('button', { name: 'Ask the mesh' }).click();
  const answer = asker.page.getByTestId('answer');
  await expect(answer.getByTestId('answer-text')).toContainText(/\w/);
  await contribute(checker.page);
  await expect(answer.getByTestId('verdict')).toHaveText('Rejected');
  await expect(answer).toContainText('The check failed');
  await expect(answer.getByTestId('answer-text')).toHaveCount(0);
  await answer.getByRole('button', { name: 'Show route' }).click();
  await expect(answer.getByTestId('route')).toContainText(/Rejected/i);
  await answer.getByRole('button', { name: 'Show the rejected text' }).click();
  await expect(answer.getByTestId('answer-text')).toBeVisible();

  const detail = await asker.page.evaluate(async () => {
    const ledger = await window.tabmesh!.ledger();
    const id = ledger.entries.findLast((entry) => entry.receiptId !== null)!.receiptId!;
    return window.tabmesh!.receipt(id);
  });
  expect(detail?.verified).toBe(true);
  expect(detail?.signatures.map((one) => one.keyId)).toContain(checker.nodeId);
  await expectNothingEarned(liar);
  await expectNoFaults(asker, checker, liar);
  await liar.context.close();
});

test('a text that is not what its tokens say is rejected by the third tab and earns nothing', async ({ browser }) => {
  // Single letters, so that what is streamed and what is returned agree and only the tokens tell.
  const liar = await liarArrives(browser, { lies: { swappedWords: { e: 'o' } } });
  await asker.page.waitForFunction(
    (id) => window.tabmesh!.peers().some((peer) => peer.nodeId === id && peer.capabilities.includes('llm.chat@1')),
    liar.nodeId,
  );
  await seesOffers(asker.page, 'check.rescore@1', 2);
  const { updates, answer } = await askThrough(asker.page, QUESTION, { provider: liar.nodeId });
  expect(answer.text).toMatch(/^[^e]{20,}$/s);
  expect(answer).toMatchObject({ verdict: 'rejected', check: 'rescore', experts: [liar.nodeId] });
  expect(answer.validators).toEqual([checker.nodeId]);
  expect(updates).toContainEqual(
    expect.objectContaining({
      type: 'checked',
      validator: checker.nodeId,
      verdict: 'rejected',
      reason: 'text_mismatch',
    }),
  );
  await expectNothingEarned(liar);

  // Who was caught is not asked again while others are there.
  const next = await askThrough(asker.page, QUESTION, { provider: 'mesh' });
  expect(next.answer.experts).toEqual([checker.nodeId]);
  await expectNoFaults(asker, checker);
  await liar.context.close();
});
