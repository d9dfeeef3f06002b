import * as v from 'valibot';
import { createEmitter } from '#core/base/events';
import { cidSchema, idSchema } from '#core/base/ids';
import type { Clock, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { keptClaim, type KeptClaim } from '#core/evidence/kept-claim';
import { decodeKeptTrace, type KeptTrace } from '#core/evidence/kept-trace';
import { openStepsOf } from '#core/evidence/trace';
import type { RouteUpdate } from '#core/experts/route';
import type { WorkRequest } from '#core/experts/run';
import type { Ledger } from '#core/ledger/ledger';
import { receiptSchema } from '#core/ledger/receipts';
import type { KeyValueStore } from '#core/storage/ports';
import { checkAgainst, decodeThrough } from '#core/wire/gate';
import { MAX_SIGNED_BYTES } from '#core/wire/limits';
import { idOfSigned, type Signed } from '#core/wire/signed';
import type { MeshNode, Work } from '../create-node';
import { createTurns } from '../economy/timers';
import { createTraceKeeper, type KeptBytes } from '../keep-trace';
import type { AskedView, EvidenceDesk, TaskPacketView } from './evidence-views';
import type { Running } from './lifecycle';

/** As many as the questions that a conversation keeps. */
export const MAX_KEPT_TRACES = 100;
/** An answer leaves some 30 KB; only very long ones come near this together. */
export const MAX_KEPT_BYTES = 16 * 1024 * 1024;

/** Entries of the log in memory at a time. */
const READ_BATCH = 256;

const INDEX_KEY = 'evidence/kept';
const TRACE_KEY = 'evidence/trace/';

const indexSchema = v.array(
  v.object({
    traceId: idSchema,
    receiptId: v.nullable(cidSchema),
    at: v.number(),
    sizeBytes: v.pipe(v.number(), v.minValue(0)),
  }),
);

type KeptEntry = v.InferOutput<typeof indexSchema>[number];

export interface OpenEvidenceDesk extends EvidenceDesk {
  /** The same work, with its trace kept when it has ended. */
  work(node: MeshNode, request: WorkRequest): Work;
  /** The job behind a commitment, with its words, out of the trace of a receipt; null where it is not kept. Codes of storage, of the gate. */
  claimOf(receiptId: string, commitment: string): Promise<Result<KeptClaim | null>>;
}

export interface EvidenceHooks {
  readonly clock: Clock;
  readonly verify: Verify;
}

/** Opens what is kept of the person's own questions: traces with their words, on this device alone. */
export async function openEvidenceDesk(
  run: Pick<Running, 'storage' | 'nodeKey' | 'mesh'>,
  { clock, verify }: EvidenceHooks,
): Promise<Result<OpenEvidenceDesk>> {
  const { records } = run.storage;
  const changed = createEmitter<void>();
  const opened = await readIndex(records);
  if (!opened.ok) return opened;
  /** Oldest first. */
  let entries: readonly KeptEntry[] = opened.value;
  /** One change after the other, so that what is asked for last sees all of them. */
  const inOrder = createTurns();

  async function become(next: readonly KeptEntry[]): Promise<Result<void>> {
    const stays = new Set(next.map(({ traceId }) => traceId));
    const written = await records.set(INDEX_KEY, next);
    if (!written.ok) return written;
    for (const { traceId } of entries) if (!stays.has(traceId)) await records.delete(TRACE_KEY + traceId);
    entries = next;
    changed.emit();
    return ok(undefined);
  }

  /** The words go first: while one of them is still there, nobody is told that it is forgotten, and it can be tried again. */
  async function forget(next: readonly KeptEntry[]): Promise<Result<void>> {
    for (const { traceId } of entries.filter((one) => !next.includes(one))) {
      const deleted = await records.delete(TRACE_KEY + traceId);
      if (!deleted.ok) return deleted;
    }
    return become(next);
  }

  async function keep({ traceId, receiptId, at, bytes }: KeptBytes): Promise<void> {
    const written = await records.set(TRACE_KEY + traceId, bytes);
    if (!written.ok) return;
    const others = entries.filter((one) => one.traceId !== traceId);
    const became = await become(newest([...others, { traceId, receiptId, at, sizeBytes: bytes.length }]));
    if (!became.ok) await records.delete(TRACE_KEY + traceId);
  }

  const keptOf = (receiptId: string): Promise<Result<KeptTrace | null>> =>
    read(entries.findLast((one) => one.receiptId === receiptId));

  /** What is kept of the question with this receipt, perhaps one of several. */
  async function questionOf(receiptId: string, traceId: string | null): Promise<Result<KeptTrace | null>> {
    let kept = await keptOf(receiptId);
    if (kept.ok && kept.value === null) kept = await read(entries.find((one) => one.traceId === traceId));
    // A trace id is the word of the node that was paid: it may not show another question.
    return kept.ok && !kept.value?.trace.receipts.includes(receiptId) ? ok(null) : kept;
  }

  async function askedBy(receiptId: string, traceId: string | null): Promise<Result<AskedView | null>> {
    const kept = await questionOf(receiptId, traceId);
    if (!kept.ok) return kept;
    if (kept.value === null) return ok(null);
    // What the gate read is what the pipeline yielded; capability ids lose their form in it.
    const route = openStepsOf(kept.value.trace) as readonly RouteUpdate[] | null;
    return ok({ route, packet: await packetOf(kept.value) });
  }

  async function packetOf({ request, trace: { at: askedAt } }: KeptTrace): Promise<Result<TaskPacketView | null>> {
    const signed = request.packet;
    if (signed === undefined) return ok(null);
    const [{ openTaskPacket }, { signedText }] = await Promise.all([
      import('#core/ledger/cards/task-packet'),
      import('#core/wire/signed-text'),
    ]);
    // It had to hold when the question was asked; by now its time is over.
    const opened = await openTaskPacket(signed, verify, askedAt);
    if (!opened.ok) return opened;
    const { id, prompt, budget, privacyLevel, at, expiresAt } = opened.value;
    return ok({
      id,
      prompt,
      maxChargeMicros: budget?.maxChargeMicros ?? null,
      maxTokens: budget?.maxTokens ?? null,
      privacyLevel,
      at,
      expiresAt,
      text: signedText(signed),
    });
  }

  async function read(entry: KeptEntry | undefined): Promise<Result<KeptTrace | null>> {
    if (entry === undefined) return ok(null);
    const bytes = await records.get<Uint8Array>(TRACE_KEY + entry.traceId);
    if (!bytes.ok) return bytes;
    return bytes.value instanceof Uint8Array ? decodeKeptTrace(bytes.value) : ok(null);
  }

  async function seal(receiptId: string, words: boolean) {
    const ledger = run.mesh?.ledger;
    const known = ledger?.state.receiptsById.get(receiptId);
    if (ledger === undefined || known === undefined)
      return fail('unknown_receipt', 'This receipt is not among those on this device.');
    const kept = await keptOf(receiptId);
    if (!kept.ok) return kept;
    if (words && kept.value === null)
      return fail('no_words', 'The words of this answer are not kept on this device: seal it without them.');
    const ids = kept.value?.trace.receipts ?? [receiptId];
    const receipts: Signed[] = [];
    for (const id of ids) {
      const signed = await ledger.receiptOf(id);
      if (!signed.ok) return signed;
      if (signed.value !== null) receipts.push(signed.value);
    }
    const [{ evidenceSources }, { buildBundle }] = await Promise.all([
      import('#core/evidence/evidence-sources'),
      import('#core/evidence/build-bundle'),
    ]);
    const statements = kept.value === null ? await ownStatements(ledger, receipts[0]) : ok([]);
    if (!statements.ok) return statements;
    const sources = evidenceSources(
      { kept: kept.value === null ? [] : [kept.value], receipts, statements: statements.value },
      words,
    );
    if (!sources.ok) return sources;
    const at = clock.now();
    const built = await buildBundle(sources.value, { signer: run.nodeKey.signer, verify, at });
    if (!built.ok) return built;
    const day = new Date(at).toISOString().slice(0, 10);
    return ok({
      fileName: `tabmesh-evidence-${day}-${receiptId.slice(-8)}.car`,
      bytes: built.value.bytes,
      withTrace: kept.value !== null,
      withWords: words,
    });
  }

  return ok({
    changed,
    get view() {
      return { kept: entries.length, sizeBytes: entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
    },
    keeps: (receiptId) => inOrder(async () => entries.some((one) => one.receiptId === receiptId)),
    claimOf: (receiptId, commitment) =>
      inOrder(async () => {
        const kept = await keptOf(receiptId);
        return kept.ok ? ok(kept.value && keptClaim(kept.value, commitment)) : kept;
      }),
    askedBy: (receiptId, traceId) => inOrder(() => askedBy(receiptId, traceId)),
    seal: (receiptId, words) => inOrder(() => seal(receiptId, words)),
    forget: (traceIds) =>
      inOrder(() => forget(traceIds === 'all' ? [] : entries.filter(({ traceId }) => !traceIds.includes(traceId)))),
    work(node, request) {
      const keeper = createTraceKeeper(request);
      let settle: (kept: Result<KeptBytes>) => void = () => {};
      const ended = new Promise<Result<KeptBytes>>((resolve) => (settle = resolve));
      // Whoever seals right after the answer waits for its trace.
      const follow = async function* (): Work {
        const result = yield* keeper.follow(node.work(request, keeper.watch), settle);
        void inOrder(async () => {
          const kept = await ended;
          if (kept.ok) await keep(kept.value);
        });
        return result;
      };
      return follow();
    },
  });
}

/** The newest that both caps let stay, oldest first. */
function newest(entries: readonly KeptEntry[]): KeptEntry[] {
  const out: KeptEntry[] = [];
  let bytes = 0;
  for (const entry of [...entries].reverse()) {
    bytes += entry.sizeBytes;
    if (out.length === MAX_KEPT_TRACES || bytes > MAX_KEPT_BYTES) break;
    out.unshift(entry);
  }
  return out;
}

/** The index of what is kept, put right where a crash came between a trace and its entry. */
async function readIndex(records: KeyValueStore): Promise<Result<readonly KeptEntry[]>> {
  const stored = await records.get<unknown>(INDEX_KEY);
  if (!stored.ok) return stored;
  const read = checkAgainst(indexSchema, stored.value ?? []);
  const listed = read.ok ? read.value : [];
  const keys = await records.keys(TRACE_KEY);
  if (!keys.ok) return keys;
  const there = new Set(keys.value);
  for (const key of keys.value) {
    if (!listed.some(({ traceId }) => TRACE_KEY + traceId === key)) await records.delete(key);
  }
  return ok(listed.filter(({ traceId }) => there.has(TRACE_KEY + traceId)));
}

/** Of a receipt without a kept trace: what this node itself signed for it, out of its ledger. */
async function ownStatements(ledger: Ledger, signed: Signed | undefined): Promise<Result<Signed[]>> {
  const receipt = signed && decodeThrough(receiptSchema, signed.payload, MAX_SIGNED_BYTES);
  if (!receipt?.ok) return ok([]);
  const named = new Set([receipt.value.commitment, ...receipt.value.verdicts]);
  const found: Signed[] = [];
  for (let from = 0; from < ledger.head.length; from += READ_BATCH) {
    const read = await ledger.entriesOf(ledger.author, from, READ_BATCH);
    if (!read.ok) return read;
    for (const { event } of read.value) {
      const one =
        event.kind === 'work.committed' ? event.commitment : event.kind === 'verdict.given' ? event.verdict : null;
      if (one !== null && named.has(idOfSigned(one))) found.push(one);
    }
  }
  return ok(found);
}
