import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { ROOT } from '#tests/steps';
import { renderTables, type Simulated } from './render';

export const FIGURES_FILE = join(ROOT, 'docs', 'spec', 'spending-simulated.json');
export const PAGE_FILE = join(ROOT, 'docs', 'spec', 'ledger.md');
/** Between these two the page is made from the figures. */
export const [BEGIN, END] = ['<!-- simulated -->', '<!-- end of simulated -->'] as const;

/** Writes the figures and the tables of a run into docs/spec/. */
export async function publish(simulated: Simulated): Promise<void> {
  const options = await resolveConfig(FIGURES_FILE);
  writeFileSync(FIGURES_FILE, await format(JSON.stringify(simulated), { ...options, parser: 'json' }));
  const page = readFileSync(PAGE_FILE, 'utf8');
  const [before, after] = [page.slice(0, page.indexOf(BEGIN) + BEGIN.length), page.slice(page.indexOf(END))];
  writeFileSync(
    PAGE_FILE,
    await format(`${before}\n\n${renderTables(simulated)}\n\n${after}`, { ...options, parser: 'markdown' }),
  );
}
