import { expect, test } from 'vitest';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { signerNamed } from '#tests/fakes/test-community';
import { fail, ok, type Result } from '../../base/result';
import { sign } from '../../wire/signed';
import { createSealedVerdicts } from './sealed-verdict';

const REQUESTER = 'a'.repeat(64);

/** A verdict that is sealed, and how it is written down, try by try. */
async function sealed(...tries: readonly (() => Promise<Result<unknown>>)[]) {
  let written = 0;
  const verdicts = createSealedVerdicts(createSeededChance(1), () => tries[written++]!());
  verdicts.seal(REQUESTER, 'job', await sign(signerNamed('validator'), { type: 'verdict', v: 1 }), null);
  return { reveal: () => verdicts.reveal(REQUESTER, 'job'), written: () => written };
}

test('a verdict is written down once, however often and however soon it is asked for', async () => {
  const { reveal, written } = await sealed(async () => ok(undefined));
  expect((await Promise.all([reveal(), reveal()])).map((one) => one.ok)).toEqual([true, true]);
  expect((await reveal()).ok).toBe(true);
  expect(written()).toBe(1);
});

test('a verdict that could not be written down is told at a later try, whether that failed or broke', async () => {
  const full = async () => fail('storage_full', 'The disk is full.');
  const breaks = () => Promise.reject(new Error('a fault of ours'));
  const { reveal, written } = await sealed(full, breaks, async () => ok(undefined));
  expect(await reveal()).toMatchObject({ ok: false, error: { code: 'storage_full' } });
  await expect(reveal()).rejects.toThrow('a fault of ours');
  expect((await reveal()).ok).toBe(true);
  expect(written()).toBe(3);
});
