import { toJsonSchema, type ConversionConfig } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { CAPABILITY_PATTERN } from '#core/bus/capability';

export type JsonSchema = Record<string, unknown>;
export type AnySchema = v.GenericSchema;

/** What a validation says that JSON schema cannot: its own words, for whoever writes a validator. */
export const RULES = 'x-rules';

const BASE64 = '[A-Za-z0-9+/]';
/** Characters of so many bytes in base64 with padding (RFC 4648 section 4). */
const charactersOf = (bytes: number): number => 4 * Math.ceil(bytes / 3);
/** Exactly so many bytes: a padding that is one character longer or shorter is another number of bytes. */
const patternOf = (bytes: number): string =>
  `^${BASE64}{${Math.floor(bytes / 3) * 4}}${['', `${BASE64}{2}==`, `${BASE64}{3}=`][bytes % 3]}$`;

/** Schemas that only their code explains, by their message. */
const CUSTOM: Readonly<Record<string, JsonSchema>> = {
  'not bytes': {
    type: 'string',
    contentEncoding: 'base64',
    pattern: `^(?:${BASE64}{4})*(?:${BASE64}{2}==|${BASE64}{3}=)?$`,
  },
  'not a capability': { type: 'string', pattern: CAPABILITY_PATTERN.source },
  'must be an object': { type: 'object' },
};

/** One value of each sort, to find out what a schema that depends on its input becomes. */
const SAMPLES: readonly unknown[] = ['', {}, [], 0, true, null];

const config: ConversionConfig = {
  target: 'draft-2020-12',
  typeMode: 'input',
  errorMode: 'throw',
  overrideSchema({ valibotSchema, errors }) {
    const schema = valibotSchema as {
      readonly type: string;
      readonly message?: unknown;
      getter?(input: unknown): AnySchema;
    };
    if (schema.type === 'custom' && typeof schema.message === 'string') return CUSTOM[schema.message];
    if (schema.type === 'lazy' && errors === undefined) {
      const options = new Set(SAMPLES.map((sample) => schema.getter!(sample)));
      return { anyOf: [...options].map(partOf) };
    }
    return undefined;
  },
  overrideAction({ valibotAction, jsonSchema: given }) {
    const jsonSchema = given as JsonSchema;
    const action = valibotAction as {
      readonly type: string;
      readonly message?: unknown;
      readonly requirement?: unknown;
    };
    if (action.type === 'finite') return jsonSchema;
    if (action.type === 'check') return withRule(jsonSchema, action.message);
    if (jsonSchema['contentEncoding'] !== 'base64') return undefined;
    const bytes = Number(action.requirement);
    if (action.type === 'max_length') return { ...jsonSchema, maxLength: charactersOf(bytes) };
    if (action.type === 'length')
      return {
        ...jsonSchema,
        minLength: charactersOf(bytes),
        maxLength: charactersOf(bytes),
        pattern: patternOf(bytes),
      };
    throw new Error(`The action "${action.type}" on bytes cannot be published.`);
  },
};

function withRule(jsonSchema: JsonSchema, message: unknown): JsonSchema {
  if (typeof message !== 'string') throw new Error('A check without words of its own cannot be published.');
  if (jsonSchema['uniqueItems'] === true && message === 'an entry twice') return jsonSchema;
  return { ...jsonSchema, [RULES]: [...((jsonSchema[RULES] as string[] | undefined) ?? []), message] };
}

function partOf(schema: AnySchema): JsonSchema {
  const { $schema: _, $defs, ...part } = toJsonSchema(schema, config) as JsonSchema;
  if ($defs !== undefined && JSON.stringify(part).includes('"$ref"'))
    throw new Error('A schema that names itself cannot be published.');
  return part;
}

interface Walked {
  readonly kind?: string;
  readonly type?: string;
  readonly pipe?: readonly Walked[];
}

/** Everything that a schema is made of, itself first. What is a getter is not followed. */
function* partsOf(value: unknown, seen = new Set<unknown>()): Generator<Walked> {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  yield value;
  for (const inner of Object.values(value)) yield* partsOf(inner, seen);
}

/** What is validated after a transformation says nothing of what goes in, and would be left out without a word. */
function refuseChecksBehindTransformations(schema: AnySchema): void {
  for (const { pipe } of partsOf(schema)) {
    if (!Array.isArray(pipe)) continue;
    const at = (pipe as Walked[]).findIndex(({ kind }) => kind === 'transformation');
    const behind = at === -1 ? undefined : (pipe as Walked[]).slice(at).find(({ kind }) => kind === 'validation');
    if (behind !== undefined) throw new Error(`A "${behind.type}" behind a transformation cannot be published.`);
  }
}

/**
 * The JSON schema (draft 2020-12) of what a valibot schema takes in, decoded and with bytes in base64. Throws on everything that
 * it would have to leave out.
 */
export function toPublishable(schema: AnySchema): JsonSchema {
  refuseChecksBehindTransformations(schema);
  return partOf(schema);
}
