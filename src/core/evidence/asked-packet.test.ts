import { describe, expect, test } from 'vitest';
import { unwrap } from '../base/result';
import { createSeedSigner } from '#adapters/signer-seed';
import { sha256 } from '../base/canonical';
import { utf8 } from '../base/bytes';
import { withoutUndefined } from '../base/plain';
import { createTaskPacket } from '../ledger/cards/task-packet';
import { draftOfRequest, packetDiffers, readAskedPacket } from './asked-packet';
import { canonicalOf } from './openings';
import { nothingSoFar } from './step-kinds';
import type { Trace } from './trace';

const signer = createSeedSigner(sha256(utf8('asker')));
const traceOf = (steps: Trace['steps'] = []): Trace =>
  ({ traceId: 'trace-1', requester: signer.nodeId, capability: 'llm.chat@1', at: 5, steps }) as unknown as Trace;

async function roundTrip(input: unknown, question?: string) {
  const draft = draftOfRequest({
    traceId: 'trace-1',
    capability: 'llm.chat@1',
    question,
    input: withoutUndefined(input),
    payAtMostMicros: 0,
    at: 5,
  });
  if (draft === null) return 'none';
  const signed = await createTaskPacket(signer, draft);
  if (!signed.ok) return signed.error.code;
  const packet = unwrap(readAskedPacket(signed.value));
  return packetDiffers(packet, traceOf(), nothingSoFar(), canonicalOf(input));
}
const chat = (text: string) => ({ messages: [{ role: 'user', text }], maxTokens: 20 });

describe('an honest packet is none that differs', () => {
  const own = JSON.parse('{"__proto__":{"a":1},"constructor":"x"}') as unknown;
  test.each<[string, unknown, string | undefined]>([
    ['lone surrogate', chat('a\ud800b'), 'a\ud800b'],
    ['lone surrogate, no question', { text: 'a\ud800b' }, undefined],
    ['lone surrogates two', { texts: ['\ud800', '\udfff'] }, undefined],
    ['nul', chat('a\0b'), 'a\0b'],
    ['-0', { text: 'x', scale: -0 }, undefined],
    ['float', { text: 'x', scale: 0.1, one: 1.0, big: 2 ** 60, small: 5e-324 }, undefined],
    ['2^53', { text: 'x', n: 2 ** 53, m: 2 ** 53 - 1, k: -(2 ** 53) }, undefined],
    ['beyond 64 bit', { text: 'x', n: 1e300 }, undefined],
    ['bytes', { data: new Uint8Array([1, 2]) }, undefined],
    ['undefined', { text: 'x', gone: undefined }, undefined],
    ['proto', own, undefined],
    ['proto nested', { text: 'x', own }, 'x'],
    ['blank', chat('  '), '  '],
    ['edges', chat(' hello \n'), ' hello \n'],
    ['max', chat('x'.repeat(6_000)), 'x'.repeat(6_000)],
    ['over', chat('x'.repeat(6_001)), 'x'.repeat(6_001)],
    ['wide', chat('\u{1f600}'.repeat(3_000)), '\u{1f600}'.repeat(3_000)],
    ['astral keys', { '\u{1f600}': 1, '\uffff': 2, b: 3 }, undefined],
    ['maxTokens edge', { ...chat('x'), maxTokens: 2 ** 53 }, 'x'],
    ['maxTokens fraction', { ...chat('x'), maxTokens: 1.5 }, 'x'],
    ['maxTokens negative', { ...chat('x'), maxTokens: -1 }, 'x'],
    ['null', null, undefined],
  ])('%s', async (_, input, question) => {
    const found = await roundTrip(input, question).catch((error: unknown) => `threw ${String(error)}`);
    expect([null, 'none', 'malformed', 'too_large']).toContain(found);
  });
});
