import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { storageCases } from '#tests/conformance/storage';
import { createKillableProfile } from '../kills/killable-browser';
import { serveHarness, type HarnessServer } from './serve-harness';

const MODULE = '/tests/browser/storage.harness.ts';

let server: HarnessServer;
test.beforeAll(async () => {
  server = await serveHarness({ modules: [MODULE] });
});
test.afterAll(() => server.close());

async function openTab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await server.open(page, MODULE);
  return page;
}

test.describe('IndexedDB keeps the rules of the storage port', () => {
  let page: Page;
  test.beforeAll(async ({ browser }) => {
    page = await openTab(await browser.newContext());
  });
  test.afterAll(() => page.context().close());

  for (const [index, { name }] of storageCases.entries()) {
    test(name, () => page.evaluate((at) => window.storageHarness.runCase(at), index));
  }
});

test('a full disk is one sentence, and what was stored before stays', async ({ context }) => {
  const page = await openTab(context);
  const devtools = await context.newCDPSession(page);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 200_000 });
  expect(await page.evaluate(() => window.storageHarness.setRecord('before', 'here'))).toBe('ok');
  const written = await page.evaluate(() => window.storageHarness.fill('big', 8_000_000));
  expect(written).toMatch(/^storage_full: .*\.$/);
  expect(await page.evaluate(() => window.storageHarness.append(0, 4_000_000))).toBe('storage_full');
  expect(await page.evaluate(() => window.storageHarness.getRecord('before'))).toBe('here');
  expect(await page.evaluate(() => window.storageHarness.getRecord('big'))).toBe(null);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: server.origin });
  expect(await page.evaluate(() => window.storageHarness.append(0, 10))).toBe('ok');
});

test('a tab whose store another tab upgraded closes it and says so; the older app does not open the newer store', async ({
  context,
}) => {
  const [old, newer] = [await openTab(context), await openTab(context)];
  await old.evaluate(() => window.storageHarness.hold());
  await newer.evaluate(() => window.storageHarness.upgradeElsewhere());
  await old.waitForFunction(() => window.storageHarness.lost() !== null);
  expect(await old.evaluate(() => window.storageHarness.lost())).toBe('storage_outdated');
  expect(await old.evaluate(() => window.storageHarness.append(0, 1))).toBe('storage_outdated');
  expect(await newer.evaluate(() => window.storageHarness.openCode())).toBe('storage_outdated');
});

test('what an append promised is there after the page was killed', async ({ context }) => {
  const page = await openTab(context);
  const promised: number[] = [];
  page.on('console', (message) => promised.push(Number(message.text().replace('kept ', ''))));
  const crashed = new Promise<void>((resolve) => page.once('crash', () => resolve()));
  void page.evaluate(() => window.storageHarness.appendForever()).catch(() => {});
  await expect.poll(() => promised.length).toBeGreaterThan(20);
  const devtools = await context.newCDPSession(page);
  void devtools.send('Page.crash').catch(() => {});
  await crashed;
  const after = await openTab(context);
  const kept = await after.evaluate(() => window.storageHarness.logTexts());
  expect(kept.length).toBeGreaterThan(promised.at(-1)!);
  expect(kept).toEqual(kept.map((_, position) => `${position} entry ${position}`));
});

test('what an append promised is there after the whole browser was killed', async () => {
  const profile = await createKillableProfile();
  try {
    let promised = -1;
    for (let round = 0; round < 2; round++) {
      const { context, kill } = await profile.launch();
      const page = await openTab(context);
      const start = promised;
      page.on('console', (message) => (promised = Number(message.text().replace('kept ', ''))));
      void page.evaluate(() => window.storageHarness.appendForever()).catch(() => {});
      await expect.poll(() => promised).toBeGreaterThan(start + 20);
      await kill();
    }
    const { context } = await profile.launch();
    const kept = await (await openTab(context)).evaluate(() => window.storageHarness.logTexts());
    expect(kept.length).toBeGreaterThan(promised);
    expect(kept).toEqual(kept.map((_, position) => `${position} entry ${position}`));
  } finally {
    await profile.remove();
  }
});

test('nothing is lost where the browser is killed in the middle of writes to records and to logs at once', async () => {
  const profile = await createKillableProfile();
  try {
    for (let round = 0; round < 4; round++) {
      const { context, kill } = await profile.launch();
      const page = await openTab(context);
      expect(await page.evaluate(() => window.storageHarness.getRecord('rounds'))).toBe(round === 0 ? null : round);
      expect(await page.evaluate((rounds) => window.storageHarness.setRecord('rounds', rounds), round + 1)).toBe('ok');
      let written = 0;
      page.on('console', () => (written += 1));
      void page.evaluate(() => window.storageHarness.writeEverywhereForever()).catch(() => {});
      await expect.poll(() => written).toBeGreaterThan(20);
      await kill();
    }
    const { context } = await profile.launch();
    expect(await (await openTab(context)).evaluate(() => window.storageHarness.getRecord('rounds'))).toBe(4);
  } finally {
    await profile.remove();
  }
});

test('the node key is made once per profile, survives a reload, signs, and cannot be exported', async ({ context }) => {
  const page = await openTab(context);
  const first = await page.evaluate(() => window.storageHarness.nodeKey());
  expect(first).toMatchObject({ keptAs: 'webcrypto', created: true, signs: true });
  await server.open(page, MODULE);
  expect(await page.evaluate(() => window.storageHarness.nodeKey())).toEqual({ ...first, created: false });
  expect(await page.evaluate(() => window.storageHarness.exportNodeKey())).toEqual(['refused', 'refused', 'refused']);
});

test('two tabs that start at once have one node key', async ({ context }) => {
  const tabs = [await openTab(context), await openTab(context), await openTab(context)];
  const keys = await Promise.all(tabs.map((tab) => tab.evaluate(() => window.storageHarness.nodeKey())));
  expect(new Set(keys.map(({ nodeId }) => nodeId)).size).toBe(1);
  expect(keys.filter(({ created }) => created)).toHaveLength(1);
});

test('a backup restored elsewhere brings the person, and makes and certifies a new node key', async ({ browser }) => {
  const [here, there] = [await browser.newContext(), await browser.newContext()];
  const before = await openTab(here);
  const identity = await before.evaluate(() => window.storageHarness.makeIdentity());
  const { nodeId: oldNode } = await before.evaluate(() => window.storageHarness.nodeKey());
  const file = await before.evaluate(() => window.storageHarness.backup('correct horse battery'));
  expect(file).not.toContain(oldNode);

  const after = await openTab(there);
  const restore = (passphrase: string) =>
    after.evaluate(([text, phrase]) => window.storageHarness.restore(text!, phrase!), [file, passphrase]);
  expect(await restore('something else entirely')).toEqual({ code: 'wrong_passphrase' });
  const restored = await restore('correct horse battery');
  const { nodeId: newNode } = await after.evaluate(() => window.storageHarness.nodeKey());
  expect(newNode).not.toBe(oldNode);
  expect(restored).toEqual({ code: 'ok', identity, nodes: [oldNode, newNode] });
  await here.close();
  await there.close();
});

test.describe('one profile is one running node', () => {
  const elected = (page: Page) => page.waitForFunction(() => window.storageHarness.electionState() === 'elected');

  test('the first tab is elected, the second waits and takes over when asked', async ({ context }) => {
    const [first, second] = [await openTab(context), await openTab(context)];
    expect(await first.evaluate(() => window.storageHarness.elect(300))).toBe('elected');
    expect(await second.evaluate(() => window.storageHarness.elect())).toBe('waiting');
    expect(await second.evaluate(() => window.storageHarness.takeOver())).toBe('ok');
    expect(await first.evaluate(() => window.storageHarness.electionState())).toBe('waiting');
    expect(await first.evaluate(() => window.storageHarness.electionEvents())).toEqual([
      'elected',
      'stopping',
      'stopped',
    ]);
    expect(await first.evaluate(() => window.storageHarness.takeOver())).toBe('ok');
    expect(await second.evaluate(() => window.storageHarness.electionState())).toBe('waiting');
  });

  test('the tab that asks gets it, not the one that waited longest', async ({ context }) => {
    const [first, second, third] = [await openTab(context), await openTab(context), await openTab(context)];
    for (const tab of [first, second, third]) await tab.evaluate(() => window.storageHarness.elect());
    expect(await third.evaluate(() => window.storageHarness.takeOver())).toBe('ok');
    expect(await third.evaluate(() => window.storageHarness.electionState())).toBe('elected');
    expect(await second.evaluate(() => window.storageHarness.electionEvents())).toEqual([]);
    await third.evaluate(() => window.storageHarness.stopElection());
    await Promise.any([elected(first), elected(second)]);
  });

  test('a tab that crashes or leaves gives way by itself', async ({ context }) => {
    const [first, second, third] = [await openTab(context), await openTab(context), await openTab(context)];
    for (const tab of [first, second, third]) await tab.evaluate(() => window.storageHarness.elect());
    const devtools = await context.newCDPSession(first);
    void devtools.send('Page.crash').catch(() => {});
    await elected(second);
    await second.close();
    await elected(third);
  });

  test('a node that does not stop, or a tab that hangs, keeps nobody waiting', async ({ context }) => {
    const [first, second, third] = [await openTab(context), await openTab(context), await openTab(context)];
    await first.evaluate(() => window.storageHarness.elect('never'));
    await second.evaluate(() => window.storageHarness.elect());
    expect(await second.evaluate(() => window.storageHarness.takeOver())).toBe('ok');
    expect(await first.evaluate(() => window.storageHarness.electionEvents())).toEqual(['elected', 'stopping']);

    await third.evaluate(() => window.storageHarness.elect());
    await second.evaluate(() => window.storageHarness.hang(4_000));
    expect(await third.evaluate(() => window.storageHarness.takeOver())).toBe('ok');
    await second.waitForFunction(() => window.storageHarness.electionEvents().includes('stopped'));
    expect(await second.evaluate(() => window.storageHarness.electionState())).toBe('waiting');
  });
});
