import { describe, expect, it } from 'vitest';
import { base64, hex } from '#core/base/bytes';
import { cidOf, encodeCanonical } from '#core/base/canonical';
import type { ReceiptView } from '#node/page-api';
import { checkByHand } from './receipt-check';

const { subtle } = globalThis.crypto;

async function signedReceipt(): Promise<ReceiptView> {
  const keys = (await subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify'])) as CryptoKeyPair;
  const keyId = hex(new Uint8Array(await subtle.exportKey('raw', keys.publicKey)));
  const payload = encodeCanonical({ type: 'receipt', v: 1, digest: new Uint8Array([1, 255]) });
  const signature = new Uint8Array(await subtle.sign({ name: 'Ed25519' }, keys.privateKey, payload));
  return {
    id: cidOf(payload),
    payload: base64(payload),
    signatures: [{ keyId, signature: base64(signature) }],
    verified: true,
  };
}

describe('a receipt checked by hand', () => {
  it('holds when id and signature fit the bytes', async () => {
    const check = await checkByHand(await signedReceipt(), subtle);
    expect(check).toMatchObject({
      idMatches: true,
      signatures: [{ valid: true }],
      body: { type: 'receipt', digest: '01ff' },
    });
  });

  it('fails when one byte of the payload differs, whatever the node said about it', async () => {
    const receipt = await signedReceipt();
    const other = base64(encodeCanonical({ type: 'receipt', v: 1, digest: new Uint8Array([1, 254]) }));
    expect(await checkByHand({ ...receipt, payload: other }, subtle)).toMatchObject({
      idMatches: false,
      signatures: [{ valid: false }],
    });
  });

  it('fails when the signature is by another key', async () => {
    const receipt = await signedReceipt();
    const stranger = (await signedReceipt()).signatures[0]!.keyId;
    const swapped = { ...receipt, signatures: [{ ...receipt.signatures[0]!, keyId: stranger }] };
    expect(await checkByHand(swapped, subtle)).toMatchObject({ idMatches: true, signatures: [{ valid: false }] });
  });

  it('fails on text that is no base64, no key or no signature, without throwing', async () => {
    const receipt = await signedReceipt();
    expect(await checkByHand({ ...receipt, payload: '%' }, subtle)).toMatchObject({ idMatches: false, body: null });
    const broken = { ...receipt, signatures: [{ keyId: 'zz', signature: 'AA==' }] };
    expect((await checkByHand(broken, subtle)).signatures).toEqual([{ keyId: 'zz', valid: false }]);
  });
});
