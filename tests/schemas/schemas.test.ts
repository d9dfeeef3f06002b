import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@cfworker/json-schema';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { bytesSchema } from '#core/wire/gate';
import { ROOT } from '#tests/steps';
import { bodies, toJson, wholeCatalogue } from './bodies';
import { docsOf } from './docstrings';
import { publish, publishedTexts, SCHEMAS_PATH } from './publish';
import { PUBLISHED } from './published';
import { RULES, toPublishable, type AnySchema, type JsonSchema } from './to-json-schema';

const FOLDER = join(ROOT, 'static', 'schemas');
const texts = publishedTexts();
const real = await bodies();
const names = PUBLISHED.map(({ name }) => name);

interface Readable {
  readonly schema: AnySchema;
  readonly json: JsonSchema;
  readonly body: unknown;
  accepts(value: unknown): boolean;
}

/** A published schema as somebody else reads it, beside the one of the source. */
function readable(name: string): Readable {
  const { schema } = PUBLISHED.find((one) => one.name === name)!;
  const json = JSON.parse(texts.get(`${name}.v1.json`)!) as JsonSchema;
  const validator = new Validator(json, '2020-12');
  return { schema, json, body: real[name], accepts: (value) => validator.validate(toJson(value)).valid };
}

test('the committed files are those that the source gives', () => {
  expect(readdirSync(FOLDER).sort()).toEqual([...texts.keys()].sort());
  for (const [file, text] of texts)
    expect(readFileSync(join(FOLDER, file), 'utf8'), `${file}: run npm run schemas`).toBe(text);
});

test('each is named by its own address, and says what it is', () => {
  for (const name of names) {
    const { json } = readable(name);
    expect(json['$id']).toBe(`${SCHEMAS_PATH}${name}.v1.json`);
    expect(json['title']).toMatch(/^[A-Z][a-z ]+$/);
    expect(json['description']).toMatch(/\.$/);
  }
});

type Path = readonly (string | number)[];
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

/** Every place in a value, the whole first; of a list the first two entries, the others being like them. */
function* placesIn(value: unknown, path: Path = []): Generator<{ readonly path: Path; readonly value: unknown }> {
  yield { path, value };
  if (Array.isArray(value))
    for (const [at, inner] of value.slice(0, 2).entries()) yield* placesIn(inner, [...path, at]);
  else if (isPlain(value)) for (const [key, inner] of Object.entries(value)) yield* placesIn(inner, [...path, key]);
}

const GONE = Symbol('taken away');
/** The same value with another one at a place. */
function withAt(value: unknown, [head, ...rest]: Path, other: unknown): unknown {
  if (head === undefined) return other;
  if (Array.isArray(value)) {
    const items = value.map((inner, at) => (at === head ? withAt(inner, rest, other) : (inner as unknown)));
    return items.filter((inner) => inner !== GONE);
  }
  const entries = Object.entries(value as Record<string, unknown>).map(
    ([key, inner]) => [key, key === head ? withAt(inner, rest, other) : inner] as const,
  );
  return Object.fromEntries(entries.filter(([, inner]) => inner !== GONE));
}

const LONG = 'x'.repeat(70_000);
const STRANGE: readonly unknown[] = [null, true, false, -1, 0, 0.5, 2 ** 53, 1e300, '', ' ', 'a', LONG, [], {}];
/** Of bytes only their number can be wrong: another text is base64 too, or is no text at all. */
const strangeFor = (value: unknown): readonly unknown[] =>
  value instanceof Uint8Array
    ? [
        GONE,
        null,
        1,
        {},
        [],
        new Uint8Array(0),
        value.slice(1),
        new Uint8Array(value.length + 1),
        new Uint8Array(65_536),
      ]
    : [
        GONE,
        ...STRANGE,
        ...(typeof value === 'number' ? [value + 1, value - 1, -value, value * 1_000] : []),
        ...(typeof value === 'string' ? [`${value} `, value.toUpperCase(), value.slice(1)] : []),
        ...(Array.isArray(value)
          ? [[...(value as unknown[]), ...(value as unknown[])], Array(600).fill(value[0] ?? 1)]
          : []),
      ];

/** What JSON schema cannot say, in the words of the source. */
const rulesIn = (json: unknown): string[] =>
  isPlain(json)
    ? [...((json[RULES] as string[] | undefined) ?? []), ...Object.values(json).flatMap(rulesIn)]
    : Array.isArray(json)
      ? json.flatMap(rulesIn)
      : [];

describe.each(names)('the published schema of %s', (name) => {
  const { schema, json, body, accepts } = readable(name);
  const rules = new Set(rulesIn(json));

  test('accepts a real one', () => {
    expect(v.is(schema, body)).toBe(true);
    expect(accepts(body)).toBe(true);
  });

  test('refuses a member that it does not know, wherever the source does', () => {
    let closed = 0;
    for (const { path, value } of placesIn(body)) {
      if (!isPlain(value)) continue;
      const more = withAt(body, path, { ...value, 'never heard of': 1 });
      expect(accepts(more), path.join('.')).toBe(v.is(schema, more));
      if (!accepts(more)) closed += 1;
    }
    // The manifest of a batch is open on purpose.
    expect(closed > 0).toBe(name !== 'batch-manifest');
  });

  test('judges as the source does, but for the rules that it tells in words', () => {
    const unlike: string[] = [];
    let refused = 0;
    for (const { path, value } of placesIn(body)) {
      for (const strange of strangeFor(value)) {
        if (path.length === 0 && strange === GONE) continue;
        // The source reads an empty list as an object without members; who publishes is stricter there.
        if (isPlain(value) && Array.isArray(strange) && v.is(schema, withAt(body, path, {}))) continue;
        const changed = withAt(body, path, strange);
        const { issues } = v.safeParse(schema, changed);
        const here = accepts(changed);
        if (!here) refused += 1;
        const onlyRules = issues?.every(({ message }) => rules.has(message)) ?? false;
        if (here !== (issues === undefined) && !(here && onlyRules))
          unlike.push(
            `${path.join('.')} = ${String(JSON.stringify(toJson(strange)) ?? 'absent').slice(0, 60)}: ${here}`,
          );
      }
    }
    expect(unlike).toEqual([]);
    expect(refused).toBeGreaterThan(20);
  });
});

test('the catalogue that the app comes with is one', () => {
  expect(readable('model-catalogue').accepts(wholeCatalogue)).toBe(true);
});

describe('bytes', () => {
  test.each([16, 31, 32, 33, 64])('%i of them are exactly so many in base64', (count) => {
    const schema = v.pipe(bytesSchema(count), v.length(count, 'not so many'));
    const validator = new Validator(toPublishable(schema as AnySchema), '2020-12');
    const accepts = (bytes: number) => validator.validate(toJson(new Uint8Array(bytes))).valid;
    expect([count - 3, count - 2, count - 1, count, count + 1, count + 2, count + 3].map(accepts)).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
      false,
    ]);
  });

  test('are no text that merely looks like it', () => {
    const validator = new Validator(toPublishable(bytesSchema(300) as AnySchema), '2020-12');
    for (const text of ['abc', 'ab=c', '====', 'a b=', 'abcd\n', 'ab-_'])
      expect(validator.validate(text).valid).toBe(false);
    for (const text of ['', 'abcd', 'abc=', 'ab==']) expect(validator.validate(text).valid).toBe(true);
  });
});

describe('what would be left out without a word is not published', () => {
  test.each<[string, unknown]>([
    [
      'a check without words',
      v.pipe(
        v.string(),
        v.check((text) => text !== 'x'),
      ),
    ],
    [
      'a check whose words depend on its input',
      v.pipe(
        v.string(),
        v.check(
          (text) => text !== 'x',
          () => 'no x',
        ),
      ),
    ],
    ['a schema that only its code explains', v.custom((input) => input instanceof Date, 'not a date')],
    ['a date', v.date()],
    ['a map', v.map(v.string(), v.string())],
    ['a pattern with flags', v.pipe(v.string(), v.regex(/^a$/i))],
    ['two patterns at once', v.pipe(v.string(), v.regex(/a/), v.regex(/b/))],
    [
      'a check behind a transformation',
      v.pipe(
        v.string(),
        v.trim(),
        v.check((text) => text !== '', 'empty'),
      ),
    ],
    [
      'the same deep inside',
      v.strictObject({ list: v.array(v.nullable(v.pipe(v.string(), v.toLowerCase(), v.maxLength(3)))) }),
    ],
    ['a least number of bytes', v.pipe(bytesSchema(8), v.minLength(2))],
    [
      'a rule for each entry',
      v.pipe(
        v.array(v.string()),
        v.everyItem((item) => item !== '', 'an empty one'),
      ),
    ],
  ])('%s', (_, schema) => {
    expect(() => toPublishable(schema as AnySchema)).toThrow();
  });

  test('nor a schema without a docstring', () => {
    const [one] = PUBLISHED;
    expect(() => publish({ ...one!, file: 'src/core/ledger/statements.ts', constant: 'digestSchema' })).toThrow(
      /docstring/,
    );
  });
});

describe('docstrings', () => {
  test('are found through pipes, spreads, lists and imports', () => {
    const { text, members } = docsOf('src/core/ledger/cards/host-advertisement.ts', 'hostAdvertisementSchema');
    expect(text).toMatch(/^One offer: .*content id\.$/);
    expect(members.get('expertCard')?.text).toBe('Content id of the expert card.');
    expect(members.get('offer')?.members.get('minimumJobMicros')?.text).toMatch(/^What a job costs at least/);
    expect(members.get('at')?.text).toMatch(/^Milliseconds since the Unix epoch/);
    expect(members.get('v')?.text).toBe(null);
  });
});
