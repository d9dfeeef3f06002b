import { hex, utf8 } from '../../base/bytes';
import { sha256 } from '../../base/canonical';

/** With `.json` and what a temporary file beside it adds, this stays below the 255 bytes of a name on every file system. */
const MAX_NAME_CHARACTERS = 200;
const KEPT = /[a-z0-9_-]/;
/** Names that Windows gives to devices, whatever their ending. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/;

/**
 * The file name, without ending, under which a node's file lies. A node id is anything that somebody wrote; of its UTF-8
 * bytes only `a` to `z`, `0` to `9`, `_` and `-` stand for themselves, every other one is `%` and two upper-case hex digits. So no
 * name leads out of its folder, is hidden, or meets another one where case makes no difference. A name that would be longer
 * than 200 characters is its first 135, `~`, and the SHA-256 of the id in hex; the first letter of a device name of Windows is escaped.
 */
export function nodeFileName(nodeId: string): string {
  const bytes = utf8(nodeId);
  const name = Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    return KEPT.test(character) ? character : escaped(byte);
  }).join('');
  if (name.length > MAX_NAME_CHARACTERS) {
    const digest = hex(sha256(bytes));
    return `${name.slice(0, MAX_NAME_CHARACTERS - digest.length - 1)}~${digest}`;
  }
  return DEVICE.test(name) ? escaped(bytes[0]!) + name.slice(1) : name;
}

const escaped = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
