import { hex } from '#core/base/bytes';
import { createSha256, type RunningSha256 } from '#core/base/canonical';
import { PIECE_BYTES } from '#core/engines/model-store';
import type { Disk } from './disk';
import { MAX_PIECES, openJournal, pieceCountOf, pieceLengthOf, type Source } from './journal';

/** What is asked of the server next. `toByte` is exclusive; null: all that there is. */
export interface Gap {
  readonly fromByte: number;
  readonly toByte: number | null;
}

export interface Content {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly pieceHashes: readonly string[];
}

/**
 * A file that is coming, piece by piece. A piece counts when its bytes are on disk and then its hash in the journal; what
 * the journal claims is held against the bytes when the file is opened again, so that nothing rests on the order in
 * which a dying system wrote them. Methods that write may throw what the disk throws.
 */
export interface PartialFile {
  readonly source: Source;
  /** Bytes that count, those of the piece at work included. */
  readonly storedBytes: number;
  readonly totalBytes: number | null;
  /** Nothing came yet, and nothing had come before. */
  readonly empty: boolean;
  /** How often it was begun anew since it was opened. */
  readonly restarts: number;
  /** The first part that is missing, or null when the file is complete. */
  gap(): Gap | null;
  setSource(source: Source): void;
  /** Drops everything. */
  restart(source: Source): void;
  /** Moves to where the next bytes belong: the beginning of a gap. */
  seek(fromByte: number): void;
  /** Takes bytes that belong to a gap. False: a piece was damaged too often, so that trying again is of no use. */
  take(bytes: Uint8Array): Promise<boolean>;
  /** The file ends here; to be said where its length was not known. */
  endHere(): Promise<void>;
  /** Hash of the whole, or null when the disk gave back something else. Only without a gap; the file is then closed. */
  finish(): Promise<Content | null>;
  /** Keeps what came of the piece at work, and closes. Closing twice is harmless. */
  close(): Promise<void>;
  /** Closes and removes the file and its journal. */
  discard(): Promise<void>;
}

/** A piece that came wrong this often is wrong where it comes from. */
const MAX_DAMAGES = 3;

/** Of a view's bytes, also when the view is changed afterwards: WebCrypto copies them before it returns. */
export const hashOfPiece = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

export interface PartialOptions {
  readonly disk: Disk;
  readonly id: string;
  /** What is known now; what came as another content or with another length is dropped. */
  readonly source: Source;
  /** Hashes that somebody vouches for; empty when nobody does. */
  readonly trustedHashes: readonly string[];
  /** Stops the reading of what is there; the file can still be closed. */
  readonly signal: AbortSignal;
  /** Told while what is there is read. */
  readonly onRead: (storedBytes: number) => void;
}

/** Opens what came so far, reading and checking it once, or begins. The caller holds the lock of `id`. */
export async function openPartial(options: PartialOptions): Promise<PartialFile> {
  const { disk, id, trustedHashes, signal, onRead } = options;
  const journal = await openJournal(disk, id);
  const bytes = await disk.open('bytes', id).catch((error: unknown) => {
    journal.close();
    throw error;
  });

  let source = options.source;
  let hashes: (string | undefined)[] = [];
  /** Over the first `hashedPieces` pieces. */
  let running = createSha256();
  let hashedPieces = 0;
  /**
   * Over these and what `buffer` holds, where the piece at work is the next one. Bytes are hashed as they come and not
   * by the piece: while this thread is busy the browser gathers what arrives, and drops it when the line breaks.
   */
  let ahead: RunningSha256 | null = null;
  let storedBytes = 0;
  const buffer = new Uint8Array(PIECE_BYTES);
  /** The piece at work, and how much of it is in `buffer`. */
  let piece = 0;
  let filled = 0;
  let closed = false;
  let restarts = 0;
  /** What came before may not have been read to its end. */
  let readFully = false;
  const damagesByPiece = new Map<number, number>();

  const hashNext = (content: Uint8Array): void => {
    running.update(content);
    hashedPieces++;
  };
  /** The whole piece as it is on disk, if it is what its hash says. */
  const readPiece = async (index: number, sha256: string): Promise<Uint8Array<ArrayBuffer> | null> => {
    const content = buffer.subarray(0, pieceLengthOf(index, source.totalBytes));
    if (bytes.read(content, index * PIECE_BYTES) !== content.length) return null;
    return (await hashOfPiece(content)) === sha256 ? content : null;
  };
  const moveTo = (next: number): void => {
    piece = next;
    filled = 0;
    ahead = null;
  };
  const add = (part: Uint8Array): void => {
    if (piece === hashedPieces) {
      if (ahead === null) {
        ahead = running.fork();
        ahead.update(buffer.subarray(0, filled));
      }
      ahead.update(part);
    }
    buffer.set(part, filled);
    filled += part.length;
  };
  const begin = (from: Source): void => {
    journal.restart(from);
    bytes.truncate(0);
    source = from;
    hashes = [];
    running = createSha256();
    hashedPieces = 0;
    storedBytes = 0;
    moveTo(0);
  };
  const closeFiles = (): void => {
    closed = true;
    bytes.close();
    journal.close();
  };
  const trusted = (index: number): string | undefined =>
    source.totalBytes !== null && trustedHashes.length === pieceCountOf(source.totalBytes)
      ? trustedHashes[index]
      : undefined;

  async function readBack(): Promise<void> {
    const { found } = journal;
    const wanted = options.source;
    const { sha256: name, totalBytes } = wanted;
    if (found === null) return begin(wanted);
    const otherLength = totalBytes !== null && (found.source.totalBytes ?? totalBytes) !== totalBytes;
    const otherContent = name !== null && (found.source.sha256 ?? name) !== name;
    if (otherLength || otherContent) return begin(wanted);
    // From another address come the same bytes, if they are those that were wished for; its mark of them is its own.
    source = {
      url: wanted.url,
      sha256: name ?? found.source.sha256,
      validator: wanted.url === found.source.url ? found.source.validator : null,
      totalBytes: totalBytes ?? found.source.totalBytes,
    };
    if (JSON.stringify(source) !== JSON.stringify(found.source)) journal.addSource(source);
    for (const [index, sha256] of [...found.hashByPiece].sort(([a], [b]) => a - b)) {
      if (signal.aborted) return;
      if (sha256 !== (trusted(index) ?? sha256)) continue;
      const content = await readPiece(index, sha256);
      if (content === null) continue;
      hashes[index] = sha256;
      if (index === hashedPieces) hashNext(content);
      storedBytes += content.length;
      onRead(storedBytes);
    }
    const { tail } = found;
    if (tail === null || hashes[tail.piece] !== undefined) return;
    const content = buffer.subarray(0, tail.lengthBytes);
    const whole = bytes.read(content, tail.piece * PIECE_BYTES) === tail.lengthBytes;
    if (!whole || tail.lengthBytes >= pieceLengthOf(tail.piece, source.totalBytes)) return;
    if ((await hashOfPiece(content)) !== tail.sha256) return;
    piece = tail.piece;
    filled = tail.lengthBytes;
  }

  /** The piece in the buffer is whole: keeps it, or leaves its gap. */
  async function completePiece(): Promise<boolean> {
    const content = buffer.subarray(0, filled);
    const hashing = hashOfPiece(content);
    bytes.write(content, piece * PIECE_BYTES);
    const sha256 = await hashing;
    if (sha256 !== (trusted(piece) ?? sha256)) {
      const damages = (damagesByPiece.get(piece) ?? 0) + 1;
      damagesByPiece.set(piece, damages);
      moveTo(piece + 1);
      return damages < MAX_DAMAGES;
    }
    bytes.flush();
    journal.addPiece(piece, sha256);
    hashes[piece] = sha256;
    if (ahead !== null) {
      running = ahead;
      hashedPieces++;
    }
    storedBytes += filled;
    moveTo(piece + 1);
    return true;
  }

  const partial: PartialFile = {
    get source() {
      return source;
    },
    get storedBytes() {
      return storedBytes + filled;
    },
    get totalBytes() {
      return source.totalBytes;
    },
    get empty() {
      return readFully && storedBytes + filled === 0;
    },
    get restarts() {
      return restarts;
    },
    gap() {
      const count = source.totalBytes === null ? MAX_PIECES : pieceCountOf(source.totalBytes);
      let first = 0;
      while (first < count && hashes[first] !== undefined) first++;
      if (first === count) return null;
      let end = first + 1;
      while (end < count && end < hashes.length && hashes[end] === undefined) end++;
      const toEnd = end >= count || end >= hashes.length;
      return {
        fromByte: first * PIECE_BYTES + (piece === first ? filled : 0),
        toByte: toEnd ? source.totalBytes : end * PIECE_BYTES,
      };
    },
    setSource(next) {
      if (JSON.stringify(next) === JSON.stringify(source)) return;
      source = next;
      journal.addSource(next);
    },
    restart(from) {
      restarts++;
      begin(from);
    },
    seek(fromByte) {
      const next = Math.floor(fromByte / PIECE_BYTES);
      if (next !== piece || fromByte % PIECE_BYTES === 0) moveTo(next);
    },
    async take(chunk) {
      for (let at = 0; at < chunk.length;) {
        const length = pieceLengthOf(piece, source.totalBytes);
        const part = chunk.subarray(at, at + length - filled);
        add(part);
        at += part.length;
        if (filled === length && !(await completePiece())) return false;
      }
      return true;
    },
    async endHere() {
      partial.setSource({ ...source, totalBytes: piece * PIECE_BYTES + filled });
      if (filled > 0) await completePiece();
    },
    async finish() {
      const pieceHashes = hashes.filter((hash) => hash !== undefined);
      // Pieces that were there before a gap in front of them was filled.
      for (const [index, sha256] of pieceHashes.entries()) {
        if (index < hashedPieces) continue;
        const content = await readPiece(index, sha256);
        if (content === null) break;
        hashNext(content);
      }
      closeFiles();
      if (hashedPieces < pieceHashes.length) return null;
      return { sha256: hex(running.digest()), sizeBytes: source.totalBytes ?? 0, pieceHashes };
    },
    async close() {
      if (closed) return;
      try {
        if (filled > 0 && filled < PIECE_BYTES) {
          const content = buffer.subarray(0, filled);
          bytes.write(content, piece * PIECE_BYTES);
          bytes.flush();
          journal.addTail({ piece, lengthBytes: filled, sha256: await hashOfPiece(content) });
        }
      } catch {
        // A full disk: the piece at work is lost, the others are safe.
      } finally {
        closeFiles();
      }
    },
    async discard() {
      if (!closed) closeFiles();
      // The journal last: without it, bytes that are left over are swept away.
      await disk.remove('bytes', id);
      await disk.remove('journals', id);
    },
  };

  try {
    await readBack();
    readFully = !signal.aborted;
    return partial;
  } catch (error) {
    closeFiles();
    throw error;
  }
}
