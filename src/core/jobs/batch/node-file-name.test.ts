import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isWellFormed } from '../../base/text';
import { nodeFileName } from './node-file-name';

test.each([
  ['node-a_1', 'node-a_1'],
  ['Node', '%4Eode'],
  ['..', '%2E%2E'],
  ['../../etc/passwd', '%2E%2E%2F%2E%2E%2Fetc%2Fpasswd'],
  ['.hidden', '%2Ehidden'],
  ['a b', 'a%20b'],
  ['100%', '100%25'],
  ['%2E', '%252%45'],
  ['é', '%C3%A9'],
  ['\u0000', '%00'],
  ['nul', '%6Eul'],
  ['com1', '%63om1'],
  ['console', 'console'],
])('the node %j has the file %j', (nodeId, name) => {
  expect(nodeFileName(nodeId)).toBe(name);
});

test('a long id is cut and told apart by its hash', () => {
  const names = [nodeFileName('é'.repeat(128)), nodeFileName(`${'é'.repeat(127)}è`)];
  expect(new Set(names).size).toBe(2);
  for (const name of names) expect(name).toMatch(/^[%0-9A-Z]{135}~[0-9a-f]{64}$/);
});

test('whatever ids are called, their files are apart, also where case makes no difference, and none leads elsewhere', () => {
  const unit = fc.oneof(fc.constantFrom(...'aA%.-~/'), fc.integer({ min: 0, max: 0x10ffff }).map(String.fromCodePoint));
  const ids = fc.string({ unit, minLength: 1, maxLength: 128 }).filter(isWellFormed);
  fc.assert(
    fc.property(ids, ids, (one, other) => {
      expect(nodeFileName(one)).toMatch(/^[a-z0-9_%A-F~-]{1,200}$/);
      if (one !== other) expect(nodeFileName(one).toLowerCase()).not.toBe(nodeFileName(other).toLowerCase());
    }),
  );
});
