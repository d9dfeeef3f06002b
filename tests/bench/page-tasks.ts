import type { Page } from 'playwright';
import { checkRescore } from '#services/check-rescore/contract';
import { llmChat } from '#services/llm-chat/contract';
import { askThrough, contribute, seesOffers } from '#tests/e2e/people';
import { atMost, type Bench } from './bench';
import { rounded } from './figures';
import { withPeople } from './profiles';
import { QUESTIONS } from './questions';

/** What browsers call a long task: past it a press of a key is felt to wait. */
const LONG_TASK_MS = 50;

/** Milliseconds of each long task of the page's main thread. */
interface Watched extends Window {
  longTasks: { atMs: number; tookMs: number }[];
}

const watch = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const watched = window as unknown as Watched;
    watched.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries())
        watched.longTasks.push({ atMs: startTime, tookMs: duration });
    }).observe({ type: 'longtask' });
  });

/** Those seen so far; the last ones are told one task later. */
const tasksOf = (page: Page): Promise<number[]> =>
  page.evaluate(async () => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    return (window as unknown as Watched).longTasks.map(({ tookMs }) => tookMs);
  });

const summary = (name: string, tasks: readonly number[]): Record<string, number> => ({
  [`${name}LongTasks`]: tasks.length,
  [`${name}LongestTaskMs`]: rounded(Math.max(0, ...tasks), 1),
});

/** Resolves when the page shows so many whole answers. */
const answered = (page: Page, answers: number): Promise<void> =>
  page
    .locator('[data-testid=answer][data-state=done]')
    .nth(answers - 1)
    .waitFor();

/**
 * Three tabs of the app: one asks, one answers, one checks. The engines compute in workers; what is counted here is whether
 * the pages themselves are ever kept from their persons.
 */
export const pageTasks: Bench = {
  name: 'page-tasks',
  title: 'Long tasks of the pages while they ask, generate and check',
  async run({ origin, quick, say }) {
    const rounds = quick ? 3 : 60;
    const typed = quick ? 2 : 20;
    return withPeople(async (arrive) => {
      const asker = await arrive(origin);
      const expert = await arrive(origin);
      const checker = await arrive(origin);
      for (const { page } of [expert, checker]) await contribute(page);
      for (const { id } of [llmChat, checkRescore]) await seesOffers(asker.page, id, 2);
      const ask = (question: string) => askThrough(asker.page, question, { provider: expert.nodeId });
      // The first question fetches code; the first that is typed asks for consent as well.
      await ask(QUESTIONS[0]);
      await asker.page.getByTestId('ask-input').fill(QUESTIONS[0]);
      await asker.page.getByTestId('ask-send').click();
      await asker.page.getByTestId('consent-mesh').getByRole('button').first().click();
      await answered(asker.page, 1);
      for (const { page } of [expert, checker]) await watch(page);
      let tokens = 0;
      for (let round = 0; round < rounds; round++) {
        if (round % 10 === 0) say(`answer ${round + 1} of ${rounds}`);
        const { answer } = await ask(QUESTIONS[round % QUESTIONS.length]!);
        if (answer.verdict !== 'accepted') throw new Error(`An answer ended ${answer.verdict}.`);
        tokens += answer.usage.completionTokens;
      }
      const [generating, checking] = [await tasksOf(expert.page), await tasksOf(checker.page)];
      say(`${typed} answers to questions that are typed`);
      await watch(asker.page);
      for (let round = 0; round < typed; round++) {
        await asker.page.getByTestId('ask-input').fill(QUESTIONS[round % QUESTIONS.length]!);
        await asker.page.getByTestId('ask-send').click();
        await answered(asker.page, round + 2);
      }
      const asking = await tasksOf(asker.page);
      const longest = rounded(Math.max(0, ...generating, ...checking), 1);
      return {
        figures: {
          answers: rounds,
          tokens,
          typedQuestions: typed,
          ...summary('asking', asking),
          ...summary('generating', generating),
          ...summary('checking', checking),
        },
        bars: [atMost('longest task of a page that generates or checks', longest, LONG_TASK_MS, 'ms')],
      };
    });
  },
};
