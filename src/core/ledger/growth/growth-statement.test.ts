import { describe, expect, test } from 'vitest';
import { encodeCanonical } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import { sign } from '#core/wire/signed';
import {
  cidNamed,
  contributionOf,
  contributor,
  findingsOf,
  openTerms,
  skillContribution,
  taughtSource,
  verifiers,
} from '#tests/fakes/contributions';
import { testVerify as verify } from '#tests/fakes/test-community';
import { createTeacherPolicy } from '../cards/teacher-policy';
import { MAX_GROWTH_STATEMENT_BYTES } from '../events';
import type { MintApproval } from '../mint-approval';
import { contributionIdOf } from './contribution-receipt';
import { createFinding } from './finding';
import { encodeGrowthStatement, openGrowthStatement, type GrowthStatement } from './growth-statement';

const contribution = contributionOf('knowledge');
const [verifier] = verifiers;
const approval: MintApproval = {
  type: 'mint-approval',
  v: 1,
  community: cidNamed('community'),
  receipt: cidNamed('receipt'),
  to: contributor.nodeId,
  amountMicros: 1,
};
const bytesOf = (statement: GrowthStatement) => unwrap(encodeGrowthStatement(statement));
const codeOf = async (bytes: Uint8Array, author: string) => {
  const opened = await openGrowthStatement(bytes, author, verify);
  return opened.ok ? null : opened.error.code;
};

/** One of each sort, and whose log it belongs into. */
async function ofEachSort(): Promise<readonly (readonly [GrowthStatement, string])[]> {
  const finding = await createFinding(verifier, findingsOf(contribution)[0]!);
  return [
    [{ type: 'contribution-declared', v: 1, contribution }, contributor.nodeId],
    [{ type: 'contribution-declared', v: 1, contribution: skillContribution() }, contributor.nodeId],
    [{ type: 'contribution-found', v: 1, finding }, verifier.nodeId],
    [{ type: 'terms-read', v: 1, policy: await createTeacherPolicy(verifier, openTerms) }, verifier.nodeId],
    [{ type: 'mint-approved', v: 1, approval: await sign(verifier, approval) }, verifier.nodeId],
  ];
}

describe('a statement about contributions', () => {
  test('opens as what it was, in the log of who made it, and in no other', async () => {
    for (const [statement, author] of await ofEachSort()) {
      expect(await codeOf(bytesOf(statement), author)).toBeNull();
      expect(await codeOf(bytesOf(statement), verifiers[1].nodeId)).toBe('foreign_statement');
    }
    const opened = unwrap(
      await openGrowthStatement(
        bytesOf({ type: 'contribution-declared', v: 1, contribution: skillContribution() }),
        contributor.nodeId,
        verify,
      ),
    );
    expect(opened).toMatchObject({
      kind: 'declared',
      contributionId: contributionIdOf(skillContribution()),
      contribution: { skill: { id: 'patch-one-file' } },
    });
  });

  test('is refused with a signature inside that is false, missing, or of one more', async () => {
    for (const [statement, author] of await ofEachSort()) {
      if (statement.type === 'contribution-declared') continue;
      const [member, signed] =
        statement.type === 'contribution-found'
          ? (['finding', statement.finding] as const)
          : statement.type === 'terms-read'
            ? (['policy', statement.policy] as const)
            : (['approval', statement.approval] as const);
      const [signature] = signed.signatures;
      const other = await sign(verifiers[1], { type: 'x', v: 1 });
      for (const signatures of [
        [{ ...signature!, signature: new Uint8Array(64) }],
        [],
        [signature!, { ...other.signatures[0]!, keyId: verifiers[1].nodeId }],
      ]) {
        const changed = { ...statement, [member]: { ...signed, signatures } };
        expect(await codeOf(encodeCanonical(changed), author)).not.toBeNull();
      }
    }
    const source = await taughtSource();
    const [policy] = source.teacherPolicies;
    const misread = { ...policy!, signatures: [{ ...policy!.signatures[0]!, signature: new Uint8Array(64) }] };
    const taught = { ...contribution, source: { ...source, teacherPolicies: [misread] } };
    const declared = bytesOf({ type: 'contribution-declared', v: 1, contribution: taught });
    expect(await codeOf(declared, contributor.nodeId)).toBe('bad_signature');
  });

  test('is refused when it is cut off, altered, of another version or sort, too long, deep or wide', async () => {
    let deep: unknown = null;
    for (let level = 0; level < 2_000; level++) deep = [deep];
    const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`m${at}`, at]));
    const statement = { type: 'contribution-declared', v: 1, contribution };
    const whole = bytesOf({ type: 'contribution-declared', v: 1, contribution });
    for (const bytes of [
      new Uint8Array(0),
      whole.slice(0, -1),
      new Uint8Array([...whole, 0]),
      encodeCanonical({ ...statement, v: 2 }),
      encodeCanonical({ ...statement, type: 'contribution-praised' }),
      encodeCanonical({ ...statement, contribution: { ...contribution, kind: 'upload' } }),
      encodeCanonical({ ...statement, contribution: { ...contribution, bonus: 1 } }),
      encodeCanonical({ ...statement, contribution: { ...contribution, title: 'x'.repeat(121) } }),
      encodeCanonical({ ...statement, contribution: deep } as never),
      encodeCanonical({ ...statement, ...wide }),
      new Uint8Array(MAX_GROWTH_STATEMENT_BYTES + 1),
    ])
      expect(await codeOf(bytes, contributor.nodeId)).not.toBeNull();
  });

  test('that is longer than an entry holds is not written', async () => {
    const notes = 'ä'.repeat(1_000);
    const policies = await Promise.all(
      [1, 2, 3, 4].map((at) =>
        createTeacherPolicy(verifier, { ...openTerms, termsVersion: `${at}`, notes, dataPolicy: notes }),
      ),
    );
    const long = { ...contribution, source: { ...contribution.source, teacherPolicies: policies } };
    expect(encodeGrowthStatement({ type: 'contribution-declared', v: 1, contribution: long })).toMatchObject({
      error: { code: 'statement_too_long' },
    });
  });
});
