import { describe, expect, test } from 'vitest';
import { evidenceNamed } from '#tests/fakes/graph-logs';
import { utf8 } from '../../base/bytes';
import { encodeCanonical } from '../../base/canonical';
import { unwrap } from '../../base/result';
import { MAX_GRAPH_STATEMENT_BYTES } from '../../ledger/events';
import {
  encodeStatement,
  MAX_NAMED,
  MAX_TEXT_CHARACTERS,
  openStatement,
  STATEMENT_RULES,
  tidyText,
  type ClaimStatement,
  type GraphStatement,
} from './statement';

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => evidenceNamed(`${at}`)).sort();
const claim = (change: Partial<ClaimStatement> = {}): ClaimStatement => ({
  type: 'graph-claim',
  v: 1,
  text: 'The answer in this bundle is right.',
  about: names(1),
  ...change,
});
const open = (value: object) => openStatement(encodeCanonical(value));
const codeOf = (value: object): string | null => {
  const opened = open(value);
  return opened.ok ? null : opened.error.code;
};

const broken: Readonly<Record<string, GraphStatement>> = {
  text_unfit: claim({ text: '' }),
  nothing_named: claim({ about: [] }),
  too_much_named: claim({ about: names(MAX_NAMED + 1) }),
  named_twice: { type: 'graph-attestation', v: 1, claim: evidenceNamed('claim'), evidence: [...names(2)].reverse() },
  rests_on_itself: {
    type: 'graph-dispute',
    v: 1,
    claim: evidenceNamed('claim'),
    reason: 'It contradicts itself.',
    evidence: [evidenceNamed('claim')],
  },
};

describe('a statement by itself', () => {
  test.each(STATEMENT_RULES.map(({ name, sentence }) => [name, sentence] as const))(
    'is refused by the rule %s',
    (name, sentence) => {
      expect(open(broken[name]!)).toMatchObject({ ok: false, error: { code: name, message: sentence } });
    },
  );

  test('is read back as it was written, its lists put in order and each id once', () => {
    const [first, second] = names(2) as [string, string];
    const bytes = unwrap(encodeStatement(claim({ about: [second, first, second] })));
    expect(unwrap(openStatement(bytes))).toEqual(claim({ about: [first, second] }));
  });

  test('with everything at its longest fits into an entry', () => {
    const reason = '\u{1f525}'.repeat(MAX_TEXT_CHARACTERS);
    const longest: GraphStatement = {
      type: 'graph-dispute',
      v: 1,
      claim: evidenceNamed('claim'),
      reason,
      evidence: names(MAX_NAMED),
    };
    expect(unwrap(encodeStatement(longest)).length).toBeLessThanOrEqual(MAX_GRAPH_STATEMENT_BYTES);
    expect(codeOf({ ...longest, reason: `${reason}a` })).toBe('text_unfit');
  });

  test('of a kind or a version that is not known is told apart from damage', () => {
    expect(codeOf({ type: 'graph-ruling', v: 1, claim: names(1)[0] })).toBe('unknown_statement');
    expect(codeOf(claim({ v: 2 as 1 }))).toBe('unknown_statement');
    expect(codeOf({ ...claim(), score: 9 })).toBe('malformed');
    expect(codeOf({ ...claim(), about: ['bafy'] })).toBe('malformed');
  });

  test('goes through the gate like everything from outside', () => {
    const refusalOf = (bytes: Uint8Array) => {
      const opened = openStatement(bytes);
      return opened.ok ? null : opened.error.code;
    };
    expect(refusalOf(utf8('{"type":"graph-claim"}'))).toBe('undecodable');
    expect(refusalOf(new Uint8Array(MAX_GRAPH_STATEMENT_BYTES + 1))).toBe('too_large');
    expect(codeOf({ type: 'graph-claim', v: 1, constructor: 'x' })).toBe('malformed');
  });
});

describe('a text', () => {
  test.each([
    ['a turned direction', 'right \u202etfel'],
    ['an isolate that is not closed', '\u2067text'],
    ['a mark that turns direction', 'a\u200fb'],
    ['a control character', 'a\u0007b'],
    ['a line break', 'a\nb'],
    ['a line separator', 'a\u2028b'],
    ['a space of no width', 'pay\u200bpal'],
    ['a soft hyphen', 'pay\u00adpal'],
    ['an invisible tag', 'a\u{e0041}b'],
    ['half of a pair', 'a\ud83d'],
    ['private use', 'a\ue000b'],
    ['a filler that is not seen', '\u3164'],
    ['marks piled up', `a${'\u0301'.repeat(8)}`],
    ['space around it', ' a'],
    ['two spaces', 'a  b'],
    ['nothing but spaces', '   '],
    ['a letter that is not composed', 'e\u0301'],
  ])('with %s is refused', (_, text) => {
    const encoded = encodeStatement(claim({ text }));
    expect(encoded).toMatchObject({ ok: false, error: { code: 'text_unfit' } });
  });

  test.each([['Die Quelle ist überprüft.'], ['می‌خواهم'], ['אמת'], ['👩‍🔬 agrees'], ['3 < 4']])(
    'in any script is taken: %s',
    (text) => {
      expect(unwrap(openStatement(unwrap(encodeStatement(claim({ text })))))).toMatchObject({ text });
    },
  );

  test('that a person typed is tidied without changing what it says', () => {
    expect(tidyText('  two \n words, cafe\u0301 ')).toBe('two words, café');
  });
});
