import { describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import { hexOf } from '#tests/fakes/admission-input';
import { advertisementDraft, CARDS_AT as NOW, host, nodeCardDraft } from '#tests/fakes/host-cards';
import { utf8 } from '../../base/bytes';
import { cidOf, decodeCanonical, encodeCanonical, sha256 } from '../../base/canonical';
import { unwrap } from '../../base/result';
import { CLOCK_SKEW_MS } from '../../identity/memberships';
import { addSignature, sign } from '../../wire/signed';
import { ADVERTISEMENT_RULES, reportAdvertisement } from './advertisement-rules';
import { violationsOf } from '../rules/naming-rule';
import {
  ADVERTISEMENT_LIFE_MS,
  createAdvertisement,
  openAdvertisement,
  type HostAdvertisement,
} from './host-advertisement';
import { createNodeCard, NODE_CARD_LIFE_MS, openNodeCard } from './node-card';

const verify = createVerify();
const stranger = createSeedSigner(sha256(utf8('stranger')));
const card = unwrap(await openNodeCard(await createNodeCard(host, nodeCardDraft), verify, NOW));
const signed = await createAdvertisement(host, card, advertisementDraft);
const body = unwrap(decodeCanonical(signed.payload)) as HostAdvertisement;
const changedBy = async (change: object) =>
  openAdvertisement(await sign(host, { ...body, ...change }), card, verify, NOW);

const offeredBy = (node: string): HostAdvertisement => ({ ...body, node });
const from = (at: number): HostAdvertisement => ({ ...body, at, expiresAt: at + 1_000 });

describe('an offer', () => {
  test('opens beside its node’s card, as what the node said', async () => {
    const opened = unwrap(await openAdvertisement(signed, card, verify, NOW));
    expect(opened).toMatchObject({
      node: host.nodeId,
      nodeCard: card.id,
      localityBucket: 'europe',
      offer: advertisementDraft.offer,
      availability: { deviceClass: '12-gb', maxConcurrentJobs: 4, endpointHint: 'job.run@1', uptimeWindowHours: 14 },
      expiresAt: NOW + ADVERTISEMENT_LIFE_MS,
    });
    expect(opened.id).toMatch(/^bafyrei/);
  });

  test('is signed by its node and nobody else', async () => {
    expect(await openAdvertisement(await sign(stranger, body), card, verify, NOW)).toMatchObject({
      error: { code: 'signer_missing' },
    });
    expect(await openAdvertisement(await addSignature(stranger, signed), card, verify, NOW)).toMatchObject({
      error: { code: 'signer_missing' },
    });
  });

  test('that another node makes on this card is refused', async () => {
    const theirs = await sign(stranger, offeredBy(stranger.nodeId));
    expect(await openAdvertisement(theirs, card, verify, NOW)).toMatchObject({ error: { code: 'other_node' } });
  });

  test('ends with its hour, and with the card that it stands on', async () => {
    const at = (now: number) => openAdvertisement(signed, card, verify, now);
    expect(await at(NOW + ADVERTISEMENT_LIFE_MS - 1)).toMatchObject({ ok: true });
    expect(await at(NOW + ADVERTISEMENT_LIFE_MS)).toMatchObject({ error: { code: 'expired' } });
    expect(await at(NOW - CLOCK_SKEW_MS - 1)).toMatchObject({ error: { code: 'not_yet_valid' } });
    const late = NOW + NODE_CARD_LIFE_MS;
    const fresh = await sign(host, from(late));
    expect(await openAdvertisement(fresh, card, verify, late)).toMatchObject({
      error: { code: 'expired', message: 'The node card has expired.' },
    });
  });

  test.each<[string, object]>([
    ['a life longer than an hour', { expiresAt: NOW + ADVERTISEMENT_LIFE_MS + 1 }],
    ['a broken rate', { offer: { ...body.offer, rateMicros: { ...body.offer.rateMicros, inference: 0.5 } } }],
    ['another payment', { offer: { ...body.offer, acceptedPayment: ['EUR'] } }],
    ['no payment', { offer: { ...body.offer, acceptedPayment: [] } }],
    ['a field too many', { discount: 1 }],
  ])('one with %s is refused', async (_, change) => {
    expect(await changedBy(change)).toMatchObject({ error: { code: 'malformed' } });
  });

  test('a draft that breaks a rule is our own bug', () => {
    expect(() => createAdvertisement(host, card, { ...advertisementDraft, maxConcurrentJobs: 9 })).toThrow(
      /too_many_jobs/,
    );
  });

  test('of an expert that the card does not list is refused', async () => {
    expect(await changedBy({ expert: 'owl-1' })).toMatchObject({ error: { code: 'expert_not_listed' } });
  });

  test('at a rate of nothing, below the node’s minimum, is refused', async () => {
    const offer = { ...body.offer, rateMicros: { ...body.offer.rateMicros, inference: 0 } };
    expect(await changedBy({ offer })).toMatchObject({ error: { code: 'rate_below_minimum' } });
  });

  test('at a rate of nothing is good where the node asks for nothing', async () => {
    const free = { inference: 0, training: 0, verification: 0 };
    const draft = { ...nodeCardDraft, economicPolicy: { ...nodeCardDraft.economicPolicy, minimumRateMicros: free } };
    const generous = unwrap(await openNodeCard(await createNodeCard(host, draft), verify, NOW));
    const rateMicros = { inference: 0, training: null, verification: 0 };
    const offer = { ...advertisementDraft.offer, rateMicros, minimumJobMicros: 0 };
    const given = await createAdvertisement(host, generous, { ...advertisementDraft, offer });
    expect(await openAdvertisement(given, generous, verify, NOW)).toMatchObject({ ok: true });
  });
});

/** What one rule alone says of an offer on this card. */
const against = (name: string, offered: HostAdvertisement) =>
  violationsOf(
    ADVERTISEMENT_RULES.filter((rule) => rule.name === name),
    { offered, card },
  )[0] ?? null;

describe('an offer is valid when', () => {
  const offered = (change: Partial<HostAdvertisement> = {}): HostAdvertisement => ({ ...body, ...change });
  const offer = (change: Partial<HostAdvertisement['offer']>) => offered({ offer: { ...body.offer, ...change } });
  const policy = (change: Partial<HostAdvertisement['policy']>) => offered({ policy: { ...body.policy, ...change } });
  const availability = (change: Partial<HostAdvertisement['availability']>) =>
    offered({ availability: { ...body.availability, ...change } });
  const otherCard = cidOf(encodeCanonical('another card'));

  const BREAKS = [
    ['it is of the card’s node', offered({ node: stranger.nodeId }), 'other_node'],
    ['it stands on this card', offered({ nodeCard: otherCard }), 'other_card'],
    ['it is where the card is', offered({ localityBucket: 'asia' }), 'other_locality'],
    ['the card lists its expert', offered({ expert: 'owl-1' }), 'expert_not_listed'],
    ['the card lists these weights', offered({ modelHash: hexOf('2') }), 'expert_not_listed'],
    ['it names the listed expert card', offered({ expertCard: otherCard }), 'other_expert_card'],
    ['it offers something', offer({ roles: [] }), 'nothing_offered'],
    ['its roles are available', offer({ roles: ['training'] }), 'role_unavailable'],
    ['its roles earn', offer({ roles: ['training'] }), 'role_not_earning'],
    [
      'it requires its roles’ receipts',
      offered({ receiptRequirements: ['inference_work_receipt'] }),
      'receipt_not_required',
    ],
    [
      'every role has a rate',
      offer({ rateMicros: { inference: 150, training: null, verification: null } }),
      'rate_and_role_differ',
    ],
    [
      'nothing else has a rate',
      offer({ rateMicros: { inference: 150, training: 1, verification: 45 } }),
      'rate_and_role_differ',
    ],
    [
      'its rates reach the minimum',
      offer({ rateMicros: { inference: 149, training: null, verification: 45 } }),
      'rate_below_minimum',
    ],
    ['its jobs fit the node', availability({ maxConcurrentJobs: 9 }), 'too_many_jobs'],
    ['its hours fit the node', availability({ uptimeWindowHours: 15 }), 'too_many_hours'],
    ['its device is the card’s', availability({ deviceClass: '24-gb' }), 'other_device_class'],
    [
      'its task classes are accepted',
      policy({ acceptedTaskClasses: ['llm.chat@1', 'code.patch@1'] }),
      'task_class_not_accepted',
    ],
    ['its sandbox is there', policy({ sandboxProfile: 'quickjs' }), 'sandbox_not_offered'],
    ['its prompts are no more private', policy({ maxPromptPrivacyClass: 'private_prohibited' }), 'too_private'],
  ] as const;

  test.each(BREAKS)('%s', (_, broken, code) => {
    expect(against(code, body)).toBe(null);
    expect(against(code, broken)).toMatchObject({ code, sentence: expect.stringMatching(/^The .*\.$/) as string });
  });

  test('every rule has an offer that breaks it', () => {
    expect([...new Set(BREAKS.map(([, , code]) => code))]).toEqual(ADVERTISEMENT_RULES.map(({ name }) => name));
  });

  test('figures are exactly those that the card allows', () => {
    expect(against('too_many_jobs', availability({ maxConcurrentJobs: 8 }))).toBe(null);
    expect(against('too_many_hours', availability({ uptimeWindowHours: 14 }))).toBe(null);
    expect(against('too_private', policy({ maxPromptPrivacyClass: 'public' }))).toBe(null);
  });

  test('an unlisted expert is told once, and not as a wrong expert card too', () => {
    expect(against('other_expert_card', offered({ expert: 'owl-1', expertCard: otherCard }))).toBe(null);
  });

  test('and a report names everything that speaks against it', () => {
    expect(reportAdvertisement(body, card, NOW)).toEqual({ valid: true, violations: [] });
    const broken = { ...offer({ roles: ['training'] }), expert: 'owl-1' };
    expect(reportAdvertisement(broken, card, NOW + ADVERTISEMENT_LIFE_MS).violations.map(({ code }) => code)).toEqual([
      'expired',
      'expert_not_listed',
      'role_unavailable',
      'role_not_earning',
      'receipt_not_required',
      'rate_and_role_differ',
    ]);
  });
});
