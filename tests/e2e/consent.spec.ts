import { expect, test, type Page } from '@playwright/test';
import { arrive, contribute, expectNoFaults, isLinkedWith, seesOffers, type PersonAtPage } from './people';
import { serveApp, type AppServer } from './serve-app';

/** What a page did that costs or reveals something, from its first script on. */
interface Seen {
  readonly workers: string[];
  adapters: number;
  readonly iceServers: string[];
  readonly candidates: string[];
}
declare global {
  interface Window {
    seen: Seen;
  }
}

/** Runs in the page before anything else. */
function watchWhatIsUsed(): void {
  const seen: Seen = { workers: [], adapters: 0, iceServers: [], candidates: [] };
  window.seen = seen;
  const RealWorker = window.Worker;
  window.Worker = class extends RealWorker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      seen.workers.push(String(url));
    }
  };
  const RealConnection = window.RTCPeerConnection;
  const note = (config?: RTCConfiguration): void => {
    for (const { urls } of config?.iceServers ?? []) seen.iceServers.push(...[urls].flat());
  };
  window.RTCPeerConnection = class extends RealConnection {
    constructor(config?: RTCConfiguration) {
      super(config);
      note(config);
      this.addEventListener('icecandidate', ({ candidate }) => {
        if (candidate?.candidate) seen.candidates.push(candidate.candidate);
      });
    }
    override setConfiguration(config?: RTCConfiguration): void {
      note(config);
      super.setConfiguration(config);
    }
  };
  const { gpu } = navigator as { gpu?: { requestAdapter(...options: unknown[]): Promise<unknown> } };
  if (gpu) {
    const request = gpu.requestAdapter.bind(gpu);
    gpu.requestAdapter = (...options) => {
      seen.adapters += 1;
      return request(...options);
    };
  }
}

const seenBy = (page: Page): Promise<Seen> => page.evaluate(() => window.seen);
const capabilitiesOf = (page: Page, nodeId: string): Promise<readonly string[]> =>
  page.evaluate((id) => window.tabmesh!.peers().find((peer) => peer.nodeId === id)?.capabilities ?? [], nodeId);
const servedBy = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const stats = await window.tabmesh!.call('node.stats@1', {}, { provider: window.tabmesh!.status().nodeId });
    return (stats as { callsServed: number }).callsServed;
  });

let app: AppServer;
let visitor: PersonAtPage;
let helper: PersonAtPage;
const iceServer = () => `stun:127.0.0.1:${app.server.stunPort}`;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  app = await serveApp({ server: { stun: true } });
  helper = await arrive(browser, app.origin);
  visitor = await arrive(browser, app.origin, { before: (page) => page.addInitScript(watchWhatIsUsed) });
});
test.afterAll(async () => {
  for (const person of [visitor, helper]) await person?.context.close();
  await app?.close();
});

async function expectPresenceOnly(): Promise<void> {
  const seen = await seenBy(visitor.page);
  expect(seen.iceServers).toEqual([]);
  expect(seen.candidates.filter((candidate) => !/ typ host /.test(candidate))).toEqual([]);
  const asked = Object.values(app.server.health().stun ?? {}).reduce((sum, count) => sum + count, 0);
  expect(asked, 'STUN requests that reached the server').toBe(0);
  const offered = await capabilitiesOf(helper.page, visitor.nodeId);
  expect(offered.length).toBeGreaterThan(0);
  expect(offered.filter((id) => !/^(node|receipt)\./.test(id))).toEqual([]);
}

test('a visit is presence only: no engine, no graphics adapter, no STUN, nothing offered but node and receipt', async () => {
  await isLinkedWith(visitor.page, helper.nodeId);
  await helper.page.waitForFunction(
    (id) => (window.tabmesh!.peers().find((peer) => peer.nodeId === id)?.capabilities.length ?? 0) > 0,
    visitor.nodeId,
  );
  await expectPresenceOnly();
  const seen = await seenBy(visitor.page);
  expect(seen.candidates.length).toBeGreaterThan(0);
  expect(seen.workers.filter((url) => !/timer\.worker/.test(url))).toEqual([]);
  expect(seen.adapters).toBe(0);
  expect(visitor.page.workers().filter((worker) => !/timer\.worker/.test(worker.url()))).toEqual([]);
  const fetched = await visitor.page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
  expect(fetched.filter((url) => /\.wasm|\/models\/|ort-|web-?llm/.test(url))).toEqual([]);
});

test('the first question says who will read it, and "Only on this device" sends nothing', async () => {
  // Somebody who would answer is there: it is not for lack of others that nothing is sent.
  await visitor.page.waitForFunction(() => window.tabmesh!.peers().length > 0);
  const served = await servedBy(helper.page);
  await visitor.page.getByTestId('ask-input').fill('What is Tabmesh?');
  await visitor.page.getByTestId('ask-send').click();
  const consent = visitor.page.getByTestId('consent-mesh');
  await expect(consent).toContainText('Who reads it');
  await expect(consent).toContainText('network address');
  await expect(consent).toContainText('What is loaded');
  await consent.getByRole('button', { name: 'Only on this device' }).click();
  const answer = visitor.page.getByTestId('answer');
  await expect(answer.getByTestId('verdict')).toHaveText('Unchecked');
  await expect(answer.getByTestId('answer-text')).toContainText(/\w+ \w+ \w+/);
  await expect(answer).toContainText('Answered on this device');
  expect(await servedBy(helper.page)).toBe(served);
  await expectPresenceOnly();
  // It was no consent: the next question to the mesh asks again.
  await visitor.page.getByTestId('ask-input').fill('What is a node?');
  await visitor.page.getByTestId('ask-send').click();
  await expect(consent).toBeVisible();
  await consent.getByRole('button', { name: 'Only on this device' }).click();
  await expect(answer.getByTestId('verdict').nth(1)).toHaveText('Unchecked');
  await expectPresenceOnly();
});

test('with the yes to contribute links may use the configured servers, and the work is offered', async ({
  browser,
}) => {
  await contribute(visitor.page);
  await seesOffers(helper.page, 'llm.chat@1', 1);
  expect(await capabilitiesOf(helper.page, visitor.nodeId)).toEqual(
    expect.arrayContaining(['job.run@1', 'check.rescore@1', 'check.redo@1', 'echo@1']),
  );
  const newcomer = await arrive(browser, app.origin);
  await isLinkedWith(newcomer.page, visitor.nodeId);
  const seen = await seenBy(visitor.page);
  expect(new Set(seen.iceServers)).toEqual(new Set([iceServer()]));
  await visitor.page.evaluate(() => window.tabmesh!.contribute(false));
  await helper.page.waitForFunction(
    (id) =>
      !window
        .tabmesh!.peers()
        .find((peer) => peer.nodeId === id)!
        .capabilities.includes('job.run@1'),
    visitor.nodeId,
  );
  await expectNoFaults(visitor, helper, newcomer);
  await newcomer.context.close();
});
