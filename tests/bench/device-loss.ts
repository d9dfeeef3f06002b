import type { Page } from 'playwright';
import { atMost, type Bench } from './bench';
import { SPARK, withEnginePage } from './engine-page';
import { medianMs, rounded } from './figures';

const MAX_RECOVERY_MS = 10_000;

/** A software adapter, so that a machine without a graphics processor measures the same way. */
const FLAGS = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

async function offerCrash(page: Page): Promise<void> {
  await page.exposeFunction('crashGraphics', async () => {
    const devtools = await page.context().browser()!.newBrowserCDPSession();
    // The command has no answer of its own when the process that it kills is the one in between.
    await devtools.send('Browser.crashGpuProcess').catch(() => {});
    await devtools.detach().catch(() => {});
  });
}

/** The graphics process dies in the middle of an answer; the same question is asked again at once. */
export const deviceLoss: Bench = {
  name: 'device-loss',
  title: 'The graphics device is lost, Spark on WebGPU (SwiftShader)',
  async run({ quick, say }) {
    const rounds = quick ? 1 : 7;
    const found = [];
    for (let round = 0; round < rounds; round++) {
      say(`loss ${round + 1} of ${rounds}`);
      // A browser whose graphics process died often gives no device any more: a new one for each.
      const once = await withEnginePage((page) => page.evaluate((which) => window.engines.loseDevice(which), SPARK), {
        flags: FLAGS,
        before: offerCrash,
      });
      if (once.engines[0] !== 'transformers/webgpu' || once.told === 'stop')
        throw new Error(`The device was not lost in time: ${JSON.stringify(once)}.`);
      found.push(once);
    }
    const firstTokenMs = medianMs(found.map((one) => one.firstTokenMs));
    return {
      figures: {
        rounds,
        enginesAfter: [...new Set(found.map(({ engines }) => engines[1]))].join(', '),
        toldMs: medianMs(found.map((one) => one.toldMs)),
        firstTokenMs,
        firstTokenWorstMs: rounded(Math.max(...found.map((one) => one.firstTokenMs)), 1),
        answeredMs: medianMs(found.map((one) => one.answeredMs)),
        loadOnWebGpuMs: medianMs(found.map((one) => one.loadMs)),
      },
      bars: [atMost('first token after a lost device', firstTokenMs, MAX_RECOVERY_MS, 'ms')],
    };
  },
};
