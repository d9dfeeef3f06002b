import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat, utf8 } from '../base/bytes';
import { cidOf, encodeCanonical } from '../base/canonical';
import { readCar, writeCar } from '../base/car';
import { linkTo, rawCidOf } from '../base/links';
import { unwrap } from '../base/result';
import type { Files } from './artefacts';
import { MAX_ARTEFACTS, MAX_BUNDLE_BYTES, packBundle, unpackBundle } from './bundle-file';

const SAME = utf8('the same bytes twice');
const files: Files = new Map([
  ['traces.jsonl', SAME],
  ['evidence/traces.canonical.jsonl', SAME],
  ['evidence/summary.json', utf8('{}\n')],
  ['seal/empty', utf8('')],
  ['seal/index.md', utf8('# Index\n'.repeat(40))],
]);
const file = unwrap(packBundle(files));

test('what is packed is unpacked, in the same order, and equal artefacts share their bytes', () => {
  const unpacked = unwrap(unpackBundle(file));
  expect(unpacked.faults).toEqual([]);
  expect([...unpacked.files]).toEqual([...files]);
  expect(readCar(file, 10).blocks).toHaveLength(files.size);
  expect(unwrap(packBundle(unpacked.files))).toEqual(file);
});

test('every changed byte is found, and named by the artefact or the part that it lies in', () => {
  const [contents, ...blocks] = readCar(file, 10).blocks;
  const namesOf = [...new Map([...files].map(([path, bytes]) => [rawCidOf(bytes), path])).keys()].map((cid) =>
    [...files].filter(([, bytes]) => rawCidOf(bytes) === cid).map(([path]) => path),
  );
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = Uint8Array.from(file);
      bytes[at]! ^= flip;
      const { faults } = unwrap(unpackBundle(bytes));
      expect(faults.length).toBeGreaterThan(0);
      const index = blocks.findLastIndex((block) => block.at <= at);
      const where = faults[0]!.where;
      if (at < contents!.at) expect(where).toBe('the header of the file');
      else if (index < 0) expect(where).toMatch(/the table of contents|the header of the file/);
      else expect(namesOf[index]!.some((path) => where.includes(path))).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test('every cut and everything after the end is found', () => {
  fc.assert(
    fc.property(fc.integer({ min: 150, max: file.length - 1 }), (length) => {
      const { faults, files: left } = unwrap(unpackBundle(file.slice(0, length)));
      expect(faults.length).toBeGreaterThan(0);
      expect(left.size).toBeLessThan(files.size);
    }),
    { numRuns: 60 },
  );
  for (const extra of [Uint8Array.of(0), Uint8Array.of(1), file]) {
    expect(unwrap(unpackBundle(concat(file, extra))).faults[0]).toMatchObject({
      code: 'foreign_block',
      where: 'the end of the file',
    });
  }
});

/** A file with any table of contents and any blocks. */
function made(artefacts: unknown, bodies: readonly string[]): Uint8Array<ArrayBuffer> {
  const contents = encodeCanonical({ type: 'evidence-bundle', v: 1, artefacts });
  const root = { cid: cidOf(contents), bytes: contents };
  return writeCar(root.cid, [root, ...bodies.map((body) => ({ cid: rawCidOf(utf8(body)), bytes: utf8(body) }))]);
}
const entry = (path: string, body = 'x', sizeBytes = body.length) => ({
  path,
  sizeBytes,
  link: linkTo(rawCidOf(utf8(body))),
});

test('a path that leads out of a folder, or stands twice but for case, gives no files at all', () => {
  for (const paths of [['../x'], ['/x'], ['a/../../x'], ['a\\x'], ['a', 'A']]) {
    const unpacked = unwrap(
      unpackBundle(
        made(
          paths.map((path) => entry(path)),
          ['x'],
        ),
      ),
    );
    expect(unpacked.faults[0]).toMatchObject({ code: 'damaged_contents', where: 'the table of contents' });
    expect(unpacked.files.size).toBe(0);
  }
});

test('a wrong size, a missing artefact, one too many, another version or too many are found', () => {
  const fault = (bytes: Uint8Array<ArrayBuffer>) => unwrap(unpackBundle(bytes)).faults[0]?.code;
  expect(fault(made([entry('a')], ['x']))).toBeUndefined();
  expect(fault(made([entry('a', 'x', 2)], ['x']))).toBe('damaged_contents');
  expect(fault(made([entry('a'), entry('b', 'y')], ['x']))).toBe('artefact_missing');
  expect(fault(made([entry('a')], ['x', 'y']))).toBe('foreign_block');
  expect(fault(made([entry('a')], ['y']))).toBe('artefact_changed');
  expect(fault(made([{ ...entry('a'), more: 1 }], ['x']))).toBe('damaged_contents');
  expect(fault(made([{ ...entry('a'), link: 'x' }], ['x']))).toBe('damaged_contents');
  const many = Array.from({ length: MAX_ARTEFACTS + 1 }, (_, index) => entry(`a${index}`, `${index}`));
  expect(fault(made(many, []))).toBe('damaged_contents');
});

test('what is no bundle is said to be none, whatever it is', () => {
  expect(unpackBundle(new Uint8Array(MAX_BUNDLE_BYTES + 1))).toMatchObject({ error: { code: 'too_large' } });
  for (const bytes of [utf8(''), utf8('{"format":"tabmesh-ledger"}'), writeCar(rawCidOf(SAME), []).slice(0, 10)])
    expect(unpackBundle(bytes)).toMatchObject({ ok: false, error: { code: 'not_a_bundle' } });
  // A file of blocks of somebody else's.
  expect(unwrap(unpackBundle(writeCar(rawCidOf(SAME), [{ cid: rawCidOf(SAME), bytes: SAME }]))).faults).toHaveLength(1);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void unpackBundle(Uint8Array.from(bytes))));
});

test('what may not be in a bundle is not packed', () => {
  expect(packBundle(new Map([['../a', SAME]]))).toMatchObject({ error: { code: 'bad_path' } });
  expect(
    packBundle(
      new Map([
        ['a', SAME],
        ['A', SAME],
      ]),
    ),
  ).toMatchObject({ error: { code: 'bad_path' } });
  const many = Array.from({ length: MAX_ARTEFACTS + 1 }, (_, index) => [`a${index}`, SAME] as const);
  expect(packBundle(new Map(many))).toMatchObject({ error: { code: 'too_large' } });
});
