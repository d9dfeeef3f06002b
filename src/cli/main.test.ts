import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from './commands';
import { runCommandLine } from './run-command-line';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
const at = (name: string): string => join(folder, name);

/** The command line as npm starts it: in the project's folder, with the caller's folder in INIT_CWD. */
const npmRun = (...args: string[]): Promise<Run> =>
  new Promise((resolve) => {
    const options = { cwd: ROOT, env: { ...process.env, INIT_CWD: folder } };
    const child = execFile(process.execPath, ['--import', 'tsx', MAIN, ...args], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });

/** The same within this process: starting Node and the loader takes a second each time. */
async function tabmesh(...args: string[]): Promise<Run> {
  const { exitCode, stdout, stderr } = await runCommandLine(args, { commands, version: '0', folder });
  return { code: exitCode, stdout, stderr };
}

const manifest = {
  version: 1,
  nodes: ['a', { node_id: 'b', status: 'offline' }],
  jobs: [
    { job_id: 'hello', job_type: 'echo', payload: { message: 'hello mesh' } },
    { job_id: 'nothing', job_type: 'echo', payload: {} },
    { job_id: 'broken', job_type: 'text_stats', payload: { text: 5 } },
    { job_id: 'find', job_type: 'text_retrieve', payload: { query: 'mesh', documents: [{ id: 'd', text: 'a mesh' }] } },
  ],
};

const expectRefusal = (run: Run, code: number, message: RegExp): void => {
  expect(run).toMatchObject({ code, stdout: '' });
  expect(run.stderr).toMatch(message);
  expect(run.stderr).toMatch(/^[^\n]+\n$/);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-cli-'));
  await writeFile(at('batch.json'), JSON.stringify(manifest));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('started by npm', () => {
  test('it writes to standard output what it prints, whatever it runs in', async () => {
    const run = await npmRun('batch', 'run', 'batch.json');
    expect(run).toEqual({ ...(await tabmesh('batch', 'run', 'batch.json')), code: 0, stderr: '' });
    expect(run.stdout).toContain('"score": 1.0');
  });

  test('a refusal goes to standard error alone, with its exit code', async () => {
    const run = await npmRun('batch', 'run', 'batch.json', '--ledger', 'x', '--message-log', './x');
    expectRefusal(run, 2, /different files/);
  });
});

describe('batch run', () => {
  test('prints one object with the names of the sheet, the same bytes every time', async () => {
    const first = await tabmesh('batch', 'run', 'batch.json');
    const second = await tabmesh('batch', 'run', 'batch.json');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toBe(first.stdout);
    const printed = JSON.parse(first.stdout) as Record<string, unknown>;
    expect(Object.keys(printed)).toEqual([
      'assignments',
      'messages',
      'results',
      'validations',
      'validation_summary',
      'summaries',
      'totals',
      'node_roster',
    ]);
    expect(printed['validation_summary']).toEqual({ valid: 2, invalid: 2, unsupported: 0 });
    expect(printed['results']).toMatchObject([
      { output: 'hello mesh' },
      { output: '' },
      { status: 'failed', output: null },
      {},
    ]);
    expect(first.stdout).toContain('"score": 1.0');
  });

  test('writes log and receipts anew and appends to the ledger', async () => {
    const args = [
      'batch',
      'run',
      'batch.json',
      '--ledger',
      'out/ledger.json',
      '--message-log',
      'log.json',
      '--receipts',
      'receipts.json',
    ];
    const first = await tabmesh(...args);
    expect(first.code).toBe(0);
    const log = await readFile(at('log.json'), 'utf8');
    const second = await tabmesh(...args);
    expect(second.stdout).toBe(first.stdout);
    expect(await readFile(at('log.json'), 'utf8')).toBe(log);
    const ledger = JSON.parse(await readFile(at('out/ledger.json'), 'utf8')) as { version: number; records: unknown[] };
    expect(ledger.version).toBe(1);
    expect(ledger.records).toHaveLength(8);
    expect(ledger.records[5]).toMatchObject({
      job_id: 'nothing',
      validation_valid: false,
      validation_reason: 'missing_payload_message',
      contribution_units: 0,
    });
    expect((JSON.parse(await readFile(at('receipts.json'), 'utf8')) as { receipts: unknown[] }).receipts).toHaveLength(
      4,
    );
    expect(await readdir(at('out'))).toEqual(['ledger.json']);
  });

  test('a refused batch, a missing or malformed manifest is one sentence and changes nothing', async () => {
    await writeFile(
      at('paint.json'),
      JSON.stringify({ ...manifest, jobs: [...manifest.jobs, { job_id: 'p', job_type: 'paint' }] }),
    );
    await writeFile(at('bad.json'), '{"version":1,');
    const before = await readdir(folder);
    const outputs = ['--ledger', 'new-ledger.json', '--message-log', 'new-log.json'];
    const [refused, missing, malformed] = await Promise.all([
      tabmesh('batch', 'run', 'paint.json', ...outputs),
      tabmesh('batch', 'run', 'none.json', ...outputs),
      tabmesh('batch', 'run', 'bad.json', ...outputs),
    ]);
    expectRefusal(refused, 1, /"p" of type "paint"/);
    expectRefusal(missing, 1, /none\.json/);
    expectRefusal(malformed, 1, /bad\.json.*not valid JSON/);
    expect(await readdir(folder)).toEqual(before);
  });

  test('a malformed ledger is one sentence, and neither it nor the log is touched', async () => {
    await writeFile(at('broken-ledger.json'), '{"version":1,"records":[{}]}');
    const run = await tabmesh(
      'batch',
      'run',
      'batch.json',
      '--ledger',
      'broken-ledger.json',
      '--message-log',
      'untouched.json',
    );
    expectRefusal(run, 1, /broken-ledger\.json.*records\[0\]/);
    expect(await readFile(at('broken-ledger.json'), 'utf8')).toBe('{"version":1,"records":[{}]}');
    expect(await readdir(folder)).not.toContain('untouched.json');
  });

  test('one file for two purposes is refused', async () => {
    expectRefusal(
      await tabmesh('batch', 'run', 'batch.json', '--ledger', 'x', '--message-log', './x'),
      2,
      /different files/,
    );
  });
});

describe('status', () => {
  const askServer = async (answer: RequestListener): Promise<Run> => {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      return await tabmesh('status', '--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.close();
    }
  };

  test('prints what the running server says of its health', async () => {
    const run = await askServer((request, response) => response.end(JSON.stringify({ ok: true, path: request.url })));
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(run.stdout)).toEqual({ ok: true, path: '/healthz' });
  });

  test('an unhealthy, foreign or absent server is one sentence', async () => {
    expectRefusal(await askServer((_, response) => response.writeHead(503).end('{}')), 1, /status 503/);
    expectRefusal(await askServer((_, response) => response.end('<html>')), 1, /not a Tabmesh server/);
    expectRefusal(await tabmesh('status', '--url', 'http://127.0.0.1:1'), 1, /could be reached/);
    expectRefusal(await tabmesh('status', '--url', 'nonsense'), 2, /not an http/);
  });
});
