import { describe, expect, it } from 'vitest';
import { readGrammarShape } from './grammar-shape';

const read = (grammar: string) => {
  const result = readGrammarShape(grammar);
  return result.ok ? result.value : result.error.message;
};
const deep = (levels: number) => `root ::= ${'('.repeat(levels)}"a"${')'.repeat(levels)}`;

describe('a grammar as a form', () => {
  it.each([
    ['root ::= "yes" | "no"', 'root ::= "yes" | "no"'],
    ['# note\nroot ::= a # more\n  | "b"\na ::= "x" # end', 'root ::= a | "b"\na ::= "x"'],
    [
      'root::=("a"|b)+ [0-9a-f_]{2,4} b?\r\nb ::= "\\n\\"\\x41\\u00e4\\U0001F600ß"',
      'root ::= ("a" | b)+ [0-9a-f\\u005f]{2,4} b?\nb ::= "\\u000a\\u0022A\\u00e4\\U0001f600\\u00df"',
    ],
    ['root ::= [^\\]\\-^a-] [-a] "" ', 'root ::= [^\\u005d\\u002d\\u005ea\\u002d] [\\u002da] ""'],
    ['root ::= "a"* "b"+ "c"{3} "d"{0,1} "e"{2,}', 'root ::= "a"* "b"+ "c"{3,3} "d"? "e"{2,}'],
    ['root ::= item ("," item)*\nitem ::= [a-z]+', 'root ::= item ("\\u002c" item)*\nitem ::= [a-z]+'],
    [deep(16), deep(16)],
  ])('%j is handed on as it was understood', (grammar, written) => {
    expect(read(grammar)).toBe(written);
  });

  it.each([
    ['nothing', ''],
    ['no grammar', '}{'],
    ['too long', `root ::= "${'x'.repeat(4_100)}"`],
    ['without a root', 'main ::= "a"'],
    ['with a rule that is not there', 'root ::= x'],
    ['with a rule twice', 'root ::= "a"\nroot ::= "b"'],
    ['with too many rules', ['root ::= "a"', ...Array.from({ length: 64 }, (_, n) => `r${n} ::= "b"`)].join('\n')],
    ['with too many parts', `root ::= ${'"a" '.repeat(513)}`],
    ['nested too deep', deep(17)],
    ['nested beyond any stack', `root ::= ${'('.repeat(4_000)}`],
    ['with an open group', 'root ::= ("a"'],
    ['with a group too many', 'root ::= "a" )'],
    ['with an open text', 'root ::= "a'],
    ['with an escape that is none', 'root ::= "\\q"'],
    ['with half a character', 'root ::= "\\ud800"'],
    ['with no character at all', 'root ::= "\\U00ffffff"'],
    ['with a control character', 'root ::= "\\x00"'],
    ['with an open set', 'root ::= [a-z'],
    ['with an empty set', 'root ::= []'],
    ['with a range that is none', 'root ::= [z-a]'],
    ['with an empty choice', 'root ::= "a" | '],
    ['with an empty group', 'root ::= ()'],
    ['with an empty rule', 'root ::=\nb ::= "a"'],
    ['with two signs of repetition', 'root ::= "a"**'],
    ['with a repetition of nothing', 'root ::= *'],
    ['with a repetition out of order', 'root ::= "a"{3,1}'],
    ['with a negative repetition', 'root ::= "a"{-1}'],
    ['with a million repetitions', 'root ::= "a"{1000000}'],
    ['with many repetitions', 'root ::= [a-z]{1,100} [a-z]{1,100}'],
    ['with repetitions in repetitions', 'root ::= ([a-z]{1,16} "."){1,16}'],
    ['with a look ahead', 'root ::= "a" (= "b")'],
    ['with a call', 'root ::= TagDispatch(("a", root))'],
    ['in other quotation marks', "root ::= 'a'"],
    ['that begins with itself', 'root ::= root "a" | "a"'],
    ['that begins with itself by a detour', 'root ::= b "x" | "y"\nb ::= "z"? root'],
    ['that never ends', 'root ::= "a" root'],
    ['of rules that lead to each other only', 'root ::= a\na ::= b\nb ::= a'],
    ['that repeats what may be empty', 'root ::= ("a"? "b"*)*'],
    ['that repeats an empty rule', 'root ::= x* "b"\nx ::= ""'],
    ['that repeats what is without end', 'root ::= (([a-z]+)+)+'],
  ])('%s is refused', (_what, grammar) => {
    expect(read(grammar)).toMatch(/^The form is refused: .+\.$/);
  });
});
