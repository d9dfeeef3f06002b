import { expect, test } from '@playwright/test';
import { killRounds, PHASES } from '../kills/kill-rounds';

/** A round starts a browser, which takes seconds on a busy machine: only a hang ends here. */
const MAX_MS = 900_000;

test('nothing that the ledger promised is lost, doubled or parted when the browser is killed at any moment', async () => {
  test.setTimeout(MAX_MS);
  const report = await killRounds({ rounds: 20, seed: 1 });
  expect(report.losses).toEqual([]);
  for (const phase of PHASES) expect(report.killsDuring[phase]).toBeGreaterThan(0);
  expect(report.promised).toBeGreaterThan(100);
});
