import { parseArgs } from 'node:util';
import { ensureBrowser } from '#tests/find-browser';
import { killRounds, PHASES } from './kill-rounds';

const USAGE = `npm run kills -- [--rounds N] [--seed N]

Kills a real browser while a node writes its ledger, starts it again over the same profile, and looks whether anything that
was promised is lost. The same seed chooses the same work and the same number of promises before each kill.

  --rounds   kills (default 200)
  --seed     another seed (default 1)
`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${text} is no number of at least 1.`);
  return value;
};

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const found = ensureBrowser();
  if (!found.ok) {
    say(found.error.message);
    return 1;
  }
  const startedMs = performance.now();
  const report = await killRounds({ rounds: whole(values.rounds), seed: whole(values.seed), say });
  const { seed, rounds, killsDuring, promised, settled, losses } = report;
  const kills = PHASES.map((phase) => `${killsDuring[phase]} during ${phase}`).join(', ');
  console.log(`seed ${seed}, ${rounds} rounds in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  console.log(`killed: ${kills}`);
  console.log(`promised entries: ${promised}; closed reservations: ${settled}`);
  console.log(`losses: ${losses.length}`);
  for (const loss of losses) console.log(`  ${loss}`);
  return losses.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
}
