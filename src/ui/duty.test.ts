import { describe, expect, it } from 'vitest';
import type { NodeStatus } from '#node/page-api';
import type { ContributionView } from '#node/tab-node';
import { duty } from './duty';

const status = (state: NodeStatus['state']): NodeStatus => ({
  nodeId: '00'.repeat(32),
  name: 'amber-otter 7f3a',
  community: { id: 'c', name: 'Open', open: true },
  state,
  reason: `Because ${state}.`,
  peers: 0,
  models: [],
  contributing: false,
});

const contribution = (phase: ContributionView['phase']): ContributionView => ({
  on: phase !== 'off',
  phase,
  reason: `It is ${phase}.`,
  pausedUntil: null,
  load: null,
  running: [],
  totals: { answers: 0, checks: 0, jobs: 0, tokens: 0 },
});

describe('the state that is always in sight', () => {
  it('says that the node starts before there is one', () => {
    expect(duty(null, null)).toMatchObject({ word: 'Starting', tone: 'waiting' });
  });

  it('puts trouble with the node before what the device does for others', () => {
    for (const state of ['insecure', 'failed', 'waiting', 'starting'] as const) {
      expect(duty(status(state), contribution('working')).reason).toBe(`Because ${state}.`);
    }
  });

  it('gives the reason of the contribution while online', () => {
    for (const phase of ['off', 'loading', 'idle', 'working', 'paused'] as const) {
      expect(duty(status('online'), contribution(phase)).reason).toBe(`It is ${phase}.`);
    }
  });

  it('never shows an empty reason', () => {
    expect(duty(status('offline'), contribution('idle')).reason).toContain('goes on when the connection is back');
  });
});
