import fc from 'fast-check';
import { expect, test } from 'vitest';
import { signerNamed } from '#tests/fakes/test-community';
import { addSignature, sign } from './signed';
import { signedFromText, signedText } from './signed-text';

const [one, two] = [signerNamed('one'), signerNamed('two')];
const body = { type: 'note', v: 1, digest: Uint8Array.of(1, 2, 255), list: [{ b: 1, a: 'é' }], none: null };

test('a signed body comes back from its text, and the same body has the same text', async () => {
  const signed = await addSignature(two, await sign(one, body));
  const text = signedText(signed);
  expect(signedFromText(text)).toEqual({ ok: true, value: signed });
  expect(signedText(signed)).toBe(text);
  expect(JSON.parse(text)).toMatchObject({ body: { digest: '0102ff', list: [{ a: 'é', b: 1 }], type: 'note' } });
});

test('a signed body inside another one is shown in words', async () => {
  const outer = await sign(two, { type: 'cover', v: 1, note: await sign(one, body) } as never);
  expect(JSON.parse(signedText(outer))).toMatchObject({
    body: { note: { body: { digest: '0102ff' }, signedBy: [one.nodeId] } },
  });
});

test('a whole number that a double cannot hold is shown digit by digit, and not as nothing', async () => {
  const signed = await sign(one, { type: 'note', v: 1, most: 2n ** 64n - 1n } as never);
  expect(JSON.parse(signedText(signed))).toMatchObject({ body: { most: '18446744073709551615' } });
  expect(signedFromText(signedText(signed))).toEqual({ ok: true, value: signed });
});

test('no character of it can be another one', async () => {
  const text = signedText(await sign(one, body));
  const signed = signedFromText(text);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom(...'{}[]",:0aA z\n'), (at, character) => {
      const changed = text.slice(0, at) + character + text.slice(at + 1);
      const read = signedFromText(changed);
      // Only a signature may change and still read: its bytes are what stands there, and whoever verifies finds it false.
      if (changed !== text && read.ok) expect(read).not.toEqual(signed);
    }),
    { numRuns: 300 },
  );
  expect(signedFromText(text.replace('"note"', '"note2"'))).toMatchObject({ error: { code: 'reading_differs' } });
  expect(signedFromText(`${text} `)).toMatchObject({ error: { code: 'reading_differs' } });
  expect(signedFromText('{}')).toMatchObject({ error: { code: 'malformed' } });
  expect(signedFromText('')).toMatchObject({ error: { code: 'undecodable' } });
});
