import { expect, test } from 'vitest';
import { ok } from '#core/base/result';
import type { BatchLab, StepFolderView } from '#node/tab-node';

// Runes without the compiler: what is held is plain.
Object.assign(globalThis, { $state: Object.assign((value: unknown) => value, { raw: (value: unknown) => value }) });
const { StepBench } = await import('./step-bench.svelte');

const folderOf = (files: ReadonlyMap<string, string>): StepFolderView => ({
  files,
  listed: [],
  dispatched: true,
  nodes: ['a'],
  ledger: null,
  fault: null,
});

test('a folder that is emptied while a step goes on stays empty when the step ends', async () => {
  let finish: () => void = () => {};
  const working = new Promise<void>((resolve) => (finish = resolve));
  const steps = {
    open: (files: ReadonlyMap<string, string>) => ok({ folder: folderOf(files) }),
    process: async (files: ReadonlyMap<string, string>) => {
      await working;
      return ok({
        done: 1,
        skipped: 0,
        valid: 1,
        units: 1,
        folder: folderOf(new Map([...files, ['ledger.json', '{}']])),
      });
    },
  };
  const bench = new StepBench(async () => ({ steps }) as unknown as BatchLab);
  await bench.open(new Map([['inboxes/a.json', '{}']]));
  const step = bench.work();
  await Promise.resolve();
  bench.empty();
  expect(bench.folder).toBeNull();
  finish();
  await step;
  expect(bench.folder).toBeNull();
  expect(bench.said).toBe('The folder is empty.');
});
