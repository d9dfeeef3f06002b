/** The module that test files import; nobody else may. */
export const TEST_MODULE = 'tabmesh:test';

/**
 * What runs inside the interpreter before any code from outside: takes away what differs between devices or could make
 * code from text, puts seeded time and chance in place, freezes everything that is built in, so that tested code cannot
 * change what tests rely on, and offers `test` and `expect`. `SETTINGS` is put in front as a constant. Plain JavaScript
 * as text: compiled or minified code could carry calls to what is not there.
 */
export const GUEST_SOURCE = String.raw`
const KEPT = new Set(('Error EvalError RangeError ReferenceError SyntaxError TypeError URIError AggregateError InternalError '
  + 'Array Object Iterator parseInt parseFloat isNaN isFinite decodeURI decodeURIComponent encodeURI '
  + 'encodeURIComponent Infinity NaN undefined Number Boolean String Math Reflect Symbol globalThis BigInt RegExp JSON '
  + 'Proxy Map Set WeakMap WeakSet ArrayBuffer Uint8ClampedArray Int8Array Uint8Array Int16Array Uint16Array Int32Array '
  + 'Uint32Array BigInt64Array BigUint64Array Float32Array Float64Array DataView Promise').split(' '));
const NativeDate = Date;
const NativeFunction = Function;
for (const key of Reflect.ownKeys(globalThis)) if (!KEPT.has(key)) delete globalThis[key];

const publish = (name, value) =>
  Object.defineProperty(globalThis, name, { value, writable: false, enumerable: false, configurable: false });
const install = (target, methods) => {
  for (const [key, value] of Object.entries(methods))
    Object.defineProperty(target, key, { value, writable: true, enumerable: false, configurable: true });
};

// Chance: sfc32, seeded.
let a = SETTINGS.seed >>> 0, b = 0x9e3779b9, c = 0x243f6a88, d = 1;
function random32() {
  const sum = (((a + b) | 0) + d) | 0;
  d = (d + 1) | 0;
  a = b ^ (b >>> 9);
  b = (c + (c << 3)) | 0;
  c = ((c << 21) | (c >>> 11)) + sum | 0;
  return sum >>> 0;
}
for (let round = 0; round < 15; round++) random32();
install(Math, { random: () => ((random32() >>> 5) * 67108864 + (random32() >>> 6)) / 9007199254740992 });

// Time: begins where the seed says, one millisecond per reading. The host keeps it in UTC.
let now = 1700000000000 + SETTINGS.seed;
function GuestDate(...parts) {
  if (new.target === undefined) return String(new GuestDate());
  return Reflect.construct(NativeDate, parts.length === 0 ? [now++] : parts, new.target);
}
install(NativeDate.prototype, { constructor: GuestDate });
Object.defineProperty(GuestDate, 'prototype', { value: NativeDate.prototype, writable: false });
Object.defineProperty(GuestDate, 'name', { value: 'Date' });
install(GuestDate, { now: () => now++, parse: NativeDate.parse, UTC: NativeDate.UTC });
publish('Date', GuestDate);

// No code from text.
const refuse = function Function() { throw new TypeError('Code is not made from text here.'); };
Object.defineProperty(refuse, 'prototype', { value: NativeFunction.prototype, writable: false });
publish('Function', refuse);
const kinds = [function () {}, async function () {}, function* () {}, async function* () {}].map(Object.getPrototypeOf);
for (const kind of kinds) Object.defineProperty(kind, 'constructor', { value: refuse, writable: false, configurable: false });

// What a test knows of the run.
const tests = [];
let loading = false;
let current = null;
let outside = '';
let outputLeft = SETTINGS.totalOutputCharacters;
const cut = (text, limit) => (text.length <= limit ? text : text.slice(0, limit - 1) + '…').toWellFormed();

function describe(value, depth = 0) {
  if (typeof value === 'string') return JSON.stringify(value.length > 200 ? value.slice(0, 199) + '…' : value);
  if (typeof value === 'bigint') return cut(String(value), 200) + 'n';
  if (typeof value === 'function') return '[function]';
  if (Object.is(value, -0)) return '-0';
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Error) return '[' + errorText(value) + ']';
  if (value instanceof NativeDate) return '[' + value.toString() + ']';
  if (value instanceof RegExp) return String(value);
  if (depth === 3) return Array.isArray(value) ? '[…]' : '{…}';
  const list = (items, of) => items.slice(0, 20).map(of).join(', ') + (items.length > 20 ? ', …' : '');
  const inner = (item) => describe(item, depth + 1);
  if (value instanceof Map) return 'Map{' + list([...value], ([k, v]) => inner(k) + ': ' + inner(v)) + '}';
  if (value instanceof Set) return 'Set{' + list([...value], inner) + '}';
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return '[' + list(Array.from(value), inner) + ']';
  return '{' + list(Object.keys(value), (key) => key + ': ' + inner(value[key])) + '}';
}
function errorText(error) {
  try {
    if (!(error instanceof Error)) return cut('thrown: ' + describe(error), SETTINGS.errorCharacters);
    return cut(String(error.name) + ': ' + String(error.message), SETTINGS.errorCharacters);
  } catch {
    return 'An error that cannot be shown.';
  }
}
function print(...values) {
  const before = current === null ? outside : current.output;
  const room = Math.min(SETTINGS.outputCharacters - before.length, outputLeft);
  if (room <= 0) return;
  const line = values.map((value) => (typeof value === 'string' ? value : describe(value))).join(' ') + '\n';
  const added = cut(line, room);
  outputLeft -= added.length;
  if (current === null) outside += added;
  else current.output += added;
}
publish('console', { log: print, info: print, warn: print, error: print, debug: print });

export function test(name, run) {
  if (!loading) throw new Error('A test is declared while its file loads.');
  if (typeof name !== 'string' || name === '' || name.length > SETTINGS.testNameCharacters || !name.isWellFormed())
    throw new Error('A test needs a name of at most ' + SETTINGS.testNameCharacters + ' characters.');
  if (typeof run !== 'function') throw new Error('A test needs a function.');
  if (tests.some((other) => other.name === name)) throw new Error('There are two tests called ' + describe(name) + '.');
  if (tests.length === SETTINGS.tests) throw new Error('There are more than ' + SETTINGS.tests + ' tests.');
  tests.push({ name, run, failure: null, output: '' });
}

const kindOf = (value) =>
  Array.isArray(value) ? 'array'
    : ArrayBuffer.isView(value) ? 'view'
    : [Map, Set, NativeDate, RegExp, Error].find((kind) => value instanceof kind)?.name ?? 'object';
// A tested value's own methods are not asked: they could say yes to everything.
const getterOf = (of, key) => Object.getOwnPropertyDescriptor(of, key).get;
const [timeOf, hasItem, hasKey, valueAt] = [NativeDate.prototype.getTime, Set.prototype.has, Map.prototype.has, Map.prototype.get];
const [setSize, mapSize] = [getterOf(Set.prototype, 'size'), getterOf(Map.prototype, 'size')];
function equal(left, right, depth = 0) {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (depth === 64) throw new Error('These values are nested too deep to compare.');
  const same = (x, y) => equal(x, y, depth + 1);
  const kind = kindOf(left);
  if (kind !== kindOf(right)) return false;
  if (kind === 'Date') return Object.is(timeOf.call(left), timeOf.call(right));
  if (kind === 'RegExp') return String(left) === String(right);
  if (kind === 'Error') return left.name === right.name && left.message === right.message;
  if (kind === 'Set') return setSize.call(left) === right.size && [...right].every((item) => hasItem.call(left, item));
  if (kind === 'Map')
    return mapSize.call(left) === right.size
      && [...right].every(([key, value]) => hasKey.call(left, key) && same(valueAt.call(left, key), value));
  if (kind === 'array' || kind === 'view')
    return left.length === right.length && Array.from(right).every((item, at) => same(left[at], item));
  const keys = Object.keys(right);
  return keys.length === Object.keys(left).length && keys.every((key) => Object.hasOwn(left, key) && same(left[key], right[key]));
}
function throws(run, text) {
  try {
    run();
  } catch (error) {
    return text === undefined || errorText(error).includes(text);
  }
  return false;
}
const CHECKS = {
  toBe: ['to be', (actual, expected) => Object.is(actual, expected)],
  toEqual: ['to equal', (actual, expected) => equal(actual, expected)],
  toBeCloseTo: ['to be close to', (actual, expected, digits = 2) => Math.abs(actual - expected) < 10 ** -digits / 2],
  toBeGreaterThan: ['to be greater than', (actual, expected) => actual > expected],
  toBeLessThan: ['to be less than', (actual, expected) => actual < expected],
  toContain: ['to contain', (actual, expected) => typeof actual === 'string' ? actual.includes(expected) : [...actual].some((item) => Object.is(item, expected))],
  toHaveLength: ['to have the length', (actual, expected) => actual.length === expected],
  toBeTruthy: ['to be truthy', (actual) => Boolean(actual)],
  toBeFalsy: ['to be falsy', (actual) => !actual],
  toThrow: ['to throw', (actual, expected) => throws(actual, expected)],
};
export function expect(actual) {
  const side = (negated) => {
    const checks = {};
    for (const [name, [words, check]] of Object.entries(CHECKS)) {
      checks[name] = (...expected) => {
        if (check(actual, ...expected) !== negated) return;
        const text = 'expected ' + describe(actual) + (negated ? ' not ' : ' ') + words
          + (expected.length === 0 ? '' : ' ' + describe(expected[0]));
        const failure = new Error(text);
        // A failed expectation fails its test even where what it throws is caught.
        if (current !== null) current.failure ??= errorText(failure);
        throw failure;
      };
    }
    return checks;
  };
  return Object.freeze({ ...side(false), not: Object.freeze(side(true)) });
}

// For the host alone.
let declaredBefore = 0;
export const host = Object.freeze({
  begin() { loading = true; declaredBefore = tests.length; },
  end(loaded) { loading = false; if (!loaded) tests.length = declaredBefore; },
  declared: () => JSON.stringify({ names: tests.map(({ name }) => name), output: outside }),
  async run(index) {
    current = tests[index];
    try {
      await (0, current.run)();
    } catch (error) {
      current.failure ??= errorText(error);
    }
  },
  taken(index, fault) {
    const { failure, output } = tests[index];
    current = null;
    return JSON.stringify({ error: failure ?? fault, output });
  },
  errorText,
});

// Nothing that is built in can be changed from here on. An own property may still cover an inherited one by assignment.
for (const shared of [Object.prototype, NativeFunction.prototype, Error.prototype, TypeError.prototype, RangeError.prototype,
  SyntaxError.prototype, ReferenceError.prototype, EvalError.prototype, URIError.prototype, AggregateError.prototype]) {
  for (const key of Reflect.ownKeys(shared)) {
    const { value, writable, configurable } = Object.getOwnPropertyDescriptor(shared, key);
    if (!configurable || !writable) continue;
    Object.defineProperty(shared, key, {
      get: () => value,
      set(own) {
        if (this === shared) throw new TypeError('What is built in cannot be changed here.');
        Object.defineProperty(this, key, { value: own, writable: true, enumerable: true, configurable: true });
      },
      enumerable: false,
      configurable: false,
    });
  }
}
const open = [globalThis, ...kinds, ...[[].values(), new Map().values(), new Set().values(), ''[Symbol.iterator](),
  ''.matchAll(/x/g), (function* () {})(), (async function* () {})()].map(Object.getPrototypeOf)];
const frozen = new Set();
while (open.length > 0) {
  const value = open.pop();
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || frozen.has(value)) continue;
  frozen.add(value);
  Object.freeze(value);
  open.push(Object.getPrototypeOf(value));
  for (const key of Reflect.ownKeys(value)) {
    const { value: inner, get, set } = Object.getOwnPropertyDescriptor(value, key);
    open.push(inner, get, set);
  }
}
`;
