/** Part of a grammar, repeated from `least` to `most` times; null is without end. */
export interface Item {
  readonly part: Part;
  readonly least: number;
  readonly most: number | null;
}

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  /** Code points from and to, both in. */
  | { readonly kind: 'set'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] }
  | { readonly kind: 'rule'; readonly name: string }
  | { readonly kind: 'group'; readonly choices: Choices };

export type Choices = readonly (readonly Item[])[];
export type Rules = ReadonlyMap<string, Choices>;

export const ROOT = 'root';
/** Repetitions with an end, those inside of others multiplied: compiling takes about 30 ms each, over a large vocabulary. */
const MAX_REPEATS = 128;

/** Why a grammar is not handed on although it can be read, or null: each of these costs xgrammar seconds per token, or loops. */
export function hardIn(rules: Rules): string | null {
  if (!rules.has(ROOT)) return `it has no rule called ${ROOT}`;
  for (const choices of rules.values()) {
    for (const name of namesIn(choices)) if (!rules.has(name)) return `the rule ${name} is not there`;
  }
  const empty = fixpoint(rules, (choices, known) =>
    choices.some((items) => items.every((one) => canBeEmpty(one, known))),
  );
  const ending = fixpoint(rules, (choices, known) => choices.some((items) => items.every((one) => canEnd(one, known))));
  if (!ending.has(ROOT)) return 'it allows no text that ever ends';
  for (const [name, choices] of rules) {
    if (startsWithItself(name, rules, empty)) return `the rule ${name} begins with itself`;
    if (repeatsNothing(choices, empty)) return 'something that may be empty or endless is repeated without end';
  }
  let repeats = 0;
  for (const choices of rules.values()) repeats += repeatsOf(choices, 1);
  return repeats > MAX_REPEATS ? `its repetitions come to more than ${MAX_REPEATS}` : null;
}

function namesIn(choices: Choices): readonly string[] {
  return choices.flat().flatMap(({ part }) => {
    if (part.kind === 'rule') return [part.name];
    return part.kind === 'group' ? namesIn(part.choices) : [];
  });
}

/** The rules for which `holds`, given those for which it holds already. */
function fixpoint(rules: Rules, holds: (choices: Choices, known: ReadonlySet<string>) => boolean): ReadonlySet<string> {
  const known = new Set<string>();
  for (let grew = true; grew;) {
    grew = false;
    for (const [name, choices] of rules) {
      if (known.has(name) || !holds(choices, known)) continue;
      known.add(name);
      grew = true;
    }
  }
  return known;
}

function canBeEmpty({ part, least }: Item, empty: ReadonlySet<string>): boolean {
  if (least === 0) return true;
  switch (part.kind) {
    case 'text':
      return part.text === '';
    case 'set':
      return false;
    case 'rule':
      return empty.has(part.name);
    case 'group':
      return part.choices.some((items) => items.every((one) => canBeEmpty(one, empty)));
  }
}

function canEnd({ part, least }: Item, ending: ReadonlySet<string>): boolean {
  if (least === 0) return true;
  if (part.kind === 'rule') return ending.has(part.name);
  return part.kind !== 'group' || part.choices.some((items) => items.every((one) => canEnd(one, ending)));
}

/** Rules that may stand at the very beginning. */
function firstIn(choices: Choices, empty: ReadonlySet<string>): readonly string[] {
  return choices.flatMap((items) => {
    const solid = items.findIndex((one) => !canBeEmpty(one, empty));
    return items.slice(0, solid === -1 ? items.length : solid + 1).flatMap(({ part }) => {
      if (part.kind === 'rule') return [part.name];
      return part.kind === 'group' ? firstIn(part.choices, empty) : [];
    });
  });
}

function startsWithItself(name: string, rules: Rules, empty: ReadonlySet<string>): boolean {
  const seen = new Set<string>();
  const open = [...firstIn(rules.get(name)!, empty)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === name) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...firstIn(rules.get(next)!, empty));
  }
  return false;
}

/** Whether a repetition without end has a part that can be empty, or that is nothing but another such repetition. */
function repeatsNothing(choices: Choices, empty: ReadonlySet<string>): boolean {
  return choices.flat().some(({ part, most }) => {
    const inner = part.kind === 'group' ? part.choices : [];
    const endless = inner.some((items) => items.length === 1 && items[0]!.most === null);
    const once: Item = { part, least: 1, most: 1 };
    return (most === null && (endless || canBeEmpty(once, empty))) || repeatsNothing(inner, empty);
  });
}

function repeatsOf(choices: Choices, times: number): number {
  return choices.flat().reduce((sum, { part, least, most }) => {
    const here = Math.max(most ?? least, 1) * times;
    const inner = part.kind === 'group' ? repeatsOf(part.choices, here) : 0;
    return sum + (here > times || times > 1 ? here : 0) + inner;
  }, 0);
}
