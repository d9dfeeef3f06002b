import { expect, it } from 'vitest';
import { flowFilesOf } from './flow-folder';

const of = (...paths: string[]) => [...flowFilesOf(new Map(paths.map((path) => [path, `text of ${path}`])))];

it('takes the files from where the list of hashes lies, and leaves what lies elsewhere', () => {
  expect(of('hashes.json', 'node-state/a.json')).toEqual([
    ['hashes.json', 'text of hashes.json'],
    ['node-state/a.json', 'text of node-state/a.json'],
  ]);
  expect(of('out/node-state/a.json', 'out/hashes.json', '.DS_Store.json').map(([path]) => path)).toEqual([
    'node-state/a.json',
    'hashes.json',
  ]);
});

it('takes the nearest of several lists, and everything as it is without one', () => {
  expect(of('a/b/hashes.json', 'b/hashes.json', 'a/hashes.json', 'a/x.json').map(([path]) => path)).toEqual([
    'b/hashes.json',
    'hashes.json',
    'x.json',
  ]);
  expect(of('not-hashes.json').map(([path]) => path)).toEqual(['not-hashes.json']);
});
