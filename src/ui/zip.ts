import { utf8, utf8Decode } from '#core/base/bytes';
import { fail, ok, type Result } from '#core/base/result';

/** Step by step: four files for each of a thousand nodes, and a handful. A flow leaves fewer. */
const MAX_FILES = 4_100;
/** Twice what the files of the largest batch have in plain letters; unpacked they must fit into the memory of a tab. */
export const MAX_FILES_BYTES = 512 * 1024 * 1024;

/**
 * The date that every file in a zip bears: the first that the format knows, in local time as the format has it. With the present
 * one the same files would not give the same bytes.
 */
const FIRST_DATE = new Date(1980, 0, 1);

/** Texts by path as one zip, in the order of the map; the same texts give the same bytes. `turn` is awaited after each file. */
export async function zipFiles(files: ReadonlyMap<string, string>, turn: () => Promise<void>): Promise<Blob> {
  const { Zip, ZipDeflate } = await import('fflate');
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const zip = new Zip((error, part) => {
    if (error) throw error;
    parts.push(part as Uint8Array<ArrayBuffer>);
  });
  for (const [path, text] of files) {
    const file = new ZipDeflate(path);
    file.mtime = FIRST_DATE;
    zip.add(file);
    file.push(utf8(text), true);
    await turn();
  }
  zip.end();
  return new Blob(parts, { type: 'application/zip' });
}

/**
 * The texts in a zip, by path. Refused before anything is unpacked when the zip says that it holds more than a batch may have;
 * one that says less than it holds is cut at what it says. Codes `not_a_zip`, `too_large`, `not_text`.
 */
export async function unzipFiles(bytes: Uint8Array): Promise<Result<ReadonlyMap<string, string>>> {
  const { unzipSync } = await import('fflate');
  let files = 0;
  let size = 0;
  const isTooLarge = (): boolean => files > MAX_FILES || size > MAX_FILES_BYTES;
  let unpacked: Record<string, Uint8Array>;
  try {
    // The filter sees every file before the first is unpacked only when it lets none through.
    unzipSync(bytes, {
      filter: ({ originalSize }) => {
        files += 1;
        size += originalSize;
        return false;
      },
    });
    if (isTooLarge()) return fail('too_large', 'This zip holds more than the files of one batch.');
    unpacked = unzipSync(bytes, { filter: ({ name }) => name.endsWith('.json') });
  } catch {
    return fail('not_a_zip', 'This file is not a zip that can be read.');
  }
  const texts = new Map<string, string>();
  for (const [path, content] of Object.entries(unpacked)) {
    try {
      texts.set(path, utf8Decode(content));
    } catch {
      return fail('not_text', `${path} in this zip is not UTF-8 text.`);
    }
  }
  return ok(texts);
}
