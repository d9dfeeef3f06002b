import { fraction, pick } from '#core/base/chance';
import type { NodeId } from '#core/base/ids';
import type { Chance, Signer } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { FinishedJob, JobPayment } from '#core/jobs/executor';
import { saltedDigest, type Commitment, type VerdictStatement } from '#core/ledger/statements';
import { idOfSigned, sign, type Signed } from '#core/wire/signed';
import { openEconomyDesk, type EconomyDesk } from '#node/economy/desk';
import { createSeededChance } from '#adapters/chance-seeded';
import { openMemoryStorage } from '#adapters/storage-memory';
import type { VirtualClock } from '#adapters/clock-virtual';
import type { Book, DoneJob } from './book';
import type { Founded } from './community';
import type { Mesh, Port } from './mesh';
import { createSharedLedger, type SharedLedger } from './shared-ledger';

export const TASK = 'llm.chat@1';
/** A job comes to four fifths of the most that it was priced at. */
const TOKENS_USED = 0.8;
const [SHORTEST_WORK_MS, LONGEST_WORK_MS] = [2_000, 20_000];

export interface JobInput {
  /** The most that it can come to. */
  readonly tokens: number;
}

/** What the whole simulation shares. */
export interface Stage {
  readonly founded: Founded;
  readonly mesh: Mesh;
  readonly clock: VirtualClock;
  readonly chance: Chance;
  readonly book: Book;
  /** Honest members by id. */
  readonly members: Map<NodeId, HonestMember>;
  isCut(): boolean;
}

/** Whoever can be asked for a job. */
export interface Worker {
  readonly nodeId: NodeId;
  /** Takes a job, does it, and has two others check it: their verdicts, null when nothing came of it, or why it was not taken. */
  work(jobId: string, input: JobInput, payment: JobPayment, payer: NodeId): Promise<Result<readonly Signed[] | null>>;
}

export interface HonestMember extends Worker {
  readonly signer: Signer;
  readonly port: Port;
  readonly ledger: SharedLedger;
  readonly desk: EconomyDesk;
  stop(): void;
}

/** A member with the economy of a real node: only what it computes, and how that is checked, is made up. */
export async function createHonestMember(stage: Stage, signer: Signer, at: number): Promise<HonestMember> {
  const { founded, mesh, clock, chance, book } = stage;
  const { world, shelf, offers } = founded;
  const self = signer.nodeId;
  const port = mesh.join(self, 10 + Math.floor(70 * fraction(chance)));
  const ledger = createSharedLedger({
    signer,
    clock,
    community: world.community,
    shelf,
    begin: founded.begin,
    onProof(author) {
      const byNode = book.provedMs.get(author) ?? new Map<NodeId, number>();
      if (!byNode.has(self)) book.provedMs.set(author, byNode.set(self, clock.now()));
    },
  });
  const offered = offers.get(self)?.terms;
  const kind = {
    mostTokens: ({ tokens }: JobInput) => tokens,
    tokens: ({ tokens }: JobInput) => ({ prompt: Math.floor(tokens / 4), completion: tokens - Math.floor(tokens / 4) }),
    model: () => offered && { id: offered.expert, hash: offered.modelHash, engine: 'none' },
  };
  const desk = openEconomyDesk({
    signer,
    verify: world.verify,
    clock,
    chance: createSeededChance(at),
    storage: await openMemoryStorage(),
    ledger,
    bus: port.bus,
    links: port.links,
    kinds: new Map([[TASK, kind]]) as never,
    // Nobody in this mesh looks again at what it paid for.
    checks: new Map(),
    loadModel: async () => fail('unknown_model', 'There are no models here.'),
    offerOf: async (node) => offers.get(node) ?? null,
    ownOffers: async () => [offers.get(self)!],
  });
  await port.preload();

  const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

  async function verdictsOn(commitment: Commitment, id: string): Promise<readonly Signed[]> {
    const others = [...stage.members.values()].filter(
      ({ nodeId }) => nodeId !== self && nodeId !== commitment.requester && mesh.reaches(self, nodeId),
    );
    const verdicts: Signed[] = [];
    for (const one of [pick(chance, others)!]) {
      const body: VerdictStatement = {
        type: 'verdict',
        v: 1,
        jobId: commitment.jobId,
        traceId: commitment.traceId,
        commitment: id,
        requester: commitment.requester,
        executor: self,
        validator: one.nodeId,
        check: 'rescore',
        verdict: 'accepted',
        reason: 'ok',
        at: clock.now(),
      };
      const verdict = await sign(one.signer, body);
      await one.ledger.append({ kind: 'verdict.given', verdict });
      verdicts.push(verdict);
    }
    return verdicts;
  }

  return {
    nodeId: self,
    signer,
    port,
    ledger,
    desk,
    async work(jobId, input, payment, payer) {
      const taken = await desk.payee.take({ jobId, capability: TASK, input, payment }, payer);
      if (!taken.ok) return taken;
      const startedAt = clock.now();
      await wait(SHORTEST_WORK_MS + fraction(chance) * (LONGEST_WORK_MS - SHORTEST_WORK_MS));
      if (!mesh.reaches(self, payer)) {
        await desk.payee.over(jobId, payer, null);
        return ok(null);
      }
      const output: JobInput = { tokens: Math.ceil(input.tokens * TOKENS_USED) };
      const salt = chance.bytes(16);
      const commitment: Commitment = {
        type: 'commitment',
        v: 1,
        jobId,
        traceId: `trace-${jobId}`,
        requester: payer,
        executor: self,
        capability: TASK,
        input: saltedDigest(salt, input),
        output: saltedDigest(salt, output),
        at: clock.now(),
      };
      const signed = await sign(signer, commitment);
      const job: FinishedJob = { commitment, commitmentId: idOfSigned(signed), input, output };
      const verdicts = await verdictsOn(commitment, job.commitmentId);
      await desk.payee.over(jobId, payer, { job, commitment: signed, startedAt, tookMs: clock.now() - startedAt });
      const { rateMicros } = offers.get(self)!.terms;
      const done: DoneJob = {
        jobId,
        reservation: taken.value.kind === 'paid' ? taken.value.reservation : '',
        payer,
        payee: self,
        isPayerHonest: stage.members.has(payer),
        chargeMicros: output.tokens * rateMicros,
        isCertified: payment.heads.length > 0,
        wasCut: stage.isCut(),
        atMs: clock.now(),
      };
      book.jobs.push(done);
      return ok(verdicts);
    },
    stop: () => desk.stop(),
  };
}

/** One honest node asks another for a job, and pays for it as far as it can. */
export async function askForJob(
  stage: Stage,
  payer: HonestMember,
  payee: Worker,
  input: JobInput,
  jobId: string,
): Promise<void> {
  const { book, mesh } = stage;
  const isCut = stage.isCut();
  book.asked += 1;
  if (isCut) book.askedCut += 1;
  const reserved = await payer.desk.payer.reserve({
    jobId,
    expert: payee.nodeId,
    capability: TASK,
    input,
    payAtMostMicros: 5_000_000,
  });
  if (reserved === null || reserved.payment === null) {
    book.favours += 1;
    if (isCut) book.favoursCut += 1;
    return;
  }
  const done = mesh.reaches(payer.nodeId, payee.nodeId)
    ? await payee.work(jobId, input, reserved.payment, payer.nodeId)
    : ok(null);
  if (!done.ok) {
    book.refused += 1;
    return payer.desk.payer.release(jobId);
  }
  if (done.value === null) {
    if (stage.members.has(payee.nodeId)) book.interrupted += 1;
    return payer.desk.payer.release(jobId);
  }
  payer.desk.payer.settle({ jobId, expert: payee.nodeId, verdicts: done.value, verdict: 'accepted' });
}
