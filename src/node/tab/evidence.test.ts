import { beforeEach, expect, test } from 'vitest';
import { createMemoryMesh } from '#cli/memory-mesh';
import { utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import { verifyBundle } from '#core/evidence/verify-evidence';
import type { WorkKind } from '#core/experts/work-kind';
import type { NodeStorage } from '#core/storage/ports';
import { createSeedSigner } from '#adapters/signer-seed';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createVerify } from '#adapters/verify-noble';
import type { MeshNode } from '#node/create-node';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';
import { chatKind } from '#services/llm-chat/kind';
import { MAX_KEPT_BYTES, MAX_KEPT_TRACES, openEvidenceDesk, type OpenEvidenceDesk } from './evidence';

const QUESTION = 'What is Tabmesh';
const verify = createVerify();
const signer = createSeedSigner(sha256(utf8('memory-mesh/asker')));

let clock: VirtualClock;
let node: MeshNode;
let storage: NodeStorage;

beforeEach(async () => {
  clock = createVirtualClock();
  node = await (await createMemoryMesh(clock, createSeededChance(3))).createMember('asker');
  storage = await openMemoryStorage();
});

const openDesk = async (mesh: MeshNode | null = node): Promise<OpenEvidenceDesk> =>
  unwrap(await openEvidenceDesk({ storage, nodeKey: { signer } as never, mesh }, { clock, verify }));

/** Asks this node itself, and gives the ids of trace and receipt. */
async function ask(desk: OpenEvidenceDesk): Promise<{ traceId: string; receiptId: string }> {
  const work = desk.work(node, {
    kind: chatKind as unknown as WorkKind,
    input: { messages: [{ role: 'user', text: QUESTION }], maxTokens: 20 },
    provider: 'self',
    signal: new AbortController().signal,
  });
  return clock.runUntil(
    (async () => {
      for (;;) {
        const next = await work.next();
        if (next.done) return unwrap(next.value).answer;
      }
    })(),
  );
}

const keptKeys = async (): Promise<readonly string[]> => unwrap(await storage.records.keys('evidence/trace/'));
type Listed = readonly { traceId: string; sizeBytes: number }[];
async function fillIndex(entries: Listed): Promise<void> {
  const index = entries.map((one, at) => ({ ...one, receiptId: null, at }));
  await storage.records.set('evidence/kept', index);
}
async function fill(entries: Listed): Promise<void> {
  for (const { traceId } of entries) await storage.records.set(`evidence/trace/${traceId}`, new Uint8Array(1));
  await fillIndex(entries);
}

test('an answer is sealed right after it came, with its words or without, and after the page was opened anew', async () => {
  const first = await openDesk();
  const asked = await ask(first);
  expect(await first.keeps(asked.receiptId)).toBe(true);
  for (const words of [true, false]) {
    const sealed = unwrap(await first.seal(asked.receiptId, words));
    expect(sealed).toMatchObject({ withTrace: true, withWords: words });
    expect(sealed.fileName).toMatch(/^tabmesh-evidence-\d{4}-\d\d-\d\d-[a-z2-7]{8}\.car$/);
    const report = unwrap(await verifyBundle(sealed.bytes, verify));
    expect(report).toMatchObject({ reviewable: true, withWords: words, traces: [{ traceId: asked.traceId }] });
    expect(JSON.stringify(report).includes(QUESTION)).toBe(words);
  }
  const again = await openDesk();
  expect(await again.keeps(asked.receiptId)).toBe(true);
  expect(unwrap(await again.seal(asked.receiptId, false)).withTrace).toBe(true);
});

test('the route of an answer is read from its trace, by no receipt but its own, and not after it was forgotten', async () => {
  const desk = await openDesk();
  const asked = await ask(desk);
  const { route, packet } = unwrap(await desk.askedBy(asked.receiptId, null))!;
  expect(route!.map(({ type }) => type).filter((type) => type !== 'token')).toEqual([
    'admitted',
    'chosen',
    'started',
    'combined',
    'sealed',
    'recorded',
  ]);
  expect(unwrap(await desk.askedBy('bafyreiother', asked.traceId))).toBeNull();
  // Nobody else was asked, so nothing was signed for others to read.
  expect(unwrap(packet)).toBeNull();
  // Of several receipts of one answer the index names the first: the others are found by the trace.
  await fillIndex([{ traceId: asked.traceId, sizeBytes: 1 }]);
  const byTrace = await openDesk();
  expect(unwrap(await byTrace.askedBy(asked.receiptId, null))).toBeNull();
  expect(unwrap(await byTrace.askedBy(asked.receiptId, asked.traceId))!.route).toEqual(route);
  unwrap(await desk.forget([asked.traceId]));
  expect(unwrap(await desk.askedBy(asked.receiptId, asked.traceId))).toBeNull();
});

test('a receipt without a kept trace is sealed with what this node signed, and never with words', async () => {
  const desk = await openDesk();
  const { receiptId, traceId } = await ask(desk);
  await desk.forget([traceId]);
  expect(await keptKeys()).toEqual([]);
  const sealed = unwrap(await desk.seal(receiptId, false));
  expect(sealed.withTrace).toBe(false);
  const report = unwrap(await verifyBundle(sealed.bytes, verify));
  expect(report).toMatchObject({ reviewable: true, traces: [], receipts: [{ id: receiptId, statementsHere: 1 }] });
  expect(await desk.seal(receiptId, true)).toMatchObject({ error: { code: 'no_words' } });
  expect(await desk.seal('bafyreinone', false)).toMatchObject({ error: { code: 'unknown_receipt' } });
});

test('past the caps on count and bytes the oldest go', async () => {
  await fill(Array.from({ length: MAX_KEPT_TRACES }, (_, index) => ({ traceId: `trace-${index}`, sizeBytes: 1 })));
  const desk = await openDesk();
  const { receiptId } = await ask(desk);
  expect(unwrap(await desk.seal(receiptId, false)).withTrace).toBe(true);
  expect(desk.view.kept).toBe(MAX_KEPT_TRACES);
  expect(await keptKeys()).not.toContain('evidence/trace/trace-0');
  await fill([{ traceId: 'trace-large', sizeBytes: MAX_KEPT_BYTES }]);
  const other = await openDesk();
  const asked = await ask(other);
  expect(unwrap(await other.seal(asked.receiptId, false)).withTrace).toBe(true);
  expect(other.view.kept).toBe(1);
  expect(await keptKeys()).toEqual([`evidence/trace/${asked.traceId}`]);
});

test('forgetting everything leaves nothing, and what a crash left half written is put right', async () => {
  const desk = await openDesk();
  await ask(desk);
  await ask(desk);
  unwrap(await desk.forget('all'));
  expect(desk.view).toEqual({ kept: 0, sizeBytes: 0 });
  expect(await keptKeys()).toEqual([]);
  await fill([{ traceId: 'trace-gone', sizeBytes: 1 }]);
  await storage.records.delete('evidence/trace/trace-gone');
  await storage.records.set('evidence/trace/trace-stray', new Uint8Array(1));
  expect((await openDesk()).view.kept).toBe(0);
  expect(await keptKeys()).toEqual([]);
});

test('a disk that is full keeps nothing, and the answer comes all the same', async () => {
  const { records } = storage;
  const full: NodeStorage = {
    ...storage,
    records: { ...records, set: async () => ({ ok: false, error: { code: 'storage_full', message: 'Full.' } }) },
  };
  const desk = unwrap(
    await openEvidenceDesk({ storage: full, nodeKey: { signer } as never, mesh: node }, { clock, verify }),
  );
  const { receiptId } = await ask(desk);
  expect(unwrap(await desk.seal(receiptId, false)).withTrace).toBe(false);
  expect(desk.view.kept).toBe(0);
});

test('words that could not be deleted are not said to be forgotten', async () => {
  const { records } = storage;
  let stuck = false;
  const failing: NodeStorage = {
    ...storage,
    records: {
      ...records,
      delete: async (key) =>
        stuck ? { ok: false, error: { code: 'storage_failed', message: 'Not now.' } } : records.delete(key),
    },
  };
  const desk = unwrap(
    await openEvidenceDesk({ storage: failing, nodeKey: { signer } as never, mesh: node }, { clock, verify }),
  );
  await ask(desk);
  await desk.keeps('');
  stuck = true;
  expect(await desk.forget('all')).toMatchObject({ error: { code: 'storage_failed' } });
  expect(await keptKeys()).toHaveLength(1);
  stuck = false;
  unwrap(await desk.forget('all'));
  expect([await keptKeys(), desk.view.kept]).toEqual([[], 0]);
});
