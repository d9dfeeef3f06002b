import { MAX_JSON_DEPTH, MAX_JSON_FIELDS, MAX_JSON_VALUES } from './json-limits';
import { fail, ok, type Result } from './result';

/**
 * What JSON.parse gives, once the text is known to be within the limits of a document: nothing of a hostile one is built. Codes
 * `too_deep` (nested deeper than MAX_JSON_DEPTH), `too_large` (an object of more than MAX_JSON_FIELDS fields, more than `maxValues` values
 * in all), `undecodable`.
 */
export function parsePlainJson(text: string, maxValues = MAX_JSON_VALUES): Result<unknown> {
  const within = withinLimits(text, maxValues);
  if (!within.ok) return within;
  try {
    return ok(JSON.parse(text));
  } catch {
    return fail('undecodable', 'The file is not valid JSON.');
  }
}

/** Looks at brackets, colons and commas outside of strings, once. Text that is no JSON may pass: the parser refuses it. */
function withinLimits(text: string, maxValues: number): Result<void> {
  const fields: number[] = [];
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"':
        at = endOfString(text, at);
        continue;
      case '{':
      case '[':
        if (fields.push(0) > MAX_JSON_DEPTH)
          return fail('too_deep', `The file is not read: it nests deeper than ${MAX_JSON_DEPTH} levels.`);
        break;
      case '}':
      case ']':
        fields.pop();
        continue;
      case ':':
        if (++fields[fields.length - 1]! > MAX_JSON_FIELDS)
          return fail('too_large', `The file is not read: an object in it has more than ${MAX_JSON_FIELDS} fields.`);
        continue;
      case ',':
        break;
      default:
        continue;
    }
    // Each value but the first stands behind a bracket or a comma; an empty list counts for two.
    if (++values > maxValues) return fail('too_large', `The file is not read: it holds more than ${maxValues} values.`);
  }
  return ok(undefined);
}

/** Where the string that begins at `start` ends; the end of the text where it does not. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text[end - 1 - escapes] === '\\') escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}
