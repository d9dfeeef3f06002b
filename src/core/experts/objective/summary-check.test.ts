import { expect, it } from 'vitest';
import { summaryFault, summaryWarnings } from './summary-check';

const source =
  'On 10 July 1843 Ada Lovelace sent Charles Babbage 1,200 pages. NATO did not exist. The bill came to 12.50 pounds; Babbage’s wife kept it.';

it('numbers that the source lacks are named, however they are written', () => {
  expect(summaryWarnings(source, 'She sent 1200 pages in 1843 for 12,50 pounds.').numbers).toEqual([]);
  expect(summaryWarnings(source, 'She sent 1,300 pages on 11 July.').numbers).toEqual(['1,300', '11']);
  expect(summaryWarnings(source, 'It cost 12.5 and 12.5 again.').numbers).toEqual(['12.5']);
});

it('names that the source lacks are named; the start of a sentence is none', () => {
  expect(summaryWarnings(source, 'The letter went to Babbage. Pages followed.').names).toEqual([]);
  expect(summaryWarnings(source, 'The letter went to Turing and to Lovelace’s mother.').names).toEqual(['Turing']);
  expect(summaryWarnings(source, 'In it NATO and Ada’s bill, not UNESCO, matter.').names).toEqual(['UNESCO']);
});

it('at most eight of each, every one once', () => {
  const many = Array.from({ length: 20 }, (_, at) => `x N${'a'.repeat(at + 1)} ${2_000 + at}`).join(' and ');
  const { numbers, names } = summaryWarnings(source, `${many} ${many}`);
  expect([numbers.length, names.length]).toEqual([8, 8]);
});

it('takes its time in proportion to the text, whatever stands in it', () => {
  const hostile = [
    '1'.repeat(30_000),
    '1.'.repeat(15_000),
    'A'.repeat(30_000),
    'Aa '.repeat(10_000),
    ' '.repeat(30_000),
  ];
  for (const text of hostile) expect(summaryWarnings(text, text)).toEqual({ numbers: [], names: [] });
});

it('a text that says nothing, too much or more than its source is no summary', () => {
  expect(summaryFault(source, 'Ada sent pages.', 10)).toBeNull();
  expect(summaryFault(source, ' \n', 10)).toBe('empty_summary');
  expect(summaryFault(source, 'one two three four five six', 4)).toBeNull();
  expect(summaryFault(source, 'one two three four five six seven', 4)).toBe('too_many_words');
  expect(summaryFault('short', 'longer than it', 10)).toBe('longer_than_source');
});
