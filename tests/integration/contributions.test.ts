import { describe, expect, test } from 'vitest';
import { createLogWriter, type LogWriter } from '#cli/economy/log-writer';
import type { Signer } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import { defaultEconomyPolicy } from '#core/identity/economy-policy';
import { openContribution } from '#core/ledger/contribution-terms';
import type { EventOf } from '#core/ledger/events';
import { renderLedgerFile } from '#core/ledger/ledger-file';
import { replayLedgerFile } from '#core/ledger/replay';
import { idOfSigned, sign, type Signed } from '#core/wire/signed';
import { contributionOf, contributor, receiptFor, verifiers } from '#tests/fakes/contributions';
import { foundCommunity, signerNamed, testVerify as verify, type TestCommunity } from '#tests/fakes/test-community';

const curators = ['curator-1', 'curator-2', 'curator-3'].map(signerNamed) as [Signer, Signer, Signer];
const AT = 1_800_000_000_000;

const found = (mint = true): Promise<TestCommunity> => {
  const founder = signerNamed('founder').nodeId;
  return foundCommunity({ ...defaultEconomyPolicy(founder), mint, curators: curators.map(({ nodeId }) => nodeId) });
};

/** The event that mints for a receipt what it comes to, approved by these curators. */
async function mintOf(
  { community }: TestCommunity,
  receipt: Signed,
  approvedBy: readonly Signer[] = curators.slice(0, 2),
  change: Partial<EventOf<'credit.minted'>> = {},
): Promise<EventOf<'credit.minted'>> {
  const { account, mintMicros } = unwrap(await openContribution(receipt, verify));
  const [to, amountMicros] = [change.to ?? account, change.amountMicros ?? mintMicros];
  const approval = {
    type: 'mint-approval',
    v: 1,
    community: community.id,
    receipt: idOfSigned(receipt),
    to,
    amountMicros,
  };
  const approvals = await Promise.all(approvedBy.map((curator) => sign(curator, approval)));
  return { kind: 'credit.minted', contribution: receipt, to, amountMicros, approvals };
}

const writerIn = (community: TestCommunity): LogWriter => createLogWriter(community.community, []);
const held = ({ state }: LogWriter, { nodeId }: Signer = contributor) => ({
  balance: state.balanceOf(nodeId).confirmedMicros,
  available: state.balanceOf(nodeId).availableMicros,
  supply: state.supplyMicros,
});

describe('credit for a contribution', () => {
  test('comes into being once two of three curators approved what others had measured', async () => {
    const community = await found();
    const writer = writerIn(community);
    const receipt = await receiptFor(contributionOf('knowledge'));
    expect((await writer.write(contributor, AT, { kind: 'contribution.receipted', receipt })).refused).toBeNull();
    expect(held(writer)).toEqual({ balance: 0, available: 0, supply: 0 });
    expect((await writer.write(contributor, AT, await mintOf(community, receipt))).refused).toBeNull();
    expect(held(writer)).toEqual({ balance: 1_500, available: 1_500, supply: 1_500 });

    const text = renderLedgerFile({ manifest: community.manifest, logs: writer.logs, proofs: [] });
    expect(unwrap(await replayLedgerFile(text, verify))).toMatchObject({
      supplyMicros: 1_500,
      balanced: true,
      refusals: [],
      forgers: [],
      accounts: [{ account: contributor.nodeId, confirmedMicros: 1_500 }],
      digest: writer.state.digest(),
    });
  });

  test('comes into being once: not again by the same receipt, by another one of it, or in another log', async () => {
    const community = await found();
    const writer = writerIn(community);
    const contribution = contributionOf('knowledge');
    const first = await receiptFor(contribution);
    // Dearer, told otherwise and later, but the same content for the same reason.
    const dearer = await receiptFor({
      ...contribution,
      title: 'The same again',
      credit: { ...contribution.credit, baseMicros: 2_000 },
      content: { ...contribution.content, sizeBytes: 9_999 },
    });
    expectRefusal(await writer.write(contributor, AT, await mintOf(community, first)), null);
    for (const again of [first, dearer]) {
      expectRefusal(await writer.write(contributor, AT, await mintOf(community, again)), 'minted_twice');
    }
    expect(held(writer)).toEqual({ balance: 1_500, available: 1_500, supply: 1_500 });

    // Somebody else gives the same content: of the two mints the one with the lower id counts, whichever came first.
    const other = verifiers[2];
    const theirs = {
      ...contribution,
      contributor: { node: other.nodeId, person: null },
      credit: { ...contribution.credit, account: other.nodeId },
    };
    const stolen = await receiptFor(theirs, verifiers.slice(0, 2), other);
    expectRefusal(await writer.write(other, AT, await mintOf(community, stolen)), null);
    expect(writer.state.supplyMicros).toBe(1_500);
    expect(held(writer).balance + held(writer, other).balance).toBe(1_500);
    expect(writer.state.mintByKey.size).toBe(1);
  });

  test('stays away where minting is off, as it is by default', async () => {
    const community = await found(false);
    const writer = writerIn(community);
    const receipt = await receiptFor(contributionOf('knowledge'));
    expectRefusal(await writer.write(contributor, AT, await mintOf(community, receipt)), 'minting_off');
    expect(defaultEconomyPolicy('a'.repeat(64)).mint).toBe(false);
    expect(held(writer)).toEqual({ balance: 0, available: 0, supply: 0 });
  });

  test.each([
    ['too_few_curators', { by: curators.slice(0, 1) }],
    ['too_few_curators', { by: verifiers }],
    ['wrong_amount', { change: { amountMicros: 1_501 } }],
    ['wrong_account', { change: { to: verifiers[0].nodeId } }],
  ])(
    'is refused as %s in every way',
    async (code, { by, change }: { by?: readonly Signer[]; change?: Partial<EventOf<'credit.minted'>> }) => {
      const community = await found();
      const writer = writerIn(community);
      const receipt = await receiptFor(contributionOf('knowledge'));
      expectRefusal(await writer.write(contributor, AT, await mintOf(community, receipt, by, change)), code);
      expect(held(writer)).toEqual({ balance: 0, available: 0, supply: 0 });
    },
  );

  test('is refused for a contribution that breaks a rule of its own, and the refusal says which where it is recorded', async () => {
    const community = await found();
    const writer = writerIn(community);
    const contribution = contributionOf('knowledge');
    const receipt = await receiptFor({ ...contribution, source: { ...contribution.source, rights: 'none' } });
    expectRefusal(await writer.write(contributor, AT, { kind: 'contribution.receipted', receipt }), 'not_owned');
    expectRefusal(await writer.write(contributor, AT, await mintOf(community, receipt)), 'nothing_contributed');
    expect(held(writer)).toEqual({ balance: 0, available: 0, supply: 0 });
    expect(writer.state.refusals.map(({ rule }) => rule)).toEqual(['not_owned', 'nothing_contributed']);
  });
});

function expectRefusal(written: { readonly refused: { readonly code: string } | null }, code: string | null): void {
  expect(written.refused?.code ?? null).toBe(code);
}
