import { expect, test } from 'vitest';
import type { EvidenceReport } from '#core/evidence/verify-evidence';
import { resultSentence, sealSentence, spokenWords } from './evidence';

const reportWith = (failures: readonly string[]): EvidenceReport =>
  ({
    reviewable: failures.length === 0,
    failures: failures.map((message) => ({ message })),
  }) as unknown as EvidenceReport;

test('the result is one sentence: that it holds, or how much does not', () => {
  expect(resultSentence(reportWith([]))).toContain('Nothing in this bundle was changed');
  expect(resultSentence(reportWith(['a.json was changed.']))).toContain('one thing');
  expect(resultSentence(reportWith(['a', 'b', 'c']))).toContain('3 things');
});

test('a seal says what it holds over, or that it is missing', () => {
  const seal = { stage: 1, signedBy: 'a', at: 0, checkedCount: 9, failureCount: 0, ok: true } as const;
  expect(sealSentence(seal)).toBe('holds over 9 files');
  expect(sealSentence({ ...seal, ok: false, failureCount: 1 })).toBe('fails on 1 file of 9');
  expect(sealSentence({ ...seal, signedBy: null })).toBe('is missing or cannot be read');
  expect(sealSentence({ ...seal, stage: 'terminal' })).toContain('nothing seals it again');
});

test('words are shown as a person reads them, and anything else as data', () => {
  expect(spokenWords({ messages: [{ text: 'first' }, { role: 'user', text: 'last' }] })).toBe('last');
  expect(spokenWords({ text: 'answer', ids: [1] })).toBe('answer');
  expect(spokenWords({ label: 'yes' })).toBe('{\n  "label": "yes"\n}');
  expect(spokenWords(null)).toBe('');
});
