import { hex } from '#core/base/bytes';

/** SHA-256 of a file's bytes, off the page's thread. */
export const fileHash = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
