import { createStandInWebLlm } from '#tests/fakes/web-llm';
import { exposeToPage } from '#workers/shared/expose';
import { createTokenizer } from '#workers/web-llm/tokenizer';
import { createWebLlmWorker, type WebLlmWorkerOptions } from '#workers/web-llm/web-llm-worker';

/** The worker of the app in a thread of its own, over the stand-in with this browser's own graphics device. */
const scope = self as unknown as WebLlmWorkerOptions['scope'];

const text = async (file: string): Promise<object> =>
  (await (await fetch(`${location.origin}/static/models/spark/${file}`)).json()) as object;

/** How an answer was taken up, for the page. */
const takenUp = new BroadcastChannel('taken-up');

exposeToPage(
  createWebLlmWorker({
    async loadModule() {
      const tokenizer = createTokenizer(await text('tokenizer.json'), await text('tokenizer_config.json'));
      const channel = new BroadcastChannel('lose-device');
      const arm = (loseAfter: (passes: number) => void): void => {
        channel.onmessage = ({ data: passes }: MessageEvent<number>) => {
          loseAfter(passes);
          channel.postMessage('armed');
        };
      };
      if (self.name === 'package') {
        const { createPackageOverToy } = await import('#tests/fakes/web-llm-package');
        let passesLeft = Infinity;
        arm((passes) => (passesLeft = passes));
        return createPackageOverToy(tokenizer.decode, {
          async onPass() {
            await new Promise((resolve) => setTimeout(resolve));
            if (passesLeft-- > 0) return;
            reportError(new Error('the graphics device was lost'));
            await new Promise(() => {});
          },
          onTakenUp: (replayed, covered) => takenUp.postMessage({ replayed, covered }),
        });
      }
      const standIn = createStandInWebLlm(tokenizer.decode, { scope });
      arm(standIn.loseDeviceAfter);
      return standIn.module;
    },
    scope,
    breakDown: (error) => reportError(error),
    nowMs: () => performance.now(),
    // The toy's answers are short.
    checkpointTokens: 4,
  }),
);
