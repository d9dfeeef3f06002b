import { beforeAll, describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-webcrypto';
import { shoutJob, shoutTypes } from '#tests/fakes/shout-job';
import { base64, utf8 } from '../../base/bytes';
import { encodeCanonical } from '../../base/canonical';
import { ok, unwrap } from '../../base/result';
import { renderAggregate } from './aggregate';
import { manifestHash, renderManifest } from './canonical-manifest';
import { appendOnce, EMPTY_CONTRIBUTION_LEDGER, parseContributionLedger } from './contribution-ledger';
import { dispatchBatch } from './dispatch';
import { flowPaths, runFlow, type Flow, type FlowPlan } from './flow';
import { auditFlow, renderAudit } from './flow-audit';
import { hashesOf, parseHashes, renderHashes } from './flow-hashes';
import { flowSeed } from './flow-receipts';
import { inboxesOf } from './inboxes';
import { heartbeatMessage } from './job-messages';
import { parseManifest, readManifest } from './manifest';
import { renderMessages } from './message-log';
import { newNodeState, renderNodeState } from './node-state';
import { outputLogOf } from './output-log';
import { peersOf } from './peers';
import { processInbox } from './process-inbox';

const manifest = unwrap(
  readManifest({
    version: 1,
    nodes: ['a', { node_id: 'off', status: 'offline' }, 'C', 'idle'],
    jobs: [shoutJob('1', 'é'), shoutJob('2', 5), shoutJob('3', 'abc\ud800'), shoutJob('4', 'x'), shoutJob('5', 'yz')],
  }),
);
const deps = { jobTypes: shoutTypes, createSigner: createSeedSigner };
const auditDeps = { ...deps, verify: createVerify() };
const direct: FlowPlan = { transport: false, peers: null };
const peers = unwrap(
  peersOf([
    heartbeatMessage('h1', {
      node_id: 'z',
      status: 'available',
      capabilities: ['shout'],
      heartbeat_sequence: 1,
      heartbeat_count: 1,
    }),
    heartbeatMessage('h2', {
      node_id: 'k',
      status: 'available',
      capabilities: ['other'],
      heartbeat_sequence: 1,
      heartbeat_count: 1,
    }),
    heartbeatMessage('h3', {
      node_id: 'b',
      status: 'offline',
      capabilities: ['shout'],
      heartbeat_sequence: 2,
      heartbeat_count: 2,
    }),
  ]),
);
const plans: readonly (readonly [name: string, plan: FlowPlan])[] = [
  ['through the log', direct],
  ['with transport', { transport: true, peers: null }],
  ['with peers', { transport: false, peers }],
  ['with peers and transport', { transport: true, peers }],
];
const readerOf = (files: ReadonlyMap<string, string>) => async (path: string) => ok(files.get(path) ?? null);
const audit = (files: ReadonlyMap<string, string>) => auditFlow(readerOf(files), auditDeps);

let flow: Flow;
beforeAll(async () => {
  flow = unwrap(await runFlow(manifest, direct, deps));
});

describe.each(plans)('a flow %s', (_, plan) => {
  test('leaves exactly the files that follow from its dispatch, the same bytes each time, and is found clean', async () => {
    const run = unwrap(await runFlow(manifest, plan, deps));
    const again = unwrap(await runFlow(manifest, plan, deps));
    expect([...again.files]).toEqual([...run.files]);
    const dispatch = unwrap(dispatchBatch(run.manifest, shoutTypes));
    expect([...run.files.keys()]).toEqual(flowPaths(run.manifest, plan, dispatch));
    const audited = unwrap(await audit(run.files));
    expect(JSON.parse(renderAudit(audited))).toMatchObject({
      clean: true,
      transport: plan.transport,
      peer_derived: plan.peers !== null,
      checked: { files: run.files.size, results: 5, receipts: 5, signatures: 5, ledger_records: 5 },
      totals: { jobs: 5, valid_results: 4, invalid_results: 1 },
    });
    const withAggregate = new Map([...run.files, ['aggregate-result.json', renderAggregate(audited, shoutTypes)]]);
    expect((await audit(withAggregate)).ok).toBe(true);
  });
});

test('its merged log is the dispatch once, then what each node emitted in the order of the roster, however it went', async () => {
  const { messages } = unwrap(dispatchBatch(manifest, shoutTypes));
  expect(flow.messages.slice(0, messages.length)).toEqual(messages);
  const ids = flow.messages.slice(messages.length).map((message) => message.message_id);
  expect(ids.filter((id) => id.endsWith('.result'))).toEqual([
    'msg-0004.result',
    'msg-0007.result',
    'msg-0005.result',
    'msg-0008.result',
    'msg-0006.result',
  ]);
  const transported = unwrap(await runFlow(manifest, { transport: true, peers: null }, deps));
  for (const path of ['flow-message-log.json', 'ledger.json', 'receipts.json', 'dispatch-message-log.json']) {
    expect(transported.files.get(path)).toBe(flow.files.get(path));
  }
});

test('its parts are what the single steps leave', () => {
  const { messages } = unwrap(dispatchBatch(manifest, shoutTypes));
  let ledger = EMPTY_CONTRIBUTION_LEDGER;
  for (const [node, file] of [
    ['a', 'a'],
    ['C', '%43'],
    ['idle', 'idle'],
  ] as const) {
    const pass = unwrap(processInbox(messages, newNodeState(node), shoutTypes));
    expect(flow.files.get(`node-state/${file}.json`)).toBe(renderNodeState(pass.state));
    expect(flow.files.get(`worker-message-logs/${file}.json`)).toBe(
      renderMessages(unwrap(outputLogOf(messages, pass, []))),
    );
    ledger = unwrap(
      appendOnce(
        ledger,
        pass.processed.map((one) => one.record),
      ),
    ).ledger;
  }
  const written = unwrap(parseContributionLedger(flow.files.get('ledger.json')!));
  expect(written.records).toEqual(ledger.records);
  expect(written.otherFields).toEqual({ simulated: true });
  expect(unwrap(inboxesOf(messages)).map((inbox) => inbox.node_id)).toEqual(['a', 'C', 'idle']);
});

test('with peers the roster is theirs: jobs go to those who are there and offer them', async () => {
  const run = unwrap(await runFlow(manifest, { transport: true, peers }, deps));
  expect(run.manifest.nodes.map((node) => [node.node_id, node.status])).toEqual([
    ['b', 'offline'],
    ['k', 'available'],
    ['z', 'available'],
  ]);
  expect(run.processed.map((one) => one.settled.nodeId)).toEqual(['z', 'z', 'z', 'z', 'z']);
  expect([...run.files.keys()].filter((path) => path.startsWith('transport/'))).toEqual(['transport/inboxes/z.json']);
  expect(await runFlow(manifest, { transport: true, peers: [] }, deps)).toMatchObject({ error: { code: 'no_peers' } });
});

test('its manifest says what was given, and reads back to the same hash however it was written', () => {
  const written = flow.files.get('manifest.json')!;
  expect(manifestHash(unwrap(parseManifest(written)))).toBe(flow.manifestHash);
  const floats = unwrap(parseManifest(renderManifest(manifest).replace('"text": 5', '"text": 5.0')));
  expect(manifestHash(floats)).not.toBe(flow.manifestHash);
  const turned = unwrap(parseManifest(JSON.stringify({ ...(JSON.parse(written) as object), version: 1, more: 2 })));
  expect(manifestHash(turned)).toBe(flow.manifestHash);
});

test("every receipt is signed by its node's key, which follows from the manifest, and says in what is signed that it is simulated", async () => {
  for (const { body, signatures } of flow.receipts) {
    const signer = createSeedSigner(flowSeed(flow.manifestHash, body.node_id));
    expect(body).toMatchObject({ type: 'batch.receipt', v: 1, simulated: true, node_key: signer.nodeId });
    expect(signatures).toEqual([
      { key_id: signer.nodeId, signature: base64(await signer.sign(encodeCanonical(body))) },
    ]);
  }
  expect(new Set(flow.receipts.map((receipt) => receipt.body.node_key)).size).toBe(3);
  const other = unwrap(await runFlow({ ...manifest, jobs: manifest.jobs.slice(1) }, direct, deps));
  expect(other.receipts.map((receipt) => receipt.body.node_key)).not.toContain(flow.receipts[0]!.body.node_key);
});

test('the aggregate holds the credited results alone, each with its receipt, and not when the audit fails', async () => {
  const aggregate = JSON.parse(renderAggregate(unwrap(await audit(flow.files)), shoutTypes)) as {
    metadata: object;
    results: { job_id: string; output: unknown; receipt: { index: number } }[];
  };
  expect(aggregate.metadata).toMatchObject({ credited_results: 4, results_left_out: 1, contribution_units: 8 });
  expect(aggregate.results.map((result) => [result.job_id, result.receipt.index])).toEqual([
    ['1', 0],
    ['3', 2],
    ['4', 3],
    ['5', 4],
  ]);
  expect(renderAggregate(unwrap(await audit(flow.files)), shoutTypes)).toContain('"share": 1.0');
});

/** The files with one changed, and the list of hashes made to fit unless `leaveHashes`. */
function altered(
  path: string,
  change: (text: string) => string | null,
  leaveHashes = false,
): ReadonlyMap<string, string> {
  const files = new Map(flow.files);
  const text = change(files.get(path)!);
  if (text === null) files.delete(path);
  else files.set(path, text);
  if (leaveHashes || path === 'hashes.json') return files;
  const { files: _, ...head } = unwrap(parseHashes(files.get('hashes.json')!));
  const rest = new Map([...files].filter(([name]) => name !== 'hashes.json'));
  return files.set('hashes.json', renderHashes({ ...head, files: hashesOf(rest) }));
}
const replaced = (from: string | RegExp, to: string) => (text: string) => {
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`There is no ${String(from)} to replace.`);
  return changed;
};

test('a file that is missing, cut off, or changed by one character is found by its hash and named', async () => {
  for (const path of flow.files.keys()) {
    if (path === 'hashes.json') continue;
    expect(await audit(altered(path, () => null, true))).toMatchObject({
      error: { code: 'missing_file', message: `${path} is missing.` },
    });
    for (const change of [
      (text: string) => text.slice(0, -10),
      (text: string) => text.replace('"version"', '"Version"'),
    ]) {
      const found = await audit(altered(path, change, true));
      expect(found).toMatchObject({
        error: { code: 'inconsistent', message: `${path}: the file has another SHA-256 than hashes.json says.` },
      });
    }
  }
});

test.each<[path: string, change: (text: string) => string | null, sentence: string | RegExp]>([
  ['hashes.json', () => null, 'hashes.json is missing: this is no finished flow.'],
  ['hashes.json', replaced('"version": 1', '"version": 2'), /^hashes\.json: .*version must be 1/],
  ['hashes.json', replaced('"kind": "flow"', '"kind": "folder"'), /^hashes\.json: .*kind must be "flow"/],
  ['hashes.json', replaced('"simulated": true', '"simulated": false'), /^hashes\.json: .*simulated must be true/],
  [
    'hashes.json',
    replaced('"transport": false', '"transport": true'),
    /^hashes\.json: the files are not exactly those/,
  ],
  [
    'hashes.json',
    replaced('"peer_derived": false', '"peer_derived": true'),
    /^hashes\.json: peer-summary\.json is not listed/,
  ],
  [
    'hashes.json',
    replaced('"path": "ledger.json"', '"path": "../../ledger.json"'),
    /^hashes\.json: the files are not exactly those/,
  ],
  ['hashes.json', replaced(/"manifest_hash": "./, '"manifest_hash": "0'), /^hashes\.json: manifest_hash is not that/],
  ['hashes.json', (text) => `${text}\n`, /^hashes\.json: it says what it must, but is not written/],
  ['hashes.json', replaced('"bytes": 1', '"bytes": 9'), /has another SHA-256/],
  ['hashes.json', replaced(/"bytes": \d+/, '"bytes": 1.5'), /^hashes\.json: .*must be an integer/],
  ['manifest.json', replaced('"job_id": "3"', '"job_id": "1"'), /^manifest\.json: .*the job "1" twice/],
  ['manifest.json', replaced('"é"', '"è"'), /^hashes\.json: manifest_hash is not that of the manifest/],
  [
    'dispatch-message-log.json',
    replaced('"é"', '"è"'),
    /^dispatch-message-log\.json: messages\[3\]\.payload\.payload\.text is "è", but must be "é"/,
  ],
  [
    'worker-message-logs/%43.json',
    replaced('"valid": true', '"valid": false'),
    /^worker-message-logs\/%43\.json: messages\[\d+\]\.payload\.valid is false/,
  ],
  [
    'node-state/a.json',
    replaced('"msg-0007"', '"msg-0008"'),
    /^node-state\/a\.json: processed\[1\]\.message_id is "msg-0008"/,
  ],
  ['node-state/a.json', () => '{', /^node-state\/a\.json: The file is not valid JSON/],
  [
    'flow-message-log.json',
    replaced('"shouted": "É"', '"shouted": "È"'),
    /^flow-message-log\.json: messages\[\d+\]\.payload\.|^worker-message-logs/,
  ],
  [
    'flow-message-log.json',
    replaced(/"message_id": "msg-0005\.result"/, '"message_id": "msg-0004.result"'),
    /^flow-message-log\.json: .*stands there already/,
  ],
  [
    'ledger.json',
    replaced('"contribution_units": 1', '"contribution_units": 5'),
    /^ledger\.json: records\[0\]\.contribution_units is 5, but must be 1/,
  ],
  [
    'ledger.json',
    replaced('"validation_valid": false', '"validation_valid": true'),
    /^ledger\.json: records\[\d\]\.validation_valid is true/,
  ],
  ['ledger.json', replaced('"simulated": true,', ''), /^ledger\.json: simulated is missing/],
  [
    'receipts.json',
    replaced('"contribution_units": 1', '"contribution_units": 2'),
    /^receipts\.json: receipts\[0\]\.body\.contribution_units is 2/,
  ],
  [
    'receipts.json',
    replaced('"simulated": true,\n        "manifest', '"simulated": false,\n        "manifest'),
    /^receipts\.json: receipts\[0\]\.body\.simulated is false/,
  ],
  [
    'receipts.json',
    replaced(/"result_message_id": "msg-0004/, '"result_message_id": "msg-0005'),
    /^receipts\.json: receipts\[0\]\.body\.result_message_id/,
  ],
  [
    'receipts.json',
    replaced(/"signature": "..../, '"signature": "AAAA'),
    /^receipts\.json: the signature of receipts\[0\] does not match/,
  ],
  [
    'receipts.json',
    replaced(/"key_id": "./, '"key_id": "0'),
    /^receipts\.json: receipts\[0\]\.signatures\[0\]\.key_id/,
  ],
  ['receipts.json', replaced(/"signature": "[^"]+"/, '"signature": 5'), /^receipts\.json: .*must be text/],
])('%s altered along with its hash is found and named (%#)', async (path, change, sentence) => {
  const found = await audit(altered(path, change));
  const message = found.ok ? 'clean' : found.error.message;
  if (typeof sentence === 'string') expect(message).toBe(sentence);
  else expect(message).toMatch(sentence);
  expect(message).toMatch(/^[^\n]+\.$/);
});

test('a whole forgery, with every file made to fit a lie, is found: the job is done again', async () => {
  const lie = (text: string) => text.replaceAll('"shouted": "YZ"', '"shouted": "ZY"');
  let files: ReadonlyMap<string, string> = new Map([...flow.files].map(([path, text]) => [path, lie(text)]));
  const { files: _, ...head } = unwrap(parseHashes(files.get('hashes.json')!));
  files = new Map([
    ...files,
    ['hashes.json', renderHashes({ ...head, files: hashesOf(new Map([...files].slice(0, -1))) })],
  ]);
  const found = await audit(files);
  expect(found).toMatchObject({
    error: { message: 'worker-message-logs/%43.json: metadata.totals.valid_results is 1, but must be 0.' },
  });
});

test('a receipt too few, a job without a result and an aggregate that says more are found', async () => {
  const receipts = JSON.parse(flow.files.get('receipts.json')!) as { receipts: unknown[] };
  receipts.receipts.pop();
  expect(await audit(altered('receipts.json', () => JSON.stringify(receipts)))).toMatchObject({
    error: { message: 'receipts.json: there are 4 receipts for 5 jobs.' },
  });
  const log = JSON.parse(flow.files.get('flow-message-log.json')!) as {
    metadata: unknown;
    messages: { correlation_id: string }[];
  };
  const some = { version: 1, messages: log.messages.filter((message) => message.correlation_id !== '5') };
  expect(await audit(altered('flow-message-log.json', () => JSON.stringify(some)))).toMatchObject({
    error: { message: 'flow-message-log.json: No result of the job "5" is reported.' },
  });
  const aggregate = renderAggregate(unwrap(await audit(flow.files)), shoutTypes);
  const more = new Map([
    ...flow.files,
    ['aggregate-result.json', aggregate.replace('"results_left_out": 1', '"results_left_out": 0')],
  ]);
  expect(await audit(more)).toMatchObject({
    error: { message: 'aggregate-result.json: metadata.results_left_out is 0, but must be 1.' },
  });
});

test('a flow and an audit tell how far they are after each node and each receipt, and can be stopped there', async () => {
  const seen: string[] = [];
  const until = (last: number) => async (done: number, total: number) => seen.push(`${done}/${total}`) < last;
  const steps = ['1/8', '2/8', '3/8', '4/8', '5/8', '6/8', '7/8', '8/8'];
  for (const last of [2, 5]) {
    for (const work of [
      () => runFlow(manifest, direct, { ...deps, onStep: until(last) }),
      () => auditFlow(readerOf(flow.files), { ...auditDeps, onStep: until(last) }),
    ]) {
      seen.length = 0;
      expect(await work()).toMatchObject({ error: { code: 'cancelled', message: 'The flow was stopped.' } });
      expect(seen).toEqual(steps.slice(0, last));
    }
  }
  seen.length = 0;
  expect((await auditFlow(readerOf(flow.files), { ...auditDeps, onStep: until(9) })).ok).toBe(true);
  expect(seen).toEqual(steps);
});

test('a flow that would be larger than any is refused before it is signed', async () => {
  const text = 'x'.repeat(1_000_000);
  const nodes = Array.from({ length: 40 }, (_, index) => `n${index}`);
  const large = unwrap(
    readManifest({ nodes, jobs: Array.from({ length: 7 }, (_, index) => shoutJob(`${index}`, text)) }),
  );
  expect(utf8(renderManifest(large)).length).toBeGreaterThan(7_000_000);
  expect(await runFlow(large, direct, deps)).toMatchObject({ error: { code: 'too_large' } });
});
