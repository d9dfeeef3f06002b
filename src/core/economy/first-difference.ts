import { parsePlainJson } from '../base/parse-plain-json';

/** Where two JSON texts, `expected` being our own, part, in words: the first value that differs, or that they differ in form only. */
export function firstDifference(expected: string, given: string): string {
  const read = parsePlainJson(given);
  if (!read.ok)
    return read.error.code === 'undecodable'
      ? 'the file is not valid JSON'
      : 'the file is larger or nested deeper than any such file';
  return differenceAt('', JSON.parse(expected), read.value) ?? 'another form of the same';
}

function differenceAt(path: string, expected: unknown, given: unknown): string | null {
  if (isObject(expected) && isObject(given)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(given)])];
    for (const key of keys) {
      const inner = path === '' ? key : `${path}.${key}`;
      if (!Object.hasOwn(given, key)) return `${inner} is missing`;
      if (!Object.hasOwn(expected, key)) return `${inner} is too much`;
      const found = differenceAt(inner, expected[key], given[key]);
      if (found !== null) return found;
    }
    return null;
  }
  return Object.is(expected, given) ? null : `${path || 'all of it'} is ${brief(given)} and must be ${brief(expected)}`;
}

/** Lists are objects here: their places are their keys. */
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const MAX_SHOWN_CHARACTERS = 60;

function brief(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= MAX_SHOWN_CHARACTERS ? text : `${text.slice(0, MAX_SHOWN_CHARACTERS)}…`;
}
