import { RULE_FAMILIES } from '#core/economy/all-rules';
import { DEMANDS, type Demand, type Shown } from './demands';
import { EDGE_CASES } from './edge-cases';
import { FAMILY_FILES } from './families';

/** `docs/spec/rules.md`, from the rules themselves and from what they are held against here. */
export const RULES_PAGE = 'docs/spec/rules.md';

const widthOf = (text: string): number => [...text].length;

/** A table as Prettier lays it out. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, at) => Math.max(3, ...cells.map((row) => widthOf(row[at]!))));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell + ' '.repeat(widths[at]! - widthOf(cell))).join(' | ')} |`;
  return [
    line(cells[0]!),
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...cells.slice(1).map(line),
  ].join('\n');
}

const code = (text: string): string => `\`${text}\``;
const onceEach = (items: readonly string[]): string[] => [...new Set(items)];
const ended = (sentence: string): string => (sentence.endsWith('.') ? sentence : `${sentence}.`);

export const familyOf = (rule: string): string => rule.slice(0, rule.indexOf('/'));

const keptBy = ({ rules = [], otherwise }: Demand): string =>
  [...(otherwise === undefined ? [] : [otherwise]), ...(rules.length === 0 ? [] : [rules.map(code).join(', ')])].join(
    ' ',
  );

const files = (shown: readonly Shown[], rules: readonly string[] = []): string =>
  onceEach([...rules.map((rule) => FAMILY_FILES[familyOf(rule)]!.test), ...shown.map(([file]) => file)])
    .map(code)
    .join(', ');

const tests = (shown: readonly Shown[]): string => shown.map(([file, title]) => `${code(file)}: ${title}`).join('; ');

export const rulesPage = (): string =>
  `${[
    '# Rules',
    'Every rule that has a name, by what it judges (`src/core/economy/all-rules.ts`); then what is asked of experts, patches, cards, receipts and\ncredits, with the rules that keep it; then cases at the edge, with their tests. `npm run schemas` writes this page out of the sources and\n`tests/rules/`; a test fails when it is another one, when a rule is broken by no test, or when a test that stands here is gone.',
    'A rule is told by its name, which is the code of a refusal, and by its sentence: what is wrong, or what a gate demands. `…` stands for what\nis wrong in that case. Within a family rules are tried in this order. Every rule of the ledger may rely on those above it.',
    '## Families',
    ...RULE_FAMILIES.flatMap(({ name, judges, rules }) => {
      const { source, test } = FAMILY_FILES[name]!;
      return [
        `### ${name}`,
        `Of ${judges}. ${code(source)}, broken in ${code(test)}.`,
        table(
          ['Rule', 'Sentence'],
          rules.map((rule) => [code(rule.name), ended(rule.sentence)]),
        ),
      ];
    }),
    '## Rules of cards, receipts and credits',
    'What is asked, what keeps it (`family/rule`), and the tests that break it.',
    ...DEMANDS.flatMap(({ title, demands }) => [
      `### ${title}`,
      table(
        ['What is asked', 'Kept by', 'Tests'],
        demands.map((one) => [one.demand, keptBy(one), files(one.shown ?? [], one.rules)]),
      ),
    ]),
    '## Cases at the edge',
    table(
      ['Case', 'Tests'],
      EDGE_CASES.map(({ edge, shown }) => [edge, tests(shown)]),
    ),
  ].join('\n\n')}\n`;
