import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Result } from '#core/base/result';
import { fail, ok } from '#core/base/result';
import type { Command, CommandFailure } from './command';

export interface CommandLineDeps {
  readonly commands: readonly Command[];
  readonly version: string;
  /** The folder against which relative paths resolve. */
  readonly folder: string;
}

/** What a run of the command line leaves: text for both outputs, and the exit code. */
export interface CommandLineOutcome {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line. Exit code 1: the command could not do its work; 2: the command line itself is wrong. */
export async function runCommandLine(args: readonly string[], deps: CommandLineDeps): Promise<CommandLineOutcome> {
  const result = await dispatch(args, deps);
  if (result.ok) return { exitCode: 0, stdout: result.value, stderr: '' };
  const { code, message, report = '' } = result.error;
  return { exitCode: code === 'usage' ? 2 : 1, stdout: report, stderr: `${message.replace(/\s*[\r\n]+\s*/g, ' ')}\n` };
}

async function dispatch(args: readonly string[], deps: CommandLineDeps): Promise<Result<string, CommandFailure>> {
  const first = args[0];
  if (first === undefined) return fail('usage', 'Say what to do: --help lists the commands.');
  if (args.length === 1 && first === '--version') return ok(`${deps.version}\n`);
  if (args.length === 1 && first === '--help') return ok(helpText(deps.commands));
  const command = deps.commands.find(({ name }) => name.split(' ').every((word, index) => args[index] === word));
  if (!command) return fail('usage', unknownSentence(args, deps.commands));
  const rest = args.slice(command.name.split(' ').length);
  if (rest.includes('--help')) return ok(`${usageOf(command)}\n  ${command.summary}\n`);
  const parsed = parseRest(command, rest);
  if (!parsed.ok) return parsed;
  return command.run({ ...parsed.value, resolvePath: (path) => resolve(deps.folder, path) });
}

function parseRest(command: Command, args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: command.options, allowPositionals: true });
    if (positionals.length !== command.positionals) return fail('usage', `Usage: ${usageOf(command)}`);
    return ok({ positionals, options: values as Readonly<Record<string, string | boolean | undefined>> });
  } catch (error) {
    const message = error instanceof Error ? error.message.split(/[.\n]/)[0]! : 'The options cannot be read';
    return fail('usage', `${message}. Usage: ${usageOf(command)}`);
  }
}

function unknownSentence(args: readonly string[], commands: readonly Command[]): string {
  const first = args[0]!;
  const kin = commands.filter(({ name }) => name.split(' ')[0] === first);
  if (kin.length > 0) return `Usage: ${kin.map(usageOf).join(' or ')}`;
  return `There is no ${first.startsWith('-') ? 'option' : 'command'} ${first}; --help lists what there is.`;
}

const usageOf = (command: Command): string => `tabmesh ${command.name} ${command.usage}`;

function helpText(commands: readonly Command[]): string {
  const lines = commands.map((command) => `  ${usageOf(command)}\n      ${command.summary}`);
  return [
    'Usage: npm run -s tabmesh -- COMMAND',
    '',
    ...lines,
    '  tabmesh --version',
    '  tabmesh --help',
    '',
    'JSON goes to standard output, messages to standard error. The exit code is 0 when the command did its work,',
    '1 when it could not, 2 when the command line is wrong.',
    '',
  ].join('\n');
}
