import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CAUTIOUS_LIMITS, MEASURED_LIMITS } from '#core/experts/validators/margin-test';
import { format, resolveConfig } from 'prettier';
import { ROOT } from '#tests/steps';
import { CONDITIONS } from './conditions';
import { renderCurve } from './curve';
import { figuresOf } from './figures';
import { renderTables, type Measured } from './render';
import type { Subject } from './results';
import type { Row } from './row';
import { untilCaught } from './until-caught';

export const FIGURES_FILE = join(ROOT, 'docs', 'spec', 'checking-measured.json');
export const CURVE_FILE = join(ROOT, 'docs', 'spec', 'checking-measured.svg');
export const PAGE_FILE = join(ROOT, 'docs', 'spec', 'checking.md');
/** Between these two the page is made from the figures. */
export const [BEGIN, END] = ['<!-- measured -->', '<!-- end of measured -->'] as const;

/** Writes the figures, the curve and the tables of a run into docs/spec/. */
export async function publish({ seed, hashes }: Subject, rows: readonly Row[]): Promise<void> {
  const figures = CONDITIONS.flatMap((condition) => {
    const own = rows.filter((row) => row.condition === condition.name);
    return own.length === 0 ? [] : [figuresOf(condition, own)];
  });
  const rowsOf = (name: string) => rows.filter(({ condition }) => condition === name);
  const honest = rowsOf('honest: long');
  const caught = CONDITIONS.filter(({ name }) => name.endsWith(': all of it')).flatMap(({ name }) => {
    const lies = rowsOf(name);
    if (lies.length === 0 || honest.length === 0) return [];
    return [1, 1 / 5].map((share) => ({
      condition: name,
      share,
      measured: untilCaught(lies, honest, share, MEASURED_LIMITS, seed),
      cautious: untilCaught(lies, honest, share, CAUTIOUS_LIMITS, seed),
    }));
  });
  const measured: Measured = { seed, models: hashes, figures, caught };
  const options = await resolveConfig(FIGURES_FILE);
  writeFileSync(FIGURES_FILE, await format(JSON.stringify(measured), { ...options, parser: 'json' }));
  writeFileSync(CURVE_FILE, renderCurve(figures));
  const page = readFileSync(PAGE_FILE, 'utf8');
  const [before, after] = [page.slice(0, page.indexOf(BEGIN) + BEGIN.length), page.slice(page.indexOf(END))];
  writeFileSync(
    PAGE_FILE,
    await format(`${before}\n\n${renderTables(measured)}\n\n${after}`, { ...options, parser: 'markdown' }),
  );
}
