import { expect, test } from 'vitest';
import { hexOf } from '#tests/fakes/admission-input';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createEmitter } from '../base/events';
import { ask } from './ask';
import { beginRun, type PipelineDeps, type WorkRequest } from './run';

const SELF = hexOf('a');

test('a job that breaks on this very node ends, and leaves nothing waiting', async () => {
  const clock = createVirtualClock();
  const outcomes: string[] = [];
  const deps = {
    signer: { nodeId: SELF },
    clock,
    chance: createSeededChance(1),
    self: () => null,
    candidates: () => [],
    nodeChanged: createEmitter<string>(),
    lost: () => false,
    assigned: () => {},
    outcome: (node: string, outcome: string) => outcomes.push(`${node} ${outcome}`),
    giveJob: async () => Promise.reject(new Error('a fault of ours')),
  } as unknown as PipelineDeps;
  const request = {
    kind: { capability: { id: 'llm.chat@1' } },
    input: {},
    provider: 'self',
    signal: new AbortController().signal,
  } as unknown as WorkRequest;
  const asking = ask(deps, beginRun(deps), request, [SELF], { taken: new Set(), shows: true });
  const all = (async () => {
    for (;;) {
      const next = await asking.next();
      if (next.done === true) return next.value;
    }
  })();
  expect(await clock.runUntil(all, 60_000)).toMatchObject({ ok: false, error: { code: 'service_failed' } });
  expect([outcomes, clock.waiting]).toEqual([[`${SELF} failed`], 0]);
});
