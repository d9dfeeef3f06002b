import { chromium, type Page } from 'playwright';
import { checkRescore } from '#services/check-rescore/contract';
import { llmChat } from '#services/llm-chat/contract';
import { arrive, contribute, seesOffers, type PersonAtPage } from '#tests/e2e/people';
import { browserLaunch } from '#tests/find-browser';
import { atMost, type Bench } from './bench';
import { medianMs } from './figures';

const MAX_COMPLETE_MS = 10_000;
const CRASH_AFTER_TOKENS = 10;
const QUESTION = 'How does the check of an answer work?';

/** What the asking page notes down of one answer; times are the system's, in milliseconds. */
interface Seen {
  tokens: { expert: string; atMs: number }[];
  doneAtMs: number;
  verdict: string;
  error: string | null;
}

const beginAsking = (page: Page, question: string): Promise<void> =>
  page.evaluate((text) => {
    const seen: Seen = { tokens: [], doneAtMs: 0, verdict: '', error: null };
    (window as unknown as { seen: Seen }).seen = seen;
    const run = window.tabmesh!.ask(text, { provider: 'mesh' });
    void (async () => {
      for await (const update of run.updates) {
        if (update.type === 'token') seen.tokens.push({ expert: update.expert, atMs: Date.now() });
      }
    })();
    run.answer.then(
      (answer) => {
        seen.doneAtMs = Date.now();
        seen.verdict = answer.verdict;
      },
      (error: unknown) => (seen.error = String(error)),
    );
  }, question);

const expertAfter = async (page: Page, tokens: number): Promise<string> =>
  (
    await page.waitForFunction((wanted) => {
      const { seen } = window as unknown as { seen: Seen };
      return seen.tokens.length >= wanted ? seen.tokens[0]!.expert : null;
    }, tokens)
  ).jsonValue() as Promise<string>;

const whenDone = async (page: Page): Promise<Seen> =>
  (
    await page.waitForFunction(() => {
      const { seen } = window as unknown as { seen: Seen };
      return seen.doneAtMs > 0 || seen.error !== null ? seen : null;
    })
  ).jsonValue() as Promise<Seen>;

interface HandOver {
  /** From the crash to the first token of the next expert. */
  readonly nextTokenMs: number;
  /** From the last token of the one that crashed to the first of the next: the silence that a person sees. */
  readonly silenceMs: number;
  /** From the crash to the whole answer, checked and with its receipt. */
  readonly completeMs: number;
}

async function crashOnce(
  asker: PersonAtPage,
  others: readonly PersonAtPage[],
): Promise<{ crashed: PersonAtPage; handOver: HandOver }> {
  await beginAsking(asker.page, QUESTION);
  const expert = await expertAfter(asker.page, CRASH_AFTER_TOKENS);
  const crashed = others.find((person) => person.nodeId === expert);
  if (!crashed) throw new Error('A stranger answered.');
  const devtools = await crashed.context.newCDPSession(crashed.page);
  const crashedAtMs = Date.now();
  // A crashed page never answers, so nothing is waited for here.
  devtools.send('Page.crash').catch(() => undefined);
  const seen = await whenDone(asker.page);
  const next = seen.tokens.find((token) => token.expert !== expert);
  const last = seen.tokens.filter((token) => token.expert === expert).at(-1);
  if (seen.error !== null || !next || !last || seen.verdict !== 'accepted') {
    throw new Error(seen.error ?? `The answer ended ${seen.verdict} without a hand-over.`);
  }
  return {
    crashed,
    handOver: {
      nextTokenMs: next.atMs - crashedAtMs,
      silenceMs: next.atMs - last.atMs,
      completeMs: seen.doneAtMs - crashedAtMs,
    },
  };
}

/** Four tabs: one asks, three contribute. The one that answers is crashed; another goes on, and the third checks. */
export const handOver: Bench = {
  name: 'hand-over',
  title: 'The expert crashes in the middle of an answer',
  async run({ origin, quick, say }) {
    const rounds = quick ? 1 : 5;
    const browser = await chromium.launch(browserLaunch());
    try {
      const asker = await arrive(browser, origin);
      let others: PersonAtPage[] = [];
      const found: HandOver[] = [];
      for (let round = 0; round < rounds; round++) {
        say(`crash ${round + 1} of ${rounds}`);
        while (others.length < 3) {
          const other = await arrive(browser, origin);
          await contribute(other.page);
          others.push(other);
        }
        for (const { id } of [llmChat, checkRescore]) await seesOffers(asker.page, id, 3);
        const { crashed, handOver } = await crashOnce(asker, others);
        found.push(handOver);
        others = others.filter((person) => person !== crashed);
        await crashed.context.close();
      }
      const completeMs = medianMs(found.map((one) => one.completeMs));
      return {
        figures: {
          rounds,
          crashAfterTokens: CRASH_AFTER_TOKENS,
          nextTokenMs: medianMs(found.map((one) => one.nextTokenMs)),
          nextTokenMsEachRound: found.map((one) => one.nextTokenMs),
          silenceMs: medianMs(found.map((one) => one.silenceMs)),
          completeMs,
        },
        bars: [atMost('whole answer after a crash', completeMs, MAX_COMPLETE_MS, 'ms')],
      };
    } finally {
      await browser.close();
    }
  },
};
