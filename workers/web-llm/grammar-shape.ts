import { fail, ok, type Result } from '#core/base/result';
import { hardIn, type Choices, type Item, type Part, type Rules } from './grammar-rules';

/**
 * Bounds of a grammar before it reaches xgrammar, whose WebAssembly build is aborted by whatever it cannot read and whose
 * stack overflows in nested groups. So a grammar is read here, and what is handed on is written anew from what was
 * understood: rules `name ::= …` of texts in quotation marks, sets in brackets, names, groups, `|`, and the repetitions
 * `*`, `+`, `?`, `{m}`, `{m,}`, `{m,n}`; `#` begins a comment.
 */
const MAX_GRAMMAR_CHARACTERS = 4_096;
const MAX_DEPTH = 16;
const MAX_RULES = 64;
const MAX_ITEMS = 512;
/** More is refused by its sum anyway; this keeps the number itself small. */
const MAX_COUNT = 1_000;

const NAME = /[A-Za-z_][A-Za-z0-9_-]{0,63}/y;
const BLANK = /(?:[ \t\r\n]|#[^\n]*)+/y;
const COUNT = /\{[ \t]*(\d{1,4})[ \t]*(?:(,)[ \t]*(\d{1,4})?[ \t]*)?\}/y;
const DEFINES = /(?:[ \t\r\n]|#[^\n]*)*::=/y;
const ESCAPE = /\\(?:([nrt"\\[\]\-^])|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))/y;
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
const PLAIN = /^[A-Za-z0-9 ]$/;

/** The grammar as xgrammar can take it, or why not. Code: `unsupported_shape`. */
export function readGrammarShape(text: string): Result<string> {
  const refused = (why: string) => fail('unsupported_shape', `The form is refused: ${why}.`);
  if (text.length > MAX_GRAMMAR_CHARACTERS) return refused(`it is longer than ${MAX_GRAMMAR_CHARACTERS} characters`);
  const rules = parseRules(text);
  if (typeof rules === 'string') return refused(rules);
  const why = hardIn(rules);
  return why === null
    ? ok([...rules].map(([name, choices]) => `${name} ::= ${write(choices)}`).join('\n'))
    : refused(why);
}

/** The rules, or the first reason why they cannot be read. */
function parseRules(text: string): Rules | string {
  let at = 0;
  let items = 0;
  let problem = null as string | null;

  function refuse<T>(why: string, instead: T): T {
    problem ??= `${why} (at character ${at + 1})`;
    return instead;
  }
  function match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at += found[0].length;
    return found;
  }
  const skip = (): void => void match(BLANK);
  /** Whether a rule begins here: names inside of one are followed by something else. */
  function atRule(): boolean {
    const before = at;
    const rule = match(NAME) !== null && match(DEFINES) !== null;
    at = before;
    return rule;
  }

  /** One character inside of quotation marks or brackets, escaped or not; null where there is none. */
  function character(closing: string): number | null {
    const escaped = match(ESCAPE);
    if (escaped !== null) {
      const [, sign, ...codes] = escaped;
      const code = codes.find((one) => one !== undefined);
      const point = code === undefined ? (CONTROLS[sign!] ?? sign!).codePointAt(0)! : parseInt(code, 16);
      return allowed(point);
    }
    const point = text.codePointAt(at);
    if (point === undefined || text[at] === closing || text[at] === '\\') return null;
    at += String.fromCodePoint(point).length;
    return allowed(point);
  }
  function allowed(point: number): number | null {
    const control = point < 0x20 && !['\n', '\r', '\t'].includes(String.fromCharCode(point));
    const right = !control && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    return right ? point : refuse('a character is not allowed', null);
  }

  function textPart(): Part {
    let content = '';
    for (let point = character('"'); point !== null; point = character('"')) content += String.fromCodePoint(point);
    if (text[at] !== '"') return refuse('a text does not end', { kind: 'text', text: '' });
    at += 1;
    return { kind: 'text', text: content };
  }
  function setPart(): Part {
    const negated = text[at] === '^';
    if (negated) at += 1;
    const ranges: [number, number][] = [];
    for (let from = character(']'); from !== null; from = character(']')) {
      let to: number | null = from;
      if (text[at] === '-' && text[at + 1] !== ']') {
        at += 1;
        to = character(']');
      }
      if (to === null || to < from) return refuse('a set has a range that is none', { kind: 'text', text: '' });
      ranges.push([from, to]);
    }
    if (text[at] !== ']' || ranges.length === 0)
      return refuse('a set does not end, or is empty', { kind: 'text', text: '' });
    at += 1;
    return { kind: 'set', negated, ranges };
  }

  function part(depth: number): Part | null {
    const sign = text[at];
    if (sign === '"' || sign === '[' || sign === '(') at += 1;
    if (sign === '"') return textPart();
    if (sign === '[') return setPart();
    if (sign === '(') {
      if (depth >= MAX_DEPTH) return refuse(`it nests deeper than ${MAX_DEPTH} levels`, null);
      const choices = parseChoices(depth + 1);
      if (text[at] !== ')') return refuse('a group does not end', null);
      at += 1;
      return { kind: 'group', choices };
    }
    if (atRule()) return null;
    const name = match(NAME);
    return name === null ? null : { kind: 'rule', name: name[0] };
  }

  function item(depth: number): Item | null {
    const found = problem === null ? part(depth) : null;
    if (found === null) return null;
    items += 1;
    if (items > MAX_ITEMS) return refuse(`it has more than ${MAX_ITEMS} parts`, null);
    const sign = text[at];
    if (sign === '*' || sign === '+' || sign === '?') {
      at += 1;
      return { part: found, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : null };
    }
    const count = match(COUNT);
    if (count === null) return { part: found, least: 1, most: 1 };
    const least = Number(count[1]);
    const most = count[2] === undefined ? least : count[3] === undefined ? null : Number(count[3]);
    if (least > MAX_COUNT || (most !== null && (most < least || most > MAX_COUNT)))
      return refuse('a repetition is out of range', null);
    return { part: found, least, most };
  }

  function parseChoices(depth: number): Choices {
    const choices: Item[][] = [];
    do {
      if (choices.length > 0) at += 1;
      const sequence: Item[] = [];
      skip();
      for (let next = item(depth); next !== null; next = item(depth)) {
        sequence.push(next);
        skip();
      }
      if (sequence.length === 0) refuse('something is missing', null);
      choices.push(sequence);
    } while (text[at] === '|' && problem === null);
    return choices;
  }

  const rules = new Map<string, Choices>();
  for (skip(); at < text.length && problem === null; skip()) {
    if (!atRule()) {
      refuse('a rule was expected', null);
      break;
    }
    const name = match(NAME)![0];
    match(DEFINES);
    if (rules.has(name)) refuse(`the rule ${name} is there twice`, null);
    if (rules.size >= MAX_RULES) refuse(`it has more than ${MAX_RULES} rules`, null);
    rules.set(name, parseChoices(0));
  }
  return problem ?? rules;
}

const escaped = (point: number): string => {
  const sign = String.fromCodePoint(point);
  if (PLAIN.test(sign)) return sign;
  const code = point.toString(16);
  return point > 0xffff ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
};

function writePart(part: Part): string {
  switch (part.kind) {
    case 'text':
      return `"${[...part.text].map((sign) => escaped(sign.codePointAt(0)!)).join('')}"`;
    case 'set': {
      const ranges = part.ranges.map(([from, to]) => (from === to ? escaped(from) : `${escaped(from)}-${escaped(to)}`));
      return `[${part.negated ? '^' : ''}${ranges.join('')}]`;
    }
    case 'rule':
      return part.name;
    case 'group':
      return `(${write(part.choices)})`;
  }
}

function writeCount({ least, most }: Item): string {
  if (least === 1 && most === 1) return '';
  if (most === null) return least === 0 ? '*' : least === 1 ? '+' : `{${least},}`;
  return least === 0 && most === 1 ? '?' : `{${least},${most}}`;
}

const write = (choices: Choices): string =>
  choices.map((items) => items.map((one) => writePart(one.part) + writeCount(one)).join(' ')).join(' | ');
