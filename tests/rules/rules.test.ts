import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RULE_FAMILIES } from '#core/economy/all-rules';
import { ROOT } from '#tests/steps';
import { DEMANDS } from './demands';
import { EDGE_CASES } from './edge-cases';
import { FAMILY_FILES } from './families';
import { familyOf, RULES_PAGE, rulesPage } from './rules-page';

const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const named = RULE_FAMILIES.flatMap((family) => family.rules.map(({ name }) => `${family.name}/${name}`));
const demands = DEMANDS.flatMap((part) => part.demands);

test('the committed page is the one that the sources give', () => {
  expect(textOf(RULES_PAGE), `${RULES_PAGE}: run npm run schemas`).toBe(rulesPage());
});

describe('every family', () => {
  test('has its files, and no other has', () => {
    expect(Object.keys(FAMILY_FILES)).toEqual(RULE_FAMILIES.map(({ name }) => name));
  });

  test.each(RULE_FAMILIES)(
    '$name tells its rules apart, each in one sentence, and breaks each by its name',
    (family) => {
      const { name, rules } = family;
      expect(rules.length).toBeGreaterThan(0);
      expect(new Set(rules.map((rule) => rule.name)).size).toBe(rules.length);
      for (const { sentence } of rules) expect(sentence).toMatch(/^[A-Z…][^\n]+[^\n ]$/);
      const { source, test: file } = FAMILY_FILES[name]!;
      const tested = textOf(file);
      expect(textOf(source).length).toBeGreaterThan(0);
      for (const rule of rules) expect(namedIn(tested, rule.name), `${rule.name} in ${file}`).toBe(true);
    },
  );
});

/** Whether a text names a rule as a value or as a key, and not merely as a part of something else. */
const namedIn = (text: string, rule: string): boolean =>
  text.includes(`'${rule}'`) || new RegExp(`^\\s*${rule}: `, 'm').test(text);

test('what is asked is kept by rules that there are, or says what keeps it', () => {
  for (const { demand, rules = [], otherwise, shown = [] } of demands) {
    for (const rule of rules) expect(named, demand).toContain(rule);
    expect(rules.length > 0 || (otherwise !== undefined && shown.length > 0), demand).toBe(true);
  }
});

test('whatever a rule of cards, receipts and credits keeps is asked', () => {
  // Of logs and witnesses, of evidence and its graph the rules are ours alone.
  const others = [
    'log',
    'claims',
    'grants',
    'reservations',
    'witnesses',
    'closings',
    'challenges',
    'rulings',
    'replays',
  ];
  const asked = new Set(demands.flatMap(({ rules = [] }) => rules));
  const families = named.filter((rule) => !/^(graph|evidence)/.test(rule) && !others.includes(familyOf(rule)));
  const left = families.filter((rule) => !asked.has(rule) && !/\/no_economy$/.test(rule));
  expect(left).toEqual([]);
});

test('every test that is named is there', () => {
  for (const [file, title] of [...demands, ...EDGE_CASES].flatMap(({ shown = [] }) => shown))
    expect(textOf(file), `${file}: ${title}`).toContain(title);
});
