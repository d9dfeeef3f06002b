import { splitCharge } from '#core/ledger/credits';
import type { LedgerEvent } from '#core/ledger/events';
import { basisOf } from '#core/ledger/rules/closing-rules';
import { EXPIRY_GRACE_MS, type OutcomeRequest } from '#core/ledger/witness-duty';
import type { HeadWitness, OutcomeWitness } from '#core/ledger/witnesses';
import {
  createEconomyWorld,
  credits,
  type AnyWritten,
  type EconomyWorld,
  type Member,
  type Prepared,
  type Proposed,
  type Reservation,
  type Said,
  type Written,
} from './economy-world';
import { createFakeWitness, type FakeWitness } from './economy-witness';

/** One thing that somebody tries: which, and three numbers that say who, with whom and how much. */
export type Step = readonly [what: number, a: number, b: number, c: number];

const AGENTS = ['founder', 'a0', 'a1', 'a2', 'a3', 'a4'];
/** Four witnesses, of whom three must sign: one may lie. */
const WITNESSES = ['w0', 'w1', 'w2', 'w3'];

interface Job {
  readonly log: Member;
  readonly reservation: Reservation;
  heads: readonly Said<HeadWitness>[] | null;
  done: Proposed | null;
  proposal: Written<'settlement.proposed'> | null;
  proposed: readonly Said<OutcomeWitness>[] | null;
}

export interface Walk {
  readonly world: EconomyWorld;
  /** Every entry that anybody wrote, those of second histories too, as it came about. */
  readonly entries: readonly AnyWritten[];
  /** Who signed two histories. */
  readonly forkers: ReadonlySet<string>;
  /** All logs, each history by itself. */
  readonly logs: readonly Member[];
  /** Minted into the logs of each. */
  readonly minted: ReadonlyMap<string, number>;
  readonly closings: number;
}

/**
 * A few agents that try everything that might make money: they grant in circles, pay each other for work that their friends
 * approve, sign two histories and show each to another witness, claim and close twice, copy what others wrote, void, challenge,
 * mint. The witnesses keep their duty, but for one that signs anything. The same steps give the same walk.
 */
export async function walk(steps: readonly Step[]): Promise<Walk> {
  const world = await createEconomyWorld({
    witnesses: WITNESSES,
    curators: ['c0'],
    policy: { founderLimitMicros: credits(20) },
  });
  const witnesses = WITNESSES.map((name, at) => createFakeWitness(world, world.member(name), at === 3));
  const logs: Member[] = AGENTS.map(world.member);
  const archive = world.member('archive');
  const forkers = new Set<string>();
  const minted = new Map<string, number>();
  const jobs: Job[] = [];
  const grants: { readonly granted: Written<'credit.granted'>; readonly log: Member }[] = [];
  const copies: Pick<Prepared<LedgerEvent['kind']>, 'event' | 'inside' | 'refs'>[] = [];
  const order: AnyWritten[] = [];
  let counted = 0;
  let closings = 0;

  const everyLog = (): readonly Member[] => [...logs, archive];
  const pick = <T>(from: readonly T[], at: number): T | undefined => from[at % Math.max(1, from.length)];

  function note(): void {
    for (const log of everyLog()) for (const one of log.entries) if (!seen.has(one.entry.id)) order.push(seenNow(one));
    counted = order.length;
  }
  const seen = new Set<string>();
  const seenNow = (one: AnyWritten): AnyWritten => {
    seen.add(one.entry.id);
    return one;
  };

  /** Whoever asks shows its own history; of others the witness gets what is public. */
  function show(witness: FakeWitness, log: Member): void {
    for (const other of everyLog())
      if (!forkers.has(other.nodeId)) for (const { entry } of other.entries) witness.feeder.give(entry);
    for (const { entry } of log.entries) witness.feeder.give(entry);
  }

  /** What enough of them sign, some asked by one history of the payer and some by another where the caller likes. */
  async function certificate<Body>(
    log: Member,
    from: number,
    ask: (witness: FakeWitness) => Promise<Said<Body> | null>,
  ): Promise<readonly Said<Body>[] | null> {
    const said: Said<Body>[] = [];
    for (let at = 0; at < witnesses.length; at++) {
      const witness = witnesses[(at + from) % witnesses.length]!;
      show(witness, log);
      const one = await ask(witness);
      if (one !== null) said.push(one);
    }
    return said.length >= 3 ? said : null;
  }

  async function headsOf(log: Member, written: AnyWritten, from: number) {
    return certificate(log, from, (witness) => witness.head(written.entry));
  }

  async function outcomeOf(job: Job, from: number, change: Partial<OutcomeRequest>) {
    const request: OutcomeRequest = {
      reservation: job.reservation.entry.id,
      certified:
        job.heads === null
          ? null
          : {
              entry: job.reservation.entry,
              heads: job.heads.map(({ by, body }) => ({ witness: by, statement: body })),
            },
      outcome: 'expired',
      chargeMicros: 0,
      settlement: null,
      proposed: (job.proposed ?? []).map(({ by, body }) => ({ witness: by, statement: body })),
      reasons: [],
      offer: null,
      release: null,
      ...change,
    };
    return certificate(job.log, from, (witness) => witness.outcome(request));
  }

  async function writeClosing(prepared: Prepared<'settlement.closed'>, into: readonly (Member | undefined)[]) {
    closings += 1;
    copies.push(prepared);
    for (const log of new Set([archive, ...into]))
      if (log) await world.write(log, prepared.event, prepared.refs, prepared.inside);
  }

  const isBond = (job: Job): boolean => job.reservation.entry.event.purpose === 'bond';
  const hostLogs = (job: Job): readonly Member[] =>
    logs.filter(({ nodeId }) => nodeId === job.reservation.entry.event.payee);

  async function reserves(a: number, b: number, c: number): Promise<void> {
    const [log, host] = [pick(logs, a)!, pick(logs, b)!];
    const reservation = await world.reserve(log, host, { amountMicros: 1 + (c % credits(4)) });
    jobs.push({ log, reservation, heads: null, done: null, proposal: null, proposed: null });
  }

  async function headsAreSigned(a: number, _b: number, c: number): Promise<void> {
    const job = pick(jobs, a);
    if (job) job.heads = (await headsOf(job.log, job.reservation, c)) ?? job.heads;
  }

  async function proposes(a: number, b: number, c: number): Promise<void> {
    const job = pick(jobs, a);
    const host = job && pick(hostLogs(job), b);
    if (!job || !host || isBond(job)) return;
    const verifiers = logs.filter(({ nodeId }) => nodeId !== host.nodeId && nodeId !== job.log.nodeId).slice(0, 2);
    const most = Math.floor(job.reservation.entry.event.amountMicros / 1_000);
    job.done = await world.work(job.reservation, { tokens: c % (most + 10), verifiers });
    job.proposal = await world.propose(host, job.reservation, job.done);
    job.proposed = await outcomeOf(job, c, forPayment(job, 'proposed'));
  }

  async function settles(a: number, b: number, c: number): Promise<void> {
    const job = pick(jobs, a);
    if (!job?.done) return;
    if (c % 3 !== 0) world.nowMs += 600_000;
    const closed = await outcomeOf(job, b, forPayment(job, 'settled'));
    const prepared = await world.close(job.reservation, {
      outcome: 'settled',
      work: job.done,
      heads: job.heads ?? [],
      proposed: job.proposed ?? [],
      closed: closed ?? [],
    });
    const into = [pick(hostLogs(job), b), job.log, pick(logs, c)];
    await writeClosing(prepared, into.slice(c % 3));
    // The same end with another certificate is another event.
    if (c % 5 === 0 && closed !== null)
      await writeClosing(
        await world.close(job.reservation, {
          outcome: 'settled',
          work: job.done,
          heads: (job.heads ?? []).slice(1),
          proposed: job.proposed ?? [],
          closed: closed.slice(1),
        }),
        into,
      );
  }

  /** All of it one after the other, which steps at random rarely come to. */
  async function isPaid(a: number, b: number, c: number): Promise<void> {
    await reserves(a, b, c);
    const latest = jobs.length - 1;
    await headsAreSigned(latest, 0, c);
    await proposes(latest, b, c);
    await settles(latest, b, 3 * (c % 1_000) + 1);
  }

  const actions: readonly ((a: number, b: number, c: number) => Promise<void>)[] = [
    async function grants_(a, b, c) {
      const [log, to] = [pick(logs, a)!, pick(logs, b)!];
      grants.push({ granted: await world.grant(log, to, 1 + (c % credits(6))), log });
    },
    async function claims(a, b, c) {
      const one = pick(grants, a);
      if (one === undefined) return;
      const heads = await headsOf(one.log, one.granted, c);
      const own = logs.filter(({ nodeId }) => nodeId === one.granted.entry.event.to);
      const claimer = (b % 4 === 0 ? pick(logs, b) : pick(own, b))!;
      const entry = await world.claim(claimer, one.granted, heads ?? (await world.heads(one.granted, { by: [] })));
      copies.push({ event: entry.entry.event, inside: entry.entry.inside, refs: [] });
    },
    reserves,
    headsAreSigned,
    proposes,
    settles,
    async function voids(a, b, c) {
      const job = pick(jobs, a);
      if (!job || isBond(job)) return;
      const friends = [pick(logs, b)!, pick(logs, b + 1)!];
      const reasons = await Promise.all(friends.map((one) => world.verdict(one, job.reservation, job.done)));
      const { opened } = job.done ?? (await world.work(job.reservation));
      const share = splitCharge(world.policy, opened.offer.minimumMicros, 2).validatorMicros * 2;
      const closed = await outcomeOf(job, c, {
        outcome: 'void',
        chargeMicros: share,
        reasons: reasons.map(({ id, body }) => ({ id, verdict: body })),
        offer: opened.offer,
      });
      const given = { outcome: 'void' as const, reasons, heads: job.heads ?? [], closed: closed ?? [] };
      await writeClosing(await world.close(job.reservation, given), [pick(friends, c), job.log]);
    },
    async function expires(a, b, c) {
      const job = pick(jobs, a);
      if (!job) return;
      const { expiresAt } = job.reservation.entry.event;
      if (c % 2 === 0) world.nowMs = Math.max(world.nowMs, expiresAt + EXPIRY_GRACE_MS);
      const closed = await outcomeOf(job, b, {});
      const given = { outcome: 'expired' as const, heads: job.heads ?? [], closed: closed ?? [] };
      await writeClosing(await world.close(job.reservation, given), [job.log]);
    },
    async function forks(a, b) {
      const log = pick(logs, a)!;
      if (logs.length > 10 || log.nodeId === world.founder.nodeId) return;
      forkers.add(log.nodeId);
      logs.push(world.twinOf(log, b % (log.entries.length + 1)));
    },
    async function mints(a, _b, c) {
      const log = pick(logs, a)!;
      const amountMicros = 1 + (c % credits(2));
      const entry = await world.mint(log, amountMicros);
      minted.set(log.nodeId, (minted.get(log.nodeId) ?? 0) + amountMicros);
      copies.push({ event: entry.entry.event, inside: entry.entry.inside, refs: [] });
    },
    async function copiesAnother(a, b) {
      const one = pick(copies, a);
      if (one) await world.write(pick(logs, b)!, one.event, one.refs, one.inside);
    },
    async function challenges(a, b, c) {
      const job = pick(jobs, a);
      if (!job?.done || !job.proposal) return;
      const challenger = pick(logs, b)!;
      const stake = await world.bond(challenger, job.reservation, job.done.opened.receipt.chargeMicros);
      jobs.push({ log: challenger, reservation: stake, heads: null, done: null, proposal: null, proposed: null });
      const raised = await world.challenge(challenger, job.proposal, job.reservation, job.done, stake);
      const panel = world.panelOf(challenger, job.reservation, job.done);
      const found = (['rejected', 'accepted', 'undecided'] as const)[c % 3];
      const said = await Promise.all(panel.map((one) => world.verdict(one, job.reservation, job.done, found)));
      if (c % 7 !== 0) await world.rule(pick(logs, c)!, raised, said);
    },
    isPaid,
  ];

  function forPayment({ done }: Job, outcome: 'proposed' | 'settled'): Partial<OutcomeRequest> {
    const { opened } = done!;
    const request = { outcome, settlement: opened, reasons: [], offer: null };
    return basisOf(request) === opened.id ? { ...request, chargeMicros: opened.receipt.chargeMicros } : {};
  }

  for (const [what, a, b, c] of steps) {
    await actions[what % actions.length]!(a, b, c);
    note();
  }
  return { world, entries: order.slice(0, counted), forkers, logs: everyLog(), minted, closings };
}
