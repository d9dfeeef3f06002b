import { boxedFloat } from './boxed-float';
import { MAX_JSON_DEPTH, MAX_JSON_FIELDS, MAX_JSON_VALUES } from './json-limits';
import { fail, ok, type Result } from './result';
import { byCodePoint } from './text';

/**
 * JSON text with the difference between integers and floats kept. JSON.parse reads `5.0` as the integer 5; where a rule
 * says "integer, not float" the two must stay apart. A number that is written with a fraction or an exponent but has a
 * whole value is read as a boxed Number: it is not `typeof 'number'`, fails every integer check, and is written as a
 * float again. All other values are what JSON.parse gives.
 */

const WHITE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const LITERAL = /true|false|null/y;

/**
 * The value behind a JSON text (RFC 8259). Fails with `undecodable` and the place of the first error; the key
 * `__proto__`, nesting deeper than MAX_JSON_DEPTH, more than MAX_JSON_FIELDS fields in an object or `maxValues` values in all,
 * and numbers beyond a double are errors. Of two equal keys the last counts.
 */
export function parseJsonText(text: string, maxValues = MAX_JSON_VALUES): Result<unknown> {
  try {
    return ok(createReader(text, maxValues).document());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return fail('undecodable', `The file is not valid JSON: ${error.message}.`);
  }
}

function createReader(text: string, maxValues: number) {
  let at = 0;
  let values = 0;

  function refuse(what: string, where = at): never {
    let line = 1;
    let lineStart = 0;
    for (let found = text.indexOf('\n'); found !== -1 && found < where; found = text.indexOf('\n', lineStart)) {
      line += 1;
      lineStart = found + 1;
    }
    throw new SyntaxError(`${what} at line ${line}, column ${where - lineStart + 1}`);
  }

  function match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  }

  function string(): string {
    const start = at;
    for (at += 1; text[at] !== '"'; at += text[at] === '\\' ? 2 : 1) {
      if (at >= text.length) refuse('a string that does not end', start);
    }
    at += 1;
    try {
      return JSON.parse(text.slice(start, at)) as string;
    } catch {
      return refuse('a malformed string', start);
    }
  }

  function number(): unknown {
    const start = at;
    const found = match(NUMBER);
    if (!found) return refuse('an unexpected character');
    const value = Number(found[0]);
    if (!Number.isFinite(value)) refuse('a number that is too large', start);
    const writtenAsFloat = found[1] !== undefined || found[2] !== undefined;
    return writtenAsFloat && Number.isInteger(value) ? boxedFloat(value) : value;
  }

  function array(depth: number): unknown[] {
    const items: unknown[] = [];
    at += 1;
    match(WHITE);
    if (text[at] === ']') {
      at += 1;
      return items;
    }
    for (;;) {
      items.push(value(depth + 1));
      if (text[at] !== ',' && text[at] !== ']') refuse('a missing comma or bracket');
      if (text[at++] === ']') return items;
    }
  }

  function object(depth: number): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    const start = at;
    let count = 0;
    at += 1;
    match(WHITE);
    if (text[at] === '}') {
      at += 1;
      return fields;
    }
    for (;;) {
      match(WHITE);
      if (text[at] !== '"') refuse('a missing key');
      if (++count > MAX_JSON_FIELDS) refuse(`an object with more than ${MAX_JSON_FIELDS} fields`, start);
      const keyAt = at;
      const key = string();
      if (key === '__proto__') refuse('the reserved key __proto__', keyAt);
      match(WHITE);
      if (text[at] !== ':') refuse('a missing colon');
      at += 1;
      fields[key] = value(depth + 1);
      if (text[at] !== ',' && text[at] !== '}') refuse('a missing comma or brace');
      if (text[at++] === '}') return fields;
    }
  }

  function value(depth: number): unknown {
    if (depth > MAX_JSON_DEPTH) refuse(`nesting deeper than ${MAX_JSON_DEPTH}`);
    if (++values > maxValues) refuse(`more than ${maxValues} values`);
    match(WHITE);
    const first = text[at];
    const read = first === '{' ? object(depth) : first === '[' ? array(depth) : first === '"' ? string() : literal();
    match(WHITE);
    return read;
  }

  function literal(): unknown {
    const found = match(LITERAL);
    if (!found) return number();
    return found[0] === 'null' ? null : found[0] === 'true';
  }

  return {
    document(): unknown {
      if (text.startsWith('\ufeff')) at = 1;
      const read = value(0);
      if (at < text.length) refuse('text after the end of the document');
      return read;
    },
  };
}

export interface JsonStyle {
  /** Spaces per level; absent: one line without spaces. */
  readonly indent?: number;
  /** Everything but printable ASCII as \uXXXX. */
  readonly ascii?: boolean;
  /** Keys in code point order instead of the order in which they were set. */
  readonly sortKeys?: boolean;
}

/** JSON text of plain data. Boxed Numbers and fractions are written as floats (see `floatText`), `undefined` as absent or null. */
export function jsonText(value: unknown, style: JsonStyle = {}, level = 0): string {
  if (typeof value === 'string') return stringText(value, style.ascii === true);
  if (value instanceof Number) return floatText(value.valueOf());
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : floatText(value);
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'object' || value === null) return 'null';
  if (Array.isArray(value)) {
    return bracket(
      '[',
      value.map((item) => jsonText(item, style, level + 1)),
      ']',
      style,
      level,
    );
  }
  const fields = value as Record<string, unknown>;
  const keys = Object.keys(fields).filter((key) => fields[key] !== undefined);
  if (style.sortKeys) keys.sort(byCodePoint);
  const colon = style.indent === undefined ? ':' : ': ';
  const parts = keys.map(
    (key) => stringText(key, style.ascii === true) + colon + jsonText(fields[key], style, level + 1),
  );
  return bracket('{', parts, '}', style, level);
}

function bracket(open: string, parts: readonly string[], close: string, style: JsonStyle, level: number): string {
  if (parts.length === 0) return open + close;
  if (style.indent === undefined) return open + parts.join(',') + close;
  const outer = '\n' + ' '.repeat(style.indent * level);
  const inner = outer + ' '.repeat(style.indent);
  return open + inner + parts.join(`,${inner}`) + outer + close;
}

function stringText(text: string, ascii: boolean): string {
  const quoted = JSON.stringify(text);
  if (!ascii) return quoted;
  return quoted.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * A float in the shortest digits that read back as the same double, in the notation that Python's `repr` uses: always
 * with a point or an exponent, the exponent from 1e16 up and below 1e-4, with at least two digits.
 */
export function floatText(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  if (!Number.isFinite(value)) return 'null';
  const [digits, exponent] = value.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 16)) {
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  const plain = String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}

/** The same data without boxed Numbers, for places where only plain data may go. */
export function withoutBoxes(value: unknown): unknown {
  if (value instanceof Number) return value.valueOf();
  if (Array.isArray(value)) return value.map(withoutBoxes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutBoxes(inner)]));
}

/**
 * True when `given` has exactly the value of `expected`, keys in any order. Never throws and looks no deeper than
 * `expected` does, so it may be asked about anything that came from outside.
 */
export function equalJson(expected: unknown, given: unknown): boolean {
  if (Array.isArray(expected)) {
    return (
      Array.isArray(given) && expected.length === given.length && expected.every((item, i) => equalJson(item, given[i]))
    );
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return false;
    const fields = expected as Record<string, unknown>;
    const givenFields = given as Record<string, unknown>;
    const keys = Object.keys(fields);
    return (
      keys.length === Object.keys(givenFields).length &&
      keys.every((key) => Object.hasOwn(givenFields, key) && equalJson(fields[key], givenFields[key]))
    );
  }
  return expected === given;
}
