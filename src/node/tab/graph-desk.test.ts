import { beforeEach, describe, expect, test } from 'vitest';
import { openMemoryStorage } from '#adapters/storage-memory';
import { unwrap } from '#core/base/result';
import { encodeStatement } from '#core/evidence/graph/statement';
import { createManifest, openManifest } from '#core/identity/community';
import { equivocationOf } from '#core/ledger/chain';
import { openLedger, type Ledger } from '#core/ledger/ledger';
import {
  createEconomyWorld,
  fastSignerNamed,
  fastVerify,
  type EconomyWorld,
  type Member,
} from '#tests/fakes/economy-world';
import { evidenceNamed } from '#tests/fakes/graph-logs';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createGraphDesk } from './graph-desk';
import type { GraphDesk } from './graph-views';

let world: EconomyWorld;
let [ada, bob]: Ledger[] = [];
const bundle = evidenceNamed('bundle');

const ledgerOf = async ({ signer }: Pick<Member, 'signer'>): Promise<Ledger> =>
  unwrap(
    await openLedger({
      storage: await openMemoryStorage(),
      signer,
      verify: world.verify,
      clock: createVirtualClock(),
      community: world.community,
      manifest: world.manifest,
    }),
  );
const deskOf = (ledger: Ledger): GraphDesk => createGraphDesk({ ledger, clock: createVirtualClock() });

/** What the exchange does: everything that one holds of its own comes to the other. */
async function bring(from: Ledger, to: Ledger): Promise<void> {
  const held = to.heads().find(({ author }) => author === from.author)?.length ?? 0;
  unwrap(await to.receive(from.author, held, unwrap(await from.bytesOf(from.author, held, 500))));
}

beforeEach(async () => {
  world = await createEconomyWorld();
  ada = await ledgerOf(world.member('ada'));
  bob = await ledgerOf(world.member('bob'));
});

test('what one member says comes to the others with its log, and both see the same', async () => {
  const [of, at] = [deskOf(ada!), deskOf(bob!)];
  unwrap(await ada!.append({ kind: 'contribution.decided', on: true }));
  const claim = unwrap(await of.claim('  The bundle \n verifies. ', [bundle]));
  await bring(ada!, bob!);
  expect(unwrap(await at.read()).claims).toMatchObject([
    { id: claim, author: ada!.author, text: 'The bundle verifies.', standing: { word: 'undisputed' } },
  ]);
  unwrap(await at.attest(claim, []));
  unwrap(await at.dispute(claim, 'Its second seal is missing.', [evidenceNamed('seal')]));
  await bring(bob!, ada!);
  const [here, there] = [unwrap(await of.read()), at.view];
  expect(here.claims).toEqual(there.claims);
  expect(here.claims[0]!.standing).toMatchObject({
    word: 'disputed',
    attestations: [],
    disputes: [{ by: bob!.author }],
  });
  expect(here.counts).toMatchObject({ replaced: 1 });
  expect(unwrap(of.provenance(claim, 2))).toEqual(unwrap(at.provenance(claim, 2)));
  expect(here.ownLogOnly).toBe(false);
});

describe('what would not count', () => {
  test.each([
    ['own_claim', (desk: GraphDesk, claim: string) => desk.attest(claim, [])],
    ['claim_unknown', (desk: GraphDesk) => desk.attest(evidenceNamed('nowhere'), [])],
    ['claimed_twice', (desk: GraphDesk) => desk.claim('It holds.', [bundle, bundle])],
    ['text_unfit', (desk: GraphDesk) => desk.claim('pay\u202epal', [bundle])],
    ['nothing_named', (desk: GraphDesk) => desk.claim('It holds.', [])],
    ['malformed', (desk: GraphDesk) => desk.claim('It holds.', ['no content id'])],
    ['rests_on_itself', (desk: GraphDesk, claim: string) => desk.dispute(claim, 'No.', [claim])],
  ])('is refused with %s and never written', async (code, say) => {
    const desk = deskOf(ada!);
    const claim = unwrap(await desk.claim('It holds.', [bundle]));
    const { length } = ada!.head;
    expect(await say(desk, claim)).toMatchObject({ ok: false, error: { code } });
    expect(ada!.head.length).toBe(length);
  });

  test('is noted where somebody wrote it all the same', async () => {
    const desk = deskOf(ada!);
    unwrap(await bob!.append({ kind: 'graph.stated', statement: new Uint8Array([0xff]) }));
    const good = unwrap(encodeStatement({ type: 'graph-claim', v: 1, text: 'It holds.', about: [bundle] }));
    unwrap(await bob!.append({ kind: 'graph.stated', statement: good }));
    await bring(bob!, ada!);
    const view = unwrap(await desk.read());
    expect(view.claims).toHaveLength(1);
    expect(view.refusals).toMatchObject([{ author: bob!.author, seq: 0, rule: 'undecodable' }]);
  });
});

test('a ledger comes to the same with and without statements: they change no account', async () => {
  const before = bob!.state.accountHolders.map((node) => bob!.state.balanceOf(node));
  unwrap(await deskOf(ada!).claim('It holds.', [bundle]));
  await bring(ada!, bob!);
  expect(bob!.state.refusals).toEqual([]);
  expect(bob!.state.accountHolders.filter((node) => node !== ada!.author)).toHaveLength(before.length);
  expect(bob!.state.balanceOf(ada!.author).availableMicros).toBe(0);
});

test('what a forger said from its fork on counts for nothing, as soon as that is proved', async () => {
  const eve = world.member('eve');
  const say = async (author: Member, text: string) =>
    world.write(author, {
      kind: 'graph.stated',
      statement: unwrap(encodeStatement({ type: 'graph-claim', v: 1, text, about: [bundle] })),
    });
  await say(eve, 'First.');
  const twin = world.twinOf(eve, 1);
  const [second, other] = [await say(eve, 'Second.'), await say(twin, 'Other.')];
  const desk = deskOf(ada!);
  unwrap(
    await ada!.receive(
      eve.nodeId,
      0,
      eve.entries.map(({ bytes }) => bytes),
    ),
  );
  expect(
    unwrap(await desk.read())
      .claims.map(({ text }) => text)
      .sort(),
  ).toEqual(['First.', 'Second.']);
  unwrap(
    await ada!.receiveProof(
      equivocationOf({ id: second.entry.id, bytes: second.bytes }, { id: other.entry.id, bytes: other.bytes }),
    ),
  );
  expect(unwrap(await desk.read()).claims.map(({ text }) => text)).toEqual(['First.']);
});

test('where members do not pay each other it says that it shows this log alone', async () => {
  const signer = fastSignerNamed('alone');
  const manifest = await createManifest(signer, { name: 'Quiet', open: true, createdAt: 1_000 });
  const community = unwrap(await openManifest(manifest, fastVerify));
  const storage = await openMemoryStorage();
  const ledger = unwrap(
    await openLedger({ storage, signer, verify: fastVerify, clock: createVirtualClock(), community, manifest }),
  );
  const desk = deskOf(ledger);
  unwrap(await desk.claim('It holds.', [bundle]));
  expect(desk.view).toMatchObject({ ownLogOnly: true, claims: [{}], statementsLeft: 255 });
  expect(desk.known(bundle)).toEqual({ kind: 'unknown' });
});
