import { describe, expect, test } from 'vitest';
import { unwrap } from '../../base/result';
import { addSignature } from '../../wire/signed';
import { signerNamed, testVerify as verify } from '#tests/fakes/test-community';
import { CONTRIBUTED_AT, hashOf, ownSource, shardDraft as shard, taughtSource } from '#tests/fakes/contributions';
import { SHARD_RULES } from '../rules/shard-rules';
import { createDataShard, openDataShard, type DataShardDraft } from './data-shard';

const steward = signerNamed('steward');

/** What breaks exactly this rule, and no rule above it. */
const BREAKS: Readonly<Record<string, () => Promise<Partial<DataShardDraft>>>> = {
  training_forbidden: async () => ({ source: { ...ownSource, allowedForTraining: false } }),
  not_owned: async () => ({ source: { ...ownSource, rights: 'none' } }),
  permission_missing: async () => ({ source: { ...ownSource, rights: 'licensed' } }),
  terms_not_verified: async () => ({ source: { ...ownSource, thirdPartyModelOutputs: true } }),
  own_word_on_terms: async () => ({ source: await taughtSource({}, steward) }),
  terms_outdated: async () => ({ source: await taughtSource({ at: CONTRIBUTED_AT + 1 }) }),
  teacher_forbids: async () => ({ source: await taughtSource({ allowedOutputsRetention: false }) }),
  personal_data: async () => ({ personalData: 'not_looked' }),
  contamination_unchecked: async () => ({ contamination: null, effects: [] }),
  contaminated: async () => ({ contamination: { ...shard.contamination!, overlaps: 1 } }),
  effect_without_use: async () => ({ usedBy: [{ expert: 'spark-1', modelHash: hashOf('other weights') }] }),
  effect_not_held_apart: async () => ({ contamination: { ...shard.contamination!, against: [hashOf('another')] } }),
};

const faultOf = async (change: Partial<DataShardDraft>) =>
  unwrap(await openDataShard(await createDataShard(steward, { ...shard, ...change }), verify)).fault?.code ?? null;

describe('an entry of the data ledger', () => {
  test('that keeps every rule has no fault, with terms of a model of others or before anybody used it', async () => {
    expect(await faultOf({})).toBeNull();
    expect(await faultOf({ source: await taughtSource() })).toBeNull();
    expect(await faultOf({ contamination: null, usedBy: [], effects: [] })).toBeNull();
  });

  test.each(SHARD_RULES)('that breaks $name alone is faulty for just that', async ({ name }) => {
    const breaks = BREAKS[name];
    expect(breaks, 'every rule has an entry that breaks it').toBeDefined();
    expect(await faultOf(await breaks!())).toBe(name);
  });

  test('is broken in no way that is no rule', () => {
    expect(Object.keys(BREAKS)).toEqual(SHARD_RULES.map(({ name }) => name));
  });

  test('is signed by its steward and nobody else', async () => {
    const signed = await createDataShard(steward, shard);
    const twice = await addSignature(signerNamed('somebody'), signed);
    expect(await openDataShard(twice, verify)).toMatchObject({ ok: false, error: { code: 'signer_missing' } });
  });
});
