import type { CDPSession, Page } from 'playwright';
import { checkRescore } from '#services/check-rescore/contract';
import { llmChat } from '#services/llm-chat/contract';
import { contribute, seesOffers, type PersonAtPage } from '#tests/e2e/people';
import { atMost, type Bench } from './bench';
import { medianMs } from './figures';
import { withPeople, type Arrive } from './profiles';

const MAX_COMPLETE_MS = 10_000;
const CONTRIBUTORS = 3;
const QUESTION = 'How does the check of an answer work?';
/** Spark is quick: sometimes the whole answer is out before the crash takes hold, and the round is run again. */
const MAX_TRIES_PER_ROUND = 4;

/** What the asking page notes down of one answer; times are the system's, in milliseconds. */
interface Seen {
  readonly tokens: readonly { readonly expert: string; readonly atMs: number }[];
  readonly doneAtMs: number;
  readonly verdict: string;
}

interface Contributor {
  readonly person: PersonAtPage;
  /** Opened beforehand: an answer lasts a fraction of a second. */
  readonly devtools: CDPSession;
}

async function arriveToContribute(arrive: Arrive, origin: string): Promise<Contributor> {
  const person = await arrive(origin);
  await contribute(person.page);
  return { person, devtools: await person.context.newCDPSession(person.page) };
}

/** Asks, tells `answerBegan` who sent the first token, and gives back what was seen once the answer is whole. */
const askAndWatch = (page: Page, question: string): Promise<Seen> =>
  page.evaluate(async (text) => {
    const { answerBegan } = window as unknown as { answerBegan: (expert: string) => void };
    const tokens: { expert: string; atMs: number }[] = [];
    const run = window.tabmesh!.ask(text, { provider: 'mesh' });
    for await (const update of run.updates) {
      if (update.type !== 'token') continue;
      if (tokens.length === 0) answerBegan(update.expert);
      tokens.push({ expert: update.expert, atMs: Date.now() });
    }
    const { verdict } = await run.answer;
    return { tokens, doneAtMs: Date.now(), verdict };
  }, question);

interface HandOver {
  /** From the crash to the first token of the next expert. */
  readonly nextTokenMs: number;
  /** From the last token of the one that crashed to the first of the next: the silence that a person sees. */
  readonly silenceMs: number;
  /** From the crash to the whole answer, checked and with its receipt. */
  readonly completeMs: number;
  readonly tokensBefore: number;
}

/** Four tabs: one asks, three contribute. The one that answers is crashed; another goes on, and the third checks. */
export const handOver: Bench = {
  name: 'hand-over',
  title: 'The expert crashes in the middle of an answer',
  async run({ origin, quick, say }) {
    const rounds = quick ? 1 : 7;
    return withPeople(async (arrive) => {
      const asker = await arrive(origin);
      let others: Contributor[] = [];
      let crashed: { readonly contributor: Contributor; readonly atMs: number } | null = null;
      await asker.page.exposeFunction('answerBegan', (expert: string) => {
        const contributor = others.find(({ person }) => person.nodeId === expert);
        if (!contributor) return;
        crashed = { contributor, atMs: Date.now() };
        // A crashed page never answers, so nothing is waited for here.
        contributor.devtools.send('Page.crash').catch(() => undefined);
      });

      const crashOnce = async (): Promise<HandOver | null> => {
        while (others.length < CONTRIBUTORS) others.push(await arriveToContribute(arrive, origin));
        for (const { id } of [llmChat, checkRescore]) await seesOffers(asker.page, id, CONTRIBUTORS);
        crashed = null;
        const { tokens, doneAtMs, verdict } = await askAndWatch(asker.page, QUESTION);
        // Assigned by the page's call, which the compiler does not see.
        const crash = crashed as { readonly contributor: Contributor; readonly atMs: number } | null;
        if (!crash) throw new Error('A stranger answered.');
        const { nodeId, context } = crash.contributor.person;
        others = others.filter(({ person }) => person.nodeId !== nodeId);
        await context.close();
        const next = tokens.find((token) => token.expert !== nodeId);
        const before = tokens.filter((token) => token.expert === nodeId);
        const last = before.at(-1);
        if (!next || !last) return null;
        if (verdict !== 'accepted') throw new Error(`The answer ended ${verdict} after the hand-over.`);
        return {
          nextTokenMs: next.atMs - crash.atMs,
          silenceMs: next.atMs - last.atMs,
          completeMs: doneAtMs - crash.atMs,
          tokensBefore: before.length,
        };
      };

      const found: HandOver[] = [];
      let tries = 0;
      while (found.length < rounds) {
        if (++tries > rounds * MAX_TRIES_PER_ROUND) throw new Error('The answers were always out before the crash.');
        say(`crash ${found.length + 1} of ${rounds}`);
        const once = await crashOnce();
        if (once) found.push(once);
      }
      const completeMs = medianMs(found.map((one) => one.completeMs));
      return {
        figures: {
          rounds,
          roundsOutBeforeTheCrash: tries - rounds,
          tokensBeforeTheCrash: medianMs(found.map((one) => one.tokensBefore)),
          nextTokenMs: medianMs(found.map((one) => one.nextTokenMs)),
          nextTokenMsEachRound: found.map((one) => one.nextTokenMs),
          silenceMs: medianMs(found.map((one) => one.silenceMs)),
          completeMs,
        },
        bars: [atMost('whole answer after a crash', completeMs, MAX_COMPLETE_MS, 'ms')],
      };
    });
  },
};
