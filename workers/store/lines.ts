import { utf8 } from '#core/base/bytes';
import { type Schema } from '#core/wire/gate';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import type { Disk, DiskFile, Folder } from './disk';

const NEWLINE = 10;
/** The longest line: an entry with the hashes of 64 GiB in pieces of 1 MiB. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
/** A file that grows while it is read cannot be read to the end; the next try finds it as it is then. */
const READ_TRIES = 5;

/**
 * A file of records, one line of JSON each, that only grows: a crash while one is written leaves a last line without its
 * end, which does not count. `records` holds null for each whole line that is not of the schema.
 */
export interface Lines<T> {
  readonly records: readonly (T | null)[];
  /** Where the last whole line ends, and the next one belongs. */
  readonly endByte: number;
}

/** Where the last whole line ends. */
export const endOfLines = (bytes: Uint8Array): number => bytes.lastIndexOf(NEWLINE) + 1;

export function readLines<T>(schema: Schema<T>, bytes: Uint8Array): Lines<T> {
  const endByte = endOfLines(bytes);
  if (endByte === 0) return { records: [], endByte };
  const lines = new TextDecoder().decode(bytes.subarray(0, endByte - 1)).split('\n');
  return {
    records: lines.map((line) => {
      const parsed = parseJsonThrough(schema, line, MAX_LINE_BYTES);
      return parsed.ok ? parsed.value : null;
    }),
    endByte,
  };
}

/** Writes a record at `endByte`, down to the disk, and gives where the next one belongs. */
export function writeLine(file: DiskFile, endByte: number, record: unknown): number {
  const line = utf8(`${JSON.stringify(record)}\n`);
  file.write(line, endByte);
  file.flush();
  return endByte + line.length;
}

/** The whole content of an open file, or null when it is longer than `maxBytes`. */
export function readWhole(file: DiskFile, maxBytes: number): Uint8Array<ArrayBuffer> | null {
  const sizeBytes = file.sizeBytes();
  if (sizeBytes > maxBytes) return null;
  const bytes = new Uint8Array(sizeBytes);
  return bytes.subarray(0, file.read(bytes, 0));
}

/** The content of a file that somebody may be writing; null when there is none, or it is longer than `maxBytes`. */
export async function readBeside(
  disk: Disk,
  folder: Folder,
  name: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  for (let tries = 1; ; tries++) {
    const blob = await disk.blob(folder, name);
    if (blob === null || blob.size > maxBytes) return null;
    try {
      return new Uint8Array(await blob.arrayBuffer());
    } catch (error) {
      if (tries === READ_TRIES) throw error;
    }
  }
}
