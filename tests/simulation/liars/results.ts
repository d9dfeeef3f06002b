import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { fail, ok, type Result } from '#core/base/result';
import { rowSchema, type Row } from './row';

/** What the rows of one file have in common: each run says it of the models that it uses. */
const subjectSchema = v.strictObject({
  seed: v.number(),
  hashes: v.record(v.string(), v.string()),
});
export type Subject = v.InferOutput<typeof subjectSchema>;

/**
 * Results on disk, a JSON line for the subject of each run and one for each row. Lines are only ever added, each batch in one write; a line that
 * was cut off by an interruption is dropped when the file is opened again.
 */
export interface Results {
  readonly rows: readonly Row[];
  add(rows: readonly Row[]): void;
}

/** Every whole line that is there. Codes: `no_results`, `other_subject` when runs of different subjects were mixed. */
export function readResults(path: string): Result<{ readonly subject: Subject; readonly rows: readonly Row[] }> {
  if (!existsSync(path)) return fail('no_results', `There are no results at ${path}.`);
  let subject = null as Subject | null;
  const rows: Row[] = [];
  for (const line of wholeLines(readFileSync(path, 'utf8'))) {
    const said: unknown = JSON.parse(line);
    if (v.is(subjectSchema, said)) {
      if (subject !== null && !agree(subject, said))
        return fail('other_subject', `${path} holds results of different seeds or models.`);
      subject = { seed: said.seed, hashes: { ...subject?.hashes, ...said.hashes } };
    } else rows.push(v.parse(rowSchema, said));
  }
  return subject === null ? fail('no_results', `There are no results in ${path}.`) : ok({ subject, rows });
}

/** Opens or begins a file. Code `other_subject` when it holds results of another seed or of other models. */
export function openResults(path: string, subject: Subject): Result<Results> {
  mkdirSync(dirname(path), { recursive: true });
  const there = readResults(path);
  if (!there.ok && there.error.code !== 'no_results') return there;
  if (there.ok && !agree(there.value.subject, subject))
    return fail('other_subject', `${path} holds results of another seed or of other models: move it away.`);
  if (existsSync(path)) {
    const kept = wholeLines(readFileSync(path, 'utf8')).map((line) => `${line}\n`);
    truncateSync(path, Buffer.byteLength(kept.join('')));
  }
  appendFileSync(path, `${JSON.stringify(subject)}\n`);
  const rows = there.ok ? [...there.value.rows] : [];
  return ok({
    rows,
    add(more) {
      rows.push(...more);
      appendFileSync(path, more.map((row) => `${JSON.stringify(row)}\n`).join(''));
    },
  });
}

const agree = (a: Subject, b: Subject): boolean =>
  a.seed === b.seed && Object.entries(a.hashes).every(([name, hash]) => (b.hashes[name] ?? hash) === hash);

/** Lines that end, so that half a line at the end is none. */
const wholeLines = (text: string): string[] =>
  text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '');
