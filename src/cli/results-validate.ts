import { readTextFile } from '#adapters/storage-fs-files/write-files';
import { fail, ok, type Result } from '#core/base/result';
import { parseMessageLog } from '#core/jobs/batch/message-log';
import { renderValidation, validateResults } from '#core/jobs/batch/validate-results';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import type { Command, CommandInput } from './command';
import { pathsOf, readRequired, writeDocuments } from './command-files';

/** An independent validator: every verdict anew from two logs. */
export const resultsValidate: Command = {
  name: 'results validate',
  usage: '--assignments FILE --results FILE --output FILE',
  summary: 'judge the results of a log anew against the assignments of another, and write the verdicts to a new file',
  positionals: 0,
  options: { assignments: { type: 'string' }, results: { type: 'string' }, output: { type: 'string' } },
  run: validate,
};

async function validate(input: CommandInput): Promise<Result<string>> {
  // One log may hold both: only the output must be another file.
  const assigned = await pathsOf(input, ['assignments', 'output'], []);
  if (!assigned.ok) return assigned;
  const reported = await pathsOf(input, ['results', 'output'], []);
  if (!reported.ok) return reported;
  const { output } = assigned.value;
  const assignments = await readRequired(assigned.value.assignments, 'assignment log', parseMessageLog);
  if (!assignments.ok) return assignments;
  const results = await readRequired(reported.value.results, 'result log', parseMessageLog);
  if (!results.ok) return results;
  const validation = validateResults(assignments.value.value, results.value.value, deterministicJobTypes);
  if (!validation.ok) return validation;
  const present = await readTextFile(output, Number.MAX_SAFE_INTEGER);
  if (!present.ok || present.value !== null) return fail('file_exists', `${output} exists; it is not overwritten.`);
  const text = renderValidation(validation.value);
  const written = await writeDocuments([{ path: output, text, readAs: null }]);
  return written.ok ? ok(text) : written;
}
