import { describe, expect, test } from 'vitest';
import { createNegotiations } from '#signaling/negotiations';
import type { Relayed } from '#signaling/relay-messages';

const [PEER, OTHER] = ['a'.repeat(64), 'b'.repeat(64)];

const offer = (connectionId: string, dst = PEER): Relayed => ({
  type: 'OFFER',
  dst,
  payload: { sdp: { type: 'offer', sdp: 'v=0' }, type: 'data', connectionId, serialization: 'raw' },
});
const answer = (connectionId: string, dst = PEER): Relayed => ({
  type: 'ANSWER',
  dst,
  payload: { sdp: { type: 'answer', sdp: 'v=0' }, type: 'data', connectionId },
});
const candidate = (connectionId: string, dst = PEER): Relayed => ({
  type: 'CANDIDATE',
  dst,
  payload: { candidate: { candidate: 'candidate:1' }, type: 'data', connectionId },
});

describe('what one socket may send while it negotiates', () => {
  test('candidates that were found before the offer follow it, in order', () => {
    const negotiations = createNegotiations();
    const early = candidate('dc_1');
    expect(negotiations.sending(early)).toEqual({ ready: [], refusedAs: null });
    expect(negotiations.sending(offer('dc_1'))).toEqual({ ready: [offer('dc_1'), early], refusedAs: null });
    expect(negotiations.sending(candidate('dc_1')).ready.length).toBe(1);
  });

  test('an answer passes only to the node whose offer arrived', () => {
    const negotiations = createNegotiations();
    expect(negotiations.sending(answer('dc_1')).refusedAs).toBe('no_offer');
    negotiations.offered('dc_1', PEER);
    expect(negotiations.sending(answer('dc_1')).ready.length).toBe(1);
    expect(negotiations.sending(answer('dc_1', OTHER)).refusedAs).toBe('no_offer');
  });

  test('candidates of connections without an offer never go out', () => {
    const negotiations = createNegotiations();
    for (let i = 0; i < 100; i++) expect(negotiations.sending(candidate(`dc_${i}`)).ready).toEqual([]);
  });

  test('one connection has a bounded number of candidates', () => {
    const negotiations = createNegotiations();
    negotiations.sending(offer('dc_1'));
    const outcomes = Array.from({ length: 80 }, () => negotiations.sending(candidate('dc_1')).refusedAs);
    expect(outcomes.filter((refusedAs) => refusedAs === null).length).toBe(64);
    expect(outcomes.at(-1)).toBe('too_many_candidates');
  });

  test('held candidates are bounded in all, and forgotten negotiations free their place', () => {
    const negotiations = createNegotiations();
    for (let i = 0; i < 32; i++) negotiations.sending(candidate(`dc_h${i}`));
    expect(negotiations.sending(candidate('dc_more')).refusedAs).toBe('too_many_candidates');
    for (let i = 0; i < 256; i++) negotiations.sending(offer(`dc_n${i}`));
    expect(negotiations.sending(candidate('dc_late')).refusedAs).toBeNull();
  });
});
