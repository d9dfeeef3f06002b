import { expect, it } from 'vitest';
import { ok } from '#core/base/result';
import type { Sandbox, SandboxReport } from '#core/engines/sandbox';
import { createLazySandbox } from './lazy-sandbox';

const never = new AbortController().signal;
const request = { files: [{ path: 'a.js', text: '' }], testFiles: ['a.js'], seed: 1 };
const report: SandboxReport = { tests: [], unloaded: [], output: '', ended: 'completed' };

it('the sandbox is fetched with the first run, once, and closed with the node', async () => {
  let loads = 0;
  let closed = 0;
  const real: Sandbox = { run: async () => ok(report), dispose: () => void closed++ };
  const lazy = createLazySandbox(async () => {
    loads++;
    return real;
  });
  expect(loads).toBe(0);
  expect(await Promise.all([lazy.run(request, never), lazy.run(request, never)])).toEqual([ok(report), ok(report)]);
  expect(loads).toBe(1);
  lazy.dispose();
  await Promise.resolve();
  expect(closed).toBe(1);
  expect(await lazy.run(request, never)).toMatchObject({ error: { code: 'sandbox_failed' } });
});

it('a run without its code fails, and the next one tries again', async () => {
  let online = false;
  const real: Sandbox = { run: async () => ok(report), dispose: () => {} };
  const lazy = createLazySandbox(async () => {
    if (!online) throw new TypeError('Failed to fetch dynamically imported module');
    return real;
  });
  expect(await lazy.run(request, never)).toMatchObject({ error: { code: 'sandbox_failed' } });
  online = true;
  expect(await lazy.run(request, never)).toEqual(ok(report));
});
