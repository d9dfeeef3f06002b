import { codePoints, isWhiteSpace } from '../../base/text';
import { fail, ok, type Result } from '../../base/result';
import { textsOf } from './json-texts';

/** Where a quote stands in the source, in Unicode code points, the end not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Marks that people and machines type in several ways, each as its plainest form. */
const PLAIN_MARKS: Readonly<Record<string, string>> = {
  '‘': "'",
  '’': "'",
  '‚': "'",
  '‛': "'",
  '“': '"',
  '”': '"',
  '„': '"',
  '‟': '"',
  '«': '"',
  '»': '"',
  '‐': '-',
  '‑': '-',
  '‒': '-',
  '–': '-',
  '—': '-',
  '−': '-',
  '…': '...',
};
/** Shown as nothing: soft hyphen, zero-width space and joiners, word joiner, byte order mark. */
const INVISIBLE = /^[\u00ad\u200b-\u200d\u2060\ufeff]$/;
const MARK = /^\p{M}$/u;

/** A text as quotes are compared by, and where each of its UTF-16 units comes from. */
export interface QuoteIndex {
  readonly plain: string;
  /** For each unit of `plain`: the code points of the source that it stands for; one object for units of one origin. */
  readonly spans: readonly Span[];
}

/**
 * The form in which quotes are compared: each character with its combining marks composed (NFC), a run of white space as
 * one space, quotation marks, dashes and the ellipsis in their plainest form, invisible characters left out. Case and
 * every other character count.
 */
export function quoteIndex(source: string): QuoteIndex {
  const points = codePoints(source);
  const spans: Span[] = [];
  let plain = '';
  const add = (text: string, start: number, end: number): void => {
    plain += text;
    const span = { start, end };
    for (let unit = 0; unit < text.length; unit++) spans.push(span);
  };
  for (let at = 0; at < points.length;) {
    const start = at++;
    const point = points[start]!;
    if (INVISIBLE.test(point)) continue;
    if (isWhiteSpace(point)) {
      while (at < points.length && (isWhiteSpace(points[at]!) || INVISIBLE.test(points[at]!))) at++;
      add(' ', start, at);
      continue;
    }
    while (at < points.length && MARK.test(points[at]!)) at++;
    const cluster = points.slice(start, at).join('');
    add(PLAIN_MARKS[cluster] ?? cluster.normalize('NFC'), start, at);
  }
  return { plain, spans };
}

/** A quote as it is looked for: normalised, without white space around it. */
export const plainQuote = (quote: string): string => quoteIndex(quote).plain.trim();

/** The first place of a quote at or after `from` (a unit of `plain`), or null. It never begins or ends inside a character. */
export function findQuote(
  { plain, spans }: QuoteIndex,
  quote: string,
  from = 0,
): { readonly span: Span; readonly at: number } | null {
  const wanted = plainQuote(quote);
  if (wanted === '') return null;
  for (let at = plain.indexOf(wanted, from); at !== -1; at = plain.indexOf(wanted, at + 1)) {
    const last = at + wanted.length - 1;
    if (spans[at - 1] !== spans[at] && spans[last + 1] !== spans[last])
      return { at, span: { start: spans[at]!.start, end: spans[last]!.end } };
  }
  return null;
}

/**
 * Every text in the answer must be a quote from the source, at the span given for it, in the order of the document. Codes:
 * `spans_missing` (not one for each text), `empty_quote`, `span_outside`, `quote_mismatch`, `span_twice` (two texts claim the
 * same place).
 */
export function checkQuotes(source: string, value: unknown, spans: readonly Span[]): Result<void> {
  const quotes = textsOf(value);
  if (quotes.length !== spans.length)
    return fail('spans_missing', `The answer has ${quotes.length} quotes and ${spans.length} places.`);
  const points = codePoints(source);
  const seen = new Set<string>();
  for (const [index, quote] of quotes.entries()) {
    const { start, end } = spans[index]!;
    const wanted = plainQuote(quote);
    if (wanted === '') return fail('empty_quote', 'The answer quotes nothing.');
    if (start >= end || end > points.length) return fail('span_outside', 'A place lies outside the source.');
    if (plainQuote(points.slice(start, end).join('')) !== wanted)
      return fail('quote_mismatch', `The source does not say “${quote.slice(0, 80)}” there.`);
    const key = `${start}-${end}`;
    if (seen.has(key)) return fail('span_twice', 'Two quotes claim the same place.');
    seen.add(key);
  }
  return ok(undefined);
}
