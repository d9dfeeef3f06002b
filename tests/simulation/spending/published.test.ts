import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { MICROS_PER_CREDIT } from '#core/identity/economy-policy';
import { BEGIN, END, FIGURES_FILE, PAGE_FILE } from './publish';
import { renderTables, type Simulated } from './render';

const simulated = JSON.parse(readFileSync(FIGURES_FILE, 'utf8')) as Simulated;
const CAP_MICROS = MICROS_PER_CREDIT / 10;

test('the page says what the figures are', async () => {
  const page = readFileSync(PAGE_FILE, 'utf8');
  const options = { ...(await resolveConfig(PAGE_FILE)), parser: 'markdown' };
  const printed = page.slice(page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)).trim();
  expect(printed).toBe((await format(renderTables(simulated), options)).trim());
});

test('the mesh was cut in two with 10 % and 20 % adversaries', () => {
  const halves = simulated.runs.filter(({ scenario }) => scenario === 'halves').map(({ share }) => share);
  expect(halves).toEqual([0.1, 0.2]);
});

test('no two histories were certified while at most two witnesses lied, nobody lost more than the cap, and everybody agreed', () => {
  for (const { spends, mostLostToOneMicros, supplyMicros, sumOfBalancesMicros, digests, unproved } of simulated.runs) {
    expect(spends.upToTwo.forgers).toBeGreaterThan(0);
    expect(spends.upToTwo).toMatchObject({ certified: 0, paidTwice: 0, beyondLimitsMicros: 0 });
    expect(mostLostToOneMicros).toBeLessThanOrEqual(CAP_MICROS);
    expect({ supplyMicros, sumOfBalancesMicros, digests, unproved }).toEqual({
      supplyMicros: 0,
      sumOfBalancesMicros: 0,
      digests: 1,
      unproved: 0,
    });
  }
});
