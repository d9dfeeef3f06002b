import type { NodeId } from '../../base/ids';
import type { TeacherPolicyCard } from '../cards/teacher-policy';
import type { Source } from '../growth/growth-fields';
import type { Rule } from './rule';

/** Where something comes from that models are to learn from. */
export interface ProvenanceContext {
  readonly source: Source;
  /** The teacher policies that it carries, signatures verified. */
  readonly teachers: readonly TeacherPolicyCard[];
  /** Everyone on the giving side. */
  readonly givers: readonly NodeId[];
  /** When they say that they gave it: there is no other clock. */
  readonly at: number;
}

export const PROVENANCE_RULES: readonly Rule<ProvenanceContext>[] = [
  {
    name: 'training_forbidden',
    sentence: 'It may not be trained on.',
    holds: ({ source }) => source.allowedForTraining,
  },
  {
    name: 'not_owned',
    sentence: 'Whoever gives it neither wrote it nor has any right to it.',
    holds: ({ source }) => source.rights !== 'none',
  },
  {
    name: 'permission_missing',
    sentence: 'It is somebody else’s, and no permission is shown.',
    holds: ({ source }) => source.rights !== 'licensed' || source.permission !== null,
  },
  {
    name: 'terms_not_verified',
    sentence: 'It holds outputs of a model of others whose terms nobody verified.',
    holds: ({ source, teachers }) => !source.thirdPartyModelOutputs || (source.termsVerified && teachers.length > 0),
  },
  {
    name: 'own_word_on_terms',
    sentence: 'Only whoever gives it read the terms of the model whose outputs are in it.',
    holds: ({ teachers, givers }) => teachers.every(({ author }) => !givers.includes(author)),
  },
  {
    name: 'terms_outdated',
    sentence: 'The terms were read at another time than the one for which they count.',
    holds: ({ teachers, at }) => teachers.every((one) => one.at <= at && at < one.expiresAt),
  },
  {
    name: 'teacher_forbids',
    sentence: 'The terms of the model whose outputs are in it do not allow that use.',
    holds: ({ source, teachers }) =>
      teachers.every(
        (one) =>
          one.allowedForTraining &&
          one.allowedOutputsRetention &&
          (one.allowedForCommercialUse || !source.allowedForCommercialUse),
      ),
  },
];
