import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import type { CallContext } from '#core/bus/capability';
import { unwrap } from '#core/base/result';
import {
  createSealedVerdicts,
  marginBytes,
  opensSeal,
  type RevealedVerdict,
} from '#core/experts/validators/sealed-verdict';
import { sign } from '#core/wire/signed';
import { signerFrom } from '#tests/fakes/claims';
import { checkRevealOutputSchema } from './contract';
import { createCheckRevealHandler } from './handler';

const requester = signerFrom(1);
const validator = signerFrom(3);
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
    const sealed = createSealedVerdicts(chance);
    const handler = createCheckRevealHandler(sealed);
    const verdict = await verdictOf('ok');
    const seal = sealed.seal(requester.nodeId, 'job-1', verdict, { positions: [0, 3], margins: marginBytes([0, 9]) });
    for (let time = 0; time < 2; time++) {
      const output = unwrap(await handler({ jobId: 'job-1' }, context(requester.nodeId)));
      expect(() => v.parse(checkRevealOutputSchema, output)).not.toThrow();
      expect(opensSeal(seal, output as RevealedVerdict)).toBe(true);
      expect([...output.lookedAt!.margins]).toEqual([0, 255]);
    }
  });

  it('tells nobody else, and nothing of other jobs', async () => {
    const sealed = createSealedVerdicts(chance);
    sealed.seal(requester.nodeId, 'job-1', await verdictOf('ok'), null);
    const handler = createCheckRevealHandler(sealed);
    for (const [jobId, caller] of [
      ['job-1', validator.nodeId],
      ['job-2', requester.nodeId],
    ] as const)
      expect(await handler({ jobId }, context(caller))).toMatchObject({ ok: false, error: { code: 'not_sealed' } });
  });

  it('a seal opens to no other verdict and under no other salt', async () => {
    const sealed = createSealedVerdicts(chance);
    const verdict = await verdictOf('ok');
    const seal = sealed.seal(requester.nodeId, 'job-1', verdict, null);
    const { salt } = unwrap(sealed.reveal(requester.nodeId, 'job-1'));
    expect(opensSeal(seal, { verdict: await verdictOf('other'), salt, lookedAt: null })).toBe(false);
    expect(opensSeal(seal, { verdict, salt: new Uint8Array(16), lookedAt: null })).toBe(false);
  });

  it('keeps the latest verdicts only', async () => {
    const sealed = createSealedVerdicts(chance);
    const verdict = await verdictOf('ok');
    for (let job = 0; job < 300; job++) sealed.seal(requester.nodeId, `job-${job}`, verdict, null);
    expect(sealed.reveal(requester.nodeId, 'job-0').ok).toBe(false);
    expect(sealed.reveal(requester.nodeId, 'job-299').ok).toBe(true);
  });
});
