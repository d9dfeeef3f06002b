import { expect, test } from 'vitest';
import type { ChallengeState, ReservationState } from '#core/ledger/ledger-state';
import type { ProposedSettlement } from '#core/ledger/rules/dispute-rules';
import { foundWrong } from './found-wrong';

const stateWith = (ruling: 'upheld' | 'dismissed') => ({
  rulings: new Map([['challenge', ruling]]),
  challengesById: new Map([['challenge', { proposal: 'proposal' } as ChallengeState]]),
  proposalsById: new Map([['proposal', { reservation: 'reservation' } as ProposedSettlement]]),
  reservationsById: new Map([['reservation', { payer: 'ann', payee: 'bob', jobId: 'job-1' } as ReservationState]]),
});
const work = { requester: 'ann', executor: 'bob', jobId: 'job-1' };

test('work is found wrong where a panel upheld a challenge to what is paid for it, and no other work is', () => {
  expect(foundWrong(stateWith('upheld'))(work)).toBe(true);
  for (const change of [{ requester: 'cat' }, { executor: 'cat' }, { jobId: 'job-2' }])
    expect(foundWrong(stateWith('upheld'))({ ...work, ...change })).toBe(false);
  expect(foundWrong(stateWith('dismissed'))(work)).toBe(false);
  expect(foundWrong({ ...stateWith('upheld'), proposalsById: new Map() })(work)).toBe(false);
});
