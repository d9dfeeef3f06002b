import * as v from 'valibot';
import { expect, test } from 'vitest';
import { signerNamed, testVerify as verify } from '#tests/fakes/test-community';
import { openSigned, sign, type SignedBody } from './signed';

const opened = async (body: SignedBody & Record<string, unknown>, schema: v.GenericSchema<unknown, unknown>) =>
  openSigned(schema, await sign(signerNamed('one'), body), verify);

test('a signed body that says it was simulated is refused by that name, whatever its schema would let through', async () => {
  const body = { type: 'note', v: 1, simulated: true };
  for (const schema of [
    v.unknown(),
    v.looseObject({ type: v.literal('note') }),
    v.object({ type: v.literal('note') }),
    v.strictObject({ type: v.literal('note') }),
    v.object({ type: v.literal('other') }),
  ])
    expect(await opened(body, schema)).toMatchObject({ ok: false, error: { code: 'simulated' } });
});

test('nothing else is: not another value of that name, and not what stands deeper inside', async () => {
  for (const more of [
    { simulated: false },
    { simulated: 'true' },
    { simulated: null },
    { of: { simulated: true } },
    {},
  ])
    expect(await opened({ type: 'note', v: 1, ...more }, v.unknown())).toMatchObject({ ok: true });
});
