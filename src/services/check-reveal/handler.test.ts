import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import type { CallContext } from '#core/bus/capability';
import { fail, ok, unwrap } from '#core/base/result';
import {
  createSealedVerdicts,
  marginBytes,
  opensSeal,
  type RevealedVerdict,
} from '#core/experts/validators/sealed-verdict';
import { sign, type Signed } from '#core/wire/signed';
import { signerFrom } from '#tests/fakes/claims';
import { checkRevealOutputSchema } from './contract';
import { createCheckRevealHandler } from './handler';

const requester = signerFrom(1);
const validator = signerFrom(3);
const told: Signed[] = [];
const tell = async (verdict: Signed) => {
  told.push(verdict);
  return ok(undefined);
};
const chance = { bytes: (count: number) => new Uint8Array(count).fill(7) };
const context = (caller: string): CallContext<never> => ({
  caller,
  local: false,
  callId: 'call-1',
  signal: new AbortController().signal,
  emit: () => {},
});
const verdictOf = (type: string) => sign(validator, { type, v: 1 });

describe('check.reveal', () => {
  it('tells what was sealed, to whoever had it checked, as often as asked', async () => {
    told.length = 0;
    const sealed = createSealedVerdicts(chance, tell);
    const handler = createCheckRevealHandler(sealed);
    const verdict = await verdictOf('ok');
    const seal = sealed.seal(requester.nodeId, 'job-1', verdict, { positions: [0, 3], margins: marginBytes([0, 9]) });
    for (let time = 0; time < 2; time++) {
      const output = unwrap(await handler({ jobId: 'job-1' }, context(requester.nodeId)));
      expect(() => v.parse(checkRevealOutputSchema, output)).not.toThrow();
      expect(opensSeal(seal, output as RevealedVerdict)).toBe(true);
      expect([...output.lookedAt!.margins]).toEqual([0, 255]);
    }
    expect(told).toEqual([verdict]);
  });

  it('tells nobody else, and nothing of other jobs', async () => {
    const sealed = createSealedVerdicts(chance, tell);
    sealed.seal(requester.nodeId, 'job-1', await verdictOf('ok'), null);
    const handler = createCheckRevealHandler(sealed);
    for (const [jobId, caller] of [
      ['job-1', validator.nodeId],
      ['job-2', requester.nodeId],
    ] as const)
      expect(await handler({ jobId }, context(caller))).toMatchObject({ ok: false, error: { code: 'not_sealed' } });
  });

  it('a seal opens to no other verdict and under no other salt', async () => {
    const sealed = createSealedVerdicts(chance, tell);
    const verdict = await verdictOf('ok');
    const seal = sealed.seal(requester.nodeId, 'job-1', verdict, null);
    const { salt } = unwrap(await sealed.reveal(requester.nodeId, 'job-1'));
    expect(opensSeal(seal, { verdict: await verdictOf('other'), salt, lookedAt: null })).toBe(false);
    expect(opensSeal(seal, { verdict, salt: new Uint8Array(16), lookedAt: null })).toBe(false);
  });

  it('writes a verdict down once, before it tells it, and tells nothing where that fails', async () => {
    let full = true;
    const written: Signed[] = [];
    const sealed = createSealedVerdicts(chance, async (verdict) => {
      if (full) return fail('storage_full', 'The disk is full.');
      written.push(verdict);
      return ok(undefined);
    });
    const verdict = await verdictOf('ok');
    sealed.seal(requester.nodeId, 'job-1', verdict, null);
    expect(await sealed.reveal(requester.nodeId, 'job-1')).toMatchObject({ error: { code: 'storage_full' } });
    full = false;
    for (let time = 0; time < 2; time++) expect((await sealed.reveal(requester.nodeId, 'job-1')).ok).toBe(true);
    expect(written).toEqual([verdict]);
  });

  it('keeps the latest verdicts only', async () => {
    const sealed = createSealedVerdicts(chance, tell);
    const verdict = await verdictOf('ok');
    for (let job = 0; job < 300; job++) sealed.seal(requester.nodeId, `job-${job}`, verdict, null);
    expect((await sealed.reveal(requester.nodeId, 'job-0')).ok).toBe(false);
    expect((await sealed.reveal(requester.nodeId, 'job-299')).ok).toBe(true);
  });
});
