import { fail, ok, type Result } from '#core/base/result';
import { findQuote, quoteIndex, type Span } from '#core/experts/objective/extraction-check';
import { textsOf } from '#core/experts/objective/json-texts';
import { checkStructured } from '#core/experts/objective/schema-check';

/** The first JSON object or list that stands in a model's text; null when none does or the last bracket is missing. */
export function jsonIn(text: string): string | null {
  const start = text.search(/[{[]/);
  if (start === -1) return null;
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const unit = text[at]!;
    if (quoted) {
      if (unit === '\\') at++;
      else if (unit === '"') quoted = false;
    } else if (unit === '"') quoted = true;
    else if (unit === '{' || unit === '[') depth++;
    else if (unit === '}' || unit === ']') {
      depth--;
      if (depth === 0) return text.slice(start, at + 1);
    }
  }
  return null;
}

/** A place for each quote, in order; equal quotes take the next place that is free. Code: `no_quote`. */
export function spansFor(source: string, quotes: readonly string[]): Result<Span[]> {
  const index = quoteIndex(source);
  const taken = new Set<string>();
  const spans: Span[] = [];
  for (const quote of quotes) {
    let found = findQuote(index, quote);
    while (found !== null && taken.has(`${found.span.start}-${found.span.end}`))
      found = findQuote(index, quote, found.at + 1);
    if (found === null)
      return fail('no_quote', `The text does not say “${quote.slice(0, 80)}” there, or not often enough.`);
    taken.add(`${found.span.start}-${found.span.end}`);
    spans.push(found.span);
  }
  return ok(spans);
}

/** What a model's text comes to as an answer: the JSON in it, held against the schema, with a place for every quote. */
export function readAnswer(
  source: string,
  schema: string,
  text: string,
): Result<{ readonly answer: string; readonly spans: Span[] }> {
  const json = jsonIn(text);
  if (json === null) return fail('not_json', 'There is no JSON in the answer.');
  const value = checkStructured(schema, json);
  if (!value.ok) return value;
  const spans = spansFor(source, textsOf(value.value));
  return spans.ok ? ok({ answer: JSON.stringify(value.value), spans: spans.value }) : spans;
}
