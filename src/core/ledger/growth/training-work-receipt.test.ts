import { describe, expect, test } from 'vitest';
import { unwrap } from '../../base/result';
import { addSignature } from '../../wire/signed';
import { trainingDraft as training } from '#tests/fakes/contributions';
import { signerNamed, testVerify as verify } from '#tests/fakes/test-community';
import { TRAINING_RULES } from '../rules/training-rules';
import { createTrainingWorkReceipt, openTrainingWorkReceipt, type TrainingDraft } from './training-work-receipt';

const [trainer, payer, stranger] = [signerNamed('trainer'), signerNamed('payer'), signerNamed('stranger')];

/** What breaks exactly this rule, and no rule above it. */
const BREAKS: Readonly<Record<string, Partial<TrainingDraft>>> = {
  foreign_account: { creditAccount: stranger.nodeId },
  trains_for_itself: { payer: trainer.nodeId },
  no_data: { dataShards: [] },
  nothing_made: { artefactHashes: [] },
  not_measured: { deltas: [] },
  times_reversed: { work: { ...training.work, wallTimeMs: 1_001 } },
};

const open = async (change: Partial<TrainingDraft>) =>
  unwrap(await openTrainingWorkReceipt(await createTrainingWorkReceipt(trainer, { ...training, ...change }), verify));

describe('a receipt of training', () => {
  test('that keeps every rule has no fault, even where things got worse: that was work too', async () => {
    expect(await open({})).toMatchObject({ fault: null, acknowledged: false });
  });

  test.each(TRAINING_RULES)('that breaks $name alone is faulty for just that', async ({ name }) => {
    const breaks = BREAKS[name];
    expect(breaks, 'every rule has a receipt that breaks it').toBeDefined();
    expect((await open(breaks!)).fault?.code).toBe(name);
  });

  test('is broken in no way that is no rule', () => {
    expect(Object.keys(BREAKS)).toEqual(TRAINING_RULES.map(({ name }) => name));
  });

  test('is signed by whoever trained, acknowledged by whoever paid, and signed by nobody else', async () => {
    const signed = await createTrainingWorkReceipt(trainer, training);
    const whole = await addSignature(payer, signed);
    expect(unwrap(await openTrainingWorkReceipt(whole, verify)).acknowledged).toBe(true);
    expect(await openTrainingWorkReceipt(await addSignature(stranger, signed), verify)).toMatchObject({
      error: { code: 'foreign_signature' },
    });
    expect(await openTrainingWorkReceipt({ ...whole, signatures: [whole.signatures[1]!] }, verify)).toMatchObject({
      error: { code: 'signer_missing' },
    });
  });
});
