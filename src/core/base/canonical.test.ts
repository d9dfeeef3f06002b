import { describe, expect, it } from 'vitest';
import { utf8 } from './bytes';
import { createSha256, sha256 } from './canonical';

describe('a hash over bytes that come one after the other', () => {
  it('is that of all of them together, wherever they were cut', () => {
    const text = utf8('a model that does not fit in memory '.repeat(20));
    for (const at of [0, 1, 63, 64, 65, text.length]) {
      const running = createSha256();
      running.update(text.subarray(0, at));
      running.update(text.subarray(at));
      expect(running.digest()).toEqual(sha256(text));
    }
    expect(createSha256().digest()).toEqual(sha256(new Uint8Array(0)));
  });

  it('goes on apart from the one that it forked from', () => {
    const running = createSha256();
    running.update(utf8('one '));
    const fork = running.fork();
    fork.update(utf8('two'));
    running.update(utf8('three'));
    expect(fork.digest()).toEqual(sha256(utf8('one two')));
    expect(running.digest()).toEqual(sha256(utf8('one three')));
  });
});
