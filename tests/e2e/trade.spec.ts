import { expect, test, type Page } from '@playwright/test';
import { base64, concat, fromBase64 } from '#core/base/bytes';
import { createVerify } from '#adapters/verify-webcrypto';
import { unwrap } from '#core/base/result';
import { openEntry, signEntry, type ChainEntry, type ChainHead } from '#core/ledger/chain';
import { ledgerEventSchema, type LedgerEvent } from '#core/ledger/events';
import { openWorkReceipt, type InferenceWorkReceipt } from '#core/ledger/work-receipts';
import { sign } from '#core/wire/signed';
import {
  arrive,
  askUntilChecked,
  contribute,
  expectNoFaults,
  goTo,
  isLinkedWith,
  isOnline,
  ledgerOf,
  seesOffers,
  signerOf,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';

type Entry = ChainEntry<LedgerEvent>;

let app: AppServer;
/** Founds the community, witnesses, and checks answers. */
let founder: PersonAtPage;
let worker: PersonAtPage;
let asker: PersonAtPage;
/** Asks and does nothing: it only hears the logs. */
let hearer: PersonAtPage;
const everyone = (): PersonAtPage[] => [founder, worker, asker, hearer];

test.describe.configure({ mode: 'serial' });

test.beforeAll(async ({ browser }) => {
  app = await serveApp();
  founder = await arrive(browser, `${app.origin}/community`);
  await founder.page.getByLabel('Name').fill('Traders');
  await founder.page.getByLabel('Members pay each other in credits').check();
  await founder.page.getByLabel('Work can be challenged for').selectOption({ label: '5 seconds, to try it out' });
  await founder.page.getByRole('button', { name: 'Create and switch to it' }).click();
  await isOnline(founder.page, 'Traders');
  const join = async (): Promise<PersonAtPage> => {
    const link = await founder.page.evaluate(() => window.tabmesh!.invite());
    const person = await arrive(browser, link);
    await isOnline(person.page, 'Traders');
    await isLinkedWith(person.page, founder.nodeId);
    return person;
  };
  worker = await join();
  asker = await join();
  hearer = await join();
  for (const person of [worker, hearer]) await isLinkedWith(asker.page, person.nodeId);
  await contribute(founder.page);
  await contribute(worker.page);
  await seesOffers(asker.page, 'llm.chat@1', 2);
});

test.afterAll(async () => {
  for (const person of everyone()) await person?.context.close();
  await app?.close();
});

const balanceAt = async (person: PersonAtPage, node: string) => (await ledgerOf(person.page)).balances[node] ?? null;

/** The entries of one node's log as another page holds them. */
async function logAt(person: PersonAtPage, author: string): Promise<Entry[]> {
  const all: Entry[] = [];
  for (;;) {
    const texts = await person.page.evaluate(
      async ([node, from, self]) => {
        const read = (await window.tabmesh!.call('ledger.read@1', { author: node, from }, { provider: self })) as {
          readonly entries: readonly Uint8Array[];
        };
        return read.entries.map((bytes) => btoa(String.fromCharCode(...bytes)));
      },
      [author, all.length, person.nodeId] as const,
    );
    if (texts.length === 0) return all;
    for (const text of texts)
      all.push(unwrap(await openEntry(ledgerEventSchema, fromBase64(text)!, createVerify())) as Entry);
  }
}

const headBefore = (log: readonly Entry[], seq: number): ChainHead =>
  seq === 0
    ? { id: null, length: 0, lamport: 0 }
    : { id: log[seq - 1]!.id, length: seq, lamport: log[seq - 1]!.lamport };

/** Brings entries of a log to another node: how much of it that one holds then, or the code of its refusal. */
const tell = (page: Page, to: string, author: string, from: number, entries: readonly Uint8Array[]) =>
  page.evaluate(
    ([node, log, at, texts]) =>
      window
        .tabmesh!.call(
          'ledger.tell@1',
          {
            author: log,
            from: at,
            entries: texts.map((text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0))),
          },
          { provider: node },
        )
        .then((told) => (told as { readonly length: number }).length)
        .catch((error: { readonly code: string }) => error.code),
    [to, author, from, entries.map((bytes) => base64(bytes))] as const,
  );

test('two tabs trade an answer: both hold the same receipts, and a tab that only heard the logs comes to the same balances', async () => {
  // What the worker asks for its work comes to the others a moment after it agreed to work: until then it answers for nothing.
  const ask = () =>
    askUntilChecked(asker.page, 'What is Tabmesh?', { provider: worker.nodeId, payAtMostMicros: 1_000_000 });
  const atMost = ({ updates }: Awaited<ReturnType<typeof ask>>): number | null =>
    updates.flatMap((update) => (update.type === 'reserved' ? [update.atMostMicros] : []))[0] ?? null;
  let asked = await ask();
  while (atMost(asked) === null) asked = await ask();
  const { answer } = asked;
  expect(answer.verdict).toBe('accepted');
  expect(answer.experts).toEqual([worker.nodeId]);

  // Paid when the window in which anybody may challenge it has closed.
  for (const person of everyone())
    await expect
      .poll(async () => (await balanceAt(person, worker.nodeId))?.confirmedMicros ?? 0, { timeout: 120_000 })
      .toBeGreaterThan(0);
  const balances = await Promise.all(
    everyone().map((person) => Promise.all(everyone().map(({ nodeId }) => balanceAt(person, nodeId)))),
  );
  for (const one of balances) {
    expect(one.map((balance) => balance?.confirmedMicros ?? 0)).toEqual(
      balances[0]!.map((balance) => balance?.confirmedMicros ?? 0),
    );
    expect(one.reduce((sum, balance) => sum + (balance?.confirmedMicros ?? 0), 0)).toBe(0);
  }
  const paid = (await balanceAt(hearer, asker.nodeId))!.confirmedMicros;
  expect(paid).toBeLessThan(0);
  expect(-paid).toBeLessThanOrEqual(atMost(asked)!);

  const receipts = await Promise.all(
    [asker, worker].map(({ page }) => page.evaluate((id) => window.tabmesh!.receipt(id), answer.receiptId)),
  );
  expect(receipts.map((receipt) => receipt?.verified)).toEqual([true, true]);
  expect(receipts[0]?.payload).toBe(receipts[1]?.payload);

  // Whoever looked has a receipt of its own for what it was paid.
  await goTo(founder.page, '/ledger');
  await founder.page.getByTestId('line-list').getByRole('link').filter({ hasText: 'Checked' }).first().click();
  const work = founder.page.getByTestId('work-receipt');
  await work.getByText('Work receipt', { exact: true }).click();
  await expect(work.getByTestId('work-checks')).toContainText(/\+0\.\d+.*Its receipt is entry \d+ of its log\./s);
  const checked = (await logAt(founder, founder.nodeId)).filter(({ event }) => event.kind === 'verification.receipted');
  expect(checked).not.toHaveLength(0);
  await expectNoFaults(...everyone());
});

test('under an answer stands what it costs at most, and what was charged once that is known', async () => {
  const { page } = asker;
  const paidBefore = (await balanceAt(asker, asker.nodeId))!.confirmedMicros;
  await goTo(page, '/');
  await page.getByTestId('ask-input').fill('What is a node?');
  await page.getByTestId('ask-send').click();
  await page.getByRole('button', { name: 'Ask the mesh' }).click();
  await expect(page.getByTestId('cost')).toHaveText(/^\s*[0-9.]+ credits\s*$/);
  // Nothing of it is still on its way when the next test begins.
  for (const person of everyone())
    await expect
      .poll(async () => (await balanceAt(person, asker.nodeId))?.confirmedMicros ?? 0, { timeout: 120_000 })
      .toBeLessThan(paidBefore);
});

test('a forged entry is refused, and what was said before changes nothing when it is said again', async () => {
  const before = await ledgerOf(founder.page);
  const log = await logAt(founder, worker.nodeId);
  const closing = log.find(({ event }) => event.kind === 'settlement.closed')!;
  // Somebody else's log, signed by whoever forges it.
  const mine = signerOf(hearer);
  const forged = await signEntry({ ...mine, nodeId: worker.nodeId }, headBefore(log, log.length), {
    community: closing.community,
    event: closing.event,
    at: closing.at,
  });
  expect(await tell(hearer.page, founder.nodeId, worker.nodeId, log.length, [forged.bytes])).toBe('bad_signature');

  const again = await hearer.page.evaluate(
    async ([node, self]) => {
      const read = (await window.tabmesh!.call('ledger.read@1', { author: node, from: 0 }, { provider: self })) as {
        readonly entries: readonly Uint8Array[];
      };
      return read.entries.map((bytes) => btoa(String.fromCharCode(...bytes)));
    },
    [worker.nodeId, hearer.nodeId] as const,
  );
  expect(
    await tell(
      hearer.page,
      founder.nodeId,
      worker.nodeId,
      0,
      again.map((text) => concat(fromBase64(text)!)),
    ),
  ).toBe(log.length);
  const after = await ledgerOf(founder.page);
  expect(after.balances).toEqual(before.balances);
  expect(after.forgers).toEqual([]);
});

test('a receipt that was made up, and one that somebody else shows again, are refused by name, and the audit shows them', async () => {
  const { page } = founder;
  const before = (await ledgerOf(page)).balances;
  const proposed = (await logAt(founder, worker.nodeId)).find(({ event }) => event.kind === 'settlement.proposed')!;
  const event = proposed.event as Extract<LedgerEvent, { kind: 'settlement.proposed' }>;
  const { receipt } = unwrap(await openWorkReceipt(event.settlement.receipt, createVerify()));
  const mine = signerOf(hearer);
  const made: InferenceWorkReceipt = { ...receipt, executor: hearer.nodeId, creditAccount: hearer.nodeId };
  const log = await logAt(hearer, hearer.nodeId);
  let head = headBefore(log, log.length);
  const entries: Uint8Array[] = [];
  for (const shown of [await sign(mine, made), event.settlement.receipt]) {
    const entry = await signEntry(mine, head, {
      community: proposed.community,
      event: { ...event, settlement: { ...event.settlement, receipt: shown } },
      at: proposed.at,
      refs: proposed.refs,
    });
    head = entry.head;
    entries.push(entry.bytes);
  }
  expect(await tell(hearer.page, founder.nodeId, hearer.nodeId, log.length, entries)).toBe(head.length);
  await page.goto(`${app.origin}/ledger`);
  await page.getByRole('button', { name: 'Audit now' }).click();
  const refusals = page.getByTestId('refusals');
  for (const rule of ['ids_do_not_match', 'not_the_payee'])
    await expect(refusals.getByRole('listitem').filter({ hasText: rule })).toHaveCount(1);
  expect((await ledgerOf(page)).balances).toEqual(before);
});

test('a double spend is proved to everybody, and shown: the key of whoever signed twice has no credit any more', async () => {
  const log = await logAt(hearer, asker.nodeId);
  const spent = log.find(({ event }) => event.kind === 'reservation.made')!;
  const event = spent.event as Extract<LedgerEvent, { kind: 'reservation.made' }>;
  const twin = await signEntry(signerOf(asker), headBefore(log, spent.seq), {
    community: spent.community,
    event: { ...event, jobId: 'job-other', payee: founder.nodeId, idempotencyKey: 'job-other' },
    at: spent.at,
    refs: spent.refs,
  });
  await tell(asker.page, hearer.nodeId, asker.nodeId, spent.seq, [twin.bytes]);
  for (const person of [hearer, founder, worker]) {
    await expect.poll(async () => (await ledgerOf(person.page)).forgers, { timeout: 90_000 }).toContain(asker.nodeId);
    // Everything is folded anew without what the forger said from there on.
    await expect.poll(() => balanceAt(person, asker.nodeId)).toMatchObject({ limitMicros: 0, availableMicros: 0 });
  }
  // What witnesses certified before stays paid.
  await expect.poll(async () => (await balanceAt(hearer, worker.nodeId))?.confirmedMicros ?? 0).toBeGreaterThan(0);
  await hearer.page.goto(`${app.origin}/ledger`);
  await hearer.page.getByRole('button', { name: /Audit/ }).click();
  await expect(hearer.page.getByTestId('forgers')).toContainText(/signed two histories/);
});
