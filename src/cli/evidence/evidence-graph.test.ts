import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { encodeStatement, type GraphStatement } from '#core/evidence/graph/statement';
import { equivocationOf } from '#core/ledger/chain';
import { renderLedgerFile } from '#core/ledger/ledger-file';
import { createEconomyWorld, type Member } from '#tests/fakes/economy-world';
import { evidenceNamed } from '#tests/fakes/graph-logs';
import { commands } from '../commands';
import { runCommandLine } from '../run-command-line';

const bundle = evidenceNamed('bundle');
let folder: string;
let claim: string;
const tabmesh = (...args: string[]) => runCommandLine(args, { commands, version: '0', folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-graph-'));
  const world = await createEconomyWorld({ realSignatures: true });
  const say = async (by: Member, statement: GraphStatement) =>
    world.write(by, { kind: 'graph.stated', statement: unwrap(encodeStatement(statement)) });
  const [ada, bob, eve] = ['ada', 'bob', 'eve'].map(world.member) as [Member, Member, Member];
  const made = await say(ada, { type: 'graph-claim', v: 1, text: 'It holds.', about: [bundle] });
  claim = made.entry.id;
  await say(bob, { type: 'graph-dispute', v: 1, claim, reason: 'It does not.', evidence: [] });
  // Whoever signs two histories attests nothing from there on.
  const twin = world.twinOf(eve, 0);
  const [one, other] = [
    await say(eve, { type: 'graph-attestation', v: 1, claim, evidence: [] }),
    await say(twin, { type: 'graph-attestation', v: 1, claim, evidence: [bundle] }),
  ];
  const logs = [ada, bob, eve].map(({ nodeId, entries }) => ({
    author: nodeId,
    entries: entries.map(({ bytes }) => bytes),
  }));
  const proof = equivocationOf({ id: one.entry.id, bytes: one.bytes }, { id: other.entry.id, bytes: other.bytes });
  await writeFile(join(folder, 'ledger.json'), renderLedgerFile({ manifest: world.manifest, logs, proofs: [proof] }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('an exported ledger says what its members claim, attest and dispute; forgers say nothing', async () => {
  const told = await tabmesh('evidence', 'graph', '--ledger', 'ledger.json');
  expect(told).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(told.stdout)).toMatchObject({
    claims: [{ id: claim, text: 'It holds.', standing: { word: 'disputed', attestations: [], disputes: [{}] } }],
    counts: { claims: 1, attestations: 0, disputes: 1, refused: 0 },
  });
});

test('the provenance of one content id is told as far as it is asked for', async () => {
  const told = await tabmesh('evidence', 'graph', '--ledger', 'ledger.json', '--of', bundle, '--depth', '1');
  expect(told).toMatchObject({ exitCode: 0, stderr: '' });
  const { nodes, more } = JSON.parse(told.stdout) as { nodes: { level: number }[]; more: object };
  expect(nodes.map(({ level }) => level)).toEqual([-1, 0]);
  expect(more).toEqual({ restsOn: false, restingOn: true });
});

test.each([
  [['--ledger', 'ledger.json', '--of', evidenceNamed('nowhere')], 1, /Nothing in the graph has that id/],
  [['--ledger', 'ledger.json', '--of', bundle, '--depth', '99'], 1, /1 to 8 steps/],
  [['--ledger', 'none.json'], 1, /There is no ledger/],
  [[], 2, /--ledger/],
])('what cannot be told is one sentence: %s', async (args, exitCode, sentence) => {
  const told = await tabmesh('evidence', 'graph', ...args);
  expect(told).toMatchObject({ exitCode, stdout: '' });
  expect(told.stderr).toMatch(sentence);
});
