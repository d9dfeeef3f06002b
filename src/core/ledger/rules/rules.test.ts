import { describe, expect, it } from 'vitest';
import {
  createEconomyWorld,
  credits,
  type AnyWritten,
  type EconomyWorld,
  type Proposed,
  type Reservation,
  type SettlementChange,
  type WorldOptions,
} from '#tests/fakes/economy-world';
import { createFoldFeeder } from '#tests/fakes/fold-feeder';
import type { Community } from '../../identity/community';
import type { Failure } from '../../base/result';
import type { InferenceWorkReceipt, VerificationReceipt } from '../work-receipts';
import { EMPTY_ROOT } from '../merkle';
import { FOLD_RULES } from '../fold';
import { CLAIM_RULES } from './claim-rules';
import { CLOSING_RULES } from './closing-rules';
import { CHALLENGE_RULES, RULING_RULES } from './dispute-rules';
import { LOOKING_RULES } from './looking-rules';
import { MINT_RULES } from './mint-rules';
import { PROPOSAL_RULES } from './proposal-rules';
import { GRANT_RULES, MAX_RESERVATION_MS, RESERVATION_RULES } from './spending-rules';

/** An entry that breaks one rule and no other. */
type Break = (world: EconomyWorld) => Promise<AnyWritten>;
type Breaks = Readonly<Record<string, Break>>;

/** What the fold says of an entry, everything else that was written known. */
function judge(world: EconomyWorld, { entry }: AnyWritten, community: Community = world.community): Failure | null {
  const { fold, give } = createFoldFeeder(community);
  for (const member of world.members) for (const one of member.entries) give(one.entry);
  expect(fold.lengthOf(entry.author)).toBeGreaterThan(entry.seq);
  const refusal = fold.state.refusals.find((one) => one.entry === entry.id);
  return refusal === undefined ? null : { code: refusal.rule, message: refusal.sentence };
}

/** The same community, had its founder chosen that nobody pays anybody. */
function withoutEconomy({ community }: EconomyWorld): Community {
  const { economy: _, ...rest } = community;
  return rest;
}

interface Family {
  readonly rules: readonly { readonly name: string }[];
  readonly honest: Break;
  readonly breaks: Breaks;
  readonly options?: WorldOptions;
}

const names = (world: EconomyWorld) => ({
  founder: world.founder,
  payer: world.founder,
  host: world.member('host'),
  other: world.member('other'),
});

// Grants and claims -------------------------------------------------------------------------------------------------------

const grants: Family = {
  rules: GRANT_RULES,
  honest: (world) => world.grant(world.founder, world.member('newcomer'), credits(1_000)),
  breaks: {
    grants_itself: (world) => world.grant(world.founder, world.founder, 1),
    limit_exceeded: (world) => world.grant(world.founder, world.member('newcomer'), credits(1_000) + 1),
  },
};

const claims: Family = {
  rules: CLAIM_RULES,
  honest: async (world) => world.claim(world.member('newcomer'), await newcomersGrant(world)),
  breaks: {
    wrong_community: async (world) => {
      const elsewhere = await createEconomyWorld({ communityName: 'Elsewhere' });
      const granted = await elsewhere.grant(elsewhere.founder, elsewhere.member('newcomer'), credits(5));
      return world.claim(world.member('newcomer'), granted);
    },
    not_yours_to_claim: async (world) => world.claim(world.member('other'), await newcomersGrant(world)),
    head_not_witnessed: async (world) => {
      const granted = await newcomersGrant(world);
      const four = await world.heads(granted);
      return world.claim(world.member('newcomer'), granted, four.slice(0, 4));
    },
    claimed_twice: async (world) => {
      const granted = await newcomersGrant(world);
      await world.claim(world.member('newcomer'), granted);
      return world.claim(world.member('newcomer'), granted);
    },
  },
};

const newcomersGrant = (world: EconomyWorld) => world.grant(world.founder, world.member('newcomer'), credits(5));

// Reservations ------------------------------------------------------------------------------------------------------------

const reservations: Family = {
  rules: RESERVATION_RULES,
  honest: (world) => world.reserve(world.founder, world.member('host'), { amountMicros: credits(1_000) }),
  breaks: {
    pays_itself: (world) => world.reserve(world.founder, world.founder),
    idempotency_key_reused: async (world) => {
      await world.reserve(world.founder, world.member('host'), { idempotencyKey: 'once' });
      return world.reserve(world.founder, world.member('other'), { idempotencyKey: 'once' });
    },
    reservation_too_long: (world) =>
      world.reserve(world.founder, world.member('host'), { forMs: MAX_RESERVATION_MS + 1 }),
    offer_missing: (world) => world.reserve(world.founder, world.member('host'), { offer: null }),
    roster_unknown: async (world) => {
      const named = await world.nameWitnesses([], 1, world.member('host'));
      return world.reserve(world.founder, world.member('host'), { roster: named });
    },
    roster_outdated: async (world) => {
      const [first, second] = [await world.nameWitnesses([], 1), await world.nameWitnesses([], 2)];
      await world.reserve(world.founder, world.member('host'), { roster: second });
      return world.reserve(world.founder, world.member('host'), { roster: first });
    },
    overdraft: (world) => world.reserve(world.founder, world.member('host'), { amountMicros: credits(1_000) + 1 }),
  },
};

// Settlements -------------------------------------------------------------------------------------------------------------

async function proposedWith(world: EconomyWorld, change: SettlementChange): Promise<AnyWritten> {
  const { payer, host } = names(world);
  const reservation = await world.reserve(payer, host);
  return world.propose(host, reservation, await world.work(reservation, change));
}

/** A proposal whose receipt says something else than it should. */
const receiptWith =
  (change: (honest: InferenceWorkReceipt) => Partial<InferenceWorkReceipt>): Break =>
  (world) =>
    proposedWith(world, { receipt: (honest) => ({ ...honest, ...change(honest) }) });

const proposals: Family = {
  rules: PROPOSAL_RULES,
  honest: (world) => proposedWith(world, {}),
  breaks: {
    nothing_reserved: async (world) => {
      const { payer, host } = names(world);
      const overdrawn = await world.reserve(payer, host, { amountMicros: credits(1_000) + 1 });
      return world.propose(host, overdrawn, await world.work(overdrawn));
    },
    wrong_community: receiptWith(({ offer }) => ({ community: offer })),
    ids_do_not_match: async (world) => receiptWith(() => ({ creditAccount: world.member('other').nodeId }))(world),
    wrong_spend_key: async (world) => {
      const another = await world.reserve(world.founder, world.member('host'));
      return receiptWith(({ duplicateSpend }) => ({
        duplicateSpend: { ...duplicateSpend, spendKey: another.entry.id },
      }))(world);
    },
    wrong_offer: async (world) => {
      const host = world.member('host');
      const reservation = await world.reserve(world.founder, host, { offer: await world.offer(host) });
      world.nowMs += 1;
      const cheaper = await world.offer(host);
      return world.propose(host, reservation, await world.work(reservation, { offer: cheaper }));
    },
    offer_expired: async (world) => {
      const host = world.member('host');
      const offer = await world.offer(host, { expiresAt: world.nowMs });
      const reservation = await world.reserve(world.founder, host, { offer });
      return world.propose(host, reservation, await world.work(reservation));
    },
    task_not_offered: async (world) => {
      const host = world.member('host');
      const offer = await world.offer(host, { taskClasses: ['echo@1'] });
      const reservation = await world.reserve(world.founder, host, { offer });
      return world.propose(host, reservation, await world.work(reservation));
    },
    wrong_expert: receiptWith(() => ({ expert: { id: 'other', hash: 'f'.repeat(64) } })),
    too_private: receiptWith(({ policy }) => ({ policy: { ...policy, privacyClass: 'private_prohibited' } })),
    previous_receipt: receiptWith(({ duplicateSpend, offer }) => ({
      duplicateSpend: { ...duplicateSpend, previousReceipt: offer },
    })),
    wrong_sandbox: receiptWith(({ policy }) => ({ policy: { ...policy, sandboxProfile: 'quickjs' } })),
    not_for_credit: receiptWith(({ policy }) => ({ policy: { ...policy, allowedForCredit: false } })),
    receipts_not_required: receiptWith(({ policy }) => ({
      policy: { ...policy, receiptRequirements: ['inference_work_receipt'] },
    })),
    challenge_methods_missing: receiptWith(({ challenge }) => ({
      challenge: { ...challenge, methods: ['output_commitment_open'] },
    })),
    no_verifiers: receiptWith(({ challenge }) => ({ challenge: { ...challenge, verifierSet: [] } })),
    times_reversed: receiptWith(({ work }) => ({ work: { ...work, completedAt: work.startedAt - 1 } })),
    longer_than_between: receiptWith(({ work }) => ({
      work: { ...work, wallTimeMs: work.completedAt - work.startedAt + 1 },
    })),
    wrong_charge: receiptWith(({ chargeMicros }) => ({ chargeMicros: chargeMicros + 1 })),
    metered_above_charge: receiptWith(({ work, chargeMicros }) => ({
      work: { ...work, meteredCostMicros: chargeMicros + 1 },
    })),
    // 1,000 micros a token: half a credit pays for five hundred of them.
    charge_above_reserved: (world) => proposedWith(world, { tokens: 501 }),
    wrong_window: receiptWith(({ challenge }) => ({
      challenge: { ...challenge, windowSeconds: challenge.windowSeconds - 1 },
    })),
    wrong_commitment: receiptWith(({ commitments }) => ({
      commitments: { ...commitments, output: commitments.input },
    })),
    foreign_verdict: (world) =>
      proposedWith(world, {
        verdicts: (honest, at) => (at === 1 ? { ...honest, commitment: world.community.id } : honest),
      }),
    verdict_twice: (world) => proposedWith(world, { verifiers: [world.member('v0'), world.member('v0')] }),
    judges_own_work: (world) => proposedWith(world, { verifiers: [world.founder] }),
    verifier_not_named: receiptWith(({ challenge }) => ({
      challenge: { ...challenge, verifierSet: challenge.verifierSet.slice(0, 1) },
    })),
    not_accepted: (world) =>
      proposedWith(world, {
        verdicts: (honest, at) => (at === 0 ? { ...honest, verdict: 'rejected', reason: 'output_mismatch' } : honest),
      }),
  },
};

interface Job {
  readonly reservation: Reservation;
  readonly done: Proposed;
}

async function job(world: EconomyWorld, change: SettlementChange = {}): Promise<Job> {
  const reservation = await world.reserve(world.founder, world.member('host'));
  return { reservation, done: await world.work(reservation, change) };
}

const rejections = (world: EconomyWorld, { reservation, done }: Job, count = 2) =>
  Promise.all(Array.from({ length: count }, (_, at) => world.verdict(world.member(`v${at}`), reservation, done)));

const closings: Family = {
  rules: CLOSING_RULES,
  honest: async (world) => {
    const { reservation, done } = await job(world);
    const { event, refs, inside } = await world.close(reservation, { outcome: 'settled', work: done });
    return world.write(world.member('host'), event, refs, inside);
  },
  breaks: {
    wrong_community: async (world) => {
      const elsewhere = await createEconomyWorld({ communityName: 'Elsewhere' });
      const { reservation, done } = await job(elsewhere);
      const { event, refs, inside } = await elsewhere.close(reservation, { outcome: 'settled', work: done });
      return world.write(world.member('host'), event, refs, inside);
    },
    head_not_witnessed: async (world) => {
      const { reservation, done } = await job(world);
      const heads = (await world.heads(reservation)).slice(0, 4);
      return written(world, reservation, { outcome: 'settled', work: done, heads });
    },
    outcome_not_witnessed: async (world) => {
      const { reservation, done } = await job(world);
      const honest = { outcome: 'settled' as const, settlement: done.opened.id, chargeMicros: credits(0.1) };
      const at = world.nowMs + 600_000;
      const closed = (await world.outcomes(reservation, honest, { at })).slice(0, 4);
      return written(world, reservation, { outcome: 'settled', work: done, closed });
    },
    proposal_missing: async (world) => {
      const { reservation, done } = await job(world);
      return written(world, reservation, { outcome: 'expired', work: done, chargeMicros: 0 });
    },
    work_not_payable: async (world) => {
      const { reservation, done } = await job(world, { verdict: 'undecided' });
      return written(world, reservation, { outcome: 'settled', work: done });
    },
    bond_void: async (world) => {
      const { reservation, done } = await job(world);
      const stake = await world.bond(world.member('host'), reservation, credits(0.1));
      const offer = await world.offer(world.member('host'));
      const reasons = await rejections(world, { reservation: stake, done });
      return written(world, stake, { outcome: 'void', offer, reasons });
    },
    cost_of_looking_unknown: async (world) => {
      const { reservation, done } = await job(world);
      const reasons = await rejections(world, { reservation, done });
      return written(world, reservation, { outcome: 'void', reasons, offer: null, chargeMicros: 2_000 });
    },
    wrong_charge: async (world) => {
      const { reservation, done } = await job(world);
      const reasons = await rejections(world, { reservation, done });
      return written(world, reservation, { outcome: 'void', reasons, chargeMicros: 2_001 });
    },
    charge_above_reserved: async (world) => {
      const reservation = await world.reserve(world.founder, world.member('host'), { amountMicros: 1_999 });
      const reasons = await rejections(world, { reservation, done: await world.work(reservation) });
      return written(world, reservation, { outcome: 'void', reasons });
    },
    window_open: async (world) => {
      const { reservation, done } = await job(world);
      const what = { outcome: 'settled' as const, settlement: done.opened.id, chargeMicros: credits(0.1) };
      const closed = await world.outcomes(reservation, what, { at: world.nowMs + 600_000 - 1 });
      return written(world, reservation, { outcome: 'settled', work: done, closed });
    },
    too_few_rejections: async (world) => {
      const made = await job(world);
      const reasons = await rejections(world, made, 1);
      return written(world, made.reservation, { outcome: 'void', reasons, chargeMicros: 2_000 });
    },
    not_expired: async (world) => {
      const { reservation } = await job(world);
      const what = { outcome: 'expired' as const, settlement: null, chargeMicros: 0 };
      const closed = await world.outcomes(reservation, what, { at: reservation.entry.event.expiresAt - 1 });
      return written(world, reservation, { outcome: 'expired', closed });
    },
  },
};

async function written(
  world: EconomyWorld,
  reservation: Reservation,
  options: Parameters<EconomyWorld['close']>[1],
): Promise<AnyWritten> {
  const { event, refs, inside } = await world.close(reservation, options);
  return world.write(world.member('host'), event, refs, inside);
}

// Looking -----------------------------------------------------------------------------------------------------------------

/** A validator's receipt for looking at work that was settled, with what it falsely says. */
const lookedWith =
  (change: Partial<VerificationReceipt> = {}): Break =>
  async (world) => {
    const { reservation, done } = await job(world);
    const closing = await world.close(reservation, { outcome: 'settled', work: done });
    return world.receiptForLooking(world.member('v0'), { done, closing }, change);
  };

const looks: Family = {
  rules: LOOKING_RULES,
  honest: lookedWith(),
  breaks: {
    wrong_community: async (world) => {
      const elsewhere = await createEconomyWorld({ communityName: 'Elsewhere' });
      return lookedWith({ community: elsewhere.community.id })(world);
    },
    not_the_validator: async (world) => {
      const { reservation, done } = await job(world);
      const closing = await world.close(reservation, { outcome: 'settled', work: done });
      return world.receiptForLooking(world.member('v0'), { done, closing }, {}, world.member('v1'));
    },
    nothing_looked_at: async (world) => {
      const { entry } = (await lookedWith()(world)) as Awaited<ReturnType<EconomyWorld['receiptForLooking']>>;
      return world.write(world.member('v0'), entry.event, [], entry.inside);
    },
    ids_do_not_match: lookedWith({ jobId: 'another-job' }),
    wrong_pay: lookedWith({ paidMicros: 10_001 }),
  },
};

// Disputes ----------------------------------------------------------------------------------------------------------------

async function disputed(world: EconomyWorld, change: SettlementChange = {}) {
  const host = world.member('host');
  const challenger = world.founder;
  const { reservation, done } = await job(world, change);
  const proposal = await world.propose(host, reservation, done);
  return { host, challenger, reservation, done, proposal };
}

const challenges: Family = {
  rules: CHALLENGE_RULES,
  honest: async (world) => {
    const { challenger, reservation, done, proposal } = await disputed(world);
    const stake = await world.bond(challenger, reservation, done.opened.receipt.chargeMicros);
    return world.challenge(challenger, proposal, reservation, done, stake);
  },
  breaks: {
    nothing_proposed: async (world) => {
      const { challenger, reservation, done, proposal } = await disputed(world, { verdict: 'rejected' });
      const stake = await world.bond(challenger, reservation, done.opened.receipt.chargeMicros);
      return world.challenge(challenger, proposal, reservation, done, stake);
    },
    challenges_itself: async (world) => {
      const { host, reservation, done, proposal } = await disputed(world);
      const stake = await world.bond(host, reservation, done.opened.receipt.chargeMicros);
      return world.challenge(host, proposal, reservation, done, stake);
    },
    no_rejection: async (world) => {
      const { challenger, reservation, done, proposal } = await disputed(world);
      const stake = await world.bond(challenger, reservation, done.opened.receipt.chargeMicros);
      const said = await world.verdict(challenger, reservation, done, 'accepted');
      return world.challenge(challenger, proposal, reservation, done, stake, said);
    },
    bond_missing: async (world) => {
      const { challenger, host, reservation, done, proposal } = await disputed(world);
      const stake = await world.reserve(challenger, host, {
        purpose: 'bond',
        jobId: reservation.entry.event.jobId,
        // A tenth of the charge, less the least there is.
        amountMicros: done.opened.receipt.chargeMicros / 10 - 1,
      });
      return world.challenge(challenger, proposal, reservation, done, stake);
    },
    bond_used: async (world) => {
      const { challenger, host, reservation, done, proposal } = await disputed(world);
      const second = await world.reserve(challenger, host, { jobId: reservation.entry.event.jobId });
      const again = await world.work(second);
      const other = await world.propose(host, second, again);
      const stake = await world.bond(challenger, reservation, done.opened.receipt.chargeMicros);
      await world.challenge(challenger, proposal, reservation, done, stake);
      return world.challenge(challenger, other, second, again, stake);
    },
    challenged_twice: async (world) => {
      const { challenger, reservation, done, proposal } = await disputed(world);
      for (let time = 0; time < 2; time++) {
        const stake = await world.bond(challenger, reservation, done.opened.receipt.chargeMicros);
        const raised = await world.challenge(challenger, proposal, reservation, done, stake);
        if (time === 1) return raised;
      }
      throw new Error('unreachable');
    },
  },
};

async function raised(world: EconomyWorld) {
  const made = await disputed(world);
  const stake = await world.bond(made.challenger, made.reservation, made.done.opened.receipt.chargeMicros);
  const challenge = await world.challenge(made.challenger, made.proposal, made.reservation, made.done, stake);
  return { ...made, challenge, panel: world.panelOf(made.challenger, made.reservation, made.done) };
}

const rulings: Family = {
  rules: RULING_RULES,
  honest: async (world) => {
    const { reservation, done, challenge, panel } = await raised(world);
    const said = await Promise.all(panel.slice(0, 2).map((one) => world.verdict(one, reservation, done)));
    return world.rule(panel[0]!, challenge, said);
  },
  breaks: {
    no_challenge: async (world) => {
      const { challenger, reservation, done, proposal } = await disputed(world);
      const stake = await world.bond(challenger, reservation, 10);
      const refused = await world.challenge(challenger, proposal, reservation, done, stake);
      const said = await Promise.all(
        world.panelOf(challenger, reservation, done).map((one) => world.verdict(one, reservation, done)),
      );
      return world.rule(challenger, refused, said);
    },
    not_the_panel: async (world) => {
      const { reservation, done, challenge, panel } = await raised(world);
      const outsider = world.policy.witnesses.map(world.byId).find((one) => !panel.includes(one))!;
      const said = await Promise.all([panel[0]!, outsider].map((one) => world.verdict(one, reservation, done)));
      return world.rule(panel[0]!, challenge, said);
    },
    foreign_verdict: async (world) => {
      const { reservation, done, challenge, panel } = await raised(world);
      const said = await Promise.all(panel.map((one, at) => world.verdict(one, reservation, at === 2 ? null : done)));
      return world.rule(panel[0]!, challenge, said);
    },
    no_majority: async (world) => {
      const { reservation, done, challenge, panel } = await raised(world);
      const found = ['rejected', 'accepted', 'undecided'] as const;
      const said = await Promise.all(panel.map((one, at) => world.verdict(one, reservation, done, found[at])));
      return world.rule(panel[0]!, challenge, said);
    },
  },
};

// Mints -------------------------------------------------------------------------------------------------------------------

const mints: Family = {
  rules: MINT_RULES,
  honest: (world) =>
    world.mint(world.member('maker'), credits(1), { curators: [world.member('c0'), world.member('c1')] }),
  breaks: {
    nothing_contributed: (world) =>
      world.mint(world.member('maker'), credits(1), {
        contribution: { fault: { code: 'skill_not_better', message: 'The skill is no better than before.' } },
      }),
    wrong_account: (world) =>
      world.mint(world.member('maker'), credits(1), { contribution: { account: world.member('other').nodeId } }),
    minted_twice: async (world) => {
      const change = { contribution: { mintKey: 'once' } };
      await world.mint(world.member('maker'), credits(1), change);
      return world.mint(world.member('maker'), credits(1), change);
    },
    wrong_amount: (world) => world.mint(world.member('maker'), credits(1), { contribution: { mintMicros: 999_999 } }),
    approves_own: (world) => world.mint(world.member('c0'), credits(1)),
    too_few_curators: (world) => world.mint(world.member('maker'), credits(1), { curators: [world.member('c0')] }),
  },
};

// ---------------------------------------------------------------------------------------------------------------------

const families: Readonly<Record<string, Family>> = {
  grants,
  claims,
  reservations,
  proposals,
  closings,
  looks,
  challenges,
  rulings,
  mints,
};

/** Rules of the fold itself, on events that are otherwise sound. */
const foldBreaks: Breaks = {
  wrong_root: async (world) => {
    await world.grant(world.founder, world.member('newcomer'), 1);
    return world.write(world.founder, { kind: 'log.checkpointed', length: 1, root: EMPTY_ROOT });
  },
  reference_missing: async (world) => {
    const { reservation, done } = await job(world);
    return world.write(
      world.member('host'),
      { kind: 'settlement.proposed', reservation: reservation.entry.id, settlement: done.settlement },
      [],
      { kind: 'proposal', settlement: done.opened },
    );
  },
  foreign_offer: async (world) => {
    const { signed, body } = await world.offer(world.member('host'));
    const event = { kind: 'offer.published' as const, offer: signed };
    return world.write(world.member('other'), event, [], { kind: 'offer', terms: body });
  },
  not_the_founder: (world) => world.nameWitnesses([], 1, world.member('other')),
  not_the_payee: async (world) => {
    const { reservation, done } = await job(world);
    return world.propose(world.member('other'), reservation, done);
  },
  proposed_twice: async (world) => {
    const { reservation, done } = await job(world);
    await world.propose(world.member('host'), reservation, done);
    return world.propose(world.member('host'), reservation, await world.work(reservation, { tokens: 101 }));
  },
  closed_twice: async (world) => {
    const { reservation, done } = await job(world);
    await written(world, reservation, { outcome: 'settled', work: done });
    // Another certificate for the same end is another event.
    const heads = (await world.heads(reservation)).slice(0, 5);
    return written(world, reservation, { outcome: 'settled', work: done, heads });
  },
};

describe.each(Object.entries(families))('%s', (_, { rules, honest, breaks, options }) => {
  it('keep all rules when nothing is wrong', async () => {
    const world = await createEconomyWorld(options);
    expect(judge(world, await honest(world))).toBe(null);
  });

  it.each(Object.entries(breaks))('break exactly %s', async (name, make) => {
    const world = await createEconomyWorld(options);
    const rule = rules.find((one) => one.name === name) as { sentence: string } | undefined;
    expect(judge(world, await make(world))).toEqual({ code: name, message: rule?.sentence });
  });

  it('have a case for each of their rules', () => {
    // What no event of a community without an economy may do is shown below, for all of them.
    const shownBelow = ['no_economy', 'minting_off'];
    expect(Object.keys(breaks).sort()).toEqual(
      rules.flatMap(({ name }) => (shownBelow.includes(name) ? [] : [name])).sort(),
    );
  });

  it('do not exist in a community whose members do not pay each other', async () => {
    const world = await createEconomyWorld(options);
    // What builds on an event that is refused there names that as missing.
    expect(judge(world, await honest(world), withoutEconomy(world))?.code).toBe(rules[0]!.name);
  });
});

describe('rules of the fold itself', () => {
  it.each(Object.entries(foldBreaks))('break exactly %s', async (name, make) => {
    const world = await createEconomyWorld();
    const message = FOLD_RULES[name as keyof typeof FOLD_RULES];
    expect(judge(world, await make(world))).toEqual({ code: name, message });
  });

  it('have a case each', () => {
    expect(Object.keys(foldBreaks).sort()).toEqual(Object.keys(FOLD_RULES).sort());
  });

  it('take the fault of a contribution as it is told', async () => {
    const world = await createEconomyWorld();
    const { contribution } = (await world.mint(world.member('maker'), 1)).entry.event;
    const fault = { code: 'skill_not_better', message: 'The skill is no better than before.' };
    const said = { receipt: world.community.id, account: world.founder.nodeId, mintKey: 'key', mintMicros: 1, fault };
    const event = { kind: 'contribution.receipted' as const, receipt: contribution };
    const entry = await world.write(world.founder, event, [], { kind: 'contribution', contribution: said });
    expect(judge(world, entry)).toEqual(fault);
  });
});

describe('a community that mints nothing', () => {
  it('refuses what is accepted elsewhere', async () => {
    const world = await createEconomyWorld({ policy: { mint: false } });
    expect(judge(world, await mints.honest(world))?.code).toBe('minting_off');
  });
});

describe('exactly at the bound', () => {
  it('all that is available can be reserved, and nothing after it', async () => {
    const world = await createEconomyWorld();
    const host = world.member('host');
    const whole = await world.reserve(world.founder, host, { amountMicros: credits(1_000) });
    const more = await world.reserve(world.founder, host, { amountMicros: 1 });
    expect(judge(world, whole)).toBe(null);
    expect(judge(world, more)?.code).toBe('overdraft');
  });

  it('what was granted away, and what was earned, is no limit to grant', async () => {
    const world = await createEconomyWorld();
    const [founder, host, newcomer] = [world.founder, world.member('host'), world.member('newcomer')];
    const reservation = await world.reserve(founder, host);
    const done = await world.work(reservation);
    const { event, refs, inside } = await world.close(reservation, { outcome: 'settled', work: done });
    await world.write(host, event, refs, inside);
    // The host earned, and may spend it, but has no limit to hand on.
    expect(judge(world, await world.grant(host, newcomer, 1))?.code).toBe('limit_exceeded');
    const earned = 80_000;
    expect(judge(world, await world.reserve(host, founder, { amountMicros: earned + 1 }))?.code).toBe('overdraft');
    expect(judge(world, await world.reserve(host, founder, { amountMicros: earned }))).toBe(null);
  });

  it('a reservation may last a day, and must last at all', async () => {
    for (const [forMs, code] of [
      [MAX_RESERVATION_MS, undefined],
      [0, 'reservation_too_long'],
      [1, undefined],
    ] as const) {
      const world = await createEconomyWorld();
      expect(judge(world, await world.reserve(world.founder, world.member('host'), { forMs }))?.code).toBe(code);
    }
  });

  it('an advertisement counts until the millisecond in which it expires', async () => {
    const world = await createEconomyWorld();
    const host = world.member('host');
    const reservation = await world.reserve(world.founder, host, {
      offer: await world.offer(host, { expiresAt: world.nowMs + 1 }),
    });
    expect(judge(world, await world.propose(host, reservation, await world.work(reservation)))).toBe(null);
  });

  it('an advertisement that was altered after it was signed is another one', async () => {
    const world = await createEconomyWorld();
    const host = world.member('host');
    const reservation = await world.reserve(world.founder, host);
    const done = await world.work(reservation, { offer: await world.offer(host, { rateMicros: 1_001 }) });
    expect(judge(world, await world.propose(host, reservation, done))?.code).toBe('wrong_offer');
  });

  it('the charge is exact, one micro below is as wrong as one above', async () => {
    for (const off of [-1, 1]) {
      const world = await createEconomyWorld();
      const entry = await receiptWith(({ chargeMicros }) => ({ chargeMicros: chargeMicros + off }))(world);
      expect(judge(world, entry)?.code).toBe('wrong_charge');
    }
  });

  it('the charge may be all that was reserved', async () => {
    const world = await createEconomyWorld();
    expect(judge(world, await proposedWith(world, { tokens: 500 }))).toBe(null);
  });

  it('metered cost may be all of the charge', async () => {
    const world = await createEconomyWorld();
    const entry = await receiptWith(({ work, chargeMicros }) => ({
      work: { ...work, meteredCostMicros: chargeMicros },
    }))(world);
    expect(judge(world, entry)).toBe(null);
  });

  it('work may take all of the time between its ends, and a millisecond where those are one', async () => {
    for (const [betweenMs, wallTimeMs, code] of [
      [7, 7, undefined],
      [7, 8, 'longer_than_between'],
      [0, 1, undefined],
      [0, 2, 'longer_than_between'],
    ] as const) {
      const world = await createEconomyWorld();
      const entry = await receiptWith(({ work }) => ({
        work: { ...work, wallTimeMs, startedAt: work.completedAt - betweenMs },
      }))(world);
      expect(judge(world, entry)?.code).toBe(code);
    }
  });

  it('a work receipt must allow all four ways to challenge it, whichever one is missing', async () => {
    for (let missing = 0; missing < 4; missing++) {
      const world = await createEconomyWorld();
      const entry = await receiptWith(({ challenge }) => ({
        challenge: { ...challenge, methods: challenge.methods.filter((_, at) => at !== missing) },
      }))(world);
      expect(judge(world, entry)?.code).toBe('challenge_methods_missing');
    }
  });

  it('work is paid under an offer when it names the model of that offer, by its name and by its weights', async () => {
    for (const change of [
      () => null,
      ({ id }: { id: string; hash: string }) => ({ id, hash: 'f'.repeat(64) }),
      ({ hash }: { id: string; hash: string }) => ({ id: 'other', hash }),
    ]) {
      const world = await createEconomyWorld();
      const entry = await receiptWith(({ expert }) => ({ expert: change(expert!) }))(world);
      expect(judge(world, entry)?.code).toBe('wrong_expert');
    }
  });

  it('five of seven witnesses are enough, each counted once', async () => {
    const world = await createEconomyWorld();
    const { reservation, done } = await job(world);
    const all = await world.heads(reservation);
    const honest = { outcome: 'settled' as const, work: done };
    const five = await written(world, reservation, { ...honest, heads: all.slice(0, 5) });
    const fiveOfFour = await written(world, reservation, { ...honest, heads: [...all.slice(0, 4), all[0]!] });
    expect(judge(world, five)).toBe(null);
    expect(judge(world, fiveOfFour)?.code).toBe('head_not_witnessed');
  });

  it('the median of the witnesses’ clocks decides, so that two of five that lie change nothing', async () => {
    const world = await createEconomyWorld();
    const { reservation, done } = await job(world);
    const what = { outcome: 'settled' as const, settlement: done.opened.id, chargeMicros: credits(0.1) };
    const five = world.policy.witnesses.slice(0, 5).map(world.byId);
    const [end, never] = [world.nowMs + 600_000, world.nowMs * 2];
    const signedAt = async (times: readonly number[]) =>
      (
        await Promise.all(five.map((one, at) => world.outcomes(reservation, what, { by: [one], at: times[at]! })))
      ).flat();
    for (const [times, code] of [
      [[end, end, end, 0, 0], undefined],
      [[end - 1, end - 1, end - 1, never, never], 'window_open'],
      [[end - 1, end - 1, end, end, end], undefined],
    ] as const) {
      const closed = await signedAt(times);
      const fresh = await createFoldFeeder(world.community);
      const { event, inside } = await world.close(reservation, { outcome: 'settled', work: done, closed });
      const writer = { ...world.member('host'), entries: [], head: { id: null, length: 0, lamport: 0 } };
      const entry = await world.write(writer, event, [], inside);
      fresh.give(entry.entry);
      expect(fresh.fold.state.refusals[0]?.rule).toBe(code);
    }
  });

  it('a reservation may be let go in the millisecond in which it expires', async () => {
    const world = await createEconomyWorld();
    const { reservation } = await job(world);
    expect(judge(world, await written(world, reservation, { outcome: 'expired' }))).toBe(null);
  });

  it('a bond is a tenth of the charge, rounded up, and at least one', async () => {
    for (const [tokens, minimumMicros, least] of [
      [101, 0, 10_100],
      [0, 1, 1],
      [0, 11, 2],
    ] as const) {
      for (const [amountMicros, code] of [
        [least, undefined],
        [least - 1, 'bond_missing'],
      ] as const) {
        if (amountMicros === 0) continue;
        const world = await createEconomyWorld();
        const [challenger, host] = [world.founder, world.member('host')];
        const offer = await world.offer(host, { rateMicros: 100 * 10, minimumMicros });
        const reservation = await world.reserve(challenger, host, { offer });
        const done = await world.work(reservation, { tokens });
        const proposal = await world.propose(host, reservation, done);
        const { jobId } = reservation.entry.event;
        const stake = await world.reserve(challenger, host, { purpose: 'bond', jobId, amountMicros });
        const entry = await world.challenge(challenger, proposal, reservation, done, stake);
        expect(judge(world, entry)?.code).toBe(code);
      }
    }
  });
});

describe('a receipt for looking', () => {
  it('is known by the work and its validator, and until then the log says what it must tell, after a restart too', async () => {
    const world = await createEconomyWorld();
    const validator = world.member('v0');
    const entry = (await lookedWith()(world)) as Awaited<ReturnType<EconomyWorld['receiptForLooking']>>;
    const { settlement, verdict, paidMicros } = (entry.entry.inside as { receipt: VerificationReceipt }).receipt;
    const { reservation } = [...world.members]
      .flatMap(({ entries }) => entries.map((one) => one.entry))
      .flatMap(({ inside }) => (inside.kind === 'closing' ? [{ reservation: inside.reservation.id }] : []))[0]!;
    const feeder = createFoldFeeder(world.community);
    for (const member of world.members) for (const one of member.entries) if (one !== entry) feeder.give(one.entry);
    feeder.restart();
    expect(feeder.fold.state.unreceiptedLooksOf(validator.nodeId)).toMatchObject([
      { settlement, verdict, paidMicros, reservation },
    ]);
    expect(feeder.fold.state.unreceiptedLooksOf(world.member('v1').nodeId)).toEqual([]);
    expect(feeder.fold.state.verificationOf(reservation, validator.nodeId)).toBe(null);
    feeder.give(entry.entry);
    for (const restarted of [false, true]) {
      if (restarted) feeder.restart();
      const { state } = feeder.fold;
      expect(state.unreceiptedLooksOf(validator.nodeId)).toEqual([]);
      expect(state.verificationOf(reservation, validator.nodeId)).toMatchObject({ seq: entry.entry.seq });
      expect(state.refusals).toEqual([]);
    }
  });
});

describe('one spend key', () => {
  it('pays its host once, whoever writes how it ended and how often it is said', async () => {
    const world = await createEconomyWorld();
    const host = world.member('host');
    const { reservation, done } = await job(world);
    await world.propose(host, reservation, done);
    for (const writer of [host, world.founder, world.member('v0'), world.member('other'), host]) {
      const heads = (await world.heads(reservation)).slice(0, 5);
      const { event, refs, inside } = await world.close(reservation, { outcome: 'settled', work: done, heads });
      await world.write(writer, event, refs, inside);
    }
    const { fold, give } = createFoldFeeder(world.community);
    for (const member of world.members) for (const { entry } of member.entries) give(entry);
    const confirmed = (name: string) => fold.state.balanceOf(world.member(name).nodeId).confirmedMicros;
    // A tenth of a credit, of which a fifth goes to the two who looked.
    expect(confirmed('host')).toBe(80_000);
    expect(confirmed('v0')).toBe(10_000);
    expect(confirmed('v1')).toBe(10_000);
    expect(confirmed('founder')).toBe(-100_000);
    expect(fold.state.refusals.map(({ rule }) => rule)).toEqual(['closed_twice']);
    expect(fold.state.unclaimedBy(world.member('v1').nodeId).reservations).toEqual([reservation.entry.id]);
    expect(fold.state.unclaimedBy(world.member('v0').nodeId).reservations).toEqual([]);
  });

  it('is not spent by a receipt that names another one', async () => {
    const world = await createEconomyWorld();
    const entry = await receiptWith(({ duplicateSpend }) => ({
      duplicateSpend: { ...duplicateSpend, idempotencyKey: 'another' },
    }))(world);
    expect(judge(world, entry)?.code).toBe('wrong_spend_key');
  });
});
