import { expect, test } from 'vitest';
import { signerNamed } from '#tests/fakes/test-community';
import { createReceiptFacts, type ReceiptFacts } from './receipt-facts';
import type { Receipt } from './receipts';

const [requester, executor, validator] = ['requester', 'executor', 'validator'].map((name) => signerNamed(name).nodeId);
const receiptOf = (jobId: string, units: number) =>
  ({
    at: 1,
    capability: 'llm.chat@1',
    requester,
    executor,
    validators: [validator],
    verdict: 'accepted',
    check: 'rescore',
    model: null,
    units,
    tokens: null,
    jobId,
  }) as unknown as Receipt;

test('work that a panel found wrong earns no units, whether its receipt or the ruling came first, and other work keeps its own', () => {
  const steps: readonly ((facts: ReceiptFacts) => void)[] = [
    (facts) =>
      facts.add('r-1', receiptOf('job-1', 3), [requester!, executor!, validator!], { author: executor!, seq: 1 }),
    (facts) =>
      facts.add('r-2', receiptOf('job-1', 5), [requester!, executor!, validator!], { author: executor!, seq: 2 }),
    (facts) =>
      facts.add('r-3', receiptOf('job-2', 7), [requester!, executor!, validator!], { author: executor!, seq: 3 }),
    (facts) => facts.discredit({ requester: requester!, executor: executor!, jobId: 'job-1' }),
  ];
  const without = createReceiptFacts();
  for (const step of steps.slice(0, 3)) step(without);
  expect(without.unitsByNode.get(executor!)).toBe(10);
  for (const first of steps.keys()) {
    const facts = createReceiptFacts();
    for (const index of steps.keys()) steps[(first + index) % steps.length]!(facts);
    // Said twice it takes nothing twice.
    steps[3]!(facts);
    expect([...facts.unitsByNode]).toEqual([[executor, 7]]);
    expect([...facts.creditedByWork.values()]).toEqual(['r-3']);
    expect(facts.receiptsById.size).toBe(3);
    expect(
      [...facts.receiptsById.values()]
        .filter(facts.isDiscredited)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['r-1', 'r-2']);
    expect(facts.isDiscredited({ requester: executor!, executor: executor!, jobId: 'job-1' })).toBe(false);
  }
  expect([...without.receiptsById.values()].some(without.isDiscredited)).toBe(false);
});
