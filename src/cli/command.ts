import type { ParseArgsConfig } from 'node:util';
import type { Failure, Result } from '#core/base/result';

export type OptionSpecs = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>;

/** What a command got from its command line and its surroundings. */
export interface CommandInput {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  /** A path as the person meant it: relative to the folder in which npm was called. */
  resolvePath(path: string): string;
}

/** Why a command could not do its work, or what it looked at does not hold: then with what it found. */
export interface CommandFailure extends Failure {
  /** Goes to standard output all the same, and ends with a newline. */
  readonly report?: string;
}

/** One command of the command line. */
export interface Command {
  /** The words that name it, for instance `batch run`. */
  readonly name: string;
  /** What stands behind the words, for instance `MANIFEST [--ledger F]`. */
  readonly usage: string;
  readonly summary: string;
  /** How many positional arguments it takes. */
  readonly positionals: number;
  readonly options: OptionSpecs & NonNullable<ParseArgsConfig['options']>;
  /**
   * Does the work. The text goes to standard output and ends with a newline; a failure goes to standard error as one
   * sentence, with exit code 1 (2 for the code `usage`), and nothing but its report goes to standard output.
   */
  run(input: CommandInput): Promise<Result<string, CommandFailure>>;
}
