import { describe, expect, it } from 'vitest';
import { openMemoryStorage } from '#adapters/storage-memory';
import { concat, equalBytes, hex } from '#core/base/bytes';
import { encodeCanonical, sha256 } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import { checkAgainst } from '#core/wire/gate';
import { MAX_MESSAGE_BYTES } from '#core/wire/limits';
import { contributionFile, contributionFileKey, FILE_PART_BYTES, MAX_CONTRIBUTION_FILE_BYTES } from './contract';
import { createContributionFileHandler } from './handler';

const context: CallContext<never> = {
  caller: 'c'.repeat(64),
  local: false,
  callId: 'call-1',
  signal: new AbortController().signal,
  emit: () => {},
};
const file = Uint8Array.from({ length: 2 * FILE_PART_BYTES + 7 }, (_, at) => at % 251);
const hash = hex(sha256(file));

describe('contribution.file', () => {
  it('gives a file that is held in parts that fit into messages, and nothing behind its end', async () => {
    const { records } = await openMemoryStorage();
    unwrap(await records.set(contributionFileKey('here', hash), file));
    const handler = createContributionFileHandler({ records, community: 'here' });
    const read = async (from: number) => {
      const said = unwrap(await handler({ hash, from }, context));
      expect(checkAgainst(contributionFile.output, said).ok).toBe(true);
      expect(encodeCanonical(said).length).toBeLessThan(MAX_MESSAGE_BYTES);
      expect(said.sizeBytes).toBe(file.length);
      return said.bytes;
    };
    const parts = concat(await read(0), await read(FILE_PART_BYTES), await read(2 * FILE_PART_BYTES));
    expect(equalBytes(parts, file)).toBe(true);
    expect(await read(file.length)).toHaveLength(0);
  });

  it('holds nothing of another community', async () => {
    const { records } = await openMemoryStorage();
    unwrap(await records.set(contributionFileKey('elsewhere', hash), file));
    const handler = createContributionFileHandler({ records, community: 'here' });
    expect(unwrap(await handler({ hash, from: 0 }, context))).toEqual({ sizeBytes: null, bytes: new Uint8Array(0) });
  });

  it('is asked for a hash and a place in it, and nothing else', () => {
    const fine = { hash, from: MAX_CONTRIBUTION_FILE_BYTES };
    expect(checkAgainst(contributionFile.input, fine).ok).toBe(true);
    for (const wrong of [
      { ...fine, hash: '../node/key' },
      { ...fine, hash: hash.toUpperCase() },
      { ...fine, from: -1 },
      { ...fine, from: MAX_CONTRIBUTION_FILE_BYTES + 1 },
      { ...fine, community: 'elsewhere' },
    ])
      expect(checkAgainst(contributionFile.input, wrong)).toMatchObject({ error: { code: 'malformed' } });
  });
});
