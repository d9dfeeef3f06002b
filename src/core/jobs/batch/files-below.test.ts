import { expect, it } from 'vitest';
import { filesBelow } from './files-below';

const below = (isMark: (path: string) => boolean, paths: readonly string[]) => {
  const files = filesBelow(new Map(paths.map((path) => [path, `text of ${path}`])), isMark);
  return files && [...files];
};
const of = (...paths: string[]) => below((path) => path === 'hashes.json', paths);
const pathsOf = (...paths: string[]) => of(...paths)?.map(([path]) => path);

it('takes the files from where the mark lies, and leaves what lies elsewhere', () => {
  expect(of('hashes.json', 'node-state/a.json')).toEqual([
    ['hashes.json', 'text of hashes.json'],
    ['node-state/a.json', 'text of node-state/a.json'],
  ]);
  expect(pathsOf('out/node-state/a.json', 'out/hashes.json', '.DS_Store.json')).toEqual([
    'node-state/a.json',
    'hashes.json',
  ]);
});

it('takes the nearest of several marks, and nothing without one', () => {
  expect(pathsOf('a/b/hashes.json', 'b/hashes.json', 'a/hashes.json', 'a/x.json')).toEqual([
    'b/hashes.json',
    'hashes.json',
    'x.json',
  ]);
  expect(of('not-hashes.json')).toBeNull();
});

it('knows a mark in a folder of its own, also when its name alone is a mark', () => {
  const isMark = (path: string) => path === 'ledger.json' || /^inboxes\/[^/]+$/.test(path);
  expect(below(isMark, ['way/inboxes/ledger.json'])).toEqual([
    ['inboxes/ledger.json', 'text of way/inboxes/ledger.json'],
  ]);
  expect(below(isMark, ['inboxes/a.json', 'x/y.json'])?.map(([path]) => path)).toEqual(['inboxes/a.json', 'x/y.json']);
});
