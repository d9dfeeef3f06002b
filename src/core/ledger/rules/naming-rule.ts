import type { NamedRule, Rule } from './rule';

/** A rule that names what breaks it: its sentence says `…` where that stands. Nothing named: it holds. */
export interface NamingRule<Context> extends NamedRule {
  readonly wrong: (context: Context) => readonly string[];
}

/** Something that is wrong, as a stable code and one sentence for a person. */
export interface Violation {
  readonly code: string;
  readonly sentence: string;
}

/** What is wrong by one rule, in its sentence; null when it holds. */
function sentenceAgainst<Context>(rule: Rule<Context> | NamingRule<Context>, context: Context): string | null {
  if ('holds' in rule) return rule.holds(context) ? null : rule.sentence;
  const wrong = rule.wrong(context);
  return wrong.length === 0 ? null : rule.sentence.replace('…', () => wrong.join(', '));
}

/** Everything that is wrong, in the order of the rules; each looks whatever the others found. */
export const violationsOf = <Context>(
  rules: readonly (Rule<Context> | NamingRule<Context>)[],
  context: Context,
): readonly Violation[] =>
  rules.flatMap((rule) => {
    const sentence = sentenceAgainst(rule, context);
    return sentence === null ? [] : [{ code: rule.name, sentence }];
  });
