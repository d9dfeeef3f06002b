import type { SandboxReport, SandboxRequest } from '#core/engines/sandbox';

/**
 * What every sandbox does with the same code, whatever it runs on: the in-process one and the one in a Web Worker pass
 * these, and give the same canonical bytes.
 */
export interface SandboxCase {
  readonly name: string;
  readonly request: SandboxRequest;
  readonly report: SandboxReport;
}

const HEAD = "import { test, expect } from 'tabmesh:test';\n";

/** A workspace with one test file `a.test.js` and what else is named. */
export const workspaceOf = (
  tests: string,
  others: Readonly<Record<string, string>> = {},
  seed = 7,
): SandboxRequest => ({
  files: [{ path: 'a.test.js', text: HEAD + tests }, ...Object.entries(others).map(([path, text]) => ({ path, text }))],
  testFiles: ['a.test.js'],
  seed,
});

const passed = (name: string, output = '') => ({ name, outcome: 'passed' as const, error: '', output });
const failed = (name: string, error: string, output = '') => ({ name, outcome: 'failed' as const, error, output });
const notRun = (name: string) => ({
  name,
  outcome: 'not_run' as const,
  error: 'The run ended before it.',
  output: '',
});
const completed = (...tests: SandboxReport['tests'][number][]): SandboxReport => ({
  tests,
  unloaded: [],
  output: '',
  ended: 'completed',
});

const STEPS = 'It took too many steps.';

const expectations: readonly SandboxCase[] = [
  {
    name: 'a test passes when its expectations hold and fails with the first that does not',
    request: workspaceOf(`
      test('passes', () => {
        expect(1).toBe(1);
        expect({ a: [1, { b: new Map([['k', new Set([1])]]) }] }).toEqual({ a: [1, { b: new Map([['k', new Set([1])]]) }] });
        expect([1, 2]).toContain(2);
        expect('abc').toContain('b');
        expect('abc').toHaveLength(3);
        expect(0.1 + 0.2).toBeCloseTo(0.3);
        expect(2).toBeGreaterThan(1);
        expect(1).toBeLessThan(2);
        expect('').toBeFalsy();
        expect('x').toBeTruthy();
        expect(() => { throw new RangeError('too far'); }).toThrow('too far');
        expect(() => {}).not.toThrow();
        expect([1]).not.toBe([1]);
        expect(new Date(5)).toEqual(new Date(5));
        expect([1, , 3]).not.toEqual([1, 2, 3]);
        expect({ a: undefined }).not.toEqual({});
      });
      test('fails', () => { expect({ a: [1] }).toEqual({ a: [2] }); expect(1).toBe(2); });
      test('throws', () => { null.x; });
      test('waits', async () => { await Promise.resolve(); expect(await Promise.resolve(3)).toBe(4); });
      test('has thrown something else', () => { throw { code: 7 }; });
    `),
    report: completed(
      passed('passes'),
      failed('fails', 'Error: expected {a: [1]} to equal {a: [2]}'),
      failed('throws', "TypeError: cannot read property 'x' of null"),
      failed('waits', 'Error: expected 3 to be 4'),
      failed('has thrown something else', 'thrown: {code: 7}'),
    ),
  },
  {
    name: 'a failed expectation fails its test even where what it throws is caught',
    request: workspaceOf(
      `
      import { each } from './each.js';
      test('swallowed', () => each([1, 2], (n) => expect(n).toBe(1)));
    `,
      { 'each.js': 'export const each = (list, run) => list.forEach((n) => { try { run(n); } catch {} });' },
    ),
    report: completed(failed('swallowed', 'Error: expected 2 to be 1')),
  },
  {
    name: 'a value does not say itself whether it is the expected one',
    request: workspaceOf(
      `
      import { sets, map, date, list } from './code.js';
      test('set', () => expect(sets()).toEqual(new Set([1, 2])));
      test('map', () => expect(map()).toEqual(new Map([['a', 1]])));
      test('date', () => expect(date()).toEqual(new Date(5)));
      test('list', () => expect(list()).toEqual([1]));
    `,
      {
        'code.js': `
        class AnySet extends Set { has() { return true; } get size() { return 2; } }
        class AnyMap extends Map { has() { return true; } get() { return 1; } get size() { return 1; } }
        class AnyDate extends Date { getTime() { return 5; } }
        export const sets = () => new AnySet([8, 9]);
        export const map = () => new AnyMap([['b', 2]]);
        export const date = () => new AnyDate(6);
        export const list = () => new Proxy([], { get: (target, key) => (key === 'length' ? 1 : target[key]) });
      `,
      },
    ),
    report: completed(
      failed('set', 'Error: expected Set{8, 9} to equal Set{1, 2}'),
      failed('map', 'Error: expected Map{"b": 2} to equal Map{"a": 1}'),
      failed(
        'date',
        'Error: expected [Thu Jan 01 1970 00:00:00 GMT+0000] to equal [Thu Jan 01 1970 00:00:00 GMT+0000]',
      ),
      failed('list', 'Error: expected [undefined] to equal [1]'),
    ),
  },
  {
    name: 'what a test prints is kept with it',
    request: workspaceOf(`
      console.log('loading');
      test('prints', () => { console.log('a', 1, [true, null], new Map([[1, 'x']])); console.error('b'); });
    `),
    report: { ...completed(passed('prints', 'a 1 [true, null] Map{1: "x"}\nb\n')), output: 'loading\n' },
  },
];

const modules: readonly SandboxCase[] = [
  {
    name: 'files import each other by relative paths, and nothing else',
    request: {
      ...workspaceOf('', {}),
      files: [
        { path: 'src/math.js', text: "import { one } from './parts/one.js'; export const two = one + one;" },
        { path: 'src/parts/one.js', text: 'export const one = 1;' },
        {
          path: 'tests/good.test.js',
          text: `${HEAD}import { two } from '../src/math.js'; test('two', () => expect(two).toBe(2));`,
        },
        { path: 'tests/missing.test.js', text: "import './none.js';" },
        { path: 'tests/outside.test.js', text: "import '../../etc/passwd';" },
        { path: 'tests/net.test.js', text: "import 'http://127.0.0.1/x.js';" },
        { path: 'tests/bare.test.js', text: "import 'std';" },
        { path: 'tests/syntax.test.js', text: 'export const = 1;' },
      ],
      testFiles: ['good', 'missing', 'outside', 'net', 'bare', 'syntax'].map((name) => `tests/${name}.test.js`),
    },
    report: {
      ...completed(passed('two')),
      unloaded: [
        { path: 'tests/missing.test.js', error: 'Error: There is no file tests/none.js.' },
        { path: 'tests/outside.test.js', error: 'Error: ../../etc/passwd lies outside the workspace.' },
        {
          path: 'tests/net.test.js',
          error: 'Error: Only files of the workspace are imported, not http://127.0.0.1/x.js.',
        },
        { path: 'tests/bare.test.js', error: 'Error: Only files of the workspace are imported, not std.' },
        { path: 'tests/syntax.test.js', error: 'SyntaxError: variable name expected' },
      ],
    },
  },
  {
    name: 'tested code cannot declare tests, and a file that does not load has none',
    request: workspaceOf("import './code.js'; test('real', () => {});", {
      'code.js': "import { test } from 'tabmesh:test'; test('real', () => {});",
    }),
    report: {
      ...completed(),
      unloaded: [{ path: 'a.test.js', error: 'Error: Only test files import tabmesh:test.' }],
    },
  },
  {
    name: 'tested code cannot reach the test functions while tests run',
    request: workspaceOf(
      `import { steal } from './code.js';
      test('late', async () => { console.log(await steal()); });`,
      {
        'code.js': "export const steal = () => import('tabmesh:test').then(() => 'got it', (error) => error.message);",
      },
    ),
    report: completed(passed('late', 'Only test files import tabmesh:test.\n')),
  },
  {
    name: 'a name is declared once, while the file loads',
    request: workspaceOf("test('a', () => { test('b', () => {}); }); test('a', () => {});"),
    report: {
      ...completed(),
      unloaded: [{ path: 'a.test.js', error: 'Error: There are two tests called "a".' }],
    },
  },
];

const isolation: readonly SandboxCase[] = [
  {
    name: 'there is no network, no timer, no code from text, nothing of the host',
    request: workspaceOf(`
      test('globals', () => {
        for (const name of ['fetch', 'XMLHttpRequest', 'WebSocket', 'setTimeout', 'process', 'require', 'self', 'window',
          'postMessage', 'importScripts', 'eval', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'WebAssembly', 'performance'])
          expect(typeof globalThis[name]).toBe('undefined');
      });
      test('function', () => { Function('return 1'); });
      test('constructor', () => { (() => {}).constructor('return 1')(); });
      test('generator', () => { Object.getPrototypeOf(function* () {}).constructor('yield 1'); });
      test('async', () => { Object.getPrototypeOf(async () => {}).constructor('return 1'); });
      test('still functions', () => { expect((() => {}) instanceof Function).toBe(true); });
    `),
    report: completed(
      passed('globals'),
      failed('function', 'TypeError: Code is not made from text here.'),
      failed('constructor', 'TypeError: Code is not made from text here.'),
      failed('generator', 'TypeError: Code is not made from text here.'),
      failed('async', 'TypeError: Code is not made from text here.'),
      passed('still functions'),
    ),
  },
  {
    name: 'what is built in cannot be changed by tested code, and own properties still can',
    request: workspaceOf(
      `import './code.js';
      test('tricked', () => {
        expect(JSON.stringify({ a: 1 })).toBe('{"a":1}');
        expect([3].includes(3)).toBe(true);
        expect({}.polluted).toBe(undefined);
      });
      class Fault extends Error { constructor(text) { super(text); this.name = 'Fault'; } }
      test('own', () => {
        const value = {};
        value.toString = () => 'mine';
        expect(String(value)).toBe('mine');
        throw new Fault('named');
      });`,
      {
        'code.js': `
          const attempts = [
            () => { JSON.stringify = () => 'forged'; },
            () => { Array.prototype.includes = () => true; },
            () => { Object.prototype.polluted = 1; },
            () => { Object.prototype.toString = 1; },
            () => { globalThis.Map = null; },
            () => { Object.defineProperty(Promise.prototype, 'then', { value: null }); },
            () => { Object.setPrototypeOf(Array.prototype, { evil: 1 }); },
            () => { console.log = null; },
            () => { Date.now = () => 0; },
            () => { Math.random = () => 0; },
          ];
          const through = attempts.filter((attempt) => { try { attempt(); return true; } catch { return false; } });
          console.log(through.length + ' got through');
        `,
      },
    ),
    report: {
      ...completed(passed('tricked'), failed('own', 'Fault: named')),
      output: '0 got through\n',
    },
  },
  {
    name: 'time and chance follow from the seed, and the zone is UTC',
    request: workspaceOf(
      `test('seeded', () => {
        console.log(new Date().toISOString(), Date.now(), Math.random(), Math.random());
        console.log(String(new Date(2024, 0, 1)), new Date('2024-06-01T00:00:00').getTime(), new Date(0).getHours());
        console.log(Date().slice(0, 15), new Date('Jan 1 2024 10:00').toISOString(), new Date(0).getTimezoneOffset());
      });`,
      {},
      11,
    ),
    report: completed(
      passed(
        'seeded',
        [
          '2023-11-14T22:13:20.011Z 1700000000012 0.018144118190354885 0.250674996755503',
          'Mon Jan 01 2024 00:00:00 GMT+0000 1717200000000 0',
          'Tue Nov 14 2023 2024-01-01T10:00:00.000Z 0',
          '',
        ].join('\n'),
      ),
    ),
  },
];

const bounds: readonly SandboxCase[] = [
  {
    name: 'an endless test fails alone',
    request: workspaceOf(`
      test('loops', () => { for (;;); });
      test('swallows', () => { for (;;) { try { for (;;); } catch {} finally { continue; } } });
      test('backtracks', () => { /(a+)+b/.test('a'.repeat(40)); });
      test('fine', () => {});
    `),
    report: completed(failed('loops', STEPS), failed('swallows', STEPS), failed('backtracks', STEPS), passed('fine')),
  },
  {
    name: 'a file that loads endlessly does not load, and the next one does',
    request: {
      files: [
        { path: 'a.test.js', text: `${HEAD}test('lost', () => {}); for (;;);` },
        { path: 'b.test.js', text: `${HEAD}await new Promise(() => {});` },
        { path: 'c.test.js', text: `${HEAD}test('fine', () => {});` },
      ],
      testFiles: ['a.test.js', 'b.test.js', 'c.test.js'],
      seed: 0,
    },
    report: {
      ...completed(passed('fine')),
      unloaded: [
        { path: 'a.test.js', error: STEPS },
        { path: 'b.test.js', error: 'It never finished: nothing is left that could go on.' },
      ],
    },
  },
  {
    name: 'a run that uses up its steps ends',
    request: workspaceOf("for (let n = 0; n < 5; n++) test('loop ' + n, () => { for (;;); }); test('last', () => {});"),
    report: {
      ...completed(...[0, 1, 2, 3].map((n) => failed(`loop ${n}`, STEPS)), notRun('loop 4'), notRun('last')),
      ended: 'out_of_steps',
    },
  },
  {
    name: 'a test that never settles fails',
    request: workspaceOf("test('waits', () => new Promise(() => {})); test('fine', () => {});"),
    report: completed(failed('waits', 'It never finished: nothing is left that could go on.'), passed('fine')),
  },
  {
    name: 'a memory bomb ends the run, even one that catches its failures',
    request: workspaceOf(`
      test('first', () => {});
      test('bomb', () => { const kept = []; for (;;) { try { kept.push(new Array(1e4).fill(1)); } catch {} } });
      test('last', () => {});
    `),
    report: {
      ...completed(passed('first'), failed('bomb', 'It took too much memory.'), notRun('last')),
      ended: 'out_of_memory',
    },
  },
  {
    name: 'one huge allocation ends the run',
    request: workspaceOf("test('huge', () => { new ArrayBuffer(2 ** 30); });"),
    report: { ...completed(failed('huge', 'It took too much memory.')), ended: 'out_of_memory' },
  },
  {
    name: 'a flood of output is cut, and the run goes on',
    request: workspaceOf(`
      test('floods', () => { for (let n = 0; n < 1e5; n++) console.log('x'.repeat(600)); });
      test('fine', () => console.log('still here'));
    `),
    report: completed(passed('floods', `${'x'.repeat(600)}\n${'x'.repeat(398)}…`), passed('fine', 'still here\n')),
  },
  {
    name: 'recursion without end fails its test',
    request: workspaceOf(`
      const f = (n) => f(n + 1) + 1;
      test('deep', () => f(0));
      test('mutual', () => { [1].map(function again() { return [1].map(again); }); });
      test('proxies', () => { let p = {}; for (let i = 0; i < 1e4; i++) p = new Proxy(p, {}); p.x; });
      test('fine', () => {});
    `),
    report: completed(
      failed('deep', 'InternalError: stack overflow'),
      failed('mutual', 'InternalError: stack overflow'),
      failed('proxies', 'InternalError: stack overflow'),
      passed('fine'),
    ),
  },
  {
    name: 'errors that defend themselves are shown as far as they can be',
    request: workspaceOf(`
      test('long', () => { throw new Error('y'.repeat(1e5)); });
      test('trap', () => { throw new Proxy(new Error('x'), { get() { throw 1; } }); });
      test('lone', () => { throw new Error('a\\ud800b\\0c'); });
    `),
    report: completed(
      failed('long', `Error: ${'y'.repeat(392)}…`),
      failed('trap', 'An error that cannot be shown.'),
      failed('lone', 'Error: a\ufffdb\0c'),
    ),
  },
];

export const sandboxCases: readonly SandboxCase[] = [...expectations, ...modules, ...isolation, ...bounds];
