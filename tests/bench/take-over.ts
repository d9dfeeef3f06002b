import type { Page } from 'playwright';
import { contribute } from '#tests/e2e/people';
import { atMost, type Bench } from './bench';
import { medianMs } from './figures';
import { withPeople } from './profiles';

const MAX_TAKE_OVER_MS = 2_000;

/** Presses *Use here* in the tab that waits: milliseconds from the click until the node runs there, on that page's clock. */
const takeOver = (waiting: Page, nodeId: string): Promise<number> =>
  waiting.evaluate(
    (id) =>
      new Promise<number>((resolve) => {
        const clickedAtMs = performance.now();
        const look = setInterval(() => {
          if (window.tabmesh!.status().nodeId !== id) return;
          clearInterval(look);
          resolve(performance.now() - clickedAtMs);
        }, 5);
        document.querySelector<HTMLButtonElement>('[data-testid="waiting-tab"] button')!.click();
      }),
    nodeId,
  );

/** Two tabs of one profile, a contributing node in one of them: the other takes it, in turns. */
export const tabTakeOver: Bench = {
  name: 'take-over',
  title: 'A node goes to another tab of its profile',
  async run({ origin, quick, say }) {
    const rounds = quick ? 2 : 20;
    const took = await withPeople(async (arrive) => {
      const { context, page, nodeId } = await arrive(origin);
      await contribute(page);
      const other = await context.newPage();
      await other.goto(origin);
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        say(`take-over ${round + 1} of ${rounds}`);
        const waiting = round % 2 === 0 ? other : page;
        await waiting.getByTestId('waiting-tab').waitFor();
        times.push(await takeOver(waiting, nodeId));
      }
      return times;
    });
    const takeOverMs = medianMs(took);
    return {
      figures: { takeOvers: rounds, takeOverMs, takeOverWorstMs: Math.round(Math.max(...took)) },
      bars: [atMost('a node in another tab', Math.round(Math.max(...took)), MAX_TAKE_OVER_MS, 'ms')],
    };
  },
};
