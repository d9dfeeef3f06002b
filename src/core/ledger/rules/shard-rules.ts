import type { DataShard } from '../growth/data-shard';
import { PROVENANCE_RULES, type ProvenanceContext } from './provenance-rules';
import type { Rule } from './rule';

export interface ShardContext extends ProvenanceContext {
  readonly shard: DataShard;
}

/** When experts may learn from a shard of data. */
export const SHARD_RULES: readonly Rule<ShardContext>[] = [
  ...PROVENANCE_RULES,
  {
    name: 'personal_data',
    sentence: 'The shard holds data about persons, or nobody looked.',
    holds: ({ shard: { personalData } }) => personalData === 'none_found' || personalData === 'removed',
  },
  {
    name: 'contamination_unchecked',
    sentence: 'Experts learned from the shard before anybody looked for questions of evaluations in it.',
    holds: ({ shard: { usedBy, contamination } }) => usedBy.length === 0 || contamination !== null,
  },
  {
    name: 'contaminated',
    sentence: 'Experts learned from a shard that holds questions of evaluations.',
    holds: ({ shard: { usedBy, contamination } }) => usedBy.length === 0 || contamination!.overlaps === 0,
  },
  {
    name: 'effect_without_use',
    sentence: 'An effect is measured on an expert that did not learn from the shard.',
    holds: ({ shard: { usedBy, effects } }) =>
      effects.every((effect) => usedBy.some(({ modelHash }) => modelHash === effect.modelHash)),
  },
  {
    name: 'effect_not_held_apart',
    sentence: 'An effect is measured on a set that nobody looked for in the shard.',
    holds: ({ shard: { effects, contamination } }) =>
      effects.every(({ delta }) => contamination!.against.includes(delta.set)),
  },
];
