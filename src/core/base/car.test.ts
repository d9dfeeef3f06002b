import { CarBufferReader } from '@ipld/car/buffer-reader';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8 } from './bytes';
import { cidOf, decodeCanonical, encodeCanonical } from './canonical';
import { readCar, writeCar, type CarBlock } from './car';
import { linkText, linkTo, rawCidOf } from './links';
import { unwrap } from './result';

const raw = (text: string): CarBlock => ({ cid: rawCidOf(utf8(text)), bytes: utf8(text) });
const leaf = raw('a leaf');
const table = encodeCanonical({ leaf: linkTo(leaf.cid) });
const root: CarBlock = { cid: cidOf(table), bytes: table };
const file = writeCar(root.cid, [root, leaf, raw('x'.repeat(2_000))]);

test('what is written is read, by this reader and by another one', () => {
  const reading = readCar(file, 10);
  expect(reading).toMatchObject({ root: root.cid, fault: null });
  expect(reading.blocks.map(({ cid }) => cid)).toEqual([root.cid, leaf.cid, rawCidOf(utf8('x'.repeat(2_000)))]);
  const other = CarBufferReader.fromBytes(file);
  expect(other.getRoots().map(String)).toEqual([root.cid]);
  expect(other.blocks().map(({ cid, bytes }) => [cid.toString(), bytes.length])).toEqual(
    reading.blocks.map(({ cid, bytes }) => [cid, bytes.length]),
  );
});

test('a link in canonical bytes is a content id again, and nothing else is', () => {
  const decoded = unwrap(decodeCanonical(table)) as { leaf: unknown };
  expect(linkText(decoded.leaf)).toBe(leaf.cid);
  for (const other of [leaf.cid, null, 1, {}, utf8('x')]) expect(linkText(other)).toBeNull();
});

test('any bytes are read without a throw, and every changed byte of a file shows in what was read', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readCar(Uint8Array.from(bytes), 10)));
  const seen = (bytes: Uint8Array<ArrayBuffer>) =>
    JSON.stringify({
      ...readCar(bytes, 10),
      blocks: readCar(bytes, 10).blocks.map(({ cid, at, bytes: body }) => [cid, at, rawCidOf(body)]),
    });
  const whole = seen(file);
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = Uint8Array.from(file);
      bytes[at]! ^= flip;
      expect(seen(bytes)).not.toBe(whole);
    }),
    { numRuns: 200 },
  );
});

test('a cut, something after the end and too many blocks are faults with their place', () => {
  expect(readCar(file.slice(0, 20), 10).fault).toEqual({ block: null, at: 0 });
  expect(readCar(file.slice(0, -1), 10).fault).toMatchObject({ block: 2 });
  expect(readCar(Uint8Array.from([...file, 0]), 10).fault).toEqual({ block: 3, at: file.length });
  expect(readCar(file, 2).fault).toMatchObject({ block: 2 });
  // A length with a needless last byte.
  const first = readCar(file, 10).blocks[1]!;
  const padded = Uint8Array.from([...file.slice(0, first.at), file[first.at]! | 0x80, 0, ...file.slice(first.at + 1)]);
  expect(readCar(padded, 10).fault).toEqual({ block: 1, at: first.at });
});
