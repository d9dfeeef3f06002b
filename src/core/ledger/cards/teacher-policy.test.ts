import { describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import { utf8 } from '../../base/bytes';
import { decodeCanonical, sha256 } from '../../base/canonical';
import { unwrap } from '../../base/result';
import { sign } from '../../wire/signed';
import {
  againstTrainingOn,
  createTeacherPolicy,
  openTeacherPolicy,
  TEACHER_POLICY_LIFE_MS,
  type TeacherPolicyCard,
  type TeacherPolicyDraft,
} from './teacher-policy';

const verify = createVerify();
const author = createSeedSigner(sha256(utf8('author')));
const NOW = 1_800_000_000_000;
const draft: TeacherPolicyDraft = {
  teacher: 'smollm2-360m-q4-onnx',
  teacherType: 'model',
  licence: 'Apache-2.0',
  termsVersion: '2.0',
  allowedForTraining: true,
  allowedOutputsRetention: true,
  allowedForCommercialUse: true,
  at: NOW,
};
const signed = await createTeacherPolicy(author, draft);
const body = unwrap(decodeCanonical(signed.payload)) as TeacherPolicyCard;

describe('a teacher policy', () => {
  test('opens for a year, from its author alone', async () => {
    expect(unwrap(await openTeacherPolicy(signed, verify, NOW))).toMatchObject({ ...draft, author: author.nodeId });
    expect(await openTeacherPolicy(signed, verify, NOW + TEACHER_POLICY_LIFE_MS)).toMatchObject({
      error: { code: 'expired' },
    });
    const stranger = createSeedSigner(sha256(utf8('stranger')));
    expect(await openTeacherPolicy(await sign(stranger, body), verify, NOW)).toMatchObject({
      error: { code: 'signer_missing' },
    });
  });

  test.each<[string, object]>([
    ['without a word on training', { allowedForTraining: null }],
    ['with a field too many', { allowed_for_training: true }],
    ['that never ends', { expiresAt: NOW + TEACHER_POLICY_LIFE_MS + 1 }],
  ])('one %s is refused', async (_, change) => {
    const changed = await sign(author, { ...body, ...change });
    expect(await openTeacherPolicy(changed, verify, NOW)).toMatchObject({ error: { code: 'malformed' } });
  });

  test.each<[string, Partial<TeacherPolicyCard>, string, string | null]>([
    ['its own samples', {}, draft.teacher, null],
    ['samples of another teacher', {}, 'owl-1', 'teacher_mismatch'],
    ['samples that may not be trained on', { allowedForTraining: false }, draft.teacher, 'training_not_allowed'],
    ['samples that may not be kept', { allowedOutputsRetention: false }, draft.teacher, 'retention_not_allowed'],
    ['neither', { allowedForTraining: false, allowedOutputsRetention: false }, 'owl-1', 'teacher_mismatch'],
  ])('judges %s', (_, change, teacher, code) => {
    expect(againstTrainingOn({ ...body, ...change }, teacher)?.code ?? null).toBe(code);
  });
});
