import * as v from 'valibot';
import { MAX_MODEL_BYTES, sha256HexSchema } from '#core/engines/model-manifest';
import { PIECE_BYTES, type UnfinishedFile } from '#core/engines/model-store';
import type { Disk } from './disk';
import { readBeside, readLines, readWhole, writeLine } from './lines';

/** The pieces of the largest file. */
export const MAX_PIECES = Math.ceil(MAX_MODEL_BYTES / PIECE_BYTES);
/** Twice the lines of the largest file: about a hundred bytes each. */
const MAX_JOURNAL_BYTES = MAX_PIECES * 200;
/** Addresses longer than this are refused by most servers. */
export const MAX_URL_LENGTH = 4096;
const MAX_VALIDATOR_LENGTH = 256;

const sizeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_MODEL_BYTES));
const indexSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_PIECES - 1));

/** Where the bytes come from. The last one in a journal counts; pieces from before it stay. */
const sourceSchema = v.strictObject({
  v: v.literal(1),
  url: v.pipe(v.string(), v.maxLength(MAX_URL_LENGTH)),
  /** What the file is to be: as wished, else by the server's own word, else null. */
  sha256: v.nullable(sha256HexSchema),
  /** The server's mark of this version of the file; bytes under another mark do not belong to it. */
  validator: v.nullable(v.pipe(v.string(), v.maxLength(MAX_VALIDATOR_LENGTH))),
  totalBytes: v.nullable(sizeSchema),
});

const recordSchema = v.union([
  sourceSchema,
  /** A piece that is on disk. */
  v.strictObject({ piece: indexSchema, sha256: sha256HexSchema }),
  /** The beginning of a piece, kept when a download stopped in good order. Counts only as the last record. */
  v.strictObject({
    tail: indexSchema,
    lengthBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(PIECE_BYTES - 1)),
    sha256: sha256HexSchema,
  }),
]);

type JournalRecord = v.InferOutput<typeof recordSchema>;
export type Source = Omit<v.InferOutput<typeof sourceSchema>, 'v'>;

export interface Tail {
  readonly piece: number;
  readonly lengthBytes: number;
  readonly sha256: string;
}

/** What a journal says: the fold of its records. */
export interface Journalled {
  readonly source: Source;
  readonly hashByPiece: ReadonlyMap<number, string>;
  readonly tail: Tail | null;
}

/** Null when the journal is damaged or empty: then nothing of it is believed. */
function fold(records: readonly (JournalRecord | null)[]): Journalled | null {
  let source: Source | null = null;
  const hashByPiece = new Map<number, string>();
  let tail: Tail | null = null;
  for (const record of records) {
    if (record === null) return null;
    tail = null;
    if ('url' in record) {
      const { v: _version, ...rest } = record;
      source = rest;
    } else if ('piece' in record) hashByPiece.set(record.piece, record.sha256);
    else tail = { piece: record.tail, lengthBytes: record.lengthBytes, sha256: record.sha256 };
  }
  if (source === null) return null;
  const { totalBytes } = source;
  const within = (piece: number): boolean => totalBytes === null || piece < pieceCountOf(totalBytes);
  if (![...hashByPiece.keys()].every(within)) return null;
  return { source, hashByPiece, tail: tail !== null && within(tail.piece) ? tail : null };
}

export const pieceCountOf = (totalBytes: number): number => Math.ceil(totalBytes / PIECE_BYTES);

/** How long a piece is; a full one while the file's end is not known. */
export const pieceLengthOf = (piece: number, totalBytes: number | null): number =>
  totalBytes === null ? PIECE_BYTES : Math.min(PIECE_BYTES, totalBytes - piece * PIECE_BYTES);

/** The journal of a running download, open for writing. */
export interface Journal {
  /** What it said when it was opened; null when it was absent or damaged. */
  readonly found: Journalled | null;
  addSource(source: Source): void;
  addPiece(piece: number, sha256: string): void;
  addTail(tail: Tail): void;
  /** Forgets everything and begins anew. */
  restart(source: Source): void;
  close(): void;
}

export async function openJournal(disk: Disk, id: string): Promise<Journal> {
  const file = await disk.open('journals', id);
  let endByte = 0;
  const add = (record: JournalRecord): void => {
    endByte = writeLine(file, endByte, record);
  };
  const restart = (source: Source): void => {
    file.truncate(0);
    endByte = 0;
    add({ v: 1, ...source });
  };
  try {
    const bytes = readWhole(file, MAX_JOURNAL_BYTES);
    const lines = bytes === null ? null : readLines(recordSchema, bytes);
    endByte = lines?.endByte ?? 0;
    file.truncate(endByte);
    return {
      found: lines === null ? null : fold(lines.records),
      addSource: (source) => add({ v: 1, ...source }),
      addPiece: (piece, sha256) => add({ piece, sha256 }),
      addTail: ({ piece, lengthBytes, sha256 }) => add({ tail: piece, lengthBytes, sha256 }),
      restart,
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** What an unfinished download has, read beside a writer that may be at work; null when there is nothing to go by. */
export async function readUnfinished(disk: Disk, id: string): Promise<UnfinishedFile | null> {
  const bytes = await readBeside(disk, 'journals', id, MAX_JOURNAL_BYTES);
  const journalled = bytes === null ? null : fold(readLines(recordSchema, bytes).records);
  if (journalled === null) return null;
  const { source, hashByPiece, tail } = journalled;
  let storedBytes = tail?.lengthBytes ?? 0;
  for (const piece of hashByPiece.keys()) storedBytes += pieceLengthOf(piece, source.totalBytes);
  return { url: source.url, sha256: source.sha256, storedBytes, totalBytes: source.totalBytes };
}
