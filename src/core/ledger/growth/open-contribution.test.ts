import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unwrap } from '../../base/result';
import { addSignature, sign } from '../../wire/signed';
import { signerNamed, testVerify as verify } from '#tests/fakes/test-community';
import {
  contributionOf,
  receiptFor,
  contributor,
  findingsOf,
  person,
  skillContribution,
  taughtSource,
  verifiers,
} from '#tests/fakes/contributions';
import { openContribution } from '../contribution-terms';
import type { Contribution } from './contribution-receipt';
import { createFinding, openFinding, type Finding } from './finding';
import { mintKeyOf, mintMicros, openContributionReceipt } from './open-contribution';

const contribution = contributionOf('knowledge');
const credit = (change: Partial<Contribution['credit']>) => ({
  ...contribution,
  credit: { ...contribution.credit, ...change },
});
/** Findings of verifiers who find the contribution as good as these say. */
const good = (of: Contribution, ...qualities: number[]): Finding[] =>
  qualities.flatMap((qualityMilli, at) =>
    findingsOf(of).map((one) => ({
      type: 'contribution-finding' as const,
      v: 1 as const,
      ...one,
      verifier: signerNamed(`verifier-${at}`).nodeId,
      qualityMilli: one.qualityMilli === null ? null : qualityMilli,
    })),
  );

describe('a receipt of growth', () => {
  test('opens to its account, its worth and what is minted once, and says which rule it breaks', async () => {
    const opened = unwrap(await openContribution(await receiptFor(contribution), verify));
    expect(opened).toEqual({
      receipt: expect.stringMatching(/^bafyrei/),
      account: contributor.nodeId,
      mintKey: mintKeyOf(contribution),
      mintMicros: 1_500,
      fault: null,
    });
    const uncriticised = { ...contribution, evaluation: { ...contribution.evaluation, killCriteria: [] } };
    const faulty = unwrap(await openContribution(await receiptFor(uncriticised, [verifiers[0]]), verify));
    expect(faulty.fault).toMatchObject({ code: 'no_kill_criteria', message: expect.stringMatching(/\.$/) });
  });

  test('of a skill and of a person, with terms of a model of others, opens whole', async () => {
    const whole = {
      ...skillContribution(),
      contributor: { node: contributor.nodeId, person: person.nodeId },
      source: await taughtSource(),
    };
    const opened = unwrap(await openContributionReceipt(await receiptFor(whole), verify));
    expect(opened).toMatchObject({
      type: 'skill-receipt',
      fault: null,
      contribution: { skill: { id: 'patch-one-file' } },
    });
    expect([opened.findings.length, opened.teachers.length]).toEqual([8, 1]);
  });

  test('is refused with a signature missing, foreign or false anywhere in it', async () => {
    const signed = await receiptFor(contribution, [verifiers[0]]);
    const named = await receiptFor(
      { ...contribution, contributor: { ...contribution.contributor, person: person.nodeId } },
      [],
    );
    const codeOf = async (one: typeof signed) => {
      const opened = await openContribution(one, verify);
      return opened.ok ? null : opened.error.code;
    };
    expect(await codeOf({ ...named, signatures: [named.signatures[0]!] })).toBe('signer_missing');
    expect(await codeOf(await addSignature(person, signed))).toBe('foreign_signature');
    expect(await codeOf({ ...signed, signatures: [{ ...signed.signatures[0]!, signature: new Uint8Array(64) }] })).toBe(
      'bad_signature',
    );
    const [draft] = findingsOf(contribution);
    const finding = await createFinding(verifiers[0], draft!);
    const forged = { ...finding, signatures: [{ ...finding.signatures[0]!, keyId: verifiers[1].nodeId }] };
    const stolen = await sign(verifiers[1], {
      type: 'contribution-finding',
      v: 1,
      ...draft!,
      verifier: verifiers[0].nodeId,
    } as Finding);
    for (const [found, code] of [
      [forged, 'bad_signature'],
      [stolen, 'signer_missing'],
    ] as const) {
      const body = { type: 'contribution-receipt', v: 1, contribution, findings: [found] };
      expect(await codeOf(await sign(contributor, body))).toBe(code);
      expect(await openFinding(found, verify)).toMatchObject({ ok: false, error: { code } });
    }
    const source = await taughtSource();
    const [policy] = source.teacherPolicies;
    const misread = { ...policy!, signatures: [{ ...policy!.signatures[0]!, signature: new Uint8Array(64) }] };
    const taught = { ...contribution, source: { ...source, teacherPolicies: [misread] } };
    expect(await codeOf(await receiptFor(taught, []))).toBe('bad_signature');
  });

  test('is refused with a basis that is none, a fraction, or a member that nobody knows', async () => {
    for (const wrong of [
      { ...contribution, credit: { ...contribution.credit, basis: 'upload_size' } },
      { ...contribution, credit: { ...contribution.credit, baseMicros: 0.5 } },
      { ...contribution, credit: { ...contribution.credit, multiplierCapMilli: -1 } },
      {
        ...contribution,
        evaluation: { ...contribution.evaluation, delta: { ...contribution.evaluation.delta, afterMilli: 1_001 } },
      },
      { ...contribution, content: { ...contribution.content, sizeBytes: 0 } },
      { ...contribution, bonus: 1 },
    ]) {
      const signed = await sign(contributor, {
        type: 'contribution-receipt',
        v: 1,
        contribution: wrong,
        findings: [],
      } as never);
      expect(await openContribution(signed, verify)).toMatchObject({ ok: false, error: { code: 'malformed' } });
    }
  });
});

describe('what a contribution comes to', () => {
  test('is base times multiplier, the multiplier held between floor and cap', () => {
    const worth = (baseMicros: number, ...qualities: number[]) =>
      mintMicros(credit({ baseMicros }), good(credit({ baseMicros }), ...qualities));
    // Ninety-nine times what was expected is capped at five, and nothing at all is worth the floor.
    expect(worth(1_000, 99_000, 99_000)).toBe(5_000);
    expect(worth(1_000, 0, 0)).toBe(500);
    expect(worth(1_000, 1_500, 1_500)).toBe(1_500);
    // Rounded down: 0.333 of 10 and of 1.
    expect([worth(7, 1_001, 1_001), worth(1, 999, 999)]).toEqual([7, 0]);
  });

  test('follows the lower of the figures in the middle, and no figure of whoever did not accept', () => {
    expect(mintMicros(contribution, good(contribution, 1_000, 4_000))).toBe(1_000);
    expect(mintMicros(contribution, good(contribution, 4_000, 1_000, 2_000))).toBe(2_000);
    const undecided = good(contribution, 4_000).map((one) => ({ ...one, verdict: 'undecided' as const }));
    expect(mintMicros(contribution, [...good(contribution, 1_000), ...undecided])).toBe(1_000);
    expect(mintMicros(contribution, [])).toBe(500);
  });

  test('is exact for every base and multiplier that may stand there', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), fc.integer({ min: 0, max: 100_000 }), (baseMicros, milli) => {
        const of = credit({ baseMicros, multiplierFloorMilli: 0, multiplierCapMilli: 100_000 });
        expect(mintMicros(of, good(of, milli))).toBe(Number((BigInt(baseMicros) * BigInt(milli)) / 1_000n));
      }),
    );
  });

  test('is the same however much was uploaded, and so is what is minted once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (sizeBytes) => {
        const larger = { ...contribution, content: { ...contribution.content, sizeBytes, format: 'text/plain' } };
        expect(mintMicros(larger, good(larger, 1_200))).toBe(1_200);
        expect(mintKeyOf(larger)).toBe(mintKeyOf(contribution));
      }),
    );
  });

  test('is minted once for one content, as one kind on one basis', () => {
    const skill = contributionOf('skill');
    expect(mintKeyOf({ ...skill, contributor: { node: person.nodeId, person: null }, title: 'again' })).toBe(
      mintKeyOf(skill),
    );
    expect(mintKeyOf({ ...skillContribution(), content: skill.content })).toBe(mintKeyOf(skill));
    const keys = [
      contribution,
      skill,
      { ...contribution, content: skill.content },
      { ...skill, content: contribution.content },
    ].map(mintKeyOf);
    expect(new Set(keys).size).toBe(4);
  });
});
