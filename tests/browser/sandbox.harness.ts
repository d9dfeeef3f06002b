import { createSystemClock } from '#adapters/clock-system/system-clock';
import { spawnSandboxWorker } from '#adapters/engine-sandbox/spawn-sandbox-worker';
import { createSupervisedSandbox } from '#adapters/engine-sandbox/supervised-sandbox';
import { hex } from '#core/base/bytes';
import { encodeCanonical } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import type { SandboxRequest } from '#core/engines/sandbox';

const clock = createSystemClock();
/** How many times sooner than they should deadlines pass. */
let haste = 1;
const sandbox = createSupervisedSandbox({
  clock: { ...clock, after: (delayMs, run) => clock.after(delayMs / haste, run) },
  spawn: spawnSandboxWorker,
});
const never = new AbortController().signal;

const harness = {
  /** The report's canonical bytes in hex, or the code of the failure. */
  async run(request: SandboxRequest): Promise<string> {
    const result = await sandbox.run(request, never);
    return result.ok ? hex(encodeCanonical(result.value)) : result.error.code;
  },
  /** What became of each test, or the code of the failure. */
  async outcomesOf(request: SandboxRequest): Promise<string> {
    const result = await sandbox.run(request, never);
    return result.ok ? result.value.tests.map(({ outcome }) => outcome).join(' ') : result.error.code;
  },
  /** The same, with deadlines that pass far too soon. */
  async runHurried(request: SandboxRequest): Promise<string> {
    haste = 20;
    try {
      return await harness.outcomesOf(request);
    } finally {
      haste = 1;
    }
  },
  /** How often the page's own thread took a turn while the code ran. */
  async turnsDuring(request: SandboxRequest): Promise<number> {
    let over = false;
    const running = sandbox.run(request, never).then((result) => {
      over = true;
      return unwrap(result);
    });
    let turns = 0;
    while (!over) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      turns += 1;
    }
    await running;
    return turns;
  },
  async runCancelled(request: SandboxRequest): Promise<string> {
    const abort = new AbortController();
    const running = sandbox.run(request, abort.signal);
    requestAnimationFrame(() => abort.abort());
    const result = await running;
    return result.ok ? 'ok' : result.error.code;
  },
};

export type SandboxHarness = typeof harness;
(window as unknown as { sandbox: SandboxHarness }).sandbox = harness;
