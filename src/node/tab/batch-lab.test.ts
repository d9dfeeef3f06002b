import { describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-webcrypto';
import type { Clock } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import { createBatchLab } from './batch-lab';

/** A clock on which everything takes long, so that the page gets its turn after every step. */
const slowClock = (): Clock => {
  let ms = 0;
  return {
    now: () => ms,
    monotonicMs: () => (ms += 20),
    after: (_, run) => {
      queueMicrotask(run);
      return () => {};
    },
    every: () => () => {},
  };
};
const lab = createBatchLab({
  clock: slowClock(),
  verify: createVerify(),
  loadSeedSigner: async () => createSeedSigner,
});
const manifest = JSON.stringify({
  nodes: ['a', 'b'],
  jobs: [
    { job_id: '1', job_type: 'echo', payload: { message: 'm' } },
    { job_id: '2', job_type: 'echo', payload: {} },
  ],
});
const plan = { transport: false, peerLog: null };

test('a flow tells how far it is, is audited to the same files, and its results are shown with their verdicts', async () => {
  const run = lab.runFlow(manifest, plan);
  const steps: string[] = [];
  for await (const { done, total } of run.progress) steps.push(`${done}/${total}`);
  expect(steps.length).toBeGreaterThan(1);
  expect(steps).toEqual([...steps].sort());
  expect(steps.at(-1)).toBe('4/4');
  const files = unwrap(await run.outcome);
  const view = unwrap(await lab.auditFlow(files).outcome);
  expect(view.files).toBe(files);
  expect(view.listed.map((file) => file.path)).toContain('hashes.json');
  expect(view.results).toEqual([
    { jobId: '1', node: 'a', valid: true, reason: 'ok', units: 1 },
    { jobId: '2', node: 'b', valid: false, reason: 'missing_payload_message', units: 0 },
  ]);
  expect(view).toMatchObject({ transport: false, peerDerived: false, checked: { signatures: 2 }, totals: { jobs: 2 } });
});

test('a flow that is stopped leaves nothing, and its progress ends', async () => {
  const run = lab.runFlow(manifest, plan);
  for await (const { done } of run.progress) if (done === 2) run.cancel();
  expect(await run.outcome).toMatchObject({ error: { code: 'cancelled' } });
  const files = unwrap(await lab.runFlow(manifest, plan).outcome);
  const audit = lab.auditFlow(files);
  audit.cancel();
  expect(await audit.outcome).toMatchObject({ error: { code: 'cancelled' } });
});

test('what was opened and cannot be read is told with which of the files it was', async () => {
  expect(await lab.runFlow('{', plan).outcome).toMatchObject({ error: { code: 'undecodable' } });
  const peers = lab.runFlow(manifest, { transport: true, peerLog: '{"version":1}' });
  expect(await peers.outcome).toMatchObject({ error: { message: expect.stringMatching(/^The log of the roster: /) } });
  expect(lab.validateResults('[]', '[]')).toMatchObject({
    error: { message: expect.stringMatching(/^The log of the assignments: /) },
  });
  expect(lab.summarisePeers('{"version":3}')).toMatchObject({ error: { code: 'unknown_version' } });
});

describe('step by step', () => {
  const { steps } = lab;
  const none = new Map<string, string>();
  /** Jobs given out and inboxes made, for this many of the jobs. */
  const given = async (jobs: number, files: ReadonlyMap<string, string> = none) => {
    const batch = JSON.stringify({ nodes: ['a', 'b'], jobs: JSON.parse(manifest).jobs.slice(0, jobs) });
    const dispatched = unwrap(steps.dispatch(files, batch));
    return unwrap(await steps.materialise(dispatched.folder.files));
  };

  test('from a manifest to one log of results and a ledger; what was done is skipped the next time, and leaves the same bytes', async () => {
    const { folder, ...made } = await given(2);
    expect([made, folder.nodes]).toEqual([{ inboxes: 2, messages: 2 }, ['a', 'b']]);
    const first = unwrap(await steps.process(folder.files, ['a']));
    expect(first).toMatchObject({ done: 1, skipped: 0, valid: 1, units: 1 });
    expect([...first.folder.files.keys()]).toEqual([
      'dispatch-message-log.json',
      'inboxes/a.json',
      'inboxes/b.json',
      'ledger.json',
      'node-state/a.json',
      'outboxes/a.json',
      'worker-message-logs/a.json',
    ]);
    const again = unwrap(await steps.process(first.folder.files, ['a']));
    expect(again).toMatchObject({ done: 0, skipped: 1, units: 0 });
    expect([...again.folder.files]).toEqual([...first.folder.files]);
    const both = unwrap(await steps.process(again.folder.files, ['b']));
    const collected = unwrap(await steps.collect(both.folder.files));
    expect(collected).toMatchObject({ outboxes: 2, messages: 4 });
    for (const [path, text] of both.folder.files) expect(collected.folder.files.get(path)).toBe(text);
    expect(collected.folder.ledger?.nodes).toEqual([
      { node: 'a', results: 1, completed: 1, failed: 0, units: 1 },
      { node: 'b', results: 1, completed: 1, failed: 0, units: 0 },
    ]);
  });

  test('a folder that was saved and opened again, one level down, goes on where it was left with the bytes of one pass', async () => {
    const part = unwrap(await steps.process((await given(1)).folder.files, ['a'])).folder;
    const saved = new Map([...part.files].map(([path, text]) => [`way/${path}`, text]));
    const opened = unwrap(steps.open(saved.set('elsewhere.json', '{}'))).folder;
    expect([...opened.files]).toEqual([...part.files]);
    const more = await given(2, opened.files);
    const resumed = unwrap(
      await steps.process(unwrap(await steps.process(more.folder.files, ['a'])).folder.files, ['b']),
    );
    const whole = unwrap(
      await steps.process(unwrap(await steps.process((await given(2)).folder.files, ['a'])).folder.files, ['b']),
    );
    expect([...resumed.folder.files]).toEqual([...whole.folder.files]);
    const { folder, ...did } = unwrap(await steps.process((await given(2)).folder.files, ['a', 'b']));
    expect([...folder.files]).toEqual([...whole.folder.files]);
    expect(did).toEqual({ done: 2, skipped: 0, valid: 1, units: 1 });
    expect(steps.open(new Map([['x/manifest.json', manifest]]))).toMatchObject({ error: { code: 'no_batch_files' } });
  });

  test('the state of another node, of another version or with an id twice is refused by its path, and the folder stays', async () => {
    const { files } = unwrap(await steps.process((await given(2)).folder.files, ['a'])).folder;
    const state = files.get('node-state/a.json')!;
    for (const [text, code] of [
      [state.replace('"node_id": "a"', '"node_id": "b"'), 'wrong_node'],
      [state.replace('"version": 1', '"version": 2'), 'unknown_version'],
      [state.replace(/\{\s*"message_id"[^}]*\}/, '$&, $&'), 'duplicate_id'],
      [state.slice(0, 20), 'undecodable'],
    ] as const) {
      const broken = new Map([...files, ['node-state/a.json', text] as const]);
      const before = [...broken];
      expect(await steps.process(broken, ['a'])).toMatchObject({
        error: { code, message: expect.stringMatching(/^node-state\/a\.json: /) },
      });
      expect(await steps.process(broken, ['b', 'a'])).toMatchObject({ error: { code } });
      expect([...broken]).toEqual(before);
    }
  });

  test('an empty folder collects to a log of 0 messages; there are no inboxes without a log', async () => {
    const collected = unwrap(await steps.collect(none));
    expect(collected).toMatchObject({ outboxes: 0, messages: 0 });
    expect(JSON.parse(collected.folder.files.get('results-message-log.json')!)).toMatchObject({
      metadata: { message_count: 0 },
    });
    expect(await steps.materialise(none)).toMatchObject({ error: { code: 'no_file' } });
    expect(none.size).toBe(0);
  });

  test('a ledger is taken over whole or not at all; an inbox that cannot be read is named, and the others can be used', async () => {
    const { files, ledger } = unwrap(await steps.process((await given(2)).folder.files, ['a'])).folder;
    const imported = unwrap(steps.importLedger(none, files.get('ledger.json')!));
    expect(imported).toMatchObject({ records: 1, folder: { ledger, fault: null } });
    expect(steps.importLedger(files, '{"version":1,"records":[{}]}')).toMatchObject({ error: { code: 'malformed' } });
    const swapped = new Map([...files, ['inboxes/a.json', files.get('inboxes/b.json')!] as const]);
    const { nodes, fault } = unwrap(steps.open(swapped)).folder;
    expect([nodes, fault?.code, fault?.message]).toEqual([
      ['b'],
      'wrong_node',
      expect.stringMatching(/^inboxes\/a\.json: .*"b"/),
    ]);
  });
});
