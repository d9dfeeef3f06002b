import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeId } from '#core/base/ids';
import { unwrap } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import { openCertified, signCheckpoint } from '#core/ledger/certified-checkpoint';
import type { Ledger } from '#core/ledger/ledger';
import { checkAgainst } from '#core/wire/gate';
import type { Signed } from '#core/wire/signed';
import { createEconomyWorld, type Member } from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';
import { witnessCheckpoint } from './contract';
import { createWitnessCheckpointHandler } from './handler';

const HOUR_MS = 3_600_000;
const CHECKPOINTS_PER_HOUR = 12;
const refused = (code: string) => ({ ok: false, error: { code } });

let world: Awaited<ReturnType<typeof createEconomyWorld>>;
let clock: VirtualClock;
let proposer: Ledger;
let witness: Ledger;
let author: Member;

const openAs = (name: string): Promise<Ledger> => {
  const { community, manifest, verify, founder } = world;
  return openTestLedger(world.member(name).signer, {
    clock,
    verify,
    in: { community, manifest, founder: founder.signer },
  });
};

async function bring(ledger: Ledger, from: number): Promise<void> {
  unwrap(
    await ledger.receive(
      author.nodeId,
      from,
      author.entries.slice(from).map(({ bytes }) => bytes),
    ),
  );
}

const handlerOf = (name: string, ledger: Ledger) => {
  const { signer } = world.member(name);
  const handler = createWitnessCheckpointHandler({ signer, verify: world.verify, clock, ledger: () => ledger });
  return (signed: Signed, caller: NodeId = world.member('w0').nodeId) => {
    const context: CallContext<never> = {
      caller,
      local: false,
      callId: 'call-1',
      signal: new AbortController().signal,
      emit: () => {},
    };
    return handler({ signed }, context);
  };
};

const proposed = async (by = 'w0', at = clock.now()): Promise<Signed> =>
  unwrap(await signCheckpoint(world.member(by).signer, world.community, proposer.checkpoint()!, at)).signed;

beforeEach(async () => {
  world = await createEconomyWorld({ witnesses: ['w0', 'w1'] });
  clock = createVirtualClock(world.nowMs);
  author = world.member('author');
  for (let at = 0; at < 3; at++) await world.write(author, { kind: 'contribution.decided', on: true });
  [proposer, witness] = [await openAs('w0'), await openAs('w1')];
  for (const ledger of [proposer, witness]) await bring(ledger, 0);
});

describe('witness.checkpoint', () => {
  it('signs what another witness signed where it holds the same, so that both together certify it', async () => {
    const signed = await proposed();
    expect(await openCertified(signed, world.community, world.verify)).toMatchObject(refused('not_certified'));
    const said = unwrap(await handlerOf('w1', witness)(signed));
    expect(checkAgainst(witnessCheckpoint.output, said).ok).toBe(true);
    const both = { payload: signed.payload, signatures: [...signed.signatures, ...said.signed.signatures] };
    expect(unwrap(await openCertified(both, world.community, world.verify))).toMatchObject({ logs: 1, entries: 3 });
  });

  it('does not sign where it holds more, or less, than it says', async () => {
    const ask = handlerOf('w1', witness);
    const before = await proposed();
    await world.write(author, { kind: 'contribution.decided', on: false });
    await bring(witness, 3);
    expect(await ask(before)).toMatchObject(refused('not_the_same'));
    await bring(proposer, 3);
    expect((await ask(await proposed())).ok).toBe(true);
    await world.write(author, { kind: 'contribution.decided', on: true });
    await bring(proposer, 4);
    expect(await ask(await proposed())).toMatchObject(refused('not_the_same'));
  });

  it('does not sign for whoever is no witness, nor is one itself, nor at another time', async () => {
    const ask = handlerOf('w1', witness);
    expect(await ask(await proposed('author'))).toMatchObject(refused('not_certified'));
    expect(await handlerOf('author', witness)(await proposed())).toMatchObject(refused('not_a_witness'));
    expect(await ask(await proposed('w0', clock.now() + HOUR_MS))).toMatchObject(refused('clock_off'));
    expect(await ask(await proposed('w0', clock.now() - HOUR_MS))).toMatchObject(refused('clock_off'));
  });

  it('looks so often for one caller in an hour', async () => {
    const ask = handlerOf('w1', witness);
    const signed = await proposed();
    for (let at = 0; at < CHECKPOINTS_PER_HOUR; at++) expect((await ask(signed)).ok).toBe(true);
    expect(await ask(signed)).toMatchObject(refused('quota_used_up'));
    expect((await ask(signed, world.founder.nodeId)).ok).toBe(true);
  });
});
