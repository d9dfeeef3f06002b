import { expect, test, type CDPSession } from '@playwright/test';
import { arrive, askUntilChecked, contribute, expectNoFaults, seesOffers, type PersonAtPage } from './people';
import { serveApp, type AppServer } from './serve-app';

let app: AppServer;
let asker: PersonAtPage;
let worker: PersonAtPage;
let checker: PersonAtPage;

test.describe.configure({ mode: 'serial' });

test.beforeAll(async ({ browser }) => {
  test.setTimeout(180_000);
  app = await serveApp();
  asker = await arrive(browser, app.origin);
  worker = await arrive(browser, app.origin);
  checker = await arrive(browser, app.origin);
  await contribute(worker.page);
  await contribute(checker.page);
  await seesOffers(asker.page, 'llm.chat@1', 2);
});

test.afterAll(async () => {
  for (const person of [asker, worker, checker]) await person?.context.close();
  await app?.close();
});

test('an answer streams from another tab, a third checks it, and both sides hold the signed receipt', async () => {
  const { updates, answer } = await askUntilChecked(asker.page, 'What is Tabmesh?', { provider: 'mesh' });
  expect(answer.verdict).toBe('accepted');
  expect(answer.check).toBe('rescore');
  expect(answer.experts).toHaveLength(1);
  expect([...answer.experts, ...answer.validators].sort()).toEqual([worker.nodeId, checker.nodeId].sort());
  const tokens = updates.filter((update) => update.type === 'token');
  expect(tokens.length).toBeGreaterThan(20);
  expect(tokens.map((update) => (update.type === 'token' ? update.text : '')).join('')).toBe(answer.text);
  const payloads = [];
  for (const person of [asker, worker, checker]) {
    const receipt = await person.page.evaluate((id) => window.tabmesh!.receipt(id), answer.receiptId);
    expect(receipt?.verified).toBe(true);
    expect(receipt?.signatures.map((one) => one.keyId).sort()).toEqual(
      [asker.nodeId, worker.nodeId, checker.nodeId].sort(),
    );
    payloads.push(receipt?.payload);
    const ledger = await person.page.evaluate(() => window.tabmesh!.ledger());
    expect(ledger.unitsByNode[answer.experts[0]!]).toBeGreaterThan(0);
  }
  expect(new Set(payloads).size).toBe(1);
});

test('a deterministic job called over the bus gives the output of the sheet', async () => {
  const output = await asker.page.evaluate(
    (provider) => window.tabmesh!.call('text_stats@1', { text: 'one two\nthree' }, { provider }),
    worker.nodeId,
  );
  expect(output).toEqual({ character_count: 13, word_count: 3, line_count: 2, normalized_preview: 'one two three' });
});

test('nobody offers is told apart from nobody answered', async () => {
  const code = (capability: string, options: object) =>
    asker.page.evaluate(
      ([id, how]) =>
        window.tabmesh!.call(id, {}, how).then(
          () => 'answered',
          (error: { code: string }) => error.code,
        ),
      [capability, options] as const,
    );
  expect(await code('nothing.here@1', {})).toBe('nobody_offers');
  expect(await code('llm.chat@1', { provider: worker.nodeId, timeoutMs: 1 })).not.toBe('nobody_offers');
});

test('the expert crashes in the middle of an answer and the answer is complete elsewhere', async ({ browser }) => {
  const third = await arrive(browser, app.origin);
  await contribute(third.page);
  await seesOffers(asker.page, 'llm.chat@1', 3);
  const sessions = new Map<string, CDPSession>();
  for (const { nodeId, context, page } of [worker, checker, third]) {
    const session = await context.newCDPSession(page);
    // A fast machine is done with an answer before a tab can crash: like this each token takes a while to leave.
    await session.send('Emulation.setCPUThrottlingRate', { rate: 10 });
    sessions.set(nodeId, session);
  }
  let holder: PersonAtPage | null = null;
  // Called for the third token: the tab that is writing crashes at once. A crashed page never answers, so nothing is waited for.
  await asker.page.exposeFunction('crash', (expert: string) => {
    holder = [worker, checker, third].find((person) => person.nodeId === expert)!;
    for (const [node, session] of sessions) {
      // Those who go on are as fast as they are: a check that takes three seconds counts as none.
      if (node !== expert) void session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
      else session.send('Page.crash').catch(() => undefined);
    }
  });
  const { updates, answer } = await asker.page.evaluate(async () => {
    const { crash } = window as unknown as { crash(expert: string): Promise<void> };
    const run = window.tabmesh!.ask('How does the check of an answer work?', { provider: 'mesh' });
    const updates = [];
    let tokens = 0;
    for await (const update of run.updates) {
      updates.push(update);
      if (update.type === 'token' && ++tokens === 3) void crash(update.expert);
    }
    return { updates, answer: await run.answer };
  });
  expect(updates).toContainEqual(expect.objectContaining({ type: 'replaced', from: holder!.nodeId }));
  expect(answer).toMatchObject({ verdict: 'accepted' });
  expect(answer.experts).toHaveLength(2);
  await expectNoFaults(asker);
  await holder!.context.close();
});
