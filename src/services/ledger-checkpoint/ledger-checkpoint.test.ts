import { describe, expect, it } from 'vitest';
import { concat, equalBytes } from '#core/base/bytes';
import { encodeCanonical } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import type { CertifiedCheckpoint } from '#core/ledger/certified-checkpoint';
import { checkAgainst } from '#core/wire/gate';
import { MAX_MESSAGE_BYTES } from '#core/wire/limits';
import { sign } from '#core/wire/signed';
import { signerNamed } from '#tests/fakes/test-community';
import { ledgerCheckpoint, MAX_PARTS, PART_BYTES } from './contract';
import { createLedgerCheckpointHandler } from './handler';

const context: CallContext<never> = {
  caller: 'c'.repeat(64),
  local: false,
  callId: 'call-1',
  signal: new AbortController().signal,
  emit: () => {},
};

async function held(size: number): Promise<CertifiedCheckpoint> {
  const packed = Uint8Array.from({ length: size }, (_, at) => at % 251);
  return { signed: await sign(signerNamed('w0'), { type: 'ledger-checkpoint', v: 1 }), packed };
}

describe('ledger.checkpoint', () => {
  it('gives what was signed, and what it is about in parts that fit into messages', async () => {
    const certified = await held(2 * PART_BYTES + 7);
    const handler = createLedgerCheckpointHandler(async () => certified);
    const read = async (part: number | null) => {
      const said = unwrap(await handler({ part }, context));
      expect(checkAgainst(ledgerCheckpoint.output, said).ok).toBe(true);
      expect(encodeCanonical(said).length).toBeLessThan(MAX_MESSAGE_BYTES);
      expect(said.signed).toEqual(certified.signed);
      return said.bytes;
    };
    expect(await read(null)).toHaveLength(0);
    expect(equalBytes(concat(await read(0), await read(1), await read(2)), certified.packed)).toBe(true);
    expect(await read(3)).toHaveLength(0);
  });

  it('says so where nothing was certified', async () => {
    const handler = createLedgerCheckpointHandler(async () => null);
    expect(unwrap(await handler({ part: 0 }, context))).toEqual({ signed: null, bytes: new Uint8Array(0) });
  });

  it('is asked for a part that can be, and nothing else', () => {
    for (const part of [null, 0, MAX_PARTS - 1]) expect(checkAgainst(ledgerCheckpoint.input, { part }).ok).toBe(true);
    for (const part of [-1, 0.5, MAX_PARTS, '0'])
      expect(checkAgainst(ledgerCheckpoint.input, { part })).toMatchObject({ error: { code: 'malformed' } });
  });
});
