import { fail, ok, type Result } from '../../base/result';

/**
 * How many ways a backtracking matcher may have to try a pattern at one place, for texts of `length` characters: the
 * product over what stands side by side, the sum over alternatives, and for a repetition one way per count. Above any
 * real number of tries, so what is cheap by it is cheap in every engine.
 */
export type WaysFor = (length: number) => number;

export interface PatternCost {
  readonly ways: WaysFor;
  /** Tries at every place of the text when it does not begin with `^`. */
  readonly anchored: boolean;
}

const MAX_PATTERN_CHARACTERS = 200;
const MAX_REPETITIONS = 1_000;

const ESCAPED = /^\\(?:[dDwWsStnrfv]|[\^$\\.*+?()[\]{}|/-])/;
const CLASS = /^\[\^?(?:\\(?:[dDwWsStnrfv]|[\^$\\.*+?()[\]{}|/-])|[^\\\]])+\]/;
const PLAIN = /^[^\\^$.*+?()[\]{}|]/u;
const COUNT = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/;

/**
 * Reads a pattern of the subset whose cost can be told: literals, classes, groups, alternatives, greedy and lazy
 * repetitions. No back reference, no looking around, no named parts, no properties. Code: `pattern_refused`.
 */
export function costOfPattern(pattern: string): Result<PatternCost> {
  const refuse = (why: string) => fail('pattern_refused', `A pattern of the schema is refused: ${why}.`);
  if (pattern.length > MAX_PATTERN_CHARACTERS) return refuse(`it has more than ${MAX_PATTERN_CHARACTERS} characters`);
  try {
    new RegExp(pattern, 'u');
  } catch {
    return refuse('it is no regular expression');
  }
  const reader = createReader(pattern);
  const ways = reader.alternatives();
  return ways === null || !reader.atEnd()
    ? refuse('it uses what is not supported here')
    : ok({ ways, anchored: pattern.startsWith('^') && !reader.hasTopLevelAlternatives() });
}

function createReader(pattern: string) {
  let at = 0;
  let depth = 0;
  let topLevelAlternatives = false;

  function take(of: RegExp): RegExpExecArray | null {
    const found = of.exec(pattern.slice(at));
    if (found !== null) at += found[0].length;
    return found;
  }

  function alternatives(): WaysFor | null {
    const branches: WaysFor[] = [];
    for (;;) {
      const branch = sequence();
      if (branch === null) return null;
      branches.push(branch);
      if (pattern[at] !== '|') return (length) => branches.reduce((sum, ways) => sum + ways(length), 0);
      if (depth === 0) topLevelAlternatives = true;
      at += 1;
    }
  }

  function sequence(): WaysFor | null {
    const terms: WaysFor[] = [];
    while (at < pattern.length && pattern[at] !== '|' && pattern[at] !== ')') {
      const next = term();
      if (next === null) return null;
      terms.push(next);
    }
    return (length) => terms.reduce((product, ways) => product * ways(length), 1);
  }

  function term(): WaysFor | null {
    if (take(/^[$^]/) !== null) return () => 1;
    const atom = group() ?? ((take(CLASS) ?? take(ESCAPED) ?? take(/^\./) ?? take(PLAIN)) ? () => 1 : null);
    if (atom === null) return null;
    const range = repetition();
    if (range === null) return null;
    const [least, most] = range;
    if (most === 1 && least === 1) return atom;
    return (length) => {
      const once = atom(length);
      const upTo = Math.max(Math.min(most, length), least);
      if (once === 1) return upTo - least + 1;
      let sum = 0;
      for (let count = least; count <= upTo && Number.isFinite(sum); count++) sum += once ** count;
      return sum;
    };
  }

  function group(): WaysFor | null {
    if (pattern[at] !== '(') return null;
    if (take(/^\((?:\?:)?(?!\?)/) === null) return null;
    depth += 1;
    const inner = alternatives();
    depth -= 1;
    return inner !== null && take(/^\)/) !== null ? inner : null;
  }

  function repetition(): readonly [number, number] | null {
    const sign = take(/^[*+?]/)?.[0];
    const counted = sign === undefined ? take(COUNT) : null;
    if (sign !== undefined || counted !== null) take(/^\?/);
    if (sign !== undefined) return sign === '?' ? [0, 1] : [sign === '*' ? 0 : 1, Infinity];
    if (counted === null) return [1, 1];
    const least = Number(counted[1]);
    const most = counted[2] === undefined ? least : counted[3] === undefined ? Infinity : Number(counted[3]);
    return least > MAX_REPETITIONS || (most !== Infinity && most > MAX_REPETITIONS) ? null : [least, most];
  }

  return { alternatives, atEnd: () => at === pattern.length, hasTopLevelAlternatives: () => topLevelAlternatives };
}
