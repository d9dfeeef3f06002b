import { hex } from '../base/bytes';
import { encodeCanonical, sha256 } from '../base/canonical';

/**
 * The hash that names a model: SHA-256 in hex over the canonical list of (path, SHA-256 in hex) of its files, sorted by
 * path. One changed byte in one file gives another model.
 */
export function modelHashOf(fileHashes: Readonly<Record<string, string>>): string {
  const list = Object.entries(fileHashes).sort(([a], [b]) => (a < b ? -1 : 1));
  return hex(sha256(encodeCanonical(list)));
}
