import svelte from 'eslint-plugin-svelte';
import { defineConfig, globalIgnores } from 'eslint/config';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

/** What is remembered between two runs hangs on the settings, and only plain data can be held against each other. */
const { typescript: _, ...kit } = svelteConfig.kit;
const PLAIN_SVELTE_CONFIG = { ...svelteConfig, kit };

/** Bans that hold everywhere; a block below that has bans of its own repeats them, since rules replace each other. */
const everywhere = [
  {
    selector: "NewExpression[callee.name='Function']",
    message: 'Code made from text is never run: the content security policy refuses it.',
  },
];

const parametersInCore = [
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Time is a parameter in core: take a Clock.',
  },
  {
    selector: 'ClassDeclaration, ClassExpression',
    message: 'Core has functions and factories; a failure is a Result, not a class.',
  },
];

const testsThatAlwaysRun = [
  {
    selector:
      'CallExpression[callee.property.name=/^(only|skip|skipIf|runIf|todo|fixme|fails)$/][callee.object.name=/^(test|it|describe|suite)$/]',
    message: 'A test that is focused or left out proves nothing: run it or delete it.',
  },
  {
    selector: "CallExpression[callee.property.name=/^(only|skip|fixme)$/][callee.object.property.name='describe']",
    message: 'A test that is focused or left out proves nothing: run it or delete it.',
  },
  {
    selector: "CallExpression[callee.property.name='waitForTimeout']",
    message: 'Tests wait on events, never on sleep.',
  },
];

const CLOCK = 'Time is a parameter in core: take a Clock from base/ports.';
const OUTSIDE = 'Core is plain TypeScript: what is outside comes through a port.';

const clockGlobals = ['setTimeout', 'setInterval', 'setImmediate', 'requestAnimationFrame', 'performance'].map(
  (name) => ({ name, message: CLOCK }),
);
const outsideGlobals = [
  ...['window', 'document', 'navigator', 'location', 'localStorage', 'indexedDB', 'caches'],
  ...['fetch', 'WebSocket', 'Worker', 'RTCPeerConnection', 'process', 'Buffer', 'console'],
].map((name) => ({ name, message: OUTSIDE }));

export default defineConfig(
  globalIgnores([
    'build/',
    '.svelte-kit/',
    'node_modules/',
    'static/',
    'test-results/',
    'playwright-report/',
    '.tabmesh/',
  ]),
  ts.configs.recommended,
  svelte.configs.recommended,
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-restricted-syntax': ['error', ...everywhere],
      'no-var': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig: PLAIN_SVELTE_CONFIG },
    },
    rules: {
      'svelte/no-at-html-tags': 'error',
      // `{' '}` is how a space is kept at the end of an element.
      'svelte/no-useless-mustaches': 'off',
      // The app always stands at the root of its origin.
      'svelte/no-navigation-without-resolve': 'off',
      // Bookkeeping that no page shows needs no reactive set or map.
      'svelte/prefer-svelte-reactivity': 'off',
      // Runes are assigned by the compiler.
      'prefer-const': 'off',
      'svelte/prefer-const': ['error', { excludedRunes: ['$props', '$derived', '$state'] }],
    },
  },
  {
    files: ['src/core/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: CLOCK },
        { object: 'performance', property: 'now', message: CLOCK },
        {
          object: 'Math',
          property: 'random',
          message: 'Chance is a parameter in core: take a Chance from base/ports.',
        },
        { object: 'crypto', property: 'randomUUID', message: 'Ids come from their factory or from Chance.' },
        {
          object: 'crypto',
          property: 'getRandomValues',
          message: 'Chance is a parameter in core: take a Chance from base/ports.',
        },
      ],
      'no-restricted-globals': ['error', ...clockGlobals, ...outsideGlobals],
      'no-restricted-syntax': ['error', ...everywhere, ...parametersInCore],
    },
  },
  {
    // A test of core runs in Node and may use it; time and chance stay parameters.
    files: ['src/core/**/*.test.ts'],
    rules: { 'no-restricted-globals': ['error', ...clockGlobals] },
  },
  {
    files: ['tests/**/*.ts', '**/*.test.ts', '**/*.spec.ts'],
    rules: { 'no-restricted-syntax': ['error', ...everywhere, ...testsThatAlwaysRun] },
  },
);
