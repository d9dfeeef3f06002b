import { describe, expect, it } from 'vitest';
import type { Result } from '../base/result';
import { unwrap } from '../base/result';
import { sign } from '../wire/signed';
import {
  createEconomyWorld,
  credits,
  type EconomyWorld,
  type Prepared,
  type Proposed,
  type Reservation,
  type Said,
} from '#tests/fakes/economy-world';
import { createFoldFeeder, type FoldFeeder } from '#tests/fakes/fold-feeder';
import type { VerdictStatement } from './statements';
import {
  EXPIRY_GRACE_MS,
  HANDOVER_MS,
  mayWitness,
  mayWitnessHead,
  openRelease,
  outcomeStatement,
  RULING_MS,
  type WITNESS_REFUSALS,
  type OutcomeRequest,
  type SignedBefore,
} from './witness-duty';
import type { OutcomeWitness } from './witnesses';

const NOTHING: SignedBefore = { proposed: null, end: null };

/** A world with work that was proposed and, where told, challenged and ruled on; and a witness that holds all logs. */
async function scene(found: VerdictStatement['verdict'] | 'unchallenged' | 'silent' = 'unchallenged') {
  const world = await createEconomyWorld();
  const [payer, host, challenger] = [world.founder, world.member('host'), world.member('challenger')];
  await world.claim(challenger, await world.grant(payer, challenger, credits(5)));
  const reservation = await world.reserve(payer, host);
  const done = await world.work(reservation);
  await world.propose(host, reservation, done);
  const chargeMicros = done.opened.receipt.chargeMicros;
  const stake = await world.bond(challenger, reservation, chargeMicros);
  if (found !== 'unchallenged') {
    const proposal = host.entries.at(-1)! as Awaited<ReturnType<EconomyWorld['propose']>>;
    const raised = await world.challenge(challenger, proposal, reservation, done, stake);
    const panel = world.panelOf(challenger, reservation, done);
    if (found !== 'silent') {
      const said = await Promise.all(panel.map((one) => world.verdict(one, reservation, done, found)));
      await world.rule(panel[0]!, raised, said);
    }
  }
  const feeder = createFoldFeeder(world.community);
  give(world, feeder);
  const { windowSeconds } = done.opened.receipt.challenge;
  return {
    world,
    payer,
    host,
    challenger,
    reservation,
    done,
    stake,
    feeder,
    chargeMicros,
    windowMs: windowSeconds * 1_000,
  };
}

function give(world: EconomyWorld, feeder: FoldFeeder): void {
  for (const member of world.members) for (const { entry } of member.entries) feeder.give(entry);
}

const BARE = { certified: null, settlement: null, proposed: [], reasons: [], offer: null, release: null };
const request = (reservation: Reservation, change: Partial<OutcomeRequest>): OutcomeRequest => ({
  ...BARE,
  reservation: reservation.entry.id,
  outcome: 'expired',
  chargeMicros: 0,
  ...change,
});

const forWork = ({ opened }: Proposed, outcome: 'proposed' | 'settled'): Partial<OutcomeRequest> => ({
  outcome,
  settlement: opened,
  chargeMicros: opened.receipt.chargeMicros,
});

async function proposedBy(world: EconomyWorld, reservation: Reservation, { opened }: Proposed, count = 7) {
  const what = {
    outcome: 'proposed' as const,
    settlement: opened.id,
    chargeMicros: opened.receipt.chargeMicros,
  };
  const said = await world.outcomes(reservation, what);
  return said.slice(0, count).map(({ by, body }) => ({ witness: by, statement: body }));
}

const opened = (said: readonly Said<VerdictStatement>[]) => said.map(({ id, body }) => ({ id, verdict: body }));

const rejections = async (world: EconomyWorld, reservation: Reservation, done: Proposed, count = 2) =>
  opened(
    await Promise.all(
      Array.from({ length: count }, (_, at) => world.verdict(world.member(`v${at}`), reservation, done)),
    ),
  );

const codeOf = (result: Result<void>): string | null => (result.ok ? null : result.error.code);

type Scene = Awaited<ReturnType<typeof scene>>;
const may = (
  { world, feeder }: Pick<Scene, 'world' | 'feeder'>,
  asked: OutcomeRequest,
  before: SignedBefore = NOTHING,
  nowMs = world.nowMs,
): string | null => codeOf(mayWitness({ community: world.community, state: feeder.fold.state }, asked, before, nowMs));

/** What a witness signed, had it been asked this. */
const signed = ({ world }: Pick<Scene, 'world'>, asked: OutcomeRequest): OutcomeWitness =>
  outcomeStatement(world.community.id, asked, world.nowMs);

/** Every reason not to sign, each in a case where nothing else is wrong. */
const cases: Readonly<Record<keyof typeof WITNESS_REFUSALS, () => Promise<string | null>>> = {
  banned: async () => {
    const { world, feeder, reservation, payer } = await scene();
    feeder.ban(payer.nodeId, payer.entries.length);
    return codeOf(
      mayWitnessHead(feeder.fold.state, { author: payer.nodeId, entry: reservation.entry.id }, world.nowMs),
    );
  },
  entry_refused: async () => {
    const { world, feeder, payer, host } = await scene();
    const overdrawn = await world.reserve(payer, host, { amountMicros: credits(1_000) });
    give(world, feeder);
    return codeOf(mayWitnessHead(feeder.fold.state, { author: payer.nodeId, entry: overdrawn.entry.id }, world.nowMs));
  },
  roster_not_in_force: async () => {
    const { world, feeder, payer, host } = await scene();
    const roster = await world.nameWitnesses([], 1);
    const early = await world.reserve(payer, host, { roster });
    give(world, feeder);
    const place = { author: payer.nodeId, entry: early.entry.id };
    expect(codeOf(mayWitnessHead(feeder.fold.state, place, world.nowMs + HANDOVER_MS))).toBe(null);
    return codeOf(mayWitnessHead(feeder.fold.state, place, world.nowMs + HANDOVER_MS - 1));
  },
  no_economy: async () => {
    const { world, feeder, reservation, done } = await scene();
    const { economy: _, ...community } = world.community;
    const held = { community, state: feeder.fold.state };
    return codeOf(mayWitness(held, request(reservation, forWork(done, 'proposed')), NOTHING, world.nowMs));
  },
  not_held: async () => {
    const at = await scene();
    const unknown = { ...request(at.reservation, forWork(at.done, 'proposed')), reservation: at.world.community.id };
    return may(at, unknown);
  },
  already_ended: async () => {
    const at = await scene();
    const end = signed(at, request(at.reservation, { outcome: 'released' }));
    return may(at, request(at.reservation, forWork(at.done, 'proposed')), { proposed: null, end });
  },
  proposal_missing: async () => {
    const at = await scene();
    return may(at, request(at.reservation, { outcome: 'proposed', chargeMicros: at.chargeMicros }));
  },
  already_proposed: async () => {
    const at = await scene();
    const other = await at.world.work(at.reservation, { tokens: 101 });
    const proposed = signed(at, request(at.reservation, forWork(other, 'proposed')));
    return may(at, request(at.reservation, forWork(at.done, 'proposed')), { proposed, end: null });
  },
  wrong_charge: async () => {
    const at = await scene();
    return may(at, { ...request(at.reservation, forWork(at.done, 'proposed')), chargeMicros: at.chargeMicros + 1 });
  },
  not_published: async () => {
    const at = await scene();
    const other = await at.world.work(at.reservation, { tokens: 101 });
    return may(at, request(at.reservation, forWork(other, 'proposed')));
  },
  expired: async () => {
    const at = await scene();
    const late = request(at.reservation, forWork(at.done, 'proposed'));
    const { expiresAt } = at.reservation.entry.event;
    expect(may(at, late, NOTHING, expiresAt)).toBe(null);
    return may(at, late, NOTHING, expiresAt + 1);
  },
  challenge_upheld: async () => {
    const at = await scene('rejected');
    const proposed = await proposedBy(at.world, at.reservation, at.done);
    const asked = { ...request(at.reservation, forWork(at.done, 'settled')), proposed };
    return may(at, asked, NOTHING, at.world.nowMs + at.windowMs);
  },
  not_proposed: async () => {
    const at = await scene();
    const proposed = await proposedBy(at.world, at.reservation, at.done, 4);
    const asked = { ...request(at.reservation, forWork(at.done, 'settled')), proposed };
    return may(at, asked, NOTHING, at.world.nowMs + at.windowMs);
  },
  window_open: async () => {
    const at = await scene();
    const proposed = await proposedBy(at.world, at.reservation, at.done, 5);
    const asked = { ...request(at.reservation, forWork(at.done, 'settled')), proposed };
    expect(may(at, asked, NOTHING, at.world.nowMs + at.windowMs)).toBe(null);
    return may(at, asked, NOTHING, at.world.nowMs + at.windowMs - 1);
  },
  challenged: async () => {
    const at = await scene('silent');
    const proposed = await proposedBy(at.world, at.reservation, at.done);
    const asked = { ...request(at.reservation, forWork(at.done, 'settled')), proposed };
    const longest = at.world.nowMs + at.windowMs + RULING_MS;
    // Whoever pays a tenth stops a payment for a day, and no longer.
    expect(may(at, asked, NOTHING, longest)).toBe(null);
    return may(at, asked, NOTHING, longest - 1);
  },
  too_few_rejections: async () => {
    const at = await scene();
    const reasons = await rejections(at.world, at.reservation, at.done, 1);
    const offer = at.done.opened.offer;
    return may(at, request(at.reservation, { outcome: 'void', chargeMicros: 2_000, reasons, offer }));
  },
  cost_of_looking_unknown: async () => {
    const at = await scene();
    const reasons = await rejections(at.world, at.reservation, at.done);
    return may(at, request(at.reservation, { outcome: 'void', chargeMicros: 2_000, reasons }));
  },
  charge_above_reserved: async () => {
    const at = await scene();
    const small = await at.world.reserve(at.payer, at.host, { amountMicros: 1_999 });
    give(at.world, at.feeder);
    const done = await at.world.work(small);
    const reasons = await rejections(at.world, small, done);
    const { offer } = done.opened;
    return may(at, request(small, { outcome: 'void', chargeMicros: 2_000, reasons, offer }));
  },
  not_released: async () => {
    const at = await scene();
    return may(at, request(at.reservation, { outcome: 'released' }));
  },
  not_expired: async () => {
    const at = await scene();
    const { expiresAt } = at.reservation.entry.event;
    expect(may(at, request(at.reservation, {}), NOTHING, expiresAt + EXPIRY_GRACE_MS)).toBe(null);
    return may(at, request(at.reservation, {}), NOTHING, expiresAt + EXPIRY_GRACE_MS - 1);
  },
  bond_not_lost: async () => {
    const at = await scene('silent');
    const { amountMicros } = at.stake.entry.event;
    return may(at, request(at.stake, { outcome: 'settled', chargeMicros: amountMicros }));
  },
  not_upheld: async () => {
    const at = await scene('accepted');
    return may(at, request(at.stake, { outcome: 'released' }));
  },
  bond_lost: async () => {
    const at = await scene('accepted');
    return may(at, request(at.stake, {}), NOTHING, at.world.nowMs * 2);
  },
  not_work: async () => {
    const at = await scene();
    return may(at, request(at.stake, { outcome: 'proposed' }));
  },
};

describe('a witness does not sign', () => {
  it.each(Object.entries(cases))('%s', async (code, find) => {
    expect(await find()).toBe(code);
  });

  it('what breaks a rule of proposals', async () => {
    const at = await scene();
    const wrong = await at.world.work(at.reservation, { verdict: 'rejected' });
    expect(may(at, request(at.reservation, forWork(wrong, 'proposed')))).toBe('not_accepted');
  });
});

describe('a witness signs', () => {
  it('that work was proposed, and that it is to be paid once its window is over', async () => {
    const at = await scene();
    expect(may(at, request(at.reservation, forWork(at.done, 'proposed')))).toBe(null);
    const proposed = await proposedBy(at.world, at.reservation, at.done);
    const settled = { ...request(at.reservation, forWork(at.done, 'settled')), proposed };
    const before = { proposed: proposed[0]!.statement, end: null };
    expect(may(at, settled, before, at.world.nowMs + at.windowMs)).toBe(null);
    // Whether or not it was itself among those that signed the first.
    expect(may(at, settled, NOTHING, at.world.nowMs + at.windowMs)).toBe(null);
  });

  it('that challenged work is paid when the panel found nothing wrong, and the bond is lost then', async () => {
    const at = await scene('accepted');
    const proposed = await proposedBy(at.world, at.reservation, at.done);
    const settled = { ...request(at.reservation, forWork(at.done, 'settled')), proposed };
    expect(may(at, settled, NOTHING, at.world.nowMs + at.windowMs)).toBe(null);
    const { amountMicros } = at.stake.entry.event;
    expect(may(at, request(at.stake, { outcome: 'settled', chargeMicros: amountMicros }))).toBe(null);
    expect(may(at, request(at.stake, { outcome: 'settled', chargeMicros: amountMicros - 1 }))).toBe('wrong_charge');
  });

  it('that work is void, or nobody paid, when the panel found it wrong although it was proposed; and the bond goes back', async () => {
    const at = await scene('rejected');
    const before = { proposed: signed(at, request(at.reservation, forWork(at.done, 'proposed'))), end: null };
    const reasons = await rejections(at.world, at.reservation, at.done);
    const { offer } = at.done.opened;
    expect(may(at, request(at.reservation, { outcome: 'void', chargeMicros: 2_000, reasons, offer }), before)).toBe(
      null,
    );
    const { expiresAt } = at.reservation.entry.event;
    expect(may(at, request(at.reservation, {}), before, expiresAt + EXPIRY_GRACE_MS)).toBe(null);
    expect(may(at, request(at.stake, { outcome: 'released' }))).toBe(null);
  });

  it('nothing but the payment once it signed that work was proposed, as long as no panel found it wrong', async () => {
    const at = await scene();
    const before = { proposed: signed(at, request(at.reservation, forWork(at.done, 'proposed'))), end: null };
    const reasons = await rejections(at.world, at.reservation, at.done);
    const { offer } = at.done.opened;
    for (const asked of [
      request(at.reservation, { outcome: 'void', chargeMicros: 2_000, reasons, offer }),
      request(at.reservation, { outcome: 'released' }),
      request(at.reservation, {}),
    ])
      expect(may(at, asked, before, at.world.nowMs * 2)).toBe('already_proposed');
  });

  it('that a reservation is let go when its payee said so', async () => {
    const at = await scene();
    const said = async (reservation: Reservation, by = at.host) => {
      const body = {
        type: 'reservation-release' as const,
        v: 1 as const,
        community: at.world.community.id,
        reservation: reservation.entry.id,
        payee: at.host.nodeId,
      };
      return openRelease(await sign(by.signer, body), at.world.verify);
    };
    const release = unwrap(await said(at.reservation));
    expect(may(at, request(at.reservation, { outcome: 'released', release }))).toBe(null);
    expect(may(at, request(at.reservation, { outcome: 'released', release, chargeMicros: 1 }))).toBe('wrong_charge');
    const other = unwrap(await said(at.stake));
    expect(may(at, request(at.reservation, { outcome: 'released', release: other }))).toBe('not_released');
    expect((await said(at.reservation, at.payer)).ok).toBe(false);
  });

  it('that a bond is over when nobody challenged, but behind a challenge only when a panel had its time', async () => {
    const [idle, open] = [await scene(), await scene('silent')];
    const expiresAt = idle.stake.entry.event.expiresAt + EXPIRY_GRACE_MS;
    expect(may(idle, request(idle.stake, {}), NOTHING, expiresAt)).toBe(null);
    expect(may(open, request(open.stake, {}), NOTHING, expiresAt)).toBe('not_expired');
    expect(may(open, request(open.stake, {}), NOTHING, expiresAt + open.windowMs + RULING_MS - 1)).toBe('not_expired');
    expect(may(open, request(open.stake, {}), NOTHING, expiresAt + open.windowMs + RULING_MS)).toBe(null);
  });

  it('in spite of a challenge whose bond is gone: it would cost nothing', async () => {
    const at = await scene('silent');
    const proposed = await proposedBy(at.world, at.reservation, at.done);
    const settled = { ...request(at.reservation, forWork(at.done, 'settled')), proposed };
    expect(may(at, settled, NOTHING, at.world.nowMs + at.windowMs)).toBe('challenged');
    const gone: Prepared<'settlement.closed'> = await at.world.close(at.stake, { outcome: 'expired' });
    await at.world.write(at.world.member('anybody'), gone.event, gone.refs, gone.inside);
    give(at.world, at.feeder);
    expect(may(at, settled, NOTHING, at.world.nowMs + at.windowMs)).toBe(null);
  });

  it('for a payer who signed two histories what was certified before, and nothing else of it', async () => {
    const at = await scene();
    at.feeder.ban(at.payer.nodeId, at.reservation.entry.seq);
    const asked = request(at.reservation, forWork(at.done, 'proposed'));
    expect(may(at, asked)).toBe('not_held');
    const heads = (await at.world.heads(at.reservation)).map(({ by, body }) => ({ witness: by, statement: body }));
    const entry = at.reservation.entry;
    expect(may(at, { ...asked, certified: { entry, heads } })).toBe(null);
    expect(may(at, { ...asked, certified: { entry, heads: heads.slice(0, 4) } })).toBe('not_held');
    expect(may(at, { ...asked, certified: { entry: at.stake.entry, heads } })).toBe('not_held');
    const elsewhere = { ...entry, community: at.world.founder.nodeId };
    expect(may(at, { ...asked, certified: { entry: elsewhere, heads } })).toBe('not_held');
  });
});
