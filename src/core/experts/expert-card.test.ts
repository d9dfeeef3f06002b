import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-webcrypto';
import { cardFor, resultOf } from '#tests/fakes/admission-input';
import { utf8 } from '../base/bytes';
import { decodeCanonical, encodeCanonical, sha256 } from '../base/canonical';
import type { Signer } from '../base/ports';
import { unwrap } from '../base/result';
import { addSignature, sign, type Signed } from '../wire/signed';
import { createVerification, openVerification, VERIFICATION_LIFE_MS } from './admission-gate/verification';
import {
  CARD_LIFE_MS,
  CLAIM_FACTOR,
  createExpertCard,
  judgeCapabilityClaim,
  openExpertCard,
  type ExpertCard,
  type ExpertDraft,
} from './expert-card';

const verify = createVerify();
const signerOf = (name: string): Signer => createSeedSigner(sha256(utf8(name)));
const author = signerOf('author');
const NOW = 1_800_000_000_000;

const {
  type: _type,
  v: _v,
  author: _author,
  expiresAt: _expiresAt,
  selfTest: _selfTest,
  ...rest
} = cardFor(resultOf('target', 50, 60), resultOf('general', 30, 30));
const draft: ExpertDraft = {
  ...rest,
  at: NOW,
  selfTest: { passed: true, positions: 100, agreeing: 99, gross: 0, worstMargin: 0.1234, promptsAgree: true },
};
const signed = createExpertCard(author, draft);
const openCard = async () => unwrap(await openExpertCard(await signed, verify, NOW));
const bodyOf = async (): Promise<ExpertCard> => unwrap(decodeCanonical((await signed).payload)) as ExpertCard;

describe('an expert card', () => {
  test('opens as what its author said, in whole numbers, under its own id', async () => {
    const opened = unwrap(await openExpertCard(await signed, verify, NOW));
    expect(opened).toMatchObject({ expert: 'sage-2', author: author.nodeId, expiresAt: NOW + CARD_LIFE_MS });
    expect(opened.selfTest).toEqual({ passed: true, positions: 100, agreeing: 99, gross: 0, worstMilli: 123 });
    expect(opened.id).toMatch(/^bafyrei/);
  });

  test('a changed byte is refused', async () => {
    const { payload, signatures } = await signed;
    await fc.assert(
      fc.asyncProperty(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Uint8Array.from(payload, (byte, index) => (index === at ? byte ^ flip : byte));
        expect((await openExpertCard({ payload: changed, signatures }, verify, NOW)).ok).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('only its author signs it, and nobody beside', async () => {
    const foreign = await sign(signerOf('thief'), await bodyOf());
    expect(await openExpertCard(foreign, verify, NOW)).toMatchObject({ error: { code: 'signer_missing' } });
    const both = await addSignature(signerOf('friend'), await signed);
    expect(await openExpertCard(both, verify, NOW)).toMatchObject({ error: { code: 'signer_missing' } });
  });

  test('it counts within its time only', async () => {
    const at = async (now: number) => openExpertCard(await signed, verify, now);
    expect(await at(NOW + CARD_LIFE_MS - 1)).toMatchObject({ ok: true });
    expect(await at(NOW + CARD_LIFE_MS)).toMatchObject({ error: { code: 'expired' } });
    expect(await at(NOW - 4 * 60_000)).toMatchObject({ ok: true });
    expect(await at(NOW - 6 * 60_000)).toMatchObject({ error: { code: 'not_yet_valid' } });
  });

  test.each<[string, Partial<Record<keyof ExpertCard | 'more', unknown>>]>([
    ['a life longer than a week', { expiresAt: NOW + CARD_LIFE_MS + 1 }],
    ['a broken number', { decodeMilliTokensPerS: 0.5 }],
    ['no speed at all', { prefillMilliTokensPerS: 0 }],
    ['more right answers than questions', { scores: [{ ...draft.scores[0]!, right: 61 }] }],
    ['one set twice', { scores: [draft.scores[0], draft.scores[0]] }],
    ['an unknown task', { tasks: ['rule the world'] }],
    ['a bad capability', { capabilities: ['everything'] }],
    ['an unknown sort of expert', { expertType: 'oracle' }],
    ['no domain at all', { domains: [] }],
    ['a gain of more than everything', { gains: [{ set: 'target', against: 'a'.repeat(64), milli: 1_001 }] }],
    ['a risk in broken numbers', { risks: { duplicateMilli: 0.5, backdoorMilli: null } }],
    ['a field too many', { more: 1 }],
  ])('one with %s is refused', async (_, change) => {
    const changed = await sign(author, { ...(await bodyOf()), ...change } as ExpertCard);
    expect(await openExpertCard(changed, verify, NOW)).toMatchObject({ error: { code: 'malformed' } });
  });

  test('a newer version of it is told apart from a broken one', async () => {
    const newer = await sign(author, { ...(await bodyOf()), v: 2 } as unknown as ExpertCard);
    expect(await openExpertCard(newer, verify, NOW)).toMatchObject({ error: { code: 'unknown_version' } });
  });

  test('bytes that are no card never open', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const payload = new Uint8Array(bytes);
        const given: Signed = {
          payload,
          signatures: [{ keyId: author.nodeId, signature: await author.sign(payload) }],
        };
        expect((await openExpertCard(given, verify, NOW)).ok).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  test('says what is known of type, licence, data, teachers, gains and risks, and leaves out what is not', async () => {
    expect(unwrap(await openExpertCard(await signed, verify, NOW))).not.toHaveProperty('licence');
    const known: Partial<ExpertDraft> = {
      expertType: 'domain',
      domains: ['target'],
      trainingObjective: 'Answers about one app.',
      licence: 'MIT',
      dataHashes: ['b'.repeat(64)],
      teacherPolicies: [(await openCard()).id],
      gains: [{ set: 'target', against: 'a'.repeat(64), milli: -20 }],
      risks: { duplicateMilli: 310, backdoorMilli: null },
    };
    const full = await createExpertCard(author, { ...draft, ...known });
    expect(unwrap(await openExpertCard(full, verify, NOW))).toMatchObject(known);
  });

  test('a draft that breaks the rules is our own bug', () => {
    expect(() => createExpertCard(author, { ...draft, memoryBytes: 0 })).toThrow();
  });
});

describe('a verification', () => {
  const found = {
    expert: draft.expert,
    version: draft.version,
    modelHash: draft.modelHash,
    engine: draft.engine,
    scores: draft.scores,
    positions: 300,
    agreeing: 299,
    passed: true,
    at: NOW,
  };

  test('is opened for a month, from its verifier alone', async () => {
    const given = await createVerification(signerOf('verifier'), found);
    const opened = unwrap(await openVerification(given, verify, NOW + VERIFICATION_LIFE_MS - 1));
    expect(opened).toMatchObject({ verifier: signerOf('verifier').nodeId, passed: true });
    expect(await openVerification(given, verify, NOW + VERIFICATION_LIFE_MS)).toMatchObject({
      error: { code: 'expired' },
    });
    const body = unwrap(decodeCanonical(given.payload)) as { type: string; v: number };
    expect(await openVerification(await sign(author, body), verify, NOW)).toMatchObject({
      error: { code: 'signer_missing' },
    });
  });

  test('is no expert card, and a card is no verification', async () => {
    const given = await createVerification(author, found);
    expect(await openExpertCard(given, verify, NOW)).toMatchObject({ ok: false });
    expect(await openVerification(await signed, verify, NOW)).toMatchObject({ ok: false });
    expect(encodeCanonical(found).length).toBeGreaterThan(0);
  });
});

describe('a capability claim', () => {
  const claim = { decodeMilliTokensPerS: 50_000, prefillMilliTokensPerS: 800_000 };
  const card = async () => ({ ...(await bodyOf()), ...claim });
  const measured = {
    modelHash: draft.modelHash,
    engine: draft.engine,
    ...claim,
    positions: 100,
    agreeing: 99,
  };
  const codes = async (change: Partial<typeof measured | { prefillMilliTokensPerS: null }>): Promise<string[]> =>
    judgeCapabilityClaim(await card(), { ...measured, ...change }).reasons.map(({ code }) => code);

  test('stands within the factor, in both directions, and falls just beyond', async () => {
    expect(await codes({})).toEqual([]);
    expect(await codes({ decodeMilliTokensPerS: 25_000 })).toEqual([]);
    expect(await codes({ decodeMilliTokensPerS: 24_999 })).toEqual(['claims_too_much']);
    expect(await codes({ decodeMilliTokensPerS: 100_000 })).toEqual([]);
    expect(await codes({ decodeMilliTokensPerS: 100_001 })).toEqual(['claims_too_little']);
    expect(await codes({ prefillMilliTokensPerS: 399_999 })).toEqual(['claims_too_much']);
    expect(await codes({ prefillMilliTokensPerS: null })).toEqual([]);
  });

  test('names everything that speaks against it', async () => {
    expect(
      await codes({ modelHash: 'f'.repeat(64), engine: 'web-llm/webgpu', agreeing: 93, decodeMilliTokensPerS: 1 }),
    ).toEqual(['wrong_model', 'wrong_engine', 'wrong_tokens', 'claims_too_much']);
    expect(await codes({ positions: 0, agreeing: 0 })).toEqual(['nothing_measured']);
  });

  test('is accepted exactly when claim and measurement differ by no more than the factor', async () => {
    const base = await card();
    const pace = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(pace, pace, (claimed, found) => {
        const { accepted, reasons } = judgeCapabilityClaim(
          { ...base, decodeMilliTokensPerS: claimed },
          { ...measured, decodeMilliTokensPerS: found },
        );
        expect(accepted).toBe(Math.max(claimed, found) <= CLAIM_FACTOR * Math.min(claimed, found));
        expect(reasons.length === 0).toBe(accepted);
      }),
    );
  });
});
