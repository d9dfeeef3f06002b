import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandLineOutcome } from '#cli/run-command-line';
import type { EvidenceReport } from '#core/evidence/verify-evidence';

/** Runs one command line of `tabmesh` in the folder of the sample. */
export type RunCommand = (...args: readonly string[]) => Promise<CommandLineOutcome>;

/** One thing that must hold of the sample; the reason why it does not goes out as an error. */
interface SampleGate {
  readonly name: string;
  readonly hold: () => Promise<void>;
}

const TERMINAL_RECEIPT = 'seal/terminal-receipt.json';
/** A source, and what ends the chain over it: in each a byte is changed. */
const ALTERED = ['traces.jsonl', TERMINAL_RECEIPT] as const;

const must = (holds: boolean, otherwise: string): void => {
  if (!holds) throw new Error(otherwise);
};

/**
 * Makes sample evidence in an empty folder and gates it, command by command as a person would; what was made stays there. Tells every
 * gate that is passed. Gives null when all held, else the gate that did not, with the reason: what comes after it is not looked at.
 */
export async function gateSample(
  folder: string,
  run: RunCommand,
  passed: (gate: string) => void,
): Promise<string | null> {
  const at = (path: string): string => join(folder, path);
  const holds = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await run(...args);
    must(exitCode === 0, `${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  /** Refused with exit code 1, one sentence that names the place, and no word on standard output. */
  const refused = async (named: string, ...args: readonly string[]): Promise<void> => {
    const { exitCode, stderr } = await run(...args);
    must(exitCode === 1, `${args.join(' ')}: exit code ${exitCode}, where ${named} was changed`);
    must(
      /^[^\n]+\n$/.test(stderr) && stderr.includes(named),
      `${args.join(' ')}: does not name ${named}: ${stderr.trim()}`,
    );
  };
  const verified = async (path: string): Promise<EvidenceReport> => {
    const report = JSON.parse(await holds('evidence', 'verify', path)) as EvidenceReport;
    must(report.reviewable && report.failures.length === 0, `${path} is not reviewable`);
    return report;
  };
  const flip = async (path: string): Promise<void> => {
    const bytes = await readFile(at(path));
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    await writeFile(at(path), bytes);
  };

  const gates: readonly SampleGate[] = [
    {
      name: 'a small mesh leaves traces and receipts',
      hold: async () => void (await holds('simulate', '--nodes', '3', '--seed', '1', '--evidence', 'run', '--words')),
    },
    {
      name: 'evidence is built of them',
      hold: async () => {
        const built = JSON.parse(await holds('evidence', 'build', 'run')) as { traces: number; receipts: number };
        must(built.traces > 0 && built.receipts > 0, 'there is nothing in it');
      },
    },
    {
      name: 'and verifies; another key seals it anew, in both stages',
      hold: async () => {
        const before = (await verified('run')).seals[0]?.signedBy;
        await rm(at('run.key.json'));
        await holds('evidence', 'seal', 'run');
        const { seals } = await verified('run');
        must(seals.map(({ stage }) => stage).join() === '1,2,terminal', 'a stage is missing');
        must(
          seals.every(({ ok, checkedCount }) => ok && checkedCount > 0),
          'a seal covers nothing or does not hold',
        );
        must(
          seals.every(({ signedBy }) => signedBy !== before),
          'it is the seal from before',
        );
      },
    },
    {
      name: 'the terminal receipt is there, and everything stands on it',
      hold: async () => {
        await verified('run.evidence.car');
        await rename(at(`run/${TERMINAL_RECEIPT}`), at('aside.json'));
        await refused(TERMINAL_RECEIPT, 'evidence', 'verify', 'run');
        await rename(at('aside.json'), at(`run/${TERMINAL_RECEIPT}`));
      },
    },
    {
      name: 'index, text and folder are in step',
      hold: async () => {
        await holds('evidence', 'index', 'run', '--check');
        await rename(at('run/seal/index.md'), at('aside.md'));
        await refused('seal/index.md', 'evidence', 'index', 'run', '--check');
        await rename(at('aside.md'), at('run/seal/index.md'));
      },
    },
    {
      name: 'elsewhere the bundle is enough: unpacked and verified without the originals',
      hold: async () => {
        await rm(at('run'), { recursive: true });
        await rm(at('run.key.json'));
        await holds('evidence', 'unpack', 'run.evidence.car', 'elsewhere');
        await verified('elsewhere');
      },
    },
    {
      name: 'one flipped byte in a file is refused, and the file named',
      hold: async () => {
        for (const path of ALTERED) {
          await flip(`elsewhere/${path}`);
          await refused(path, 'evidence', 'verify', 'elsewhere');
          await flip(`elsewhere/${path}`);
        }
        await verified('elsewhere');
      },
    },
    {
      name: 'one flipped byte in the bundle is refused, and writes nothing when it is unpacked',
      hold: async () => {
        await flip('run.evidence.car');
        await refused('was changed', 'evidence', 'verify', 'run.evidence.car');
        await refused('was changed', 'evidence', 'unpack', 'run.evidence.car', 'damaged');
        await flip('run.evidence.car');
        await verified('run.evidence.car');
        must(!(await readdir(folder)).includes('damaged'), 'a damaged bundle was unpacked');
      },
    },
    {
      name: 'a sample of an economy is made and holds',
      hold: async () => {
        await holds('economy', 'sample', '--dir', 'economy');
        await holds('economy', 'check', '--dir', 'economy');
      },
    },
    {
      name: 'one changed charge in it is refused, and the receipt named',
      hold: async () => {
        const path = at('economy/work/answer.json');
        const text = await readFile(path, 'utf8');
        await writeFile(path, text.replace('"chargeMicros": 3000', '"chargeMicros": 4000'));
        await refused('work/answer.json', 'economy', 'check', '--dir', 'economy');
        await writeFile(path, text);
      },
    },
  ];

  for (const { name, hold } of gates) {
    try {
      await hold();
    } catch (error) {
      return `${name}: ${error instanceof Error ? error.message : String(error)}`;
    }
    passed(name);
  }
  return null;
}
