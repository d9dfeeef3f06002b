import { beforeAll, describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-webcrypto';
import { base64, fromBase64 } from '../base/bytes';
import { encodeCanonical } from '../base/canonical';
import { unwrap } from '../base/result';
import { modelCatalogueSchema, type ModelCatalogue } from '../engines/model-manifest';
import { checkAgainst } from '../wire/gate';
import { MAX_SIGNED_BYTES } from '../wire/limits';
import { MAX_CATALOGUE_BYTES, openCatalogue, signCatalogue, type SignedCatalogue } from './model-catalogue';

const verify = createVerify();
const founder = createSeedSigner(new Uint8Array(32).fill(1));
const stranger = createSeedSigner(new Uint8Array(32).fill(2));

const model = (id: string, files = 1) => ({
  id,
  name: 'Model',
  family: 'test',
  version: '1',
  engine: 'transformers',
  tasks: ['chat'],
  parameters: 1,
  quantisation: 'q4',
  source: { kind: 'hub', repository: 'people/model', revision: 'main' },
  files: Array.from({ length: files }, (_, index) => ({
    path: `params_shard_${index}.bin`,
    sha256: 'a'.repeat(64),
    sizeBytes: index,
  })),
  licence: { name: 'MIT' },
  memoryBytes: 1,
  features: [],
  contextTokens: 1,
  chatTemplate: 'none',
  temperaturePercent: 0,
});
const catalogueOf = (...models: unknown[]): ModelCatalogue =>
  unwrap(checkAgainst(modelCatalogueSchema, { type: 'model-catalogue', v: 1, models }));

let signed: SignedCatalogue;
beforeAll(async () => {
  signed = unwrap(await signCatalogue(founder, catalogueOf(model('one'))));
});
const open = (json: unknown, by: string | null = founder.nodeId) => openCatalogue(json, verify, by);

describe('a signed catalogue of models', () => {
  test('is read by whoever trusts its signer, and survives JSON', async () => {
    expect(unwrap(await open(JSON.parse(JSON.stringify(signed)))).models[0]!.id).toBe('one');
  });

  test('may be larger than other signed statements', async () => {
    const large = catalogueOf(...Array.from({ length: 20 }, (_, index) => model(`m${index}`, 30)));
    expect(encodeCanonical(large).length).toBeGreaterThan(MAX_SIGNED_BYTES);
    expect(unwrap(await open(unwrap(await signCatalogue(founder, large))))).toEqual(large);
  });

  test('is not signed past its limit', async () => {
    const huge = catalogueOf(...Array.from({ length: 40 }, (_, index) => model(`m${index}`, 512)));
    expect(encodeCanonical(huge).length).toBeGreaterThan(MAX_CATALOGUE_BYTES);
    expect(await signCatalogue(founder, huge)).toMatchObject({ error: { code: 'too_large' } });
  });

  test('is refused when someone else signed it, or nobody is trusted', async () => {
    const foreign = unwrap(await signCatalogue(stranger, catalogueOf(model('one'))));
    expect(await open(foreign)).toMatchObject({ error: { code: 'signer_missing' } });
    expect(await open(signed, null)).toMatchObject({ error: { code: 'signer_missing' } });
  });

  test('is refused when one bit of it was changed, or the signature belongs to other bytes', async () => {
    const payload = fromBase64(signed.payload)!;
    payload[payload.length - 1]! ^= 1;
    expect(await open({ ...signed, payload: base64(payload) })).toMatchObject({ error: { code: 'bad_signature' } });
    const other = unwrap(await signCatalogue(founder, catalogueOf(model('two'))));
    expect(await open({ ...signed, signatures: other.signatures })).toMatchObject({ error: { code: 'bad_signature' } });
  });

  test('is refused when what the founder signed is no catalogue', async () => {
    const sign = async (body: unknown): Promise<SignedCatalogue> => {
      const payload = encodeCanonical(body);
      const signature = await founder.sign(payload);
      return { payload: base64(payload), signatures: [{ keyId: founder.nodeId, signature: base64(signature) }] };
    };
    const good = catalogueOf(model('one'));
    expect(await open(await sign({ ...good, type: 'community' }))).toMatchObject({ error: { code: 'malformed' } });
    expect(await open(await sign({ ...good, v: 2 }))).toMatchObject({ error: { code: 'unknown_version' } });
    expect(await open(await sign({ ...good, models: [model('one'), model('one')] }))).toMatchObject({
      error: { code: 'malformed' },
    });
  });

  test.each([
    undefined,
    null,
    'text',
    {},
    { payload: '*', signatures: [] },
    { payload: 'AAAA', signatures: [{ keyId: founder.nodeId, signature: 'AAAA' }] },
    { payload: 'A'.repeat(2 * MAX_CATALOGUE_BYTES), signatures: [{ keyId: founder.nodeId, signature: '' }] },
  ])('in no known form is refused (%#)', async (json) => {
    expect(await open(json)).toMatchObject({ ok: false, error: { code: 'malformed' } });
  });
});
