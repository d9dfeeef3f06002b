import * as v from 'valibot';
import { cidSchema, nodeIdSchema } from '../../base/ids';
import type { Signer, Verify } from '../../base/ports';
import { fail, ok, unwrap, type Failure, type Result } from '../../base/result';
import { modelIdSchema, sha256HexSchema } from '../../engines/model-manifest';
import { instantSchema, soleSigner } from '../../identity/community';
import { checkAgainst } from '../../wire/gate';
import { idOfSigned, openSigned, sign, type Signed } from '../../wire/signed';
import { count, listOf } from '../cards/card-fields';
import { keepsAll } from '../rules/rule';
import { SHARD_RULES } from '../rules/shard-rules';
import { contentSchema, deltaSchema, sourceSchema } from './growth-fields';
import { openTeachers } from './open-teachers';

/** Experts that one shard went into, and effects that were measured of it. */
const MAX_EXPERTS = 32;
const MAX_EFFECTS = 16;

const expertEntries = { expert: modelIdSchema, modelHash: sha256HexSchema };
const lookedFor = v.picklist(['not_looked', 'none_found', 'removed', 'present']);

/**
 * An entry of the data ledger: what one shard of training data is, where it comes from, what was looked for in it, which
 * experts learned from it and what that did to them. Signed by whoever keeps the shard; a later entry of the same content says more.
 */
export const dataShardSchema = v.strictObject({
  type: v.literal('data-shard'),
  v: v.literal(1),
  steward: nodeIdSchema,
  content: contentSchema,
  records: count(1_000_000_000, 1),
  sort: v.picklist(['text', 'dialogue', 'code', 'labels', 'measurements', 'traces']),
  source: sourceSchema,
  /** Data about persons, and records that stand in it twice. */
  personalData: lookedFor,
  duplicates: lookedFor,
  /** Whether questions of evaluations are in it; null before anybody looked. */
  contamination: v.nullable(
    v.strictObject({
      /** SHA-256 of the report. */
      report: sha256HexSchema,
      /** SHA-256 of each evaluation set that it was held against. */
      against: listOf(sha256HexSchema, 16, 1),
      /** Records that share a question with one of them. */
      overlaps: count(1_000_000_000),
    }),
  ),
  usedBy: v.pipe(
    v.array(v.strictObject(expertEntries)),
    v.maxLength(MAX_EXPERTS),
    v.check(
      (experts) => new Set(experts.map(({ modelHash }) => modelHash)).size === experts.length,
      'the same weights twice',
    ),
  ),
  effects: v.pipe(
    v.array(v.strictObject({ modelHash: sha256HexSchema, delta: deltaSchema })),
    v.maxLength(MAX_EFFECTS),
  ),
  /** The entry of the same content before this one. */
  previous: v.nullable(cidSchema),
  at: instantSchema,
});

export type DataShard = v.InferOutput<typeof dataShardSchema>;
export type DataShardDraft = Omit<DataShard, 'type' | 'v' | 'steward'>;

export interface OpenedDataShard {
  readonly id: string;
  readonly shard: DataShard;
  /** The first rule of shards that it breaks. */
  readonly fault: Failure | null;
}

/** The signer becomes the steward. A draft that the schema refuses is our own bug and throws. */
export function createDataShard(signer: Signer, draft: DataShardDraft): Promise<Signed> {
  const shard: DataShard = { type: 'data-shard', v: 1, ...draft, steward: signer.nodeId };
  return sign(signer, unwrap(checkAgainst(dataShardSchema, shard)));
}

/** Codes of the gate and of `openSigned`, `signer_missing`. An entry that breaks a rule opens, with its fault. */
export async function openDataShard(signed: Signed, verify: Verify): Promise<Result<OpenedDataShard>> {
  const opened = await openSigned(dataShardSchema, signed, verify);
  if (!opened.ok) return opened;
  const shard = opened.value;
  if (soleSigner(signed) !== shard.steward)
    return fail('signer_missing', 'The entry about a data shard is not signed by its steward.');
  const teachers = await openTeachers(shard.source, verify);
  if (!teachers.ok) return teachers;
  const kept = keepsAll(SHARD_RULES, {
    shard,
    source: shard.source,
    teachers: teachers.value,
    givers: [shard.steward],
    at: shard.at,
  });
  return ok({ id: idOfSigned(signed), shard, fault: kept.ok ? null : kept.error });
}
