import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import type { EngineHarness } from './engine.harness';
import { serveHarness } from './serve-harness';

declare global {
  interface Window {
    engine: EngineHarness;
  }
}

const MODULE = '/tests/browser/engine.harness.ts';
/** Of 100 freely reworded questions and of 50 about other things. */
const LEAST_RIGHT = 70;
const LEAST_REFUSED = 45;

const read = <T>(path: string): T => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as T;
const DATA = 'workers/models/spark/data';

interface IntentFile {
  readonly intents: readonly { readonly id: string; readonly answer: string }[];
}
interface HeldOut {
  readonly intents: readonly { readonly id: string; readonly question: string }[];
  readonly foreign: readonly string[];
}

test('Spark answers held-out questions about this app and refuses others', async ({ page }) => {
  const answers = new Map(
    ['01', '02', '03', '04', '05', '06']
      .flatMap((number) => read<IntentFile>(`${DATA}/intents-${number}.json`).intents)
      .map(({ id, answer }) => [id, answer]),
  );
  const refusal = read<{ refusal: { text: string } }>('static/models/spark/card.json').refusal.text;
  const heldOut = read<HeldOut>(`${DATA}/held-out.json`);
  expect([heldOut.intents.length, heldOut.foreign.length]).toEqual([100, 50]);
  const items = [
    ...heldOut.intents.map(({ id, question }) => ({ question, expected: answers.get(id) ?? '' })),
    ...heldOut.foreign.map((question) => ({ question, expected: refusal })),
  ];
  expect(items.filter(({ expected }) => expected === '')).toEqual([]);

  const server = await serveHarness({ modules: [MODULE, '/workers/transformers/main.ts'] });
  try {
    await server.open(page, MODULE);
    const verdicts = await page.evaluate((asked) => window.engine.answersAsExpected(asked), items);
    const right = verdicts.slice(0, heldOut.intents.length).filter(Boolean).length;
    const refused = verdicts.slice(heldOut.intents.length).filter(Boolean).length;
    console.log(
      `Spark: ${right} of ${heldOut.intents.length} held-out questions answered rightly, ${refused} of ${heldOut.foreign.length} others refused`,
    );
    expect(right).toBeGreaterThanOrEqual(LEAST_RIGHT);
    expect(refused).toBeGreaterThanOrEqual(LEAST_REFUSED);
  } finally {
    await server.close();
  }
});
