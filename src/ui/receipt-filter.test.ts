import { describe, expect, it } from 'vitest';
import type { ReceiptDetail } from '#node/tab-node';
import { filterReceipts, NO_FILTER, nodesIn, rolesOf } from './receipt-filter';

const receipt = (change: Partial<ReceiptDetail>): ReceiptDetail => ({
  id: 'r',
  at: 0,
  capability: 'llm.chat@1',
  model: 'spark-1',
  requester: 'ann',
  executor: 'bob',
  validators: ['cat'],
  verdict: 'accepted',
  units: 1,
  tokens: 10,
  signers: [],
  verified: true,
  foundWrong: false,
  ...change,
});

describe('filtering receipts', () => {
  const receipts = [
    receipt({ id: '1' }),
    receipt({ id: '2', verdict: 'rejected', executor: 'ann' }),
    receipt({ id: '3', capability: 'echo@1', requester: 'dan', validators: [] }),
    receipt({ id: '4', requester: 'eve', executor: 'eve', validators: [], foundWrong: true }),
  ];
  const ids = (filter: Partial<typeof NO_FILTER>): string[] =>
    filterReceipts(receipts, { ...NO_FILTER, ...filter }, 'ann').map(({ id }) => id);

  it('shows everything without a filter', () => expect(ids({})).toEqual(['1', '2', '3', '4']));
  it('finds a verdict, and with what was rejected what was found wrong later', () => {
    expect(ids({ verdict: 'rejected' })).toEqual(['2', '4']);
    expect(ids({ verdict: 'accepted' })).toEqual(['1', '3']);
  });
  it('finds a kind of job', () => expect(ids({ capability: 'echo@1' })).toEqual(['3']));
  it('finds what this node did', () => expect(ids({ role: 'executor' })).toEqual(['2']));
  it('finds everything in which a node took part', () => expect(ids({ node: 'cat' })).toEqual(['1', '2']));
  it('joins filters', () => expect(ids({ node: 'cat', verdict: 'accepted' })).toEqual(['1']));
  it('offers everybody who took part, once', () =>
    expect([...nodesIn(receipts)].sort()).toEqual(['ann', 'bob', 'cat', 'dan', 'eve']));
  it('knows that one node may ask and answer', () =>
    expect(rolesOf(receipts[1]!, 'ann')).toEqual(['requester', 'executor']));
});
