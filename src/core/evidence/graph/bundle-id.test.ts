import { expect, test } from 'vitest';
import { utf8 } from '../../base/bytes';
import { unwrap } from '../../base/result';
import { packBundle } from '../bundle-file';
import { bundleIdOf } from './bundle-id';

const packed = (text: string) => unwrap(packBundle(new Map([['traces.jsonl', utf8(text)]])));

test('a bundle has one content id, another one for other bytes', () => {
  expect(unwrap(bundleIdOf(packed('a')))).toMatch(/^bafyrei[a-z2-7]{52}$/);
  expect(unwrap(bundleIdOf(packed('a')))).toBe(unwrap(bundleIdOf(packed('a'))));
  expect(bundleIdOf(packed('a'))).not.toEqual(bundleIdOf(packed('b')));
});

test('a damaged bundle, and what is none, have no id', () => {
  const damaged = packed('a');
  damaged[damaged.length - 1]! ^= 1;
  expect(bundleIdOf(damaged)).toMatchObject({ error: { code: 'bundle_damaged' } });
  expect(bundleIdOf(utf8('{}'))).toMatchObject({ error: { code: 'not_a_bundle' } });
});
