import { parseArgs } from 'node:util';
import { existsSync, readFileSync } from 'node:fs';
import type { Figures } from './figures';
import { FIGURES_FILE, publish } from './publish';
import { renderTables, type Simulated } from './render';
import { SCENARIOS } from './scenarios';
import { simulate } from './simulate';

const USAGE = `npm run simulate:spending -- [--nodes N] [--adversaries 0.1,0.2] [--only PATTERN] [--jobs N] [--seed N] [--publish]

Members of one community pay each other for two and a half hours of virtual time, of which the mesh is cut for one, while some
of them sign two histories, lie as witnesses, go silent or ask to be paid for nothing. Prints tables; the same arguments print the
same ones. A run of 200 nodes takes minutes.

  --nodes        members (default 200)
  --adversaries  their shares, one run for each (default 0.1,0.2)
  --only         scenarios whose name matches this regular expression (default all)
  --jobs         jobs that each honest node asks for (default 1)
  --seed         another seed (default 20261129)
  --publish      writes the figures and the tables into docs/spec/; runs of the same arguments that are there and were not run now stay
  --list         names the scenarios
`;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '200' },
      adversaries: { type: 'string', default: '0.1,0.2' },
      only: { type: 'string', default: '' },
      jobs: { type: 'string', default: '1' },
      seed: { type: 'string', default: '20261129' },
      publish: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [nodes, jobsPerNode, seed] = [Number(values.nodes), Number(values.jobs), Number(values.seed)];
  const shares = values.adversaries.split(',').map(Number);
  const isCount = (one: number): boolean => Number.isSafeInteger(one) && one > 0;
  const areShares = shares.every((one) => one > 0 && one < 1);
  if (values.help || !isCount(nodes) || nodes > 200 || !isCount(jobsPerNode) || !isCount(seed) || !areShares) {
    say(USAGE);
    return values.help ? 0 : 1;
  }
  const scenarios = SCENARIOS.filter(({ name }) => new RegExp(values.only).test(name));
  if (values.list) {
    for (const { name } of scenarios) say(name);
    return 0;
  }
  const runs: Figures[] = [];
  for (const scenario of scenarios)
    for (const share of shares) {
      const startedMs = performance.now();
      const { figures } = await simulate({ nodes, share, seed, jobsPerNode, scenario });
      runs.push(figures);
      const tookSeconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
      process.stderr.write(`${scenario.name}, ${share}: ${tookSeconds} s\n`);
    }
  const simulated: Simulated = { seed, nodes, jobsPerNode, runs };
  say(renderTables(simulated));
  if (values.publish) await publish(withEarlier(simulated));
  return 0;
}

/** The runs of before under the same arguments, these in their place, in the order of the scenarios. */
function withEarlier(now: Simulated): Simulated {
  const before = existsSync(FIGURES_FILE) ? (JSON.parse(readFileSync(FIGURES_FILE, 'utf8')) as Simulated) : null;
  const isSame = before?.seed === now.seed && before.nodes === now.nodes && before.jobsPerNode === now.jobsPerNode;
  const keyOf = ({ scenario, share }: Figures): string => `${scenario} ${share}`;
  const byKey = new Map([...(isSame ? before.runs : []), ...now.runs].map((one) => [keyOf(one), one]));
  const place = ({ scenario }: Figures): number => SCENARIOS.findIndex(({ name }) => name === scenario);
  return { ...now, runs: [...byKey.values()].sort((a, b) => place(a) - place(b) || a.share - b.share) };
}

process.exit(await main());
