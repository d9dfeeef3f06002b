import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { evidenceSources } from '#core/evidence/evidence-sources';
import type { EvidenceReport } from '#core/evidence/verify-evidence';
import { keepTraces, type KeptRun } from '#tests/fakes/kept-traces';
import { commands } from '../commands';
import { runCommandLine, type CommandLineOutcome } from '../run-command-line';

let run: KeptRun;
let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
const tabmesh = (...args: string[]): Promise<CommandLineOutcome> =>
  runCommandLine(args, { commands, version: '0', folder });
const printed = ({ stdout }: CommandLineOutcome): Record<string, unknown> =>
  JSON.parse(stdout) as Record<string, unknown>;

async function refuses(message: RegExp, ...args: string[]): Promise<void> {
  const outcome = await tabmesh(...args);
  expect(outcome).toMatchObject({ exitCode: 1, stdout: '' });
  expect(outcome.stderr).toMatch(message);
  expect(outcome.stderr).toMatch(/^[^\n]+\n$/);
}

async function everythingIn(path: string): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const name = join(entry.parentPath, entry.name);
    if (entry.isFile()) out[name] = (await readFile(name)).toString('base64');
  }
  return out;
}

async function writeSources(words = false): Promise<void> {
  await mkdir(at('run'), { recursive: true });
  for (const [path, bytes] of unwrap(evidenceSources(run, words))) await writeFile(at('run', path), bytes);
}

const flip = async (path: string): Promise<void> => {
  const bytes = await readFile(path);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  await writeFile(path, bytes);
};

beforeAll(async () => {
  run = await keepTraces();
});
beforeEach(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-evidence-'));
  await writeSources();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('evidence build', () => {
  test('makes every document, the bundle and a key of its own beside the folder, and both verify', async () => {
    const built = printed(await tabmesh('evidence', 'build', 'run'));
    expect(built).toMatchObject({
      bundle: at('run.evidence.car'),
      keyMade: at('run.key.json'),
      artefacts: 19,
      traces: 1,
      receipts: 1,
      withWords: false,
      reviewable: true,
    });
    expect((await stat(at('run.key.json'))).mode & 0o777).toBe(0o600);
    for (const path of ['run', 'run.evidence.car']) {
      const report = printed(await tabmesh('evidence', 'verify', path)) as unknown as EvidenceReport;
      expect(report.reviewable).toBe(true);
      expect(report.seals.map(({ signedBy }) => signedBy)).toEqual(Array(3).fill(built['sealedBy']));
    }
    // The next bundle is sealed with the same key, or with one that is named.
    const again = printed(await tabmesh('evidence', 'build', 'run'));
    expect(again).toMatchObject({ sealedBy: built['sealedBy'], keyMade: null });
    await rename(at('run.key.json'), at('my.key'));
    const named = printed(await tabmesh('evidence', 'build', 'run', '--key', 'my.key', '--output', 'out/b.car'));
    expect(named).toMatchObject({ sealedBy: built['sealedBy'], keyMade: null, bundle: at('out/b.car') });
    expect(await readdir(folder)).not.toContain('run.key.json');
  });

  test('with openings in the folder the words travel along', async () => {
    await writeSources(true);
    expect(printed(await tabmesh('evidence', 'build', 'run'))).toMatchObject({ withWords: true, artefacts: 20 });
  });

  test('a missing source, a bad row, a key that is none or a folder that is not there write nothing', async () => {
    const traces = await readFile(at('run/traces.jsonl'), 'utf8');
    const break_ = async (path: string, text: string | null): Promise<void> => {
      await writeSources();
      await (text === null ? rm(at('run', path)) : writeFile(at('run', path), text));
    };
    for (const [path, text, message] of [
      ['receipts.jsonl', null, /receipts\.jsonl missing/],
      ['statements.jsonl', null, /statements\.jsonl missing/],
      ['traces.jsonl', `${traces}{"type":"trace","v":1}\n`, /traces\.jsonl: Line 2/],
      ['traces.jsonl', traces.replace('"v":1', '"v":2'), /version/],
      ['traces.jsonl', traces.replace('"verdict":"accepted"', '"verdict":"rejected"'), /does not replay/],
      ['receipts.jsonl', 'no json\n', /receipts\.jsonl: Line 1/],
    ] as const) {
      await break_(path, text);
      const before = await everythingIn(folder);
      await refuses(message, 'evidence', 'build', 'run');
      expect(await everythingIn(folder)).toEqual(before);
    }
    await writeSources();
    await refuses(/no key at/, 'evidence', 'build', 'run', '--key', 'none.key');
    await writeFile(at('bad.key'), '{"format":"tabmesh-sealing-key","v":1,"nodeId":"a","seed":"b"}');
    await refuses(/not a sealing key/, 'evidence', 'build', 'run', '--key', 'bad.key');
    await refuses(/no folder/, 'evidence', 'build', 'none');
    expect(await readdir(folder)).toEqual(['bad.key', 'run']);
  });
});

describe('evidence verify', () => {
  beforeEach(async () => {
    expect((await tabmesh('evidence', 'build', 'run')).exitCode).toBe(0);
  });

  test('one changed byte in any file of the folder, or in the bundle, is exit code 1 with the name of the file', async () => {
    for (const [path, name] of [
      ['run/traces.jsonl', /traces\.jsonl/],
      ['run/evidence/summary.json', /summary\.json/],
      ['run/seal/terminal-receipt.json', /terminal-receipt\.json/],
      ['run.evidence.car', /was changed/],
    ] as const) {
      await flip(at(path));
      await refuses(name, 'evidence', 'verify', path.endsWith('.car') ? path : 'run');
      await flip(at(path));
    }
    expect((await tabmesh('evidence', 'verify', 'run')).exitCode).toBe(0);
  });

  test('a deleted file and a file too many are named, and the whole report goes to a file', async () => {
    await rm(at('run/evidence/first-seal.json'));
    await writeFile(at('run/seal/notes.txt'), 'x');
    await refuses(/first-seal\.json|notes\.txt/, 'evidence', 'verify', 'run', '--report', 'report.json');
    const report = JSON.parse(await readFile(at('report.json'), 'utf8')) as EvidenceReport;
    expect(report.failures.map(({ where }) => where)).toEqual(
      expect.arrayContaining(['evidence/first-seal.json', 'seal/notes.txt']),
    );
  });

  test('a folder whose files were put flat beside each other verifies, wherever it lies, without the originals', async () => {
    await mkdir(at('download'));
    for (const path of Object.keys(await everythingIn(at('run'))))
      await rename(path, at('download', path.split('/').at(-1)!));
    await rm(at('run'), { recursive: true });
    expect(printed(await tabmesh('evidence', 'verify', 'download'))).toMatchObject({ reviewable: true });
    await flip(at('download/receipts.jsonl'));
    await refuses(/receipts\.jsonl/, 'evidence', 'verify', 'download');
  });

  test('only what lies in the folder is looked at: the originals beside it, or behind a link, do not count', async () => {
    await mkdir(at('download'));
    await rename(at('run/evidence'), at('download/evidence'));
    await rename(at('run/seal'), at('download/seal'));
    for (const name of ['traces.jsonl', 'statements.jsonl', 'receipts.jsonl'])
      await symlink(at('run', name), at('download', name));
    await refuses(/is not|missing/, 'evidence', 'verify', 'download');
  });

  test('what is no bundle, too large or not there is one sentence', async () => {
    await writeFile(at('notes.txt'), 'no bundle');
    await refuses(/not an evidence bundle/, 'evidence', 'verify', 'notes.txt');
    await writeFile(at('large.car'), new Uint8Array(16 * 1024 * 1024 + 1));
    await refuses(/larger than/, 'evidence', 'verify', 'large.car');
    await refuses(/no bundle and no folder/, 'evidence', 'verify', 'nowhere');
    // The file that is named may be a link.
    await symlink(at('run.evidence.car'), at('link.car'));
    expect((await tabmesh('evidence', 'verify', 'link.car')).exitCode).toBe(0);
  });
});

describe('evidence seal', () => {
  test('seals what was built as it is, with another key, and refuses what was changed since', async () => {
    const built = printed(await tabmesh('evidence', 'build', 'run'));
    await rm(at('run.key.json'));
    const sealed = printed(await tabmesh('evidence', 'seal', 'run'));
    expect(sealed['sealedBy']).not.toBe(built['sealedBy']);
    expect(printed(await tabmesh('evidence', 'verify', 'run'))).toMatchObject({ reviewable: true });
    await flip(at('run/evidence/trace-report.json'));
    const before = await everythingIn(folder);
    await refuses(/trace-report\.json is not what was listed/, 'evidence', 'seal', 'run');
    expect(await everythingIn(folder)).toEqual(before);
  });

  test('there is nothing to seal before anything was built', async () => {
    await refuses(/missing/, 'evidence', 'seal', 'run');
    expect(await readdir(folder)).toEqual(['run']);
  });
});

describe('evidence index', () => {
  test('is written, checked against the table and against the folder, and refused when made by hand', async () => {
    await tabmesh('evidence', 'build', 'run');
    expect(printed(await tabmesh('evidence', 'index', 'run', '--check'))).toMatchObject({
      ok: true,
      artefactsThere: 19,
    });
    const index = await readFile(at('run/seal/index.json'), 'utf8');
    await writeFile(at('run/seal/index.json'), index.replace('what was done', 'what was not done'));
    await refuses(/index\.json is not the generated one/, 'evidence', 'index', 'run', '--check');
    expect(printed(await tabmesh('evidence', 'index', 'run'))).toMatchObject({ artefactCount: 19 });
    expect(await readFile(at('run/seal/index.json'), 'utf8')).toBe(index);
    await writeFile(at('run/seal/index.md'), '# by hand');
    await refuses(/index\.md is not the generated one/, 'evidence', 'index', 'run', '--check');
    await tabmesh('evidence', 'index', 'run');
    await rm(at('run/receipts.jsonl'));
    await writeFile(at('run/evidence/more.json'), '{}');
    await refuses(
      /receipts\.jsonl is indexed and not there; evidence\/more\.json is there/,
      'evidence',
      'index',
      'run',
      '--check',
    );
  });
});

describe('evidence traces rewrite', () => {
  test('writes canonical rows and a manifest with the paths as they were said', async () => {
    const outcome = await tabmesh('evidence', 'traces', 'rewrite', 'run/traces.jsonl', '--output', 'out/t.jsonl');
    const manifest = printed(outcome);
    expect(manifest).toMatchObject({ sourcePath: 'run/traces.jsonl', outputPath: 'out/t.jsonl', rowCount: 1 });
    expect(manifest['outputHash']).toBe(manifest['rowsHash']);
    expect(await readFile(at('out/t.jsonl.manifest.json'), 'utf8')).toBe(outcome.stdout);
  });

  test('a bad row leaves neither output nor manifest', async () => {
    await writeFile(
      at('bad.jsonl'),
      (await readFile(at('run/traces.jsonl'), 'utf8')).replace(/"candidates":\[[^\]]*\]/, '"candidates":"all"'),
    );
    const before = await everythingIn(folder);
    await refuses(/Line 1: .*candidates/, 'evidence', 'traces', 'rewrite', 'bad.jsonl', '--output', 'out.jsonl');
    await refuses(/no traces at/, 'evidence', 'traces', 'rewrite', 'none.jsonl', '--output', 'out.jsonl');
    expect(await everythingIn(folder)).toEqual(before);
    expect((await tabmesh('evidence', 'traces', 'rewrite', 'bad.jsonl')).exitCode).toBe(2);
    expect((await tabmesh('evidence', 'traces', 'rewrite', 'a', '--output', './a')).exitCode).toBe(2);
  });
});

describe('evidence unpack', () => {
  test('gives the folder back, file by file, and neither overwrites nor takes a damaged bundle', async () => {
    await tabmesh('evidence', 'build', 'run');
    expect((await tabmesh('evidence', 'unpack', 'run.evidence.car', 'again')).exitCode).toBe(0);
    const bare = (files: Record<string, string>, root: string) =>
      Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path.slice(at(root).length), bytes]));
    expect(bare(await everythingIn(at('again')), 'again')).toEqual(bare(await everythingIn(at('run')), 'run'));
    await refuses(/not empty/, 'evidence', 'unpack', 'run.evidence.car', 'again');
    await flip(at('run.evidence.car'));
    await refuses(/changed/, 'evidence', 'unpack', 'run.evidence.car', 'new');
    expect(await readdir(folder)).not.toContain('new');
  });
});

test('a simulation leaves its traces and receipts, and they build', async () => {
  const simulated = await tabmesh('simulate', '--nodes', '3', '--seed', '1', '--evidence', 'simulated', '--words');
  expect(simulated.exitCode).toBe(0);
  expect(printed(await tabmesh('evidence', 'build', 'simulated'))).toMatchObject({ reviewable: true, withWords: true });
  await refuses(/not empty/, 'simulate', '--nodes', '3', '--seed', '1', '--evidence', 'simulated');
});

test('the published schema of a trace is the one that traces are checked with', async () => {
  const page = await readFile(new URL('../../../docs/spec/trace.schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(page)).toEqual(printed(await tabmesh('evidence', 'schema')));
});

test('every command says what it takes', async () => {
  for (const { name, usage } of commands) {
    const help = await tabmesh(...name.split(' '), '--help');
    expect(help).toMatchObject({ exitCode: 0, stderr: '' });
    expect(help.stdout).toContain(`${name} ${usage}`.trim());
  }
});
