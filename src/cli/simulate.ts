import { isFolder, listFiles } from '#adapters/storage-fs-files/write-files';
import { fail, ok, type Result } from '#core/base/result';
import { evidenceSources } from '#core/evidence/evidence-sources';
import type { Command, CommandInput } from './command';
import { writeEvidence } from './evidence/evidence-folder';
import type { SimulatedEvidence } from './simulation';

/** Nodes in one process, with the figures printed: see `simulation.ts` for what happens. */
export const simulateCommand: Command = {
  name: 'simulate',
  usage: '--nodes N --seed S [--evidence DIR [--words]]',
  summary:
    'run N nodes over memory links and a virtual clock: join, work, one crash; same seed, same bytes; keep traces and receipts in a folder',
  positionals: 0,
  options: {
    nodes: { type: 'string' },
    seed: { type: 'string' },
    evidence: { type: 'string' },
    words: { type: 'boolean' },
  },
  run: runSimulation,
};

async function runSimulation({ options, resolvePath }: CommandInput): Promise<Result<string>> {
  const nodes = wholeNumber(options['nodes'] ?? '8');
  const seed = wholeNumber(options['seed'] ?? '1');
  if (nodes === null) return fail('usage', '--nodes takes a whole number.');
  if (seed === null) return fail('usage', '--seed takes a whole number.');
  const folder = typeof options['evidence'] === 'string' ? resolvePath(options['evidence']) : null;
  if (folder !== null && (await isFolder(folder)) && !(await listFiles(folder, 0)).ok)
    return fail('not_empty', `${folder} is not empty; nothing was run.`);
  const { simulate } = await import('./simulation');
  const evidence: SimulatedEvidence = { kept: [], receipts: [] };
  const simulation = await simulate(nodes, seed, folder === null ? undefined : evidence);
  if (!simulation.ok) return simulation;
  if (folder !== null) {
    const files = evidenceSources(evidence, options['words'] === true);
    if (!files.ok) return files;
    const written = await writeEvidence(folder, files.value, [...files.value.keys()]);
    if (!written.ok) return written;
  }
  return ok(`${JSON.stringify(simulation.value, null, 2)}\n`);
}

const wholeNumber = (text: string | boolean | undefined): number | null =>
  typeof text === 'string' && /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
