import type { Page } from 'playwright';
import { fromBase64 } from '#core/base/bytes';
import { decodeCanonical } from '#core/base/canonical';
import { checkRedo } from '#services/check-redo/contract';
import { textStats } from '#services/text-stats/contract';
import { contribute, seesOffers } from '#tests/e2e/people';
import type { Bench } from './bench';
import { median, rounded } from './figures';
import { IN_FLIGHT, textForJob } from './job-text';
import { withPeople } from './profiles';

const manifestOf = (jobs: number): string =>
  JSON.stringify({
    version: 1,
    nodes: ['any'],
    jobs: Array.from({ length: jobs }, (_, index) => ({
      job_id: `job-${index}`,
      job_type: 'text_stats',
      payload: { text: textForJob(index) },
    })),
  });

/** A page that shows neither results nor a problem by then is stuck. */
const MAX_BATCH_MS = 120_000;

const fillIn = async (page: Page, jobs: number): Promise<void> => {
  await page.getByLabel('Manifest (JSON)').fill(manifestOf(jobs));
  await page.getByRole('radio', { name: /Over the live mesh/ }).check();
};

/** The first run over the mesh asks for the person's consent; it also fetches what only the first job fetches. */
async function runFirst(page: Page): Promise<void> {
  await fillIn(page, IN_FLIGHT);
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByRole('button', { name: 'Run over the mesh' }).click();
  await page.locator('#content table').waitFor({ timeout: MAX_BATCH_MS });
}

/** Presses Run in Lab and waits for the table of results; milliseconds on the page's own clock. */
async function runInLab(page: Page, jobs: number): Promise<number> {
  await fillIn(page, jobs);
  return page.evaluate(
    (maxMs) =>
      new Promise<number>((resolve, reject) => {
        const run = [...document.querySelectorAll('button')].find((button) => button.textContent?.trim() === 'Run');
        if (!run) return reject(new Error('Lab has no button Run.'));
        setTimeout(() => reject(new Error('Lab showed no results.')), maxMs);
        const startedMs = performance.now();
        // The results of the round before go away when this one begins.
        let begun = false;
        const look = new MutationObserver(() => {
          const problem = document.querySelector('#content [role=alert]');
          if (problem) reject(new Error(problem.textContent ?? 'The batch failed.'));
          begun ||= document.querySelector('#content progress') !== null;
          if (!begun || !document.querySelector('#content table')) return;
          look.disconnect();
          resolve(performance.now() - startedMs);
        });
        look.observe(document.body, { childList: true, subtree: true });
        run.click();
      }),
    MAX_BATCH_MS,
  );
}

/** How many receipts of the page's ledger are accepted, verified and signed by all three. */
async function wholeReceipts(page: Page): Promise<number> {
  const receipts = await page.evaluate(async () => {
    const { entries } = await window.tabmesh!.ledger();
    const ids = new Set(entries.flatMap((entry) => entry.receiptId ?? []));
    return Promise.all([...ids].map((id) => window.tabmesh!.receipt(id)));
  });
  return receipts.filter((receipt) => {
    const body = receipt && decodeCanonical(fromBase64(receipt.payload)!);
    return receipt?.verified && receipt.signatures.length === 3 && body?.ok
      ? (body.value as { verdict: string }).verdict === 'accepted'
      : false;
  }).length;
}

/** Plain bus calls to both others in turn, as many in flight: what the same links carry without check and receipt. */
const callsPerSecond = (page: Page, count: number, providers: readonly string[]): Promise<number> =>
  page.evaluate(
    async ([texts, nodes, atOnce, capability]) => {
      let next = 0;
      const startedMs = performance.now();
      // The lanes have no name: tsx would mark a named function with a call that the page does not know.
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          while (next < texts.length) {
            const index = next++;
            await window.tabmesh!.call(capability, { text: texts[index] }, { provider: nodes[index % nodes.length]! });
          }
        }),
      );
      return (texts.length * 1000) / (performance.now() - startedMs);
    },
    [Array.from({ length: count }, (_, index) => textForJob(index)), providers, IN_FLIGHT, textStats.id] as const,
  );

/**
 * Three tabs of three profiles: one opens Lab and runs a batch over the live mesh; the other two contribute, and for each
 * job one of them does it and the other one does it again.
 */
export const tabJobs: Bench = {
  name: 'jobs-webrtc',
  title: 'Deterministic jobs over WebRTC, three tabs',
  async run({ origin, quick, say }) {
    const rounds = quick ? 2 : 5;
    const jobs = quick ? 30 : 200;
    return withPeople(async (arrive) => {
      const asker = await arrive(`${origin}/lab`);
      const others = [await arrive(origin), await arrive(origin)];
      for (const other of others) await contribute(other.page);
      for (const { id } of [textStats, checkRedo]) await seesOffers(asker.page, id, 2);
      const providers = others.map((other) => other.nodeId);
      await runFirst(asker.page);
      const before = await wholeReceipts(asker.page);
      const checked: number[] = [];
      const plain: number[] = [];
      for (let round = 0; round < rounds; round++) {
        say(`${jobs} jobs, round ${round + 1} of ${rounds}`);
        plain.push(await callsPerSecond(asker.page, jobs, providers));
        checked.push((jobs * 1000) / (await runInLab(asker.page, jobs)));
      }
      const receipts = (await wholeReceipts(asker.page)) - before;
      if (receipts !== rounds * jobs) {
        throw new Error(`Of ${rounds * jobs} jobs ${receipts} were accepted with a receipt that all three signed.`);
      }
      return {
        figures: {
          rounds,
          jobsPerRound: jobs,
          inFlight: IN_FLIGHT,
          checkedJobsPerSecond: rounded(median(checked), 1),
          checkedJobsPerSecondEachRound: checked.map((value) => rounded(value, 1)),
          plainCallsPerSecond: rounded(median(plain)),
          plainOverChecked: rounded(median(plain.map((value, round) => value / checked[round]!)), 1),
        },
        bars: [],
      };
    });
  },
};
