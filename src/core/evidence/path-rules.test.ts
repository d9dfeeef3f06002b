import { expect, test } from 'vitest';
import { artefactsOf } from './artefacts';
import { MAX_PATH_CHARACTERS, pathFault, pathsFault, resolvePath } from './path-rules';

test('the paths of our own artefacts may stand in a bundle, and their last names tell them apart', () => {
  const paths = artefactsOf(true).map(({ path }) => path);
  expect(pathsFault(paths)).toBeNull();
  expect(pathsFault(paths.map((path) => path.slice(path.lastIndexOf('/') + 1)))).toBeNull();
});

test.each([
  '',
  '/etc/passwd',
  '../up.json',
  'a/../b.json',
  'a/./b.json',
  '.hidden',
  'a//b',
  'a/',
  'a\\b',
  'C:a',
  'a/b/c/d/e',
  'name.',
  'nul\0byte',
  'späth',
  `${'a'.repeat(MAX_PATH_CHARACTERS)}b`,
])('the path %j may not', (path) => {
  expect(pathFault(path)).not.toBeNull();
});

test('two paths that differ by case alone may not stand together', () => {
  expect(pathsFault(['a/b', 'A/b'])).toMatchObject({ path: 'A/b' });
  expect(pathsFault(['a/b', 'a/b'])).toMatchObject({ path: 'a/b' });
});

test('a recorded path is found at its place or, put flat, by its last name, and nowhere else', () => {
  expect(resolvePath('seal/a.json', new Set(['seal/a.json', 'a.json']))).toBe('seal/a.json');
  expect(resolvePath('seal/a.json', new Set(['a.json']))).toBe('a.json');
  expect(resolvePath('seal/a.json', new Set(['other/a.json', '../a.json']))).toBeNull();
});
