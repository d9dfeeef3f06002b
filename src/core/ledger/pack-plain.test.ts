import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packPlain, unpackPlain } from './pack-plain';

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.string(),
    fc.uint8Array({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 10 }),
    fc.dictionary(fc.constantFrom('id', 'at', 'seq', 'a b'), tie('value'), { noNullPrototype: true }),
  ),
})).value;

describe('packed plain data', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(unpackPlain(packPlain(value))).toEqual({ ok: true, value });
      }),
      { numRuns: 300 },
    );
  });

  it('holds each string once', () => {
    const rows = Array.from({ length: 100 }, (_, at) => ({ author: 'the same author', seq: at }));
    expect(packPlain(rows).split('the same author')).toHaveLength(2);
  });

  it('is refused where it is torn', () => {
    const text = packPlain([{ id: 'one' }, { id: 'two' }]);
    for (let length = 0; length < text.length; length++)
      expect(unpackPlain(text.slice(0, length))).toMatchObject({ ok: false, error: { code: 'undecodable' } });
  });

  it('holds nothing but plain data', () => {
    expect(() => packPlain({ missing: undefined })).toThrow(TypeError);
  });
});
