import { expect, test, type Page } from '@playwright/test';
import {
  arrive,
  askUntilChecked,
  contribute,
  expectNoFaults,
  isLinkedWith,
  seesOffers,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';

let app: AppServer;
let asker: PersonAtPage;
let worker: PersonAtPage;
let checker: PersonAtPage;

/** As many tokens as a tab gives away of an answer while it holds them back. */
const TOKENS_FREE = 3;

declare global {
  interface Window {
    /** Holds back what the models of this page write after the first tokens of an answer, or lets all of it go. */
    holdTokens(hold: boolean): void;
  }
}

/** Spark is done with an answer before a tab can crash: in a page with this the answer waits in the middle, as long as wished. */
const withHeldTokens = (page: Page): Promise<unknown> =>
  page.addInitScript((free) => {
    const native = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage')!;
    const tokensOf = new WeakMap<MessagePort, number>();
    const held: (() => void)[] = [];
    let holding = false;
    Object.defineProperty(MessagePort.prototype, 'onmessage', {
      ...native,
      set(this: MessagePort, handler: ((event: MessageEvent<{ readonly type?: string } | null>) => void) | null) {
        native.set!.call(this, (event: MessageEvent<{ readonly type?: string } | null>) => {
          if (event.data?.type === 'token') tokensOf.set(this, (tokensOf.get(this) ?? 0) + 1);
          if (holding && (tokensOf.get(this) ?? 0) > free) held.push(() => handler?.call(this, event));
          else handler?.call(this, event);
        });
      },
    });
    window.holdTokens = (hold) => {
      holding = hold;
      if (!hold) for (const deliver of held.splice(0)) deliver();
    };
  }, TOKENS_FREE);

test.describe.configure({ mode: 'serial' });

test.beforeAll(async ({ browser }) => {
  app = await serveApp();
  asker = await arrive(browser, app.origin);
  worker = await arrive(browser, app.origin, { before: withHeldTokens });
  checker = await arrive(browser, app.origin, { before: withHeldTokens });
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

/** Of the first answers that are cut short like this one may come to be checked too late, on a busy machine. */
const MOST_CRASHES = 3;

test('the expert crashes in the middle of an answer and the answer is complete elsewhere', async ({ browser }) => {
  const contributors = new Map([worker, checker].map((person) => [person.nodeId, person]));
  let holder: PersonAtPage | null = null;
  // Called when the answer begins: the tab that writes it crashes, and the next one may write all of it.
  await asker.page.exposeFunction('crash', async (expert: string) => {
    holder = contributors.get(expert)!;
    const devtools = await holder.context.newCDPSession(holder.page);
    // A crashed page never answers, so nothing is waited for.
    devtools.send('Page.crash').catch(() => undefined);
    contributors.delete(expert);
    for (const { page } of contributors.values()) await page.evaluate(() => window.holdTokens(false));
  });
  for (let crashes = 1; ; crashes++) {
    const third = await arrive(browser, app.origin, { before: withHeldTokens });
    contributors.set(third.nodeId, third);
    await contribute(third.page);
    for (const { nodeId, page } of contributors.values()) {
      await page.evaluate(() => window.holdTokens(true));
      await isLinkedWith(asker.page, nodeId);
    }
    await seesOffers(asker.page, 'llm.chat@1', 3);
    const { updates, answer } = await asker.page.evaluate(async () => {
      const { crash } = window as unknown as { crash(expert: string): Promise<void> };
      const run = window.tabmesh!.ask('How does the check of an answer work?', { provider: 'mesh' });
      const updates = [];
      let began = false;
      for await (const update of run.updates) {
        updates.push(update);
        if (update.type !== 'token' || began) continue;
        began = true;
        void crash(update.expert);
      }
      return { updates, answer: await run.answer };
    });
    await holder!.context.close();
    expect(updates).toContainEqual(expect.objectContaining({ type: 'replaced', from: holder!.nodeId }));
    expect(answer.experts).toHaveLength(2);
    await expectNoFaults(asker);
    if (answer.verdict === 'unchecked' && crashes < MOST_CRASHES) continue;
    expect(answer.verdict).toBe('accepted');
    break;
  }
  for (const person of contributors.values()) if (person !== worker && person !== checker) await person.context.close();
});
