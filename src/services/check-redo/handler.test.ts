import { describe, expect, it } from 'vitest';
import type { CallContext } from '#core/bus/capability';
import { fail, ok, unwrap, type Result } from '#core/base/result';
import { verdictSchema, type VerdictStatement } from '#core/ledger/statements';
import { idOfSigned, openSigned, sign } from '#core/wire/signed';
import { claimOf, sealingAs, signerFrom, verifySignature } from '#tests/fakes/claims';
import type { CheckInput } from './contract';
import { createCheckRedoHandler } from './handler';

const requester = signerFrom(1);
const executor = signerFrom(2);
const validator = signerFrom(3);
const stranger = signerFrom(4);

const context = (caller: string): CallContext<never> => ({
  caller,
  local: false,
  callId: 'call-1',
  signal: new AbortController().signal,
  emit: () => {},
});

const pen = sealingAs(validator);
/** Challenger and commitment. */
const challenges = new Set<string>();
const handlerWith = (redo: (capability: string, input: unknown) => Promise<Result<unknown>>) =>
  createCheckRedoHandler({
    self: validator.nodeId,
    verify: verifySignature,
    challenged: (node, commitment) => challenges.has(`${node} ${commitment}`),
    now: () => 2_000,
    redo,
    sealVerdict: pen.sealVerdict,
  });

const upperCase = handlerWith(async (_capability, input) => ok((input as { message: string }).message.toUpperCase()));

const shouted = (message: string, output: string): Promise<CheckInput> =>
  claimOf({
    executor,
    requester: requester.nodeId,
    capability: 'shout@1',
    input: { message },
    output,
  }) as Promise<CheckInput>;
const honest = (): Promise<CheckInput> => shouted('hi', 'HI');

async function verdictOf(handler: typeof upperCase, claim: CheckInput): Promise<VerdictStatement> {
  unwrap(await handler(claim, context(requester.nodeId)));
  return unwrap(await openSigned(verdictSchema, pen.last(), verifySignature, [validator.nodeId]));
}

describe('check.redo', () => {
  it('signs an acceptance that names the commitment and everyone in it', async () => {
    const claim = await honest();
    expect(await verdictOf(upperCase, claim)).toEqual({
      type: 'verdict',
      v: 1,
      jobId: 'job-1',
      traceId: 'trace-1',
      commitment: idOfSigned(claim.commitment),
      requester: requester.nodeId,
      executor: executor.nodeId,
      validator: validator.nodeId,
      check: 'redo',
      verdict: 'accepted',
      reason: 'ok',
      at: 2_000,
    });
  });

  it('rejects an output that doing the job again does not give', async () => {
    const claim = (await claimOf({
      executor,
      requester: requester.nodeId,
      capability: 'shout@1',
      input: { message: 'hi' },
      output: 'HO',
    })) as CheckInput;
    expect(await verdictOf(upperCase, claim)).toMatchObject({ verdict: 'rejected', reason: 'output_mismatch' });
  });

  it('rejects what the executor did not commit to, without doing the job', async () => {
    let redone = 0;
    const counting = handlerWith(async () => ok((redone++, 'HI')));
    const claim = await honest();
    expect(await verdictOf(counting, { ...claim, output: 'HO' })).toMatchObject({
      verdict: 'rejected',
      reason: 'opening_mismatch',
    });
    expect(await verdictOf(counting, { ...claim, salt: new Uint8Array(16) })).toMatchObject({
      reason: 'opening_mismatch',
    });
    expect(redone).toBe(0);
  });

  it('cannot tell about work that this node does not do, or that failed here', async () => {
    const claim = await honest();
    const unsupported = handlerWith(async () => fail('unsupported', 'No.'));
    const broken = handlerWith(async () => fail('engine_failed', 'No.'));
    expect(await verdictOf(unsupported, claim)).toMatchObject({ verdict: 'undecided', reason: 'unsupported' });
    expect(await verdictOf(broken, claim)).toMatchObject({ verdict: 'undecided', reason: 'not_redone' });
  });

  it('rejects a result for an input that can have none', async () => {
    const handler = handlerWith(async () => fail('bad_payload', 'No message.'));
    expect(await verdictOf(handler, await honest())).toMatchObject({ verdict: 'rejected', reason: 'output_mismatch' });
  });

  it('checks only for the node that asked', async () => {
    expect(await upperCase(await honest(), context(stranger.nodeId))).toMatchObject({
      ok: false,
      error: { code: 'not_your_job' },
    });
  });

  it('checks for whoever challenged the payment for that very work', async () => {
    const claim = await honest();
    challenges.add(`${stranger.nodeId} ${idOfSigned((await shouted('ho', 'HO')).commitment)}`);
    expect(await upperCase(claim, context(stranger.nodeId))).toMatchObject({ error: { code: 'not_your_job' } });
    challenges.add(`${stranger.nodeId} ${idOfSigned(claim.commitment)}`);
    expect(await upperCase(claim, context(stranger.nodeId))).toMatchObject({ ok: true });
  });

  it('looks at its own call at whatever words it was given', async () => {
    expect(await upperCase(await honest(), context(validator.nodeId))).toMatchObject({ ok: true });
  });

  it('checks nothing that it did itself; what it asked for only at its own call', async () => {
    const own = { capability: 'shout@1', input: { message: 'hi' }, output: 'HI' };
    const did = (await claimOf({ ...own, executor: validator, requester: requester.nodeId })) as CheckInput;
    const asked = (await claimOf({ ...own, executor, requester: validator.nodeId })) as CheckInput;
    expect(await upperCase(did, context(requester.nodeId))).toMatchObject({ error: { code: 'own_job' } });
    expect(await upperCase(asked, context(requester.nodeId))).toMatchObject({ error: { code: 'not_your_job' } });
    expect(await upperCase(asked, context(validator.nodeId))).toMatchObject({ ok: true });
  });

  it('pronounces nothing on a commitment that its executor did not sign', async () => {
    const claim = await honest();
    const forged = {
      ...claim.commitment,
      signatures: [{ keyId: stranger.nodeId, signature: claim.commitment.signatures[0]!.signature }],
    };
    expect(await upperCase({ ...claim, commitment: forged }, context(requester.nodeId))).toMatchObject({
      error: { code: 'bad_signature' },
    });
    const byOther = await sign(stranger, { type: 'commitment', v: 1 });
    expect(await upperCase({ ...claim, commitment: byOther }, context(requester.nodeId))).toMatchObject({
      error: { code: 'malformed' },
    });
    const signature = await stranger.sign(claim.commitment.payload);
    const resigned = { ...claim.commitment, signatures: [{ keyId: stranger.nodeId, signature }] };
    expect(await upperCase({ ...claim, commitment: resigned }, context(requester.nodeId))).toMatchObject({
      error: { code: 'signer_missing' },
    });
  });

  it('passes on that the verdict could not be written down', async () => {
    const handler = createCheckRedoHandler({
      self: validator.nodeId,
      verify: verifySignature,
      challenged: () => false,
      now: () => 2_000,
      redo: async () => ok('HI'),
      sealVerdict: async () => fail('disk_full', 'The device has no room left.'),
    });
    expect(await handler(await honest(), context(requester.nodeId))).toMatchObject({
      ok: false,
      error: { code: 'disk_full' },
    });
  });
});
