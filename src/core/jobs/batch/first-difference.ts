import { jsonText } from '../../base/json-text';

/** What of a value is shown in one sentence. */
const MAX_SHOWN_CHARACTERS = 60;

/**
 * The first place where what was read is not what must be, as the rest of a sentence (`messages[3].payload.valid is true, but
 * must be false`), or null when both say the same. Fields are taken in the order of `expected`.
 */
export function firstDifference(expected: unknown, actual: unknown, path = ''): string | null {
  const here = path === '' ? 'the document' : path;
  if (Array.isArray(expected) && Array.isArray(actual)) {
    for (let index = 0; index < Math.min(expected.length, actual.length); index++) {
      const found = firstDifference(expected[index], actual[index], `${path}[${index}]`);
      if (found !== null) return found;
    }
    if (expected.length === actual.length) return null;
    return `${here} has ${actual.length} entries, but must have ${expected.length}`;
  }
  if (isObject(expected) && isObject(actual)) {
    for (const key of Object.keys(expected)) {
      const at = path === '' ? key : `${path}.${key}`;
      if (!Object.hasOwn(actual, key)) return `${at} is missing`;
      const found = firstDifference(expected[key], actual[key], at);
      if (found !== null) return found;
    }
    const more = Object.keys(actual).find((key) => !Object.hasOwn(expected, key));
    return more === undefined ? null : `${here} has ${shown(more)}, which does not belong there`;
  }
  return jsonText(expected) === jsonText(actual) ? null : `${here} is ${shown(actual)}, but must be ${shown(expected)}`;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Number);

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isObject(value)) return 'an object';
  const text = jsonText(value);
  return text.length <= MAX_SHOWN_CHARACTERS ? text : `${[...text.slice(0, MAX_SHOWN_CHARACTERS)].join('')}…`;
}
