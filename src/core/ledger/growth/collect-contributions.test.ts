import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Signer } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import { createTeacherPolicy } from '../cards/teacher-policy';
import { sign } from '#core/wire/signed';
import {
  cidNamed,
  contributionOf,
  contributor,
  findingsOf,
  openTerms,
  receiptFor,
  verifiers,
} from '#tests/fakes/contributions';
import { signerNamed, testVerify as verify } from '#tests/fakes/test-community';
import type { MintApproval } from '../mint-approval';
import {
  createContributionSet,
  MAX_GROWTH_STATEMENTS_PER_AUTHOR,
  MAX_TRUSTED_STATEMENTS_PER_AUTHOR,
  type ContributionSet,
  type GrowthPlace,
} from './collect-contributions';
import { contributionIdOf } from './contribution-receipt';
import { createFinding, type FindingDraft } from './finding';
import { encodeGrowthStatement, openGrowthStatement, type GrowthStatement } from './growth-statement';
import { openContributionReceipt } from './open-contribution';

type Said = Parameters<ContributionSet['add']>[1];
type Entry = readonly [GrowthPlace, Said];

const community = cidNamed('community');
const contribution = contributionOf('knowledge');
const id = contributionIdOf(contribution);
const nobody = () => false;

const place = (author: Signer, seq: number): GrowthPlace => ({
  id: cidNamed(`${author.nodeId} ${seq}`),
  author: author.nodeId,
  seq,
  at: 1_800_000_000_000 + seq,
});
const said = async (by: Signer, statement: GrowthStatement): Promise<Said> =>
  unwrap(await openGrowthStatement(unwrap(encodeGrowthStatement(statement)), by.nodeId, verify));
const found = async (by: Signer, seq: number, draft: FindingDraft): Promise<Entry> => [
  place(by, seq),
  await said(by, { type: 'contribution-found', v: 1, finding: await createFinding(by, draft) }),
];

/** Logs of a contributor, of verifiers who changed their minds, and of a curator. */
let logs: readonly (readonly Entry[])[] = [];
beforeAll(async () => {
  const [provenance, measuring] = findingsOf(contribution);
  const signed = await receiptFor(contribution);
  const opened = unwrap(await openContributionReceipt(signed, verify));
  const approval: MintApproval = {
    type: 'mint-approval',
    v: 1,
    community,
    receipt: opened.id,
    to: contributor.nodeId,
    amountMicros: 1_500,
  };
  const curator = signerNamed('curator');
  logs = [
    [
      [place(contributor, 0), await said(contributor, { type: 'contribution-declared', v: 1, contribution })],
      [place(contributor, 3), { kind: 'receipt', signed, opened }],
    ],
    ...(await Promise.all(
      verifiers.map(async (verifier) => [
        await found(verifier, 1, { ...provenance!, verdict: 'rejected' }),
        await found(verifier, 2, provenance!),
        await found(verifier, 5, measuring!),
      ]),
    )),
    [
      [
        place(curator, 0),
        await said(curator, { type: 'mint-approved', v: 1, approval: await sign(curator, approval) }),
      ],
    ],
  ];
});

/** Whichever log comes on next; those of one author in the order of its log. */
function taken(turns: readonly number[]): ContributionSet {
  const set = createContributionSet({ isTrusted: nobody });
  const left = logs.map((log) => [...log]);
  const next = (at: number): void => {
    const entry = left[at % left.length]!.shift();
    if (entry !== undefined) set.add(...entry);
  };
  for (const turn of turns) next(turn);
  for (let at = 0; at < left.length; at++) for (const entry of left[at]!) set.add(...entry);
  return set;
}

describe('what the logs say of contributions', () => {
  test('is the same in whatever order they arrive, and taken twice', () => {
    const [one] = taken([]).contributions(community);
    expect(one).toMatchObject({ id, fault: null, worthMicros: 1_500, receipt: { fault: null, worthMicros: 1_500 } });
    expect([one!.findings.length, one!.approvals.length]).toEqual([6, 1]);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 30 }), (turns) => {
        const set = taken(turns);
        expect(set.contributions(community)).toEqual([one]);
        for (const log of logs) for (const entry of log) expect(set.add(...entry)).toBe(false);
        expect(set.contributions(community)).toEqual([one]);
      }),
    );
  });

  test('is of this community: approvals of another do not count', () => {
    expect(taken([]).contributions(cidNamed('another'))[0]!.approvals).toEqual([]);
  });

  test('leaves room for what objects, however many praise it', async () => {
    const set = createContributionSet({ isTrusted: nobody });
    for (const [at, said] of logs[0]!) set.add(at, said);
    const [provenance] = findingsOf(contribution);
    for (let at = 0; at < 30; at++) set.add(...(await found(signerNamed(`praises ${at}`), 0, provenance!)));
    set.add(...(await found(signerNamed('objects'), 0, { ...provenance!, verdict: 'rejected' })));
    const [one] = set.contributions(community);
    expect(one!.findings).toHaveLength(10);
    expect(one!.findings[0]!.finding.verdict).toBe('rejected');
    expect(one!.fault).toMatchObject({ code: 'found_wrong' });
  });

  test('is bounded: the first statements of a node count, and the first of everybody before the second of anybody', async () => {
    const policy = await createTeacherPolicy(verifiers[0], openTerms);
    const one = await said(verifiers[0], { type: 'terms-read', v: 1, policy });
    const loud = createContributionSet({ isTrusted: nobody });
    for (let seq = 0; seq < MAX_GROWTH_STATEMENTS_PER_AUTHOR; seq++)
      expect(loud.add(place(verifiers[0], seq), one)).toBe(true);
    expect(loud.roomOf(verifiers[0].nodeId)).toBe(0);
    expect(loud.add(place(verifiers[0], MAX_GROWTH_STATEMENTS_PER_AUTHOR), one)).toBe(false);
    // Said so often it is still one policy.
    expect(loud.terms()).toHaveLength(1);

    const small = createContributionSet({ isTrusted: nobody, most: 4 });
    for (let seq = 0; seq < 20; seq++) small.add(place(verifiers[0], seq), one);
    for (const [at, what] of logs[0]!) small.add(at, what);
    small.add(...logs[2]![0]!);
    expect(small.leftOut()).toBe(19);
    expect(small.contributions(community)).toHaveLength(1);
    expect(small.contributions(community)[0]!.fault).toMatchObject({ code: 'found_wrong' });
  });

  test('always holds what this node and the curators said, beside the rest', () => {
    const curator = signerNamed('curator').nodeId;
    const set = createContributionSet({ isTrusted: (node) => node === curator, most: 2 });
    for (const log of logs) for (const entry of log) set.add(...entry);
    const [one] = set.contributions(community);
    expect(set.roomOf(curator)).toBe(MAX_TRUSTED_STATEMENTS_PER_AUTHOR - 1);
    expect(one?.approvals.length ?? 0).toBe(one?.receipt == null ? 0 : 1);
    const all = createContributionSet({ isTrusted: (node) => node === curator, most: 6 });
    for (const log of logs) for (const entry of log) all.add(...entry);
    expect(all.contributions(community)).toHaveLength(1);
  });

  test('shows of what a node gave several times the last, under whatever words', async () => {
    const set = createContributionSet({ isTrusted: nobody });
    const again = { ...contribution, title: 'Said better' };
    set.add(...logs[0]![0]!);
    set.add(
      place(contributor, 1),
      await said(contributor, { type: 'contribution-declared', v: 1, contribution: again }),
    );
    expect(set.contributions(community).map(({ id: one }) => one)).toEqual([contributionIdOf(again)]);
    set.add(place(contributor, 2), await said(contributor, { type: 'contribution-declared', v: 1, contribution }));
    expect(set.contributions(community).map(({ id: one }) => one)).toEqual([id]);
  });
});
