import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commands } from './commands';
import { runCommandLine, type CommandLineOutcome } from './run-command-line';

let folder: string;
const at = (name: string): string => join(folder, name);
const read = (name: string): Promise<string> => readFile(at(name), 'utf8');
const readJson = async (name: string) => JSON.parse(await read(name)) as Record<string, unknown>;
const tabmesh = (line: string): Promise<CommandLineOutcome> =>
  runCommandLine(line.split(' '), { commands, version: '0', folder });

const manifest = {
  version: 1,
  nodes: ['a', { node_id: 'off', status: 'offline' }, { node_id: 'Node/2', capabilities: ['echo', 'text_retrieve'] }],
  jobs: [
    { job_id: 'hello', job_type: 'echo', payload: { message: 'hello mesh' } },
    { job_id: 'nothing', job_type: 'echo', payload: {} },
    { job_id: 'broken', job_type: 'text_stats', payload: { text: 5 } },
    { job_id: 'find', job_type: 'text_retrieve', payload: { query: 'mesh', documents: [{ id: 'd', text: 'a mesh' }] } },
  ],
};
const NODE_2 = '%4Eode%2F2.json';

/** Exit code 0, nothing on standard error, and JSON on standard output. */
async function done(line: string): Promise<Record<string, unknown>> {
  const outcome = await tabmesh(line);
  expect(outcome, line).toMatchObject({ exitCode: 0, stderr: '' });
  return JSON.parse(outcome.stdout) as Record<string, unknown>;
}

/** Everything below the folder: which file it is, and when it was written. */
async function everything(): Promise<Record<string, string>> {
  const names = await readdir(folder, { recursive: true });
  const facts = await Promise.all(
    names.map(async (name) => {
      const found = await stat(at(name));
      return [name, found.isDirectory() ? 'folder' : `${found.ino} ${found.size} ${found.mtimeMs}`] as const;
    }),
  );
  return Object.fromEntries(facts);
}

/** One line on standard error, another exit code than 0, and nothing changed on the disk. */
async function refused(line: string, sentence: RegExp, exitCode = 1): Promise<void> {
  const before = await everything();
  const outcome = await tabmesh(line);
  expect(outcome, line).toMatchObject({ exitCode, stdout: '' });
  expect(outcome.stderr).toMatch(sentence);
  expect(outcome.stderr).toMatch(/^[^\n]+\n$/);
  expect(await everything()).toEqual(before);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-flows-'));
  await writeFile(at('batch.json'), JSON.stringify(manifest));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('from dispatch over inboxes and outboxes to one log, a ledger, states and independent verdicts', async () => {
  const dispatched = await done('batch dispatch batch.json --message-log dispatch.json');
  expect(dispatched).toMatchObject({
    assignments: [
      { job_id: 'hello', node_id: 'a' },
      { job_id: 'nothing', node_id: 'Node/2' },
      { job_id: 'broken', node_id: 'a' },
      { job_id: 'find', node_id: 'Node/2' },
    ],
    metadata: { message_count: 6, node_count: 3, total_contribution_units: 0 },
  });
  expect(await done('peers summary --message-log dispatch.json')).toMatchObject({
    peers: [
      { node_id: 'Node/2', capabilities: ['echo', 'text_retrieve'], heartbeat_sequence: 2 },
      { node_id: 'a', heartbeat_count: 1 },
    ],
    totals: { peers: 2, available: 2 },
  });
  expect(await done('inbox materialise --message-log dispatch.json --dir way')).toEqual({
    inbox_count: 2,
    inboxes: [
      { node_id: 'a', file: 'inboxes/a.json', message_count: 2 },
      { node_id: 'Node/2', file: `inboxes/${NODE_2}`, message_count: 2 },
    ],
  });
  const source = await read('dispatch.json');
  for (const node of ['a', 'Node/2']) {
    const files = '--ledger ledger.json --state state-NODE.json --output-log log-NODE.json';
    const line = `inbox process --node ${node} --dir way ${files.replaceAll('NODE', node.replace('/', '-'))} --outbox`;
    expect(await done(line)).toMatchObject({ node_id: node, processed_count: 2, ledger: { records_added: 2 } });
    const texts = async () => Promise.all([...line.matchAll(/\S+\.json/g)].map(([name]) => read(name)));
    const before = await texts();
    expect(await done(line)).toMatchObject({ processed_count: 0, skipped_count: 2, ledger: { records_added: 0 } });
    expect(await texts()).toEqual(before);
  }
  expect(await read('dispatch.json')).toBe(source);
  const outboxes = await Promise.all([read('way/outboxes/a.json'), read(`way/outboxes/${NODE_2}`)]);
  expect(await done('outbox collect --dir way --message-log collected.json')).toMatchObject({
    outbox_count: 2,
    outboxes: [
      { node_id: 'Node/2', message_count: 4 },
      { node_id: 'a', message_count: 4 },
    ],
  });
  expect(await Promise.all([read('way/outboxes/a.json'), read(`way/outboxes/${NODE_2}`)])).toEqual(outboxes);
  expect(await done('ledger summary --ledger ledger.json')).toMatchObject({
    nodes: [
      { node_id: 'Node/2', results: 2, contribution_units: 1 },
      { node_id: 'a', results: 2, failed_jobs: 1, contribution_units: 1 },
    ],
    totals: { records: 4, valid_results: 2, invalid_results: 2, contribution_units: 2 },
  });
  const verdicts = await done(
    'results validate --assignments dispatch.json --results collected.json --output verdicts.json',
  );
  expect(verdicts).toMatchObject({ metadata: { validation_summary: { valid: 2, invalid: 2, unsupported: 0 } } });
  expect(await readJson('verdicts.json')).toEqual(verdicts);
});

test('a whole log gives a node the same ledger, state and receipts as its inbox', async () => {
  await done('batch dispatch batch.json --message-log dispatch.json');
  await done('inbox materialise --message-log dispatch.json --dir way');
  const one = await done('inbox process --node a --dir way --ledger l1.json --state s1.json');
  const other = await done(
    'inbox process --node a --message-log dispatch.json --ledger l2.json --state s2.json --output-log o2.json',
  );
  expect(other['receipts']).toEqual(one['receipts']);
  expect(other['ignored_message_ids']).toEqual(['msg-0001', 'msg-0002', 'msg-0004', 'msg-0006']);
  expect(await read('l2.json')).toBe(await read('l1.json'));
  expect(await read('s2.json')).toBe(await read('s1.json'));
  const { messages } = (await readJson('o2.json')) as unknown as { messages: { message_id: string }[] };
  expect(messages.map((message) => message.message_id).slice(5, 8)).toEqual([
    'msg-0006',
    'msg-0003.result',
    'msg-0003.validation',
  ]);
});

test('work that grows is done in portions, and the files are those of one pass', async () => {
  const grown = { ...manifest, nodes: ['a'] };
  await writeFile(at('all.json'), JSON.stringify(grown));
  await writeFile(at('some.json'), JSON.stringify({ ...grown, jobs: grown.jobs.slice(0, 2) }));
  const files = (name: string) => `--ledger ${name}-l.json --state ${name}-s.json --output-log ${name}-o.json --outbox`;
  for (const [batch, way] of [
    ['some', 'parts'],
    ['all', 'parts'],
    ['all', 'once'],
  ] as const) {
    await done(`batch dispatch ${batch}.json --message-log ${batch}-log.json`);
    await done(`inbox materialise --message-log ${batch}-log.json --dir ${way}`);
    await done(`inbox process --node a --dir ${way} ${files(way)}`);
  }
  for (const name of ['-l.json', '-s.json', '-o.json', '/outboxes/a.json']) {
    expect(await read(`parts${name}`)).toBe(await read(`once${name}`));
  }
});

test('nothing to do is no failure: a node without an inbox, a folder without outboxes, a ledger that is not there', async () => {
  expect(await done('inbox process --node nobody --dir nowhere --outbox --state state.json')).toMatchObject({
    processed_count: 0,
  });
  expect(await readdir(folder)).toEqual(['batch.json', 'state.json']);
  expect(await done('outbox collect --dir nowhere --message-log none.json')).toMatchObject({ outbox_count: 0 });
  expect(await readJson('none.json')).toMatchObject({ version: 1, metadata: { message_count: 0 }, messages: [] });
  await mkdir(at('way/outboxes'), { recursive: true });
  await writeFile(at('way/outboxes/.a.json.x.tmp'), 'half');
  await writeFile(at('way/outboxes/note.txt'), 'a note');
  await done('outbox collect --dir way --message-log empty.json');
  expect(await read('empty.json')).toBe(await read('none.json'));
  expect(await done('ledger summary --ledger nowhere.json')).toMatchObject({ nodes: [], totals: { records: 0 } });
});

describe('flows', () => {
  test.each(['', ' --transport', ' --peers dispatch.json', ' --peers dispatch.json --transport'])(
    'a flow%s is written, audited and aggregated, with the same bytes each time',
    async (options) => {
      await done('batch dispatch batch.json --message-log dispatch.json');
      const first = await tabmesh(`flow run --manifest batch.json --output-dir one${options}`);
      const second = await tabmesh(`flow run --manifest batch.json --output-dir two${options}`);
      expect(first).toMatchObject({ exitCode: 0, stderr: '' });
      expect(second).toEqual(first);
      const files = (JSON.parse(first.stdout) as { files: { path: string }[] }).files.map((file) => file.path);
      for (const path of files) expect(await read(`two/${path}`), path).toBe(await read(`one/${path}`));
      expect((await readdir(at('one'))).includes('transport')).toBe(options.includes('transport'));
      expect((await readdir(at('one'))).includes('peer-summary.json')).toBe(options.includes('peers'));

      const before = await everything();
      expect(await done('flow audit --output-dir one')).toMatchObject({
        clean: true,
        checked: { files: files.length },
      });
      expect(await everything()).toEqual(before);
      const aggregate = await done('flow aggregate --output-dir one');
      expect(aggregate).toMatchObject({
        metadata: { credited_results: 2, results_left_out: 2, contribution_units: 2 },
      });
      expect(await readJson('one/aggregate-result.json')).toEqual(aggregate);
      await done('flow aggregate --output-dir one');
      await done('flow audit --output-dir one');
    },
  );

  test('offline nodes stand in what is printed and do nothing', async () => {
    const { node_roster } = await done('flow run --manifest batch.json --output-dir out');
    expect(node_roster).toContainEqual({ node_id: 'off', status: 'offline', assigned_jobs: 0, contribution_units: 0 });
    expect(await readdir(at('out/node-state'))).toEqual([NODE_2, 'a.json']);
  });

  test('a folder that holds anything is not written to; an empty one is', async () => {
    await mkdir(at('empty'));
    await done('flow run --manifest batch.json --output-dir empty');
    await refused('flow run --manifest batch.json --output-dir empty', /empty is not empty/);
    await refused('flow run --manifest batch.json --output-dir batch.json', /different files/, 2);
    await writeFile(at('file'), '');
    await refused('flow run --manifest batch.json --output-dir file', /file could not be written/);
  });

  test('what does not hold in a finished flow is named by its file, and nothing is aggregated from it', async () => {
    await refused('flow audit --output-dir nowhere', /^hashes\.json is missing: this is no finished flow\.$/m);
    await done('flow run --manifest batch.json --output-dir out');
    const ledger = await read('out/ledger.json');
    for (const [text, sentence] of [
      [ledger.replace('"contribution_units": 1', '"contribution_units": 3'), /^ledger\.json: .*SHA-256/],
      [ledger.slice(0, 100), /^ledger\.json: .*SHA-256/],
    ] as const) {
      await writeFile(at('out/ledger.json'), text);
      await refused('flow audit --output-dir out', sentence);
      await refused('flow aggregate --output-dir out', sentence);
    }
    await rm(at('out/ledger.json'));
    await refused('flow aggregate --output-dir out', /^ledger\.json is missing\.$/m);
    await writeFile(at('out/ledger.json'), new Uint8Array([0xff]));
    await refused('flow audit --output-dir out', /ledger\.json is not UTF-8/);
  });
});

describe('bad input is one sentence, and nothing is changed', () => {
  const OTHER = JSON.stringify({
    ...manifest,
    jobs: [{ job_id: 'other', job_type: 'echo', payload: { message: 'x' } }],
  });

  beforeEach(async () => {
    await done('batch dispatch batch.json --message-log log.json');
    await done('inbox materialise --message-log log.json --dir way');
    await writeFile(at('cut.json'), (await read('log.json')).slice(0, 300));
  });

  const writeHostile = async (): Promise<void> => {
    await writeFile(at('deep.json'), `{"version":1,"messages":${'['.repeat(10_000)}${']'.repeat(10_000)}}`);
    const fields = Array.from({ length: 50_000 }, (_, index) => `"f${index}":0`).join(',');
    await writeFile(at('wide.json'), `{"version":1,${fields}}`);
  };

  test('logs', async () => {
    await writeHostile();
    await writeFile(at('empty.json'), '{"version":1}');
    const to = '--ledger l.json --state s.json --output-log o.json';
    for (const [file, sentence] of [
      ['none', /There is no message log at .*none\.json/],
      ['cut', /cut\.json: The file is not valid JSON/],
      ['deep', /deep\.json: .*nesting deeper than 64/],
      ['wide', /wide\.json: .*more than 10000 fields/],
      ['empty', /empty\.json: The message log's messages must be a list/],
    ] as const) {
      await refused(`inbox process --node a --message-log ${file}.json ${to}`, sentence);
      await refused(`inbox materialise --message-log ${file}.json --dir new`, sentence);
      await refused(`peers summary --message-log ${file}.json`, sentence);
      await refused(`flow run --manifest batch.json --output-dir new --peers ${file}.json`, sentence);
    }
    await refused(`inbox process --node nobody --message-log log.json ${to}`, /does not name the node "nobody"/);
    await refused('results validate --assignments cut.json --results log.json --output v.json', /cut\.json/);
    await refused(
      'results validate --assignments log.json --results none.json --output v.json',
      /no result log at .*none\.json/,
    );
    await refused('results validate --assignments log.json --results log.json --output v.json', /reports no result/);
    await refused(
      'results validate --assignments log.json --results log.json --output batch.json',
      /reports no result/,
    );
  });

  test('manifests', async () => {
    await writeHostile();
    for (const file of ['none', 'cut', 'deep', 'wide', 'log']) {
      await refused(`batch dispatch ${file}.json --message-log new.json`, new RegExp(`${file}\\.json`));
      await refused(`batch run ${file}.json --message-log new.json`, new RegExp(`${file}\\.json`));
      await refused(`flow run --manifest ${file}.json --output-dir new`, new RegExp(`${file}\\.json`));
    }
    await writeFile(at('paint.json'), OTHER.replace('"job_type":"echo"', '"job_type":"paint"'));
    await refused('batch dispatch paint.json --message-log new.json', /"other" of type "paint"/);
    await refused('flow run --manifest paint.json --output-dir new', /"other" of type "paint"/);
  });

  test('states, before anything is written', async () => {
    await done('inbox process --node a --dir way --state good.json');
    const good = await read('good.json');
    const twice = good.replace('"msg-0005"', '"msg-0003"');
    for (const [text, sentence] of [
      [good.slice(0, 40), /not valid JSON/],
      [good.replace('"version": 1', '"version": 2'), /version must be 1/],
      [good.replace('"node_id": "a"', '"node_id": "b"'), /that of the node "b"/],
      [twice, /"msg-0003" a second time/],
      [good.replace(/"assignment_hash": "../, '"assignment_hash": "00'), /belongs to another log/],
      ['{"version":1,"node_id":"a","processed":{}}', /must be a list/],
    ] as const) {
      await writeFile(at('state.json'), text);
      const line = 'inbox process --node a --dir way --ledger l.json --output-log o.json --outbox --state state.json';
      await refused(line, sentence);
    }
  });

  test('inboxes, ledgers, output logs and outboxes', async () => {
    await rm(at('way/inboxes/a.json'));
    await writeFile(at('way/inboxes/a.json'), await read(`way/inboxes/${NODE_2}`));
    await refused('inbox process --node a --dir way --ledger l.json', /inbox is that of the node "Node\/2"/);
    await writeFile(at('bad-ledger.json'), '{"version":1,"records":[{}]}');
    await refused(
      'inbox process --node a --message-log log.json --ledger bad-ledger.json --output-log o.json',
      /records\[0\]/,
    );
    await refused('ledger summary --ledger bad-ledger.json', /bad-ledger\.json: .*records\[0\]/);
    await writeFile(at('other.json'), OTHER);
    await done('batch dispatch other.json --message-log other-log.json');
    await refused(
      'inbox process --node a --message-log log.json --state s.json --output-log other-log.json',
      /neither was given nor emits/,
    );
    await done('inbox process --node a --message-log log.json --output-log said.json');
    await refused('inbox process --node a --message-log said.json --ledger l.json', /hold already what the node said/);
    await mkdir(at('way/outboxes'));
    await writeFile(at('way/outboxes/a.json'), await read(`way/inboxes/${NODE_2}`));
    await refused(
      'inbox process --node Node/2 --dir way --ledger l.json --outbox --state way/outboxes/a.json',
      /a\.json/,
    );
    await refused('outbox collect --dir way --message-log c.json', /outboxes\/a\.json: .*file has another name/);
  });

  test('results that are too many, or without their assignment, and a report that is there already', async () => {
    await done('inbox process --node a --dir way --outbox');
    await done('outbox collect --dir way --message-log results.json');
    await writeFile(at('other.json'), OTHER);
    await done('batch dispatch other.json --message-log other-log.json');
    await refused(
      'results validate --assignments other-log.json --results results.json --output v.json',
      /"hello", which was not assigned/,
    );
    const { messages } = (await readJson('results.json')) as unknown as { messages: { message_id: string }[] };
    const again = messages.map((message) => ({ ...message, message_id: `${message.message_id}.again` }));
    const double = { version: 1, messages: [...messages, ...again] };
    await writeFile(at('double.json'), JSON.stringify(double));
    await refused('results validate --assignments log.json --results double.json --output v.json', /"hello" twice/);
    await done('results validate --assignments log.json --results results.json --output v.json');
    await refused('results validate --assignments log.json --results results.json --output v.json', /v\.json exists/);
    await refused('results validate --assignments log.json --results results.json --output way', /way exists/);
  });

  test('command lines that name one file twice, by a link too, or lack something', async () => {
    await symlink(at('log.json'), at('link.json'));
    for (const line of [
      'inbox process --node a --message-log log.json --output-log link.json',
      'inbox process --node a --message-log log.json --ledger x --state ./x',
      'inbox process --node a --dir way --state way/inboxes/a.json',
      'inbox process --node a --dir way --message-log log.json',
      'inbox process --node a',
      'inbox process --dir way',
      'inbox process --node a --message-log log.json --outbox',
      'batch dispatch batch.json',
      'batch dispatch batch.json --message-log batch.json',
      'results validate --assignments log.json --results link.json --output link.json',
      'results validate --assignments log.json --results log.json',
      'outbox collect --dir way',
      'flow run --manifest batch.json',
      'flow audit',
      'flow aggregate --output-dir',
      'peers summary',
      'ledger summary',
      'inbox materialise --message-log way/inboxes/a.json --dir way',
    ]) {
      await refused(line, /./, 2);
    }
  });
});

test('every command says with --help how it is used', async () => {
  for (const command of commands) {
    const { exitCode, stdout } = await tabmesh(`${command.name} --help`);
    expect([exitCode, stdout.startsWith(`tabmesh ${command.name} ${command.usage}`)]).toEqual([0, true]);
  }
});
