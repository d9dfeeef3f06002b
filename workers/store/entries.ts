import * as v from 'valibot';
import { MAX_MODEL_BYTES, sha256HexSchema } from '#core/engines/model-manifest';
import type { Disk } from './disk';
import { MAX_PIECES, MAX_URL_LENGTH, pieceCountOf } from './journal';
import { endOfLines, readBeside, readLines, readWhole, writeLine } from './lines';

/** An entry is written again when it is pinned or found under another address; with the largest file, 40 times. */
const MAX_ENTRY_BYTES = 192 * 1024 * 1024;
/** Addresses under which one content is remembered; the latest ones. */
const MAX_URLS = 16;

/** Names of contents on disk: the SHA-256 of the content, or that of the address where the content is not known before. */
export const contentIdSchema = v.pipe(v.string(), v.regex(/^(url-)?[0-9a-f]{64}$/, 'not the id of a content'));

/** Names come from elsewhere too, for instance from a peer that asks for a piece. */
export const isSha256 = (name: string): boolean => v.is(sha256HexSchema, name);

const entrySchema = v.pipe(
  v.strictObject({
    v: v.literal(1),
    sha256: sha256HexSchema,
    sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_MODEL_BYTES)),
    pinned: v.boolean(),
    /** Under which name its bytes lie. */
    id: contentIdSchema,
    /** Addresses that gave this content to whoever did not know its hash. */
    urls: v.pipe(v.array(v.pipe(v.string(), v.maxLength(MAX_URL_LENGTH))), v.maxLength(MAX_URLS)),
    pieceHashes: v.pipe(v.array(sha256HexSchema), v.maxLength(MAX_PIECES)),
  }),
  v.check(({ sizeBytes, pieceHashes }) => pieceHashes.length === pieceCountOf(sizeBytes), 'not a hash for each piece'),
);

export type Entry = Omit<v.InferOutput<typeof entrySchema>, 'v'>;

/**
 * What is complete: a content is there when its entry is, and the entry is written last. The last whole line of an entry
 * counts, so that a crash while it is written again leaves what it said before.
 */
export interface Entries {
  read(sha256: string): Promise<Entry | null>;
  readAll(): Promise<readonly Entry[]>;
  write(entry: Entry): Promise<void>;
  remove(sha256: string): Promise<void>;
}

export function createEntries(disk: Disk): Entries {
  const parse = (name: string, bytes: Uint8Array): Entry | null => {
    const entry = readLines(entrySchema, bytes).records.findLast((record) => record?.sha256 === name);
    if (entry === undefined || entry === null) return null;
    const { v: _version, ...rest } = entry;
    return rest;
  };
  const read = async (sha256: string): Promise<Entry | null> => {
    if (!isSha256(sha256)) return null;
    const line = await readBeside(disk, 'entries', sha256, MAX_ENTRY_BYTES);
    const entry = line === null ? null : parse(sha256, line);
    if (entry === null) return null;
    // A browser that lost or cut the content keeps no promise about it.
    const bytes = await disk.blob('bytes', entry.id);
    return bytes !== null && bytes.size === entry.sizeBytes ? entry : null;
  };
  return {
    read,
    async readAll() {
      const found = await Promise.all((await disk.names('entries')).map(read));
      return found.filter((entry) => entry !== null);
    },
    async write(entry) {
      const file = await disk.open('entries', entry.sha256);
      try {
        const before = readWhole(file, MAX_ENTRY_BYTES / 2);
        const endByte = before === null ? 0 : endOfLines(before);
        file.truncate(endByte);
        writeLine(file, endByte, { v: 1, ...entry, urls: entry.urls.slice(-MAX_URLS) });
      } finally {
        file.close();
      }
    },
    remove: (sha256) => disk.remove('entries', sha256),
  };
}
