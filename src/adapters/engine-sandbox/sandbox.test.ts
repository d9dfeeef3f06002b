import { describe, expect, it } from 'vitest';
import { encodeCanonical } from '#core/base/canonical';
import { fail, ok, unwrap, type Failure, type Result } from '#core/base/result';
import {
  MAX_WORKSPACE_CHARACTERS,
  SANDBOX_LIMITS,
  type SandboxReport,
  type SandboxRequest,
} from '#core/engines/sandbox';
import { sandboxCases, workspaceOf } from '#tests/browser/sandbox.cases';
import { openSandbox } from '#cli/open-sandbox';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import type { SandboxHandle } from './sandbox-handle';
import { createSupervisedSandbox, IDLE_MS, MAX_WAITING_RUNS, RUN_DEADLINE_MS } from './supervised-sandbox';

const never = new AbortController().signal;

describe('the sandbox in this process', () => {
  const sandbox = openSandbox();

  it.each(sandboxCases)('$name', async ({ request, report }) => {
    expect(unwrap(await sandbox.run(request, never))).toEqual(report);
  });

  it('the same request gives the same canonical bytes, another seed others', async () => {
    const chance = (seed: number) =>
      workspaceOf(
        "test('t', () => console.log(Math.random(), Date.now(), new Set([3, 1]), { b: 1, a: 2 }));",
        {},
        seed,
      );
    const bytes = async (seed: number) => encodeCanonical(unwrap(await sandbox.run(chance(seed), never)));
    expect(await bytes(1)).toEqual(await bytes(1));
    expect(await bytes(1)).not.toEqual(await bytes(2));
    expect(await bytes(0)).not.toEqual(await bytes(0xffff_ffff));
  });

  it('nothing of one run is left in the next', async () => {
    const leave = workspaceOf("test('t', () => { globalThis.left = 1; });");
    const look = workspaceOf("test('t', () => { expect(globalThis.left).toBe(undefined); });");
    await sandbox.run(leave, never);
    expect(unwrap(await sandbox.run(look, never)).tests[0]!.outcome).toBe('passed');
  });

  it('where the host itself runs out of stack, that run fails and the next one works', async () => {
    const deep = workspaceOf(
      "test('t', () => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a); });",
    );
    expect(await sandbox.run(deep, never)).toMatchObject({ ok: false, error: { code: 'sandbox_failed' } });
    const next = unwrap(await sandbox.run(workspaceOf("test('t', () => {});"), never));
    expect(next.tests[0]!.outcome).toBe('passed');
  });

  it('a workspace that breaks the rules is refused before anything runs', async () => {
    const file = (path: string, text = '') => ({ path, text });
    const refused = async (request: unknown) =>
      expect(await sandbox.run(request as SandboxRequest, never)).toMatchObject({ error: { code: 'bad_workspace' } });
    const good = workspaceOf('');
    for (const path of [
      '/a.js',
      '../a.js',
      'a/../b.js',
      './a.js',
      'a//b.js',
      'a/',
      'a\\b.js',
      'a b.js',
      '',
      '.git/config',
    ])
      await refused({ ...good, files: [...good.files, file(path)] });
    for (const path of ['__proto__', 'a/constructor', 'A.TEST.JS', 'a.test.js/b.js', 'x'.repeat(200)])
      await refused({ ...good, files: [...good.files, file(path)] });
    await refused({ ...good, files: [...good.files, file('b.js', 'a\0b')] });
    await refused({ ...good, files: [...good.files, file('b.js', '\ud800')] });
    await refused({ ...good, files: [...good.files, file('b.js', 'x'.repeat(MAX_WORKSPACE_CHARACTERS))] });
    await refused({ ...good, files: Array.from({ length: 65 }, (_, at) => file(`f${at}.js`)) });
    await refused({ ...good, testFiles: [] });
    await refused({ ...good, testFiles: ['none.js'] });
    await refused({ ...good, testFiles: ['a.test.js', 'a.test.js'] });
    for (const seed of [-1, 0.5, 2 ** 32, NaN]) await refused({ ...good, seed });
    await refused({ ...good, host: 'x' });
  });

  it('tests beyond the limit do not load', async () => {
    const many = workspaceOf(`for (let n = 0; n <= ${SANDBOX_LIMITS.tests}; n++) test('t' + n, () => {});`);
    expect(unwrap(await sandbox.run(many, never))).toMatchObject({
      tests: [],
      unloaded: [{ error: `Error: There are more than ${SANDBOX_LIMITS.tests} tests.` }],
    });
  });
});

describe('the supervision of a sandbox', () => {
  const report: SandboxReport = { tests: [], unloaded: [], output: '', ended: 'completed' };
  const request = workspaceOf('');

  /** Places whose runs end when the test says so. */
  function places() {
    const clock = createVirtualClock();
    const made: {
      running: ((result: Result<SandboxReport>) => void) | null;
      runs: number;
      terminated: boolean;
      break(why: Failure): void;
    }[] = [];
    const spawn = (): SandboxHandle => {
      let breakNow: (why: Failure) => void = () => {};
      const broken = new Promise<Failure>((resolve) => (breakNow = resolve));
      const place: (typeof made)[number] = { running: null, runs: 0, terminated: false, break: breakNow };
      made.push(place);
      return {
        run: () =>
          new Promise((resolve) => {
            place.runs += 1;
            place.running = resolve;
          }),
        broken,
        terminate: () => (place.terminated = true),
      };
    };
    return { clock, made, spawn, sandbox: createSupervisedSandbox({ clock, spawn }) };
  }
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

  it('a run that outlasts its deadline fails, its place is ended, and the next run has a new one', async () => {
    const { clock, made, sandbox } = places();
    const slow = sandbox.run(request, never);
    await clock.advance(RUN_DEADLINE_MS - 1);
    expect(made[0]!.terminated).toBe(false);
    await clock.advance(1);
    expect(await slow).toMatchObject({ error: { code: 'sandbox_timeout' } });
    expect(made[0]!.terminated).toBe(true);
    const next = sandbox.run(request, never);
    await settled();
    made[1]!.running!(ok(report));
    expect(await next).toEqual(ok(report));
    expect(made).toHaveLength(2);
  });

  it('one place serves run after run, one at a time', async () => {
    const { made, sandbox } = places();
    const both = [sandbox.run(request, never), sandbox.run(request, never)];
    await settled();
    expect(made[0]!.runs).toBe(1);
    made[0]!.running!(ok(report));
    await both[0];
    await settled();
    expect(made[0]!.runs).toBe(2);
    made[0]!.running!(ok(report));
    await both[1];
    expect(made).toHaveLength(1);
  });

  it('a run that is cancelled ends at once, while it runs or while it waits', async () => {
    const { made, sandbox } = places();
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = sandbox.run(request, running.signal);
    const second = sandbox.run(request, waiting.signal);
    waiting.abort();
    expect(await second).toMatchObject({ error: { code: 'cancelled' } });
    await settled();
    running.abort();
    expect(await first).toMatchObject({ error: { code: 'cancelled' } });
    expect(made[0]).toMatchObject({ terminated: true, runs: 1 });
    expect(await sandbox.run(request, running.signal)).toMatchObject({ error: { code: 'cancelled' } });
    expect(made).toHaveLength(1);
  });

  it('a place that breaks is replaced, a place that failed a run too', async () => {
    const { made, sandbox } = places();
    const first = sandbox.run(request, never);
    await settled();
    made[0]!.break({ code: 'sandbox_failed', message: 'Killed.' });
    expect(await first).toMatchObject({ error: { code: 'sandbox_failed', message: 'Killed.' } });
    const second = sandbox.run(request, never);
    await settled();
    made[1]!.running!(fail('sandbox_failed', 'Overflow.'));
    expect(await second).toMatchObject({ error: { message: 'Overflow.' } });
    expect(made.map(({ terminated }) => terminated)).toEqual([true, true]);
  });

  it('a place that cannot be started is a failure, not a throw', async () => {
    const sandbox = createSupervisedSandbox({
      clock: createVirtualClock(),
      spawn: () => {
        throw new Error('no workers here');
      },
    });
    expect(await sandbox.run(request, never)).toMatchObject({ error: { code: 'sandbox_failed' } });
  });

  it('runs that would only wait are refused', async () => {
    const { made, sandbox } = places();
    const taken = Array.from({ length: MAX_WAITING_RUNS + 1 }, () => sandbox.run(request, never));
    expect(await sandbox.run(request, never)).toMatchObject({ error: { code: 'sandbox_busy' } });
    for (const run of taken) {
      await settled();
      made[0]!.running!(ok(report));
      await run;
    }
    const again = sandbox.run(request, never);
    await settled();
    made[0]!.running!(ok(report));
    expect(await again).toEqual(ok(report));
  });

  it('a place without work is given up', async () => {
    const { clock, made, sandbox } = places();
    const run = sandbox.run(request, never);
    await settled();
    made[0]!.running!(ok(report));
    await run;
    await clock.advance(IDLE_MS);
    expect(made[0]!.terminated).toBe(true);
  });

  it('after it was closed, what runs and waits fails and nothing starts again', async () => {
    const { made, sandbox } = places();
    const both = [sandbox.run(request, never), sandbox.run(request, never)];
    await settled();
    sandbox.dispose();
    for (const run of both) expect(await run).toMatchObject({ error: { code: 'sandbox_failed' } });
    expect(await sandbox.run(request, never)).toMatchObject({ error: { code: 'sandbox_failed' } });
    expect(made).toHaveLength(1);
    expect(made[0]!.terminated).toBe(true);
  });
});
