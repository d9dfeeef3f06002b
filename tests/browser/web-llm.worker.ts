import { createStandInWebLlm } from '#tests/fakes/web-llm';
import { exposeToPage } from '#workers/shared/expose';
import { createTokenizer } from '#workers/web-llm/tokenizer';
import { createWebLlmWorker, type WebLlmWorkerOptions } from '#workers/web-llm/web-llm-worker';

/** The worker of the app in a thread of its own, over the stand-in with this browser's own graphics device. */
const scope = self as unknown as WebLlmWorkerOptions['scope'];

const text = async (file: string): Promise<object> =>
  (await (await fetch(`${location.origin}/static/models/spark/${file}`)).json()) as object;

exposeToPage(
  createWebLlmWorker({
    async loadModule() {
      const tokenizer = createTokenizer(await text('tokenizer.json'), await text('tokenizer_config.json'));
      const standIn = createStandInWebLlm(tokenizer.decode, { scope });
      const channel = new BroadcastChannel('lose-device');
      channel.onmessage = ({ data: passes }: MessageEvent<number>) => {
        standIn.loseDeviceAfter(passes);
        channel.postMessage('armed');
      };
      return standIn.module;
    },
    scope,
    breakDown: (error) => reportError(error),
    nowMs: () => performance.now(),
  }),
);
