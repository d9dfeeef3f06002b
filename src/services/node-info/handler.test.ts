import { expect, test } from 'vitest';
import { checkAgainst } from '#core/wire/gate';
import { nodeInfo, type InfoOutput } from './contract';
import { createInfoHandler } from './handler';

test('a node says what it offers as its contract promises', async () => {
  const info: InfoOutput = {
    version: '0.1.0',
    card: { contributing: true, capabilities: ['echo@1'], models: [], runningJobs: 0, device: null },
  };
  const context = {
    caller: 'a'.repeat(64),
    local: false,
    callId: 'c',
    signal: new AbortController().signal,
    emit: () => {},
  };
  const said = await createInfoHandler(() => info)({}, context);
  expect(said).toEqual({ ok: true, value: info });
  expect(checkAgainst(nodeInfo.output, info).ok).toBe(true);
  expect(checkAgainst(nodeInfo.input, { extra: 1 }).ok).toBe(false);
});
