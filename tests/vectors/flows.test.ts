import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-webcrypto';
import { commands } from '#cli/commands';
import { runCommandLine } from '#cli/run-command-line';
import { jsonText } from '#core/base/json-text';
import { unwrap } from '#core/base/result';
import { runFlow } from '#core/jobs/batch/flow';
import { hashesOf } from '#core/jobs/batch/flow-hashes';
import { readManifest } from '#core/jobs/batch/manifest';
import { parseMessageLog } from '#core/jobs/batch/message-log';
import { peersOf } from '#core/jobs/batch/peers';
import { createBatchLab } from '#node/tab/batch-lab';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import { readVectors } from './read-vectors';

interface Vector {
  readonly name: string;
  readonly manifest: unknown;
  readonly transport: boolean;
  /** The message log whose heartbeats are the roster, or null. */
  readonly peer_log: unknown;
  readonly manifest_hash: string;
  readonly node_keys: Readonly<Record<string, string>>;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
}

const vectors = readVectors<readonly Vector[]>('flows.json');
const plain = (value: unknown): unknown => JSON.parse(jsonText(value));

test.each(vectors)('$name: the flow has these bytes', async ({ manifest, transport, peer_log, ...expected }) => {
  const log = peer_log === null ? null : unwrap(parseMessageLog(jsonText(peer_log)));
  const plan = { transport, peers: log === null ? null : unwrap(peersOf(log)) };
  const deps = { jobTypes: deterministicJobTypes, createSigner: createSeedSigner };
  const flow = unwrap(await runFlow(unwrap(readManifest(manifest)), plan, deps));
  expect(flow.manifestHash).toBe(expected.manifest_hash);
  expect(Object.fromEntries(flow.receipts.map(({ body }) => [body.node_id, body.node_key]))).toEqual(
    expected.node_keys,
  );
  expect(hashesOf(flow.files)).toEqual(plain(expected.files));
});

test.each(vectors)(
  '$name: on the command line and in the Lab too',
  async ({ manifest, transport, peer_log, files }) => {
    const folder = await mkdtemp(join(tmpdir(), 'tabmesh-vectors-'));
    try {
      await writeFile(join(folder, 'batch.json'), jsonText(manifest));
      await writeFile(join(folder, 'peers.json'), jsonText(peer_log));
      const options = [...(transport ? ['--transport'] : []), ...(peer_log === null ? [] : ['--peers', 'peers.json'])];
      const args = ['flow', 'run', '--manifest', 'batch.json', '--output-dir', 'out', ...options];
      const run = await runCommandLine(args, { commands, version: '0', folder });
      expect(run.stderr).toBe('');
      expect((JSON.parse(run.stdout) as { files: unknown }).files).toEqual(plain(files));

      const lab = createBatchLab({
        clock: createSystemClock(),
        verify: createVerify(),
        loadSeedSigner: async () => createSeedSigner,
      });
      const peerLog = peer_log === null ? null : jsonText(peer_log);
      const inLab = unwrap(await lab.runFlow(jsonText(manifest), { transport, peerLog }).outcome);
      expect([...inLab.keys()].sort()).toEqual(files.map((file) => file.path));
      for (const [path, text] of inLab) expect(await readFile(join(folder, 'out', path), 'utf8')).toBe(text);
      const audited = await runCommandLine(['flow', 'audit', '--output-dir', 'out'], {
        commands,
        version: '0',
        folder,
      });
      const view = unwrap(await lab.auditFlow(inLab).outcome);
      expect(view.auditText).toBe(audited.stdout);
      const aggregated = await runCommandLine(['flow', 'aggregate', '--output-dir', 'out'], {
        commands,
        version: '0',
        folder,
      });
      expect(view.aggregateText).toBe(aggregated.stdout);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
