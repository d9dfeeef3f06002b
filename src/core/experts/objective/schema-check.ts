import { Validator } from '@cfworker/json-schema';
import * as v from 'valibot';
import { fail, ok, type Result } from '../../base/result';
import { parseJsonThrough } from '../../wire/parse-json-through';
import { MAX_ANSWER_CHARACTERS, MAX_ANSWER_VALUES } from './answer-limits';
import { textsOf } from './json-texts';
import { readSchema } from './schema-bounds';

/** Tries of all patterns over all texts of one answer: a few hundred milliseconds on a slow phone. */
const MAX_PATTERN_TRIES = 1e6;
/** A reason may name whole lists of the schema. */
const MAX_REASON_CHARACTERS = 200;

const countValues = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? 1 + Object.values(value).reduce((sum: number, inner) => sum + countValues(inner), 0)
    : 1;

/**
 * Holds an answer in JSON against a JSON schema, both as texts from outside. Gives the value. Codes of the schema:
 * those of `readSchema`. Codes of the answer: `not_json`, `answer_too_large`, `too_costly` (a pattern of the schema against
 * texts as long as these), `not_to_schema`. The same texts give the same code on every device.
 */
export function checkStructured(schemaText: string, answer: string): Result<unknown> {
  const schema = readSchema(schemaText);
  if (!schema.ok) return schema;
  if (answer.length > MAX_ANSWER_CHARACTERS)
    return fail('answer_too_large', `The answer has more than ${MAX_ANSWER_CHARACTERS} characters.`);
  const parsed = parseJsonThrough(v.unknown(), answer, MAX_ANSWER_CHARACTERS);
  if (!parsed.ok) return fail('not_json', 'The answer is not JSON, or nested too deep.');
  if (countValues(parsed.value) > MAX_ANSWER_VALUES)
    return fail('answer_too_large', `The answer has more than ${MAX_ANSWER_VALUES} values.`);

  const texts = textsOf(parsed.value);
  const tries = schema.value.patterns.reduce(
    (sum, { ways, anchored }) =>
      sum + texts.reduce((inner, { length }) => inner + ways(length) * (anchored ? 1 : length + 1), 0),
    0,
  );
  if (!(tries <= MAX_PATTERN_TRIES))
    return fail('too_costly', 'The answer has texts that are too long for the patterns of the schema.');

  const found = validate(schema.value.schema, parsed.value);
  return found === null ? ok(parsed.value) : fail('not_to_schema', `The answer does not fit the schema ${found}.`);
}

/** Null, or where and why the value does not fit. What the library cannot read is no fit. */
function validate(schema: Record<string, unknown>, value: unknown): string | null {
  try {
    const { valid, errors } = new Validator(schema, '2020-12').validate(value);
    const last = errors.at(-1);
    const why = `at ${last?.instanceLocation ?? '#'}: ${last?.error ?? 'no reason is given'}`;
    return valid ? null : why.slice(0, MAX_REASON_CHARACTERS);
  } catch (error) {
    return `as far as it can be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
