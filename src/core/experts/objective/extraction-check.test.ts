import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkQuotes, findQuote, plainQuote, quoteIndex, type Span } from './extraction-check';

const source =
  'Ada  Lovelace wrote to\nCharles Babbage on 10 July 1843: “No one — not even you — knows…” Ada signed. 😀 Café';

/** The spans of these quotes as a finder gives them, each after the one before when they are equal. */
const spansOf = (text: string, quotes: readonly string[]): Span[] =>
  quotes.map((quote) => findQuote(quoteIndex(text), quote)!.span);
const codeOf = (value: unknown, spans: readonly Span[], text = source): string => {
  const result = checkQuotes(text, value, spans);
  return result.ok ? 'ok' : result.error.code;
};

describe('a quote is found', () => {
  it('whatever the white space, quotation marks, dashes and composition', () => {
    const slice = (quote: string): string => {
      const { start, end } = findQuote(quoteIndex(source), quote)!.span;
      return [...source].slice(start, end).join('');
    };
    expect(slice('Ada Lovelace')).toBe('Ada  Lovelace');
    expect(slice(' to Charles\tBabbage ')).toBe('to\nCharles Babbage');
    expect(slice('"No one - not even you - knows..."')).toBe('“No one — not even you — knows…”');
    expect(slice('Cafe\u0301')).toBe('Café');
    expect(slice('si\u00adgned\u200b')).toBe('signed');
  });

  it('only where it stands: case, words and digits count', () => {
    for (const quote of ['ada lovelace', 'Ada King', '11 July', '', '  ', '\u200b'])
      expect(findQuote(quoteIndex(source), quote)).toBeNull();
  });

  it('by code points, not by halves of them', () => {
    expect(findQuote(quoteIndex('😀😀 x'), 'x')!.span).toEqual({ start: 3, end: 4 });
    expect(findQuote(quoteIndex('a…b'), 'b')!.span).toEqual({ start: 2, end: 3 });
  });

  it('never inside a character', () => {
    expect(findQuote(quoteIndex('a… b.'), '.')!.span).toEqual({ start: 4, end: 5 });
    expect(findQuote(quoteIndex('a…'), 'a.')).toBeNull();
    expect(findQuote(quoteIndex('q\u0301 \u0301'), 'q')).toBeNull();
  });

  it('in any slice of any text, at a place that says the same', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', 'b', ' ', '\n', '…', '.', 'e', '\u0301', 'é', '😀', '\u200b', '—', '-'),
          maxLength: 30,
        }),
        fc.nat(40),
        fc.nat(40),
        (text, a, b) => {
          const points = [...text];
          const quote = points.slice(Math.min(a, b), Math.max(a, b)).join('');
          const found = findQuote(quoteIndex(text), quote);
          if (plainQuote(quote) === '' || found === null) return;
          const slice = points.slice(found.span.start, found.span.end).join('');
          expect(plainQuote(slice)).toBe(plainQuote(quote));
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe('every text of an extraction is a quote', () => {
  const value = { people: ['Ada Lovelace', 'Charles Babbage'], when: '10 July 1843', count: 2, sure: null };
  const spans = spansOf(source, ['Ada Lovelace', 'Charles Babbage', '10 July 1843']);

  it('accepted when each stands where the answer says', () => {
    expect(codeOf(value, spans)).toBe('ok');
    expect(codeOf({ count: 3 }, [])).toBe('ok');
  });

  it('rejected when one does not stand there, or nowhere', () => {
    expect(codeOf({ ...value, when: '11 July 1843' }, spans)).toBe('quote_mismatch');
    expect(codeOf({ ...value, people: ['Charles Babbage', 'Ada Lovelace'] }, spans)).toBe('quote_mismatch');
    expect(codeOf(value, [{ ...spans[0]!, end: spans[0]!.end - 1 }, ...spans.slice(1)])).toBe('quote_mismatch');
    expect(codeOf(value, [{ ...spans[0]!, end: spans[0]!.end + 7 }, ...spans.slice(1)])).toBe('quote_mismatch');
  });

  it('rejected without a place for each, and with places for none', () => {
    expect(codeOf(value, spans.slice(1))).toBe('spans_missing');
    expect(codeOf(value, [...spans, { start: 0, end: 3 }])).toBe('spans_missing');
  });

  it('rejected when a place lies outside the source or is empty', () => {
    expect(codeOf(['Ada'], [{ start: 0, end: 10_000 }])).toBe('span_outside');
    expect(codeOf(['Ada'], [{ start: 3, end: 3 }])).toBe('span_outside');
    expect(codeOf(['Ada'], [{ start: 3, end: 0 }])).toBe('span_outside');
    expect(codeOf([''], [{ start: 0, end: 1 }])).toBe('empty_quote');
  });

  it('rejected when two texts claim one place; two places of equal words are fine', () => {
    expect(
      codeOf(
        ['Ada', 'Ada'],
        [
          { start: 0, end: 3 },
          { start: 0, end: 3 },
        ],
      ),
    ).toBe('span_twice');
    const second = [...source.slice(0, source.lastIndexOf('Ada'))].length;
    expect(
      codeOf(
        ['Ada', 'Ada'],
        [
          { start: 0, end: 3 },
          { start: second, end: second + 3 },
        ],
      ),
    ).toBe('ok');
  });
});
