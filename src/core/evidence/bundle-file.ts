import * as v from 'valibot';
import { equalBytes } from '../base/bytes';
import { cidOf, encodeCanonical } from '../base/canonical';
import { readCar, writeCar, type FoundBlock } from '../base/car';
import { linkText, linkTo, rawCidOf } from '../base/links';
import { fail, ok, type Result } from '../base/result';
import { decodeThrough } from '../wire/gate';
import type { Files } from './artefacts';
import { MAX_PATH_CHARACTERS, pathsFault } from './path-rules';

/** An answer leaves some 50 to 500 KB; a run of a few hundred of them fits, and a page still opens it in a moment. */
export const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;
export const MAX_ARTEFACT_BYTES = 8 * 1024 * 1024;
/** A bundle of ours has twenty. */
export const MAX_ARTEFACTS = 64;
const MAX_CONTENTS_BYTES = 64 * 1024;

/** What is wrong with a bundle as a file: `where` names an artefact's path or a part of the file. */
export interface BundleFault {
  readonly code:
    'damaged_header' | 'damaged_contents' | 'damaged_frame' | 'artefact_changed' | 'artefact_missing' | 'foreign_block';
  readonly where: string;
  /** One sentence. */
  readonly message: string;
}

export interface UnpackedBundle {
  readonly files: Files;
  /** The paths as the table of contents has them, also of files that are damaged. */
  readonly paths: readonly string[];
  /** Empty when every byte of the file is accounted for. */
  readonly faults: readonly BundleFault[];
}

const contentsSchema = v.strictObject({
  type: v.literal('evidence-bundle'),
  v: v.literal(1),
  artefacts: v.pipe(
    v.array(
      v.strictObject({
        path: v.pipe(v.string(), v.maxLength(MAX_PATH_CHARACTERS)),
        sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_ARTEFACT_BYTES)),
        link: v.custom<object>((input) => linkText(input) !== null, 'not a link'),
      }),
    ),
    v.maxLength(MAX_ARTEFACTS),
  ),
});

const CONTENTS = 'the table of contents';

/**
 * One file of many: CARv1, whose root is a table of contents (paths, sizes, links) in canonical bytes, followed by the bytes of
 * each artefact as one block. Artefacts with the same bytes share a block. The same files in the same order, the same bytes. Codes
 * `too_large`, `bad_path`.
 */
export function packBundle(files: Files): Result<Uint8Array<ArrayBuffer>> {
  const wrong = pathsFault([...files.keys()]);
  if (wrong !== null) return fail('bad_path', `The path ${JSON.stringify(wrong.path)} ${wrong.why}.`);
  if (files.size > MAX_ARTEFACTS) return fail('too_large', `A bundle holds at most ${MAX_ARTEFACTS} artefacts.`);
  const large = [...files].find(([, bytes]) => bytes.length > MAX_ARTEFACT_BYTES);
  if (large !== undefined) return fail('too_large', `${large[0]} is larger than ${MAX_ARTEFACT_BYTES} bytes.`);
  const blocks = [...files].map(([path, bytes]) => ({ path, bytes, cid: rawCidOf(bytes) }));
  const contents = encodeCanonical({
    type: 'evidence-bundle',
    v: 1,
    artefacts: blocks.map(({ path, bytes, cid }) => ({ path, sizeBytes: bytes.length, link: linkTo(cid) })),
  });
  const root = { cid: cidOf(contents), bytes: contents };
  const file = writeCar(root.cid, [root, ...onceEach(blocks)]);
  return file.length > MAX_BUNDLE_BYTES
    ? fail('too_large', `The bundle would be larger than ${MAX_BUNDLE_BYTES} bytes.`)
    : ok(file);
}

function onceEach<Block extends { readonly cid: string }>(blocks: readonly Block[]): Block[] {
  const seen = new Set<string>();
  return blocks.filter(({ cid }) => !seen.has(cid) && seen.add(cid));
}

/**
 * Reads a bundle and accounts for every byte of it: header, table of contents, the frame and the bytes of each block. Whatever
 * is not exactly what packing the same files would give is a fault, named by artefact or by part. Codes: `too_large`,
 * `not_a_bundle` (there is no header of such a file).
 */
export function unpackBundle(bytes: Uint8Array<ArrayBuffer>): Result<UnpackedBundle> {
  if (bytes.length > MAX_BUNDLE_BYTES)
    return fail('too_large', `This file is larger than the ${MAX_BUNDLE_BYTES} bytes that a bundle may have.`);
  const { root, blocks, fault } = readCar(bytes, MAX_ARTEFACTS + 1);
  const faults: BundleFault[] = [];
  if (root === null) {
    // Without its header a file may be anything; one that is ours but for a byte still ends in blocks that can be read.
    const rest = looksLikeBundle(bytes);
    if (!rest) return fail('not_a_bundle', 'This is not an evidence bundle.');
    faults.push({
      code: 'damaged_header',
      where: 'the header of the file',
      message: 'The header of the file was changed.',
    });
    return ok({ files: new Map(), paths: [], faults });
  }

  const first = blocks[0];
  const contents = first === undefined ? null : decodeThrough(contentsSchema, first.bytes, MAX_CONTENTS_BYTES);
  const rootHolds = first !== undefined && first.cid === root && cidOf(first.bytes) === root;
  if (!rootHolds || contents === null || !contents.ok) {
    if (first !== undefined && first.cid !== root && cidOf(first.bytes) === first.cid)
      faults.push(damaged('damaged_header', 'the header of the file', 'The header of the file names another root.'));
    else faults.push(damaged('damaged_contents', CONTENTS, 'The table of contents was changed.'));
    return ok({ files: new Map(), paths: [], faults });
  }
  const entries = contents.value.artefacts.map(({ path, sizeBytes, link }) => ({
    path,
    sizeBytes,
    cid: linkText(link)!,
  }));
  const paths = entries.map(({ path }) => path);
  const wrong = pathsFault(paths);
  if (wrong !== null)
    faults.push(damaged('damaged_contents', CONTENTS, `The path ${JSON.stringify(wrong.path)} ${wrong.why}.`));

  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const expected = onceEach(entries);
  expected.forEach((entry, index) => {
    const block = blocks[index + 1];
    const sharing = entries.filter(({ cid }) => cid === entry.cid);
    const where = sharing.map(({ path }) => path).join(' and ');
    const found = block === undefined ? 'missing' : stateOf(block, entry.cid);
    if (found === 'missing') {
      // Where reading stopped, nothing after that can be found any more: the frame is told below.
      if (fault === null) faults.push(damaged('artefact_missing', where, `${where} is missing.`));
      return;
    }
    if (found === 'frame')
      faults.push(damaged('damaged_frame', where, `The content id in front of ${where} was changed.`));
    if (found === 'changed') faults.push(damaged('artefact_changed', where, `${where} was changed.`));
    if (found !== 'whole') return;
    for (const { path, sizeBytes } of sharing) {
      if (sizeBytes !== block!.bytes.length)
        faults.push(damaged('damaged_contents', CONTENTS, `The table of contents states another size of ${path}.`));
      else files.set(path, block!.bytes);
    }
  });
  if (fault !== null) {
    const entry = expected[(fault.block ?? 0) - 1];
    const where = entry === undefined ? 'the end of the file' : entry.path;
    faults.push(
      entry === undefined
        ? damaged('foreign_block', where, 'Something stands after the last artefact of the file.')
        : damaged('damaged_frame', where, `The frame in front of ${where} was changed, or the file ends there.`),
    );
  } else if (blocks.length > expected.length + 1) {
    faults.push(damaged('foreign_block', 'the end of the file', 'The file holds more than its table of contents.'));
  }
  return ok({ files: wrong === null ? files : new Map(), paths, faults });
}

const damaged = (code: BundleFault['code'], where: string, message: string): BundleFault => ({ code, where, message });

function stateOf(block: FoundBlock, cid: string): 'whole' | 'frame' | 'changed' {
  const holds = rawCidOf(block.bytes) === cid;
  if (!holds) return 'changed';
  return block.cid === cid ? 'whole' : 'frame';
}

/** The letters that begin the table of contents of a bundle, wherever they stand. */
const MARK = encodeCanonical('evidence-bundle');

function looksLikeBundle(bytes: Uint8Array): boolean {
  for (let at = 0; at + MARK.length <= Math.min(bytes.length, MAX_CONTENTS_BYTES); at++) {
    if (bytes[at] === MARK[0] && equalBytes(bytes.subarray(at, at + MARK.length), MARK)) return true;
  }
  return false;
}
