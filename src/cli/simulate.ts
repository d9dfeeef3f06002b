import { fail, ok, type Result } from '#core/base/result';
import type { Command, CommandInput } from './command';

/** Nodes in one process, with the figures printed: see `simulation.ts` for what happens. */
export const simulateCommand: Command = {
  name: 'simulate',
  usage: '--nodes N --seed S',
  summary: 'run N nodes over memory links and a virtual clock: join, work, one crash; same seed, same bytes',
  positionals: 0,
  options: { nodes: { type: 'string' }, seed: { type: 'string' } },
  run: runSimulation,
};

async function runSimulation({ options }: CommandInput): Promise<Result<string>> {
  const nodes = wholeNumber(options['nodes'] ?? '8');
  const seed = wholeNumber(options['seed'] ?? '1');
  if (nodes === null) return fail('usage', '--nodes takes a whole number.');
  if (seed === null) return fail('usage', '--seed takes a whole number.');
  const { simulate } = await import('./simulation');
  const simulation = await simulate(nodes, seed);
  return simulation.ok ? ok(`${JSON.stringify(simulation.value, null, 2)}\n`) : simulation;
}

const wholeNumber = (text: string | boolean | undefined): number | null =>
  typeof text === 'string' && /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
