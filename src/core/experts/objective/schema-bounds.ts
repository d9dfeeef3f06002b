import * as v from 'valibot';
import { fail, ok, type Result } from '../../base/result';
import { checkAgainst } from '../../wire/gate';
import { parseJsonThrough } from '../../wire/parse-json-through';
import { MAX_SCHEMA_CHARACTERS } from './answer-limits';
import { costOfPattern, type PatternCost } from './pattern-cost';

const MAX_SUBSCHEMA_DEPTH = 16;
/** Subschemas when every reference is replaced by what it names: a short text can name itself into millions. */
const MAX_EXPANDED = 256;
const MAX_ENTRIES = 128;
const MAX_NAME_CHARACTERS = 128;
const MAX_TEXT_CHARACTERS = 1_000;
const REFERENCE = /^#\/\$defs\/([A-Za-z0-9_-]{1,64})$/;

export interface BoundedSchema {
  readonly schema: Record<string, unknown>;
  /** The patterns, each as often as it is applied. */
  readonly patterns: readonly PatternCost[];
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const number = v.pipe(v.number(), v.finite());
const text = v.pipe(v.string(), v.maxLength(MAX_TEXT_CHARACTERS));
const name = v.pipe(v.string(), v.maxLength(MAX_NAME_CHARACTERS));
const names = v.pipe(v.array(name), v.maxLength(MAX_ENTRIES));
const typeName = v.picklist(['null', 'boolean', 'object', 'array', 'number', 'integer', 'string']);
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const isSubschema = (value: unknown): boolean => typeof value === 'boolean' || isObject(value);
/** A list would pass as a record otherwise. */
const object = v.custom<Record<string, unknown>>(isObject, 'not an object');
const subschema = v.custom<Subschema>(isSubschema, 'not a schema');
const subschemas = v.pipe(v.array(subschema), v.minLength(1), v.maxLength(MAX_ENTRIES));
const named = v.pipe(
  object,
  v.record(name, subschema),
  v.check((fields) => Object.keys(fields).length <= MAX_ENTRIES, 'too many entries'),
);

/**
 * The keywords of JSON Schema 2020-12 that are understood here. Every other one is refused: what one node ignores and
 * another one heeds would make two verdicts. `format` is left out for its patterns, dynamic and remote references because they
 * lead elsewhere.
 */
const subschemaSchema = v.strictObject({
  $schema: v.optional(v.literal('https://json-schema.org/draft/2020-12/schema')),
  $ref: v.optional(v.pipe(v.string(), v.regex(REFERENCE, 'not a reference into $defs'))),
  $defs: v.optional(named),
  $comment: v.optional(text),
  title: v.optional(text),
  description: v.optional(text),
  type: v.optional(v.union([typeName, v.pipe(v.array(typeName), v.minLength(1), v.maxLength(7))])),
  enum: v.optional(v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(MAX_ENTRIES))),
  const: v.optional(v.unknown()),
  properties: v.optional(named),
  additionalProperties: v.optional(subschema),
  required: v.optional(names),
  minProperties: v.optional(count),
  maxProperties: v.optional(count),
  items: v.optional(subschema),
  prefixItems: v.optional(subschemas),
  minItems: v.optional(count),
  maxItems: v.optional(count),
  uniqueItems: v.optional(v.boolean()),
  minimum: v.optional(number),
  maximum: v.optional(number),
  exclusiveMinimum: v.optional(number),
  exclusiveMaximum: v.optional(number),
  multipleOf: v.optional(v.pipe(number, v.minValue(1e-9), v.maxValue(1e9))),
  minLength: v.optional(count),
  maxLength: v.optional(count),
  pattern: v.optional(v.string()),
  anyOf: v.optional(subschemas),
  oneOf: v.optional(subschemas),
  allOf: v.optional(subschemas),
  not: v.optional(subschema),
});

type Subschema = Record<string, unknown> | boolean;
type Fields = v.InferOutput<typeof subschemaSchema>;

/** The subschemas that apply to the value or to its parts; those in `$defs` apply where they are named. */
const childrenOf = (fields: Fields): readonly Subschema[] => [
  ...Object.values(fields.properties ?? {}),
  ...[fields.additionalProperties, fields.items, fields.not].filter((one) => one !== undefined),
  ...(fields.prefixItems ?? []),
  ...(fields.anyOf ?? []),
  ...(fields.oneOf ?? []),
  ...(fields.allOf ?? []),
];

/**
 * Reads a JSON schema from text and makes sure that holding an answer against it costs little. Codes: `schema_too_large`,
 * `bad_schema` (no schema, or keywords that are not understood here), `schema_recursive`, `pattern_refused`.
 */
export function readSchema(schemaText: string): Result<BoundedSchema> {
  if (schemaText.length > MAX_SCHEMA_CHARACTERS)
    return fail('schema_too_large', `The schema has more than ${MAX_SCHEMA_CHARACTERS} characters.`);
  const parsed = parseJsonThrough(object, schemaText, MAX_SCHEMA_CHARACTERS);
  if (!parsed.ok) return fail('bad_schema', 'The schema is not a JSON object, or nested too deep.');
  const root = parsed.value;
  const patterns: PatternCost[] = [];
  let expanded = 0;

  /** Walks as a validator would, references followed; `within` are the names being expanded. */
  function walk(schema: Subschema, depth: number, within: readonly string[]): Result<void> {
    if (typeof schema === 'boolean') return ok(undefined);
    if (++expanded > MAX_EXPANDED)
      return fail('schema_too_large', `The schema has more than ${MAX_EXPANDED} parts, references counted.`);
    if (depth > MAX_SUBSCHEMA_DEPTH) return fail('schema_too_large', 'The schema is nested too deep.');
    const fields = checkAgainst(subschemaSchema, schema);
    if (!fields.ok) return fail('bad_schema', `The schema is not understood here: ${fields.error.message}`);
    const { $defs, $ref, pattern } = fields.value;
    if ($defs !== undefined && schema !== root) return fail('bad_schema', 'Only the whole schema has $defs.');
    if (pattern !== undefined) {
      const cost = costOfPattern(pattern);
      if (!cost.ok) return cost;
      patterns.push(cost.value);
    }
    for (const child of childrenOf(fields.value)) {
      const walked = walk(child, depth + 1, within);
      if (!walked.ok) return walked;
    }
    if ($ref === undefined) return ok(undefined);
    const target = REFERENCE.exec($ref)![1]!;
    if (within.includes(target)) return fail('schema_recursive', 'The schema refers to itself.');
    const definitions = root['$defs'] as Record<string, unknown> | undefined;
    const found = definitions !== undefined && Object.hasOwn(definitions, target) ? definitions[target] : undefined;
    return isSubschema(found)
      ? walk(found as Subschema, depth + 1, [...within, target])
      : fail('bad_schema', `The schema has no $defs/${target}.`);
  }

  const walked = walk(root, 0, []);
  if (!walked.ok) return walked;
  // What nothing names is still read by whoever resolves references.
  for (const [target, definition] of Object.entries((root['$defs'] ?? {}) as Record<string, Subschema>)) {
    const unused = walk(definition, 1, [target]);
    if (!unused.ok) return unused;
  }
  return ok({ schema: root, patterns });
}
