import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { modelHashOf } from '#core/engines/model-hash';
import { isHonest } from './conditions';
import { renderCurve } from './curve';
import type { Judged } from './figures';
import { BEGIN, CURVE_FILE, END, FIGURES_FILE, PAGE_FILE } from './publish';
import { rejectedOf, renderTables, type Measured } from './render';

const measured = JSON.parse(readFileSync(FIGURES_FILE, 'utf8')) as Measured;
const named = (name: string) => measured.figures.find(({ condition }) => condition === name)!;
const share = ({ measured: rejected, answers }: Judged): number => rejected / answers;

test('the page and the curve say what the figures are', async () => {
  const page = readFileSync(PAGE_FILE, 'utf8');
  const options = { ...(await resolveConfig(PAGE_FILE)), parser: 'markdown' };
  const printed = page.slice(page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)).trim();
  expect(printed).toBe((await format(renderTables(measured), options)).trim());
  expect(readFileSync(CURVE_FILE, 'utf8')).toBe(renderCurve(measured.figures));
});

test('they are about the models that lie here', () => {
  for (const [name, hash] of Object.entries(measured.models)) {
    const { files } = JSON.parse(
      readFileSync(new URL(`../../models/${name}/hashes.json`, import.meta.url), 'utf8'),
    ) as { files: Readonly<Record<string, { sha256: string }>> };
    const hashes = Object.fromEntries(Object.entries(files).map(([path, { sha256 }]) => [path, sha256]));
    expect(hash, name).toBe(modelHashOf(hashes));
  }
});

test('of the honest answers at most one in a thousand was rejected', () => {
  const honest = measured.figures.filter(({ condition }) => isHonest(condition));
  const sum = (of: (one: (typeof honest)[number]) => number) => honest.reduce((total, one) => total + of(one), 0);
  expect(sum(({ answers }) => answers)).toBeGreaterThanOrEqual(5_000);
  expect(sum(rejectedOf) / sum(({ answers }) => answers)).toBeLessThanOrEqual(1e-3);
});

test('a liar that misses grossly at 10 % or more is caught in answers of 256 tokens, on whichever part it lies', () => {
  const far = ['loom-tiny', 'loom-mid'].filter((model) => {
    const { own } = named(`${model}: all of it`);
    return own.gross / own.tokens >= 0.1;
  });
  expect(far).toContain('loom-tiny');
  for (const model of far) {
    expect(share(named(`${model}: all of it`).whole)).toBeGreaterThanOrEqual(0.99);
    expect(share(named(`${model}: last half`).whole)).toBeGreaterThanOrEqual(0.92);
    expect(share(named(`${model}: last quarter`).whole)).toBeGreaterThanOrEqual(0.9);
  }
});
