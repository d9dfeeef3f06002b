import { describe, expect, it } from 'vitest';
import type { NodeId } from '#core/base/ids';
import { fail, unwrap, type Result } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import { MAX_MICROS } from '#core/identity/economy-policy';
import { MAX_CARRIED_BYTES, MAX_STATEMENTS, MAX_VERDICTS } from '#core/ledger/events';
import type { Ledger } from '#core/ledger/ledger';
import type { VerdictStatement } from '#core/ledger/statements';
import { EXPIRY_GRACE_MS, RULING_MS, type WITNESS_REFUSALS } from '#core/ledger/witness-duty';
import { openOutcomeWitness } from '#core/ledger/witnesses';
import type { KeyValueStore } from '#core/storage/ports';
import { checkAgainst } from '#core/wire/gate';
import type { Signed } from '#core/wire/signed';
import { createMemory } from '#adapters/storage-memory';
import { createEconomyWorld, credits, type Member, type Proposed, type Reservation } from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { witnessOutcome, type WitnessOutcomeInput, type WitnessOutcomeOutput } from './contract';
import { createWitnessOutcomeHandler } from './handler';

const HOUR_MS = 60 * 60 * 1_000;
const OUTCOMES_PER_HOUR = 30_000;

/** A witness that holds all logs of a world with work that was proposed and, where told, challenged and ruled on. */
async function scene(found: VerdictStatement['verdict'] | 'unchallenged' | 'silent' = 'unchallenged') {
  const world = await createEconomyWorld();
  const clock = createVirtualClock(world.nowMs);
  const memory = createMemory();
  const { community, manifest, verify, founder: payer } = world;
  const [witness, host, challenger] = [world.member('w0'), world.member('host'), world.member('challenger')];
  await world.claim(challenger, await world.grant(payer, challenger, credits(5)));
  const reservation = await world.reserve(payer, host);
  const done = await world.work(reservation);
  const proposal = await world.propose(host, reservation, done);
  const { chargeMicros, challenge } = done.opened.receipt;
  const stake = await world.bond(challenger, reservation, chargeMicros);
  if (found !== 'unchallenged') {
    const raised = await world.challenge(challenger, proposal, reservation, done, stake);
    const panel = world.panelOf(challenger, reservation, done);
    if (found !== 'silent') {
      const said = await Promise.all(panel.map((one) => world.verdict(one, reservation, done, found)));
      await world.rule(panel[0]!, raised, said);
    }
  }
  const ledger = await openTestLedger(witness.signer, {
    storage: memory.open(),
    clock,
    verify,
    in: { community, manifest, founder: payer.signer },
  });

  /** Brings the witness what it does not hold yet. */
  async function bring(): Promise<void> {
    for (const { nodeId, entries } of world.members) {
      const from = ledger.heads().find((head) => head.author === nodeId)?.length ?? 0;
      const rest = entries.slice(from).map(({ bytes }) => bytes);
      if (rest.length > 0) unwrap(await ledger.receive(nodeId, from, rest));
    }
  }
  await bring();

  /** The witness as one tab runs it, over its own connection to the storage; `change` replaces parts of it. */
  function open(change: (records: KeyValueStore) => Partial<KeyValueStore> = () => ({}), over: Ledger = ledger) {
    const { records } = memory.open();
    const handler = createWitnessOutcomeHandler({
      signer: witness.signer,
      verify,
      clock,
      ledger: () => over,
      records: { ...records, ...change(records) },
    });
    return (input: WitnessOutcomeInput, caller: NodeId = host.nodeId): Promise<Result<WitnessOutcomeOutput>> => {
      const context: CallContext<never> = {
        caller,
        local: false,
        callId: 'call-1',
        signal: new AbortController().signal,
        emit: () => {},
      };
      return handler(input, context);
    };
  }

  return {
    world,
    clock,
    witness,
    payer,
    host,
    challenger,
    reservation,
    done,
    stake,
    chargeMicros,
    windowMs: challenge.windowSeconds * 1_000,
    ledger,
    bring,
    open,
    ask: open(),
  };
}

type Scene = Awaited<ReturnType<typeof scene>>;

const BARE = { certified: null, settlement: null, proposed: [], reasons: [], offer: null, release: null };

const request = (
  { entry }: Pick<Reservation, 'entry'>,
  change: Partial<WitnessOutcomeInput> = {},
): WitnessOutcomeInput => ({ ...BARE, reservation: entry.id, outcome: 'expired', chargeMicros: 0, ...change });

const forWork = ({ settlement, opened }: Proposed, outcome: 'proposed' | 'settled') => ({
  outcome,
  settlement,
  chargeMicros: opened.receipt.chargeMicros,
});

const signedOf = (said: readonly { readonly signed: Signed }[]): Signed[] => said.map(({ signed }) => signed);

/** Statements of so many witnesses that the work was proposed. */
async function proposedBy({ world, reservation, done, chargeMicros }: Scene, count = 7): Promise<Signed[]> {
  const what = { outcome: 'proposed' as const, settlement: done.opened.id, chargeMicros };
  return signedOf(await world.outcomes(reservation, what)).slice(0, count);
}

async function rejections({ world, reservation, done }: Scene, count = 2): Promise<Signed[]> {
  const validators = Array.from({ length: count }, (_, at) => world.member(`v${at}`));
  return signedOf(await Promise.all(validators.map((one) => world.verdict(one, reservation, done))));
}

const releaseOf = async ({ world, host }: Scene, { entry }: Reservation, by: Member = host): Promise<Signed> =>
  (
    await world.say(by, {
      type: 'reservation-release' as const,
      v: 1 as const,
      community: world.community.id,
      reservation: entry.id,
      payee: host.nodeId,
    })
  ).signed;

const voidOf = async (at: Scene, reasons?: readonly Signed[]) => ({
  outcome: 'void' as const,
  chargeMicros: 2_000,
  reasons: [...(reasons ?? (await rejections(at)))],
  offer: at.done.settlement.offer,
});

const released = async (at: Scene) => ({
  outcome: 'released' as const,
  release: await releaseOf(at, at.reservation),
});

const expire = ({ clock, reservation, world }: Scene): Promise<void> =>
  clock.advance(reservation.entry.event.expiresAt + EXPIRY_GRACE_MS - world.nowMs);

const refused = (code: string) => ({ ok: false, error: { code } });
const codeOf = (said: Result<unknown>): string | null => (said.ok ? null : said.error.code);

async function says({ world }: Scene, said: Result<WitnessOutcomeOutput>) {
  return unwrap(await openOutcomeWitness(unwrap(said).statement, world.verify));
}

describe('what a witness signs of a reservation', () => {
  it('is that work was proposed for it, with the time of its own clock', async () => {
    const at = await scene();
    await at.clock.advance(7);
    const said = await at.ask(request(at.reservation, forWork(at.done, 'proposed')));
    expect(checkAgainst(witnessOutcome.output, unwrap(said)).ok).toBe(true);
    expect(await says(at, said)).toEqual({
      witness: at.witness.nodeId,
      statement: {
        type: 'witness-outcome',
        v: 1,
        community: at.world.community.id,
        reservation: at.reservation.entry.id,
        outcome: 'proposed',
        settlement: at.done.opened.id,
        chargeMicros: at.chargeMicros,
        at: at.world.nowMs + 7,
      },
    });
  });

  it('is that it was paid, once its window closed, whether or not it signed the proposal itself', async () => {
    for (const before of [true, false]) {
      const at = await scene();
      if (before) unwrap(await at.ask(request(at.reservation, forWork(at.done, 'proposed'))));
      await at.clock.advance(at.windowMs);
      const input = { ...forWork(at.done, 'settled'), proposed: await proposedBy(at, 5) };
      const { statement } = await says(at, await at.ask(request(at.reservation, input)));
      expect(statement).toMatchObject({ outcome: 'settled', settlement: at.done.opened.id });
    }
  });

  it('is that it is void, let go by its payee, or over', async () => {
    const [wrong, free, old] = [await scene(), await scene(), await scene()];
    const one = await says(wrong, await wrong.ask(request(wrong.reservation, await voidOf(wrong))));
    expect(one.statement).toMatchObject({ outcome: 'void', chargeMicros: 2_000 });
    // Who found it wrong and what looking costs is part of what was signed.
    expect(one.statement.settlement).not.toBe(null);
    const two = await says(free, await free.ask(request(free.reservation, await released(free))));
    expect(two.statement).toMatchObject({ outcome: 'released', chargeMicros: 0, settlement: null });
    await expire(old);
    const three = await says(old, await old.ask(request(old.reservation)));
    expect(three.statement).toMatchObject({ outcome: 'expired', chargeMicros: 0, settlement: null });
  });

  it('of a bond is who gets it, by what the panel found', async () => {
    const [lost, back] = [await scene('accepted'), await scene('rejected')];
    const chargeMicros = lost.stake.entry.event.amountMicros;
    const one = await says(lost, await lost.ask(request(lost.stake, { outcome: 'settled', chargeMicros })));
    expect(one.statement).toMatchObject({ outcome: 'settled', chargeMicros });
    const two = await says(back, await back.ask(request(back.stake, { outcome: 'released' })));
    expect(two.statement).toMatchObject({ outcome: 'released', chargeMicros: 0 });
  });

  it('of a payer who signed two histories is what was certified before, and nothing else', async () => {
    const at = await scene();
    const twin = at.world.twinOf(at.payer, at.reservation.entry.seq);
    const other = await at.world.reserve(twin, at.host);
    expect(await at.ledger.receive(twin.nodeId, other.entry.seq, [other.bytes])).toMatchObject(refused('banned'));
    const input = request(at.reservation, forWork(at.done, 'proposed'));
    const heads = signedOf(await at.world.heads(at.reservation));
    const certified = { entry: at.reservation.bytes, heads };
    expect(await at.ask(input)).toMatchObject(refused('not_held'));
    expect(await at.ask({ ...input, certified: { ...certified, heads: heads.slice(0, 4) } })).toMatchObject(
      refused('not_held'),
    );
    expect(await at.ask({ ...input, certified: { ...certified, entry: at.stake.bytes } })).toMatchObject(
      refused('not_held'),
    );
    expect((await at.ask({ ...input, certified })).ok).toBe(true);
  });
});

describe('the word of a witness', () => {
  it('that work is void stands for those who found it wrong, and is not given for others', async () => {
    const at = await scene();
    const reasons = await rejections(at, 4);
    const first = unwrap(await at.ask(request(at.reservation, await voidOf(at, reasons.slice(0, 2)))));
    expect(await at.ask(request(at.reservation, await voidOf(at, reasons.slice(2))))).toMatchObject(
      refused('already_ended'),
    );
    // In another order they are the same.
    const turned = reasons.slice(0, 2).reverse();
    expect(unwrap(await at.ask(request(at.reservation, await voidOf(at, turned))))).toEqual(first);
  });

  it('is the same whenever it is asked for the same again, and after a restart', async () => {
    const at = await scene();
    const proposed = request(at.reservation, forWork(at.done, 'proposed'));
    const first = unwrap(await at.ask(proposed));
    await at.clock.advance(60_000);
    expect(unwrap(await at.ask(proposed, at.payer.nodeId))).toEqual(first);
    expect(unwrap(await at.open()(proposed))).toEqual(first);

    await at.clock.advance(at.windowMs);
    const settled = request(at.reservation, { ...forWork(at.done, 'settled'), proposed: await proposedBy(at) });
    const last = unwrap(await at.ask(settled));
    await at.clock.advance(60_000);
    expect(unwrap(await at.ask(settled))).toEqual(last);
    expect(unwrap(await at.open()(settled))).toEqual(last);
    expect(last).not.toEqual(first);
    // Nothing is proposed any more for what has ended.
    expect(await at.ask(proposed)).toMatchObject(refused('already_ended'));
  });

  it('stands once it signed an end: no other end, nor the same with another charge, now or after a restart', async () => {
    const at = await scene();
    const first = unwrap(await at.ask(request(at.reservation, await released(at))));
    await expire(at);
    const others = [
      {},
      await voidOf(at),
      forWork(at.done, 'proposed'),
      { ...forWork(at.done, 'settled'), proposed: await proposedBy(at) },
      { ...(await released(at)), chargeMicros: 1 },
    ];
    for (const ask of [at.ask, at.open()])
      for (const other of others)
        expect(await ask(request(at.reservation, other))).toMatchObject(refused('already_ended'));
    expect(unwrap(await at.open()(request(at.reservation, await released(at))))).toEqual(first);
  });

  it('that work was proposed stands too: no other work, and no end but its payment, now or after a restart', async () => {
    const at = await scene();
    unwrap(await at.ask(request(at.reservation, forWork(at.done, 'proposed'))));
    const dearer = await at.world.work(at.reservation, { tokens: 101 });
    const asDear = await at.world.work(at.reservation, { verifiers: [at.world.member('v2'), at.world.member('v3')] });
    expect(asDear.opened.receipt.chargeMicros).toBe(at.chargeMicros);
    await expire(at);
    const others = [
      {},
      await voidOf(at),
      await released(at),
      ...[dearer, asDear].flatMap((other) => [forWork(other, 'proposed'), forWork(other, 'settled')]),
    ];
    for (const ask of [at.ask, at.open()])
      for (const change of others)
        expect(await ask(request(at.reservation, change))).toMatchObject(refused('already_proposed'));
  });

  it('is written down before it leaves', async () => {
    const at = await scene();
    const order: string[] = [];
    let begun!: () => void;
    let finish!: () => void;
    const writing = new Promise<void>((resolve) => (begun = resolve));
    const written = new Promise<void>((resolve) => (finish = resolve));
    const ask = at.open((records) => ({
      async setIfAbsent(key, value) {
        begun();
        await written;
        const kept = await records.setIfAbsent(key, value);
        order.push('written');
        return kept;
      },
    }));
    const input = request(at.reservation, await released(at));
    const answer = ask(input).then((said) => {
      order.push('left');
      return said;
    });
    await writing;
    // Whatever is ready to happen without the disk happens now.
    await at.clock.advance(0);
    expect(order).toEqual([]);
    finish();
    const said = unwrap(await answer);
    expect(order).toEqual(['written', 'left']);
    expect(unwrap(await at.open()(input))).toEqual(said);
  });

  it('is not given where it cannot be written down, and binds to nothing then', async () => {
    const at = await scene();
    const ask = at.open(() => ({ setIfAbsent: async () => fail('storage_full', 'The disk is full.') }));
    expect(await ask(request(at.reservation, await released(at)))).toMatchObject(refused('storage_full'));
    expect((await at.ask(request(at.reservation, forWork(at.done, 'proposed')))).ok).toBe(true);
  });

  it('is not given where it cannot be read what was signed before', async () => {
    const at = await scene();
    for (const part of ['proposed', 'end']) {
      const ask = at.open((records) => ({
        get: async (key) =>
          key.endsWith(part) ? fail('storage_unavailable', 'The storage is closed.') : records.get(key),
      }));
      expect(await ask(request(at.reservation, await released(at)))).toMatchObject(refused('storage_unavailable'));
    }
  });

  it('is given once when two who exclude each other ask at the same time', async () => {
    for (const [turned, code] of [
      [false, 'already_proposed'],
      [true, 'already_ended'],
    ] as const) {
      const at = await scene();
      const inputs = [
        request(at.reservation, forWork(at.done, 'proposed')),
        request(at.reservation, await released(at)),
      ];
      if (turned) inputs.reverse();
      const said = await Promise.all(inputs.map((input) => at.ask(input)));
      expect(said.map(codeOf)).toEqual([null, code]);
    }
  });

  it('is given once when another connection to the same storage signs in between', async () => {
    const at = await scene();
    await expire(at);
    const inputs = [request(at.reservation, await released(at)), request(at.reservation)];
    const said = await Promise.all(inputs.map((input) => at.open()(input)));
    const given = said.filter(({ ok }) => ok);
    expect(given).toHaveLength(1);
    expect(said.map(codeOf)).toContain('already_ended');
    const again = await Promise.all(inputs.map((input) => at.open()(input)));
    expect(again.map(codeOf)).toEqual(said.map(codeOf));
    expect(again.filter(({ ok }) => ok)).toEqual(given);
  });

  it('about one reservation waits for no other', async () => {
    const at = await scene();
    let finish!: () => void;
    const written = new Promise<void>((resolve) => (finish = resolve));
    const ask = at.open((records) => ({
      async setIfAbsent(key, value) {
        if (key.includes(at.reservation.entry.id)) await written;
        return records.setIfAbsent(key, value);
      },
    }));
    const slow = ask(request(at.reservation, await released(at)));
    const other = await at.world.reserve(at.payer, at.host);
    await at.bring();
    const release = await releaseOf(at, other);
    expect((await ask(request(other, { outcome: 'released', release }))).ok).toBe(true);
    finish();
    expect((await slow).ok).toBe(true);
  });
});

/** Each reason not to sign, in a case where nothing else is wrong. */
const cases: Readonly<
  Record<
    Exclude<keyof typeof WITNESS_REFUSALS, 'banned' | 'entry_refused' | 'roster_not_in_force'>,
    () => Promise<Result<unknown>>
  >
> = {
  no_economy: async () => {
    const at = await scene();
    const elsewhere = await openTestLedger(at.witness.signer, { verify: at.world.verify, clock: at.clock });
    return at.open(undefined, elsewhere)(request(at.reservation, forWork(at.done, 'proposed')));
  },
  not_held: async () => {
    const at = await scene();
    const unknown = await at.world.reserve(at.payer, at.host);
    return at.ask(request(unknown, { outcome: 'released', release: await releaseOf(at, unknown) }));
  },
  already_ended: async () => {
    const at = await scene();
    unwrap(await at.ask(request(at.reservation, await released(at))));
    return at.ask(request(at.reservation, forWork(at.done, 'proposed')));
  },
  proposal_missing: async () => {
    const at = await scene();
    return at.ask(request(at.reservation, { outcome: 'proposed', chargeMicros: at.chargeMicros }));
  },
  already_proposed: async () => {
    const at = await scene();
    unwrap(await at.ask(request(at.reservation, forWork(at.done, 'proposed'))));
    return at.ask(request(at.reservation, await released(at)));
  },
  wrong_charge: async () => {
    const at = await scene();
    const chargeMicros = at.chargeMicros + 1;
    return at.ask(request(at.reservation, { ...forWork(at.done, 'proposed'), chargeMicros }));
  },
  not_published: async () => {
    const at = await scene();
    const other = await at.world.work(at.reservation, { tokens: 101 });
    return at.ask(request(at.reservation, forWork(other, 'proposed')));
  },
  expired: async () => {
    const at = await scene();
    await at.clock.advance(at.reservation.entry.event.expiresAt + 1 - at.world.nowMs);
    return at.ask(request(at.reservation, forWork(at.done, 'proposed')));
  },
  challenge_upheld: async () => {
    const at = await scene('rejected');
    await at.clock.advance(at.windowMs);
    return at.ask(request(at.reservation, { ...forWork(at.done, 'settled'), proposed: await proposedBy(at) }));
  },
  not_proposed: async () => {
    const at = await scene();
    await at.clock.advance(at.windowMs);
    return at.ask(request(at.reservation, { ...forWork(at.done, 'settled'), proposed: await proposedBy(at, 4) }));
  },
  window_open: async () => {
    const at = await scene();
    await at.clock.advance(at.windowMs - 1);
    return at.ask(request(at.reservation, { ...forWork(at.done, 'settled'), proposed: await proposedBy(at) }));
  },
  challenged: async () => {
    const at = await scene('silent');
    await at.clock.advance(at.windowMs + RULING_MS - 1);
    return at.ask(request(at.reservation, { ...forWork(at.done, 'settled'), proposed: await proposedBy(at) }));
  },
  too_few_rejections: async () => {
    const at = await scene();
    return at.ask(request(at.reservation, await voidOf(at, await rejections(at, 1))));
  },
  cost_of_looking_unknown: async () => {
    const at = await scene();
    return at.ask(request(at.reservation, { ...(await voidOf(at)), offer: null }));
  },
  charge_above_reserved: async () => {
    const at = await scene();
    const small = await at.world.reserve(at.payer, at.host, { amountMicros: 1_999 });
    await at.bring();
    const done = await at.world.work(small);
    const little: Scene = { ...at, reservation: small, done };
    return at.ask(request(small, await voidOf(little)));
  },
  not_released: async () => {
    const at = await scene();
    return at.ask(request(at.reservation, { outcome: 'released', release: await releaseOf(at, at.stake) }));
  },
  not_expired: async () => {
    const at = await scene();
    await at.clock.advance(at.reservation.entry.event.expiresAt + EXPIRY_GRACE_MS - 1 - at.world.nowMs);
    return at.ask(request(at.reservation));
  },
  bond_not_lost: async () => {
    const at = await scene('silent');
    const chargeMicros = at.stake.entry.event.amountMicros;
    return at.ask(request(at.stake, { outcome: 'settled', chargeMicros }));
  },
  not_upheld: async () => {
    const at = await scene('accepted');
    return at.ask(request(at.stake, { outcome: 'released' }));
  },
  bond_lost: async () => {
    const at = await scene('accepted');
    await expire(at);
    return at.ask(request(at.stake));
  },
  not_work: async () => {
    const at = await scene();
    return at.ask(request(at.stake, { outcome: 'proposed' }));
  },
};

/** A signed statement that somebody changed on its way. */
const forged = (signed: Signed): Signed => ({
  ...signed,
  signatures: [{ ...signed.signatures[0]!, signature: new Uint8Array(64) }],
});

describe('a witness refuses', () => {
  it.each(Object.entries(cases))('%s, and tells why', async (code, run) => {
    const said = await run();
    expect(said).toMatchObject(refused(code));
    expect(said).toMatchObject({ error: { peerMessage: expect.stringMatching(/\.$/) as string } });
  });

  it('whatever the work does not keep of the rules of proposals', async () => {
    const at = await scene();
    const dear = await at.world.work(at.reservation, { receipt: (honest) => ({ ...honest, chargeMicros: 1 }) });
    const own = await at.world.work(at.reservation, { verifiers: [at.payer] });
    const bad = await at.world.work(at.reservation, { verdict: 'rejected' });
    for (const [done, code] of [
      [dear, 'wrong_charge'],
      [own, 'judges_own_work'],
      [bad, 'not_accepted'],
    ] as const)
      expect(await at.ask(request(at.reservation, forWork(done, 'proposed')))).toMatchObject(refused(code));
  });

  it('what it is shown under a signature that does not hold, and binds itself to nothing', async () => {
    const at = await scene();
    const { settlement } = at.done;
    const work = forWork(at.done, 'proposed');
    const release = await releaseOf(at, at.reservation);
    const byPayer = await releaseOf(at, at.reservation, at.payer);
    const heads = signedOf(await at.world.heads(at.reservation));
    const [reason, other] = (await rejections(at)) as [Signed, Signed];
    const [seen] = (await proposedBy(at, 1)) as [Signed];
    const certified = { entry: at.reservation.bytes, heads };
    const changes: readonly (readonly [Partial<WitnessOutcomeInput>, string])[] = [
      [{ ...work, certified: { ...certified, entry: Uint8Array.of(1, 2, 3) } }, 'undecodable'],
      [{ ...work, certified: { ...certified, entry: at.payer.entries[0]!.bytes } }, 'malformed'],
      [{ ...work, certified: { ...certified, heads: [forged(heads[0]!)] } }, 'bad_signature'],
      [{ ...work, certified: { ...certified, heads: [seen] } }, 'malformed'],
      [{ ...work, settlement: { ...settlement, receipt: forged(settlement.receipt) } }, 'bad_signature'],
      [{ ...work, settlement: { ...settlement, commitment: forged(settlement.commitment) } }, 'bad_signature'],
      [{ ...work, settlement: { ...settlement, receipt: settlement.commitment } }, 'malformed'],
      [{ ...work, proposed: [forged(seen)] }, 'bad_signature'],
      [{ ...work, proposed: [heads[0]!] }, 'malformed'],
      [await voidOf(at, [reason, forged(other)]), 'bad_signature'],
      [await voidOf(at, [{ ...reason, signatures: other.signatures }]), 'bad_signature'],
      [{ ...(await voidOf(at)), offer: forged(settlement.offer) }, 'bad_signature'],
      [{ outcome: 'released', release: forged(release) }, 'bad_signature'],
      [{ outcome: 'released', release: byPayer }, 'signer_missing'],
    ];
    for (const [change, code] of changes) {
      const said = await at.ask(request(at.reservation, change));
      expect(said).toMatchObject(refused(code));
      expect(said).toMatchObject({ error: { peerMessage: expect.stringMatching(/\.$/) as string } });
    }
    expect((await at.ask(request(at.reservation, { outcome: 'released', release }))).ok).toBe(true);
  });

  it('to sign more than so often for one caller in an hour, and signs for others all the same', async () => {
    const at = await scene();
    const nothing = request({ entry: { ...at.reservation.entry, id: at.world.community.id } });
    for (let count = 1; count < OUTCOMES_PER_HOUR; count++) await at.ask(nothing);
    const input = request(at.reservation, await released(at));
    const first = unwrap(await at.ask(input));
    expect(await at.ask(input)).toMatchObject(refused('quota_used_up'));
    expect(unwrap(await at.ask(input, at.payer.nodeId))).toEqual(first);
    await at.clock.advance(HOUR_MS);
    expect(unwrap(await at.ask(input))).toEqual(first);
  });
});

describe('what a witness is asked', () => {
  it('is one outcome of one reservation with what it rests on, within bounds, and nothing else', async () => {
    const at = await scene();
    const { settlement } = at.done;
    const [head] = signedOf(await at.world.heads(at.reservation)) as [Signed];
    const many = (count: number) => Array.from({ length: count }, () => head);
    const good: WitnessOutcomeInput = request(at.reservation, {
      chargeMicros: MAX_MICROS,
      certified: { entry: new Uint8Array(MAX_CARRIED_BYTES), heads: many(MAX_STATEMENTS) },
      settlement: { ...settlement, verdicts: many(MAX_VERDICTS) },
      proposed: many(MAX_STATEMENTS),
      reasons: many(MAX_VERDICTS),
      offer: head,
      release: head,
    });
    const { input } = witnessOutcome;
    expect(checkAgainst(input, good).ok).toBe(true);
    expect(checkAgainst(input, request(at.reservation)).ok).toBe(true);
    for (const wrong of [
      { reservation: at.payer.nodeId },
      { outcome: 'forgotten' },
      { chargeMicros: -1 },
      { chargeMicros: 0.5 },
      { chargeMicros: MAX_MICROS + 1 },
      { certified: { ...good.certified, entry: new Uint8Array(MAX_CARRIED_BYTES + 1) } },
      { certified: { ...good.certified, heads: many(MAX_STATEMENTS + 1) } },
      { settlement: { ...settlement, verdicts: many(MAX_VERDICTS + 1) } },
      { settlement: { ...settlement, offer: null } },
      { proposed: many(MAX_STATEMENTS + 1) },
      { reasons: many(MAX_VERDICTS + 1) },
      { offer: undefined },
      { release: { ...head, signatures: [] } },
      { extra: 1 },
    ])
      expect(checkAgainst(input, { ...good, ...wrong })).toMatchObject({ error: { code: 'malformed' } });
  });
});
