import type { Verify } from '../../base/ports';
import { fail, ok, type Result } from '../../base/result';
import { soleSigner } from '../../identity/community';
import { openSigned } from '../../wire/signed';
import { teacherPolicySchema, type TeacherPolicyCard } from '../cards/teacher-policy';
import type { Source } from './growth-fields';

/**
 * The teacher policies that a source carries, each signed by its author alone. Whether they were in force is for a rule to say, by
 * the time of what carries them. Codes of the gate and of `openSigned`, `signer_missing`.
 */
export async function openTeachers(
  { teacherPolicies }: Pick<Source, 'teacherPolicies'>,
  verify: Verify,
): Promise<Result<readonly TeacherPolicyCard[]>> {
  const teachers: TeacherPolicyCard[] = [];
  for (const signed of teacherPolicies) {
    const opened = await openSigned(teacherPolicySchema, signed, verify);
    if (!opened.ok) return opened;
    if (soleSigner(signed) !== opened.value.author)
      return fail('signer_missing', 'A teacher policy is not signed by its author.');
    teachers.push(opened.value);
  }
  return ok(teachers);
}
