import type { Page } from 'playwright';
import { fromBase64 } from '#core/base/bytes';
import type { NodeId } from '#core/base/ids';
import { unwrap } from '#core/base/result';
import type { Verify } from '#core/base/ports';
import { openManifest, type Community } from '#core/identity/community';
import { EMPTY_HEAD, type ChainHead } from '#core/ledger/chain';
import { createCheckpoints } from '#core/ledger/checkpoints';
import { createLedgerFold, type FoldSnapshot, type LedgerFold } from '#core/ledger/fold';
import { openLedgerEntry } from '#core/ledger/open-event';
import type { Signed } from '#core/wire/signed';
import { openMemoryStorage } from '#adapters/storage-memory';
import { DATABASE_NAME } from '#adapters/storage-idb/open-idb-storage';
import { isOnline, nodeReady } from '#tests/e2e/people';
import type { Bench } from './bench';
import { median, medianMs, rounded } from './figures';
import { openProfile } from './profiles';

const NAME = 'Long ledger';
/** A page of the same origin without the app, in which the store is nobody's. */
const BARE = '/favicon.svg';
const DAY_MS = 24 * 3_600_000;
const MEMBERS = 40;

/** What one opening of the page costs whoever looks at it. */
interface Looked {
  /** From the click on the page's name to its first lines. */
  readonly openMs: number;
  readonly longestTaskMs: number;
  /** From a choice in a filter to the list that fits it. */
  readonly filterMs: number;
  /** The longest wait for a frame on the way through the whole list. */
  readonly longestFrameMs: number;
  /** Rows that exist while the list is read. */
  readonly rows: number;
}

const fakeId = (kind: string, at: number): string => `bafyrei${kind}${String(at).padStart(52 - kind.length, '0')}`;
const memberId = (at: number): NodeId => String(at).padStart(64, 'a') as NodeId;

/** The fold as it is, and so many jobs that this node paid for or was paid for, each with its receipt. */
function withJobs(fold: LedgerFold, community: Community, self: NodeId, jobs: number, nowMs: number): LedgerFold {
  const before = fold.snapshot();
  const closings: FoldSnapshot['closings'][number][] = [];
  const receipts: FoldSnapshot['receipts'][number][] = [];
  for (let at = 0; at < jobs; at++) {
    const other = memberId(at % MEMBERS);
    const [payer, payee] = at % 3 === 0 ? [self, other] : [other, self];
    const checker = memberId((at + 1) % MEMBERS);
    const jobId = `job-${at}`;
    // Ids that say nothing of when it was, as hashes do.
    const id = (kind: string) => fakeId(kind, (at * 7_919) % 1_000_003);
    const time = nowMs - Math.floor(((jobs - at) / jobs) * 300 * DAY_MS);
    const carrier = { author: self, seq: 0 };
    closings.push({
      id: id('closing'),
      reservation: id('reserved'),
      payer,
      payee,
      jobId,
      purpose: 'work',
      outcome: 'settled',
      chargeMicros: 100_000,
      reservedMicros: 500_000,
      credits: [
        { node: payee, micros: 80_000 },
        { node: checker, micros: 20_000 },
      ],
      at: time,
      carrier,
    });
    receipts.push({
      id: id('receipt'),
      at: time,
      capability: at % 5 === 0 ? 'text_stats@1' : 'llm.chat@1',
      requester: payer,
      executor: payee,
      validators: [checker],
      verdict: 'accepted',
      check: 'rescore',
      model: null,
      units: 3,
      completionTokens: 50,
      jobId,
      signers: [payer, payee, checker],
      carriers: [carrier],
    });
  }
  const claims = closings.map(({ reservation }) => reservation);
  const chains = before.chains.map(([author, length, account, keys, claimed, epoch, roots, looks]) => {
    const all = author === self ? [...claimed, ...claims] : claimed;
    return [author, length, account, keys, all, epoch, roots, looks] as const;
  });
  return createLedgerFold(community, { ...before, chains, closings, receipts });
}

interface Left {
  /** What the app keeps of its communities: the payloads of their signed manifests, in base64. */
  readonly manifests: readonly { readonly payload: string; readonly keyId: string; readonly signature: string }[];
  /** Every entry that it stored, by the name of its log. */
  readonly entries: readonly { readonly log: string; readonly bytes: string }[];
}

/** What the app left in the store. */
const leftIn = (page: Page): Promise<Left> =>
  page.evaluate(async (database) => {
    const text = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
    const done = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error!);
      });
    const opened = await done(indexedDB.open(database));
    const read = (store: string) => opened.transaction(store).objectStore(store);
    const kept = (await done(read('records').get('communities'))) as {
      held: { manifest: { payload: Uint8Array; signatures: { keyId: string; signature: Uint8Array }[] } }[];
    };
    const keys = (await done(read('logs').getAllKeys())) as [string, number][];
    const values = (await done(read('logs').getAll())) as Uint8Array[];
    opened.close();
    return {
      manifests: kept.held.map(({ manifest: { payload, signatures } }) => ({
        payload: text(payload),
        keyId: signatures[0]!.keyId,
        signature: text(signatures[0]!.signature),
      })),
      entries: keys.map(([log], at) => ({ log, bytes: text(values[at]!) })),
    };
  }, DATABASE_NAME);

const trusting: Verify = async () => true;

/** The community of that id, out of what the app keeps. */
async function communityOf({ manifests }: Left, id: string): Promise<Community> {
  for (const { payload, keyId, signature } of manifests) {
    const signed = { payload: fromBase64(payload)!, signatures: [{ keyId, signature: fromBase64(signature)! }] };
    const community = await openManifest(signed as Signed, trusting);
    if (community.ok && community.value.id === id) return community.value;
  }
  throw new Error('The app does not keep its community.');
}

/** Makes a checkpoint of the store that the app left, with so many jobs more, and puts it in its place. */
async function seed(page: Page, communityId: string, self: NodeId, jobs: number): Promise<void> {
  const left = await leftIn(page);
  const community = await communityOf(left, communityId);
  const stored = left.entries.filter(({ log }) => log === `${communityId}/${self}`);
  const fold = createLedgerFold(community);
  let head: ChainHead = EMPTY_HEAD;
  for (const { bytes } of stored) {
    const entry = unwrap(await openLedgerEntry(fromBase64(bytes)!, trusting));
    fold.add(entry);
    head = { id: entry.id, length: entry.seq + 1, lamport: entry.lamport };
  }
  const { records } = await openMemoryStorage();
  const long = withJobs(fold, community, self, jobs, Date.now());
  await createCheckpoints(records, community.id).write(new Map([[self, { head }]]), long);
  const key = `ledger-checkpoint/${community.id}`;
  const text = unwrap(await records.get<string>(key))!;
  await page.evaluate(
    async ([database, name, value]) => {
      const open = indexedDB.open(database);
      await new Promise((done) => (open.onsuccess = done));
      const transaction = open.result.transaction('records', 'readwrite');
      transaction.objectStore('records').put(value, name);
      await new Promise((done) => (transaction.oncomplete = done));
      open.result.close();
    },
    [DATABASE_NAME, key, text] as const,
  );
}

async function look(page: Page): Promise<Looked> {
  return page.evaluate(async () => {
    const frame = (): Promise<number> => new Promise((done) => requestAnimationFrame(done));
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds()) await frame();
    };
    const tasks: number[] = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration);
    }).observe({ type: 'longtask' });
    const rowsOf = (id: string): number => document.querySelectorAll(`[data-testid=${id}] li`).length;
    const began = performance.now();
    document.querySelector<HTMLAnchorElement>('a[href$="/ledger"]')!.click();
    await until(() => rowsOf('line-list') > 3 && rowsOf('receipt-list') > 3);
    const openMs = performance.now() - began;
    await frame();

    const role = document.querySelector<HTMLSelectElement>('#by-role')!;
    const shown = (): string => document.querySelector('[data-testid=receipt-list] li')?.textContent ?? '';
    const filterAt = performance.now();
    role.value = 'requester';
    role.dispatchEvent(new Event('change', { bubbles: true }));
    await until(() => shown().includes('you asked'));
    await frame();
    const filterMs = performance.now() - filterAt;

    const box = document.querySelector<HTMLElement>('[data-testid=line-list]')!;
    const height = box.scrollHeight;
    let [longestFrameMs, rows, last] = [0, 0, await frame()];
    for (let step = 1; step <= 60; step++) {
      box.scrollTop = (height * step) / 60;
      const now = await frame();
      longestFrameMs = Math.max(longestFrameMs, now - last);
      last = now;
      rows = Math.max(rows, rowsOf('line-list'));
    }
    return { openMs, longestTaskMs: Math.max(0, ...tasks), filterMs, longestFrameMs, rows };
  });
}

async function arriveAt(page: Page, origin: string): Promise<void> {
  await page.goto(origin);
  await nodeReady(page);
}

/** The Ledger page over a store with few and with many lines and receipts: the app itself, on a profile on disk. */
export const ledgerPage: Bench = {
  name: 'ledger-page',
  title: 'The Ledger page with few and with many lines',
  async run({ origin, quick, say }) {
    const counts = quick ? [100, 1_000] : [1_000, 100_000];
    const rounds = quick ? 1 : 3;
    const figures: Record<string, number> = {};
    const { context, close } = await openProfile();
    try {
      // tsx marks named functions with a call that a page does not know.
      await context.addInitScript('globalThis.__name = (named) => named;');
      const page = context.pages()[0] ?? (await context.newPage());
      await page.goto(`${origin}/community`);
      const self = (await nodeReady(page)) as NodeId;
      await page.getByLabel('Its name').fill(NAME);
      await page.getByRole('checkbox', { name: 'Members pay each other in credits' }).check();
      await page.getByRole('button', { name: 'Create and switch to it' }).click();
      await isOnline(page, NAME);
      const { id } = (await page.evaluate(() => window.tabmesh!.status())).community;
      const looks: Looked[][] = [];
      for (const count of counts) {
        say(`${count} lines`);
        await page.goto(`${origin}${BARE}`);
        await seed(page, id, self, count);
        const looked: Looked[] = [];
        // The first one fetches the code of the page.
        await arriveAt(page, origin);
        await look(page);
        for (let round = 0; round < rounds; round++) {
          await arriveAt(page, origin);
          looked.push(await look(page));
        }
        looks.push(looked);
        const of = (name: keyof Looked) => looked.map((one) => one[name]);
        figures[`openMs${count}`] = medianMs(of('openMs'));
        figures[`longestTaskMs${count}`] = medianMs(of('longestTaskMs'));
        figures[`filterMs${count}`] = medianMs(of('filterMs'));
        figures[`longestFrameMs${count}`] = medianMs(of('longestFrameMs'));
        figures[`rows${count}`] = Math.max(...of('rows'));
      }
      const ratio = (name: keyof Looked): number => {
        const [few, many] = looks.map((looked) => median(looked.map((one) => one[name])));
        return rounded(many! / few!, 2);
      };
      figures['openManyOverFew'] = ratio('openMs');
      figures['filterManyOverFew'] = ratio('filterMs');
      figures['frameManyOverFew'] = ratio('longestFrameMs');
      return { figures, bars: [] };
    } finally {
      await close();
    }
  },
};
