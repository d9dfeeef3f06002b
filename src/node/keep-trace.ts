import { hex } from '#core/base/bytes';
import type { NodeId } from '#core/base/ids';
import { withoutUndefined } from '#core/base/plain';
import { fail, ok, type Result } from '#core/base/result';
import { draftOfRequest } from '#core/evidence/asked-packet';
import { encodeKeptTrace, type KeptTrace } from '#core/evidence/kept-trace';
import { canonicalOf, saltedHash } from '#core/evidence/openings';
import { readStatement, type ReadStatement } from '#core/evidence/statement-file';
import type { Trace } from '#core/evidence/trace';
import type { RouteUpdate } from '#core/experts/route';
import type { PipelineDeps, Provider, WorkRequest } from '#core/experts/run';
import type { Candidate } from '#core/experts/work-kind';
import { createTaskPacket } from '#core/ledger/cards/task-packet';
import { commitmentSchema, SALT_BYTES, verdictSchema } from '#core/ledger/statements';
import { idOfSigned, openSigned, type Signed } from '#core/wire/signed';
import type { Work } from './create-node';

/** The rule of `core/experts/router`: least expected waiting. Another rule, or another weight in it, is another version. */
export const ROUTER = 'expected-waiting@1';

/** Entries read at a time, from the end of the log: the seal is nearly always among the first of them. */
const SEAL_LOOKUP = 64;

/** Looks on while a request goes through the pipeline, and keeps what its trace needs. */
export interface TraceKeeper {
  /** The same pipeline, watched. */
  watch(deps: PipelineDeps): PipelineDeps;
  /**
   * The same work; when it has ended, however that was, `onKept` gets the bytes of the trace, or why there are none, once. What is
   * kept changes nothing of the work.
   */
  follow(work: Work, onKept: (kept: Result<KeptBytes>) => void): Work;
}

export interface KeptBytes {
  readonly traceId: string;
  readonly receiptId: string | null;
  readonly at: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface FinishedJob {
  readonly commitment: Signed;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly input: unknown;
  readonly output: unknown;
}

export function createTraceKeeper(request: WorkRequest): TraceKeeper {
  let deps: PipelineDeps | null = null;
  let sealSalt: Uint8Array<ArrayBuffer> | null = null;
  const candidates = new Set<NodeId>();
  const jobs: FinishedJob[] = [];
  const revealed: Signed[] = [];
  const steps: RouteUpdate[] = [];
  /** What was asked, signed before anybody is; null where the words are more than a packet holds, and where nobody else is asked. */
  let packet: Promise<Signed | null> | null = null;

  async function signPacket({ signer, payments }: PipelineDeps, traceId: string, at: number): Promise<Signed | null> {
    const { kind, input, provider, payAtMostMicros = 0 } = request;
    if (provider === 'self') return null;
    const draft = draftOfRequest({
      traceId,
      capability: kind.capability.id,
      question: kind.question?.(input),
      input: withoutUndefined(input),
      // Where members do not pay each other nothing is set aside, whatever the person would pay.
      payAtMostMicros: payments === undefined ? 0 : payAtMostMicros,
      at,
    });
    const signed = draft && (await createTaskPacket(signer, draft));
    return signed?.ok ? signed.value : null;
  }

  async function signedOnly(all: readonly Signed[], verify: PipelineDeps['verify']): Promise<ReadStatement[]> {
    const out: ReadStatement[] = [];
    for (const signed of all) {
      const read = readStatement(signed);
      if (!read.ok) continue;
      const schema = read.value.statement.type === 'commitment' ? commitmentSchema : verdictSchema;
      const opened = await openSigned<unknown>(schema, signed, verify, [read.value.author]);
      if (opened.ok && signed.signatures.length === 1) out.push(read.value);
    }
    return out;
  }

  async function kept(watched: PipelineDeps, at: number, failure: string | null): Promise<Result<KeptBytes>> {
    const { signer, verify, chance } = watched;
    const admitted = steps.find((step) => step.type === 'admitted');
    if (admitted === undefined) return fail('not_admitted', 'The request was not admitted: there is nothing to keep.');
    const { traceId } = admitted;
    const commitments = await signedOnly(
      jobs.map(({ commitment }) => commitment),
      verify,
    );
    const verdicts = await signedOnly(revealed, verify);
    const byOthers = steps.flatMap((step) =>
      step.type === 'checked' && step.validator !== signer.nodeId ? [step.validator] : [],
    );
    // One that checked several answers gave as many verdicts, in the order in which they came.
    const left = [...verdicts];
    const given = byOthers.flatMap((validator) => {
      const at = left.findIndex(({ author }) => author === validator);
      return at === -1 ? [] : left.splice(at, 1);
    });
    const seal = steps.some(({ type }) => type === 'sealed') ? await sealOf(watched, traceId) : null;
    const receipts = steps.flatMap((step) => (step.type === 'recorded' ? [step.receiptId] : []));
    const asked = await packet;
    const salt = chance.bytes(SALT_BYTES);
    const input = canonicalOf(request.input);
    const trace: Trace = {
      type: 'trace',
      v: 1,
      traceId,
      at,
      requester: signer.nodeId,
      capability: request.kind.capability.id,
      request: hex(saltedHash(salt, input)),
      router: ROUTER,
      candidates: [...candidates].sort(),
      chosen: steps.flatMap((step) => (step.type === 'chosen' ? [step.expert] : [])),
      words: 'open',
      steps: withoutUndefined(steps) as Trace['steps'],
      commitments: commitments.map(({ id }) => id),
      verdicts: given.map(({ id }) => id),
      seal: steps.flatMap((step) => (step.type === 'sealed' ? [step.sealId] : []))[0] ?? null,
      receipts,
      failure,
    };
    const record: KeptTrace = {
      type: 'kept-trace',
      v: 1,
      trace,
      statements: [...commitments, ...given].map(({ signed }) => signed).concat(seal === null ? [] : [seal]),
      request: {
        salt,
        sealSalt: sealSalt ?? chance.bytes(SALT_BYTES),
        input,
        ...(asked === null ? {} : { packet: asked }),
      },
      jobs: commitments.flatMap(({ id }) => {
        const job = jobs.find(({ commitment }) => idOfSigned(commitment) === id);
        return job === undefined
          ? []
          : [{ commitment: id, salt: job.salt, input: canonicalOf(job.input), output: canonicalOf(job.output) }];
      }),
    };
    const bytes = encodeKeptTrace(record);
    return bytes.ok ? ok({ traceId, receiptId: receipts[0] ?? null, at, bytes: bytes.value }) : bytes;
  }

  return {
    watch(given) {
      const noting = (found: Candidate): Candidate => {
        if (mayGoTo(request.provider, found)) candidates.add(found.node);
        return found;
      };
      deps = {
        ...given,
        sealSalt: () => (sealSalt ??= given.chance.bytes(SALT_BYTES)),
        candidates: (capability) => given.candidates(capability).map(noting),
        self(capability) {
          const own = given.self(capability);
          return own && noting(own);
        },
        async giveJob(provider, order, signal, onChunk) {
          const result = await given.giveJob(provider, order, signal, onChunk);
          if (result.ok) jobs.push({ ...result.value, input: order.input });
          return result;
        },
        async askReveal(validator, jobId) {
          const answered = await given.askReveal(validator, jobId);
          if (answered.ok) revealed.push(answered.value.verdict);
          return answered;
        },
      };
      return deps;
    },
    async *follow(work, onKept) {
      let at: number | null = null;
      let ended: Result<unknown> | null = null;
      try {
        for (;;) {
          const next = await work.next();
          at ??= deps?.clock.now() ?? null;
          if (next.done) {
            ended = next.value;
            return next.value;
          }
          if (next.value.type === 'admitted' && deps !== null && at !== null)
            packet = signPacket(deps, next.value.traceId, at).catch(() => null);
          steps.push(next.value);
          yield next.value;
        }
      } finally {
        if (ended === null || deps === null || at === null) onKept(fail('not_kept', 'The work did not end.'));
        else {
          kept(deps, at, ended.ok ? null : ended.error.code).then(onKept, (error: unknown) =>
            onKept(fail('not_kept', error instanceof Error ? error.message : 'The trace could not be kept.')),
          );
        }
      }
    },
  };
}

/** The seal that this node wrote for the trace a moment ago; null where there is none. */
async function sealOf({ ledger }: PipelineDeps, traceId: string): Promise<Signed | null> {
  const log = ledger();
  for (let end = log.head.length; end > 0; end -= SEAL_LOOKUP) {
    const from = Math.max(0, end - SEAL_LOOKUP);
    const read = await log.entriesOf(log.author, from, end - from);
    if (!read.ok) return null;
    for (const { event } of [...read.value].reverse())
      if (event.kind === 'trace.sealed' && event.traceId === traceId) return event.seal;
  }
  return null;
}

/** Whom the person let the request go to. */
function mayGoTo(provider: Provider, { node, local }: Candidate): boolean {
  if (provider === 'auto') return true;
  if (typeof provider === 'object') return provider.node === node;
  return local === (provider === 'self');
}
