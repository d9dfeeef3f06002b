import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import { CARDS_AT as NOW, host, nodeCardDraft } from '#tests/fakes/host-cards';
import { utf8 } from '../../base/bytes';
import { decodeCanonical, sha256 } from '../../base/canonical';
import { unwrap } from '../../base/result';
import { CLOCK_SKEW_MS } from '../../identity/memberships';
import { addSignature, sign } from '../../wire/signed';
import { CAPACITY_PROBE_RECEIPT } from './card-fields';
import { createNodeCard, NODE_CARD_LIFE_MS, openNodeCard, type NodeCardDraft, type SignedNodeCard } from './node-card';
import { NODE_CARD_RULES, reportNodeCard } from './node-card-rules';
import { violationsOf } from '../rules/naming-rule';

const verify = createVerify();
const stranger = createSeedSigner(sha256(utf8('stranger')));
const signed = createNodeCard(host, nodeCardDraft);
const bodyOf = async (): Promise<SignedNodeCard> => unwrap(decodeCanonical((await signed).payload)) as SignedNodeCard;
const changedBy = async (change: object) =>
  openNodeCard(await sign(host, { ...(await bodyOf()), ...change }), verify, NOW);

describe('a node card', () => {
  test('opens as what its node said, under its own id, for a day', async () => {
    const opened = unwrap(await openNodeCard(await signed, verify, NOW));
    expect(opened).toMatchObject({ ...nodeCardDraft, node: host.nodeId, expiresAt: NOW + NODE_CARD_LIFE_MS });
    expect(opened.id).toMatch(/^bafyrei/);
  });

  test('is the same bytes for the same draft', async () => {
    expect((await createNodeCard(host, { ...nodeCardDraft })).payload).toEqual((await signed).payload);
  });

  test('a changed byte is refused', async () => {
    const { payload, signatures } = await signed;
    await fc.assert(
      fc.asyncProperty(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Uint8Array.from(payload, (byte, index) => (index === at ? byte ^ flip : byte));
        expect((await openNodeCard({ payload: changed, signatures }, verify, NOW)).ok).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('only its own node signs it, and nobody beside', async () => {
    const forged = await sign(stranger, await bodyOf());
    expect(await openNodeCard(forged, verify, NOW)).toMatchObject({ error: { code: 'signer_missing' } });
    const both = await addSignature(stranger, await signed);
    expect(await openNodeCard(both, verify, NOW)).toMatchObject({ error: { code: 'signer_missing' } });
  });

  test('counts within its time only', async () => {
    const at = async (now: number) => openNodeCard(await signed, verify, now);
    expect(await at(NOW + NODE_CARD_LIFE_MS - 1)).toMatchObject({ ok: true });
    expect(await at(NOW + NODE_CARD_LIFE_MS)).toMatchObject({ error: { code: 'expired' } });
    expect(await at(NOW - CLOCK_SKEW_MS)).toMatchObject({ ok: true });
    expect(await at(NOW - CLOCK_SKEW_MS - 1)).toMatchObject({ error: { code: 'not_yet_valid' } });
  });

  test.each<[string, object]>([
    ['a life longer than a day', { expiresAt: NOW + NODE_CARD_LIFE_MS + 1 }],
    ['a broken number', { capacity: { ...nodeCardDraft.capacity, gpuCount: 0.5 } }],
    ['an exact place', { locality: { ...nodeCardDraft.locality, exactLocationDisclosed: true } }],
    ['a city', { locality: { ...nodeCardDraft.locality, bucket: 'Europe/Berlin' } }],
    ['another currency', { economicPolicy: { ...nodeCardDraft.economicPolicy, currency: 'EUR' } }],
    [
      'a negative rate',
      {
        economicPolicy: {
          ...nodeCardDraft.economicPolicy,
          minimumRateMicros: { inference: -1, training: 0, verification: 0 },
        },
      },
    ],
    ['one role twice', { availableRoles: ['inference', 'inference'] }],
    ['one model twice', { experts: [nodeCardDraft.experts[0], nodeCardDraft.experts[0]] }],
    ['no room for a job', { capacity: { ...nodeCardDraft.capacity, maxConcurrentJobs: 0 } }],
    ['a field too many', { more: 1 }],
  ])('one with %s is refused', async (_, change) => {
    expect(await changedBy(change)).toMatchObject({ error: { code: 'malformed' } });
  });

  test('a newer version of it is told apart from a broken one', async () => {
    expect(await changedBy({ v: 2 })).toMatchObject({ error: { code: 'unknown_version' } });
  });

  test('another statement of the same node is no card', async () => {
    expect(await changedBy({ type: 'host-advertisement' })).toMatchObject({ ok: false });
  });

  test('one from outside that breaks a rule is refused with the rule’s reason', async () => {
    expect(await changedBy({ receiptsRequired: ['inference_work_receipt', 'verification_receipt'] })).toEqual({
      ok: false,
      error: { code: 'capacity_not_probed', message: 'The node card asks for no proof of its capacity.' },
    });
  });

  test('a draft that breaks schema or rules is our own bug', () => {
    expect(() => createNodeCard(host, { ...nodeCardDraft, receiptsRequired: [] })).toThrow(/receipt_not_required/);
    expect(() =>
      createNodeCard(host, { ...nodeCardDraft, capacity: { ...nodeCardDraft.capacity, memoryGb: 0 } }),
    ).toThrow(/malformed/);
  });
});

/** What one rule alone says of a card. */
const against = (name: string, card: SignedNodeCard) =>
  violationsOf(
    NODE_CARD_RULES.filter((rule) => rule.name === name),
    card,
  )[0] ?? null;

describe('a node card is valid when', () => {
  const card = (change: Partial<NodeCardDraft> = {}): SignedNodeCard => ({
    type: 'node-card',
    v: 1,
    node: host.nodeId,
    ...nodeCardDraft,
    expiresAt: NOW + 1_000,
    ...change,
  });
  const economic = (change: Partial<NodeCardDraft['economicPolicy']>) => ({
    economicPolicy: { ...nodeCardDraft.economicPolicy, ...change },
  });
  const capacity = (change: Partial<NodeCardDraft['capacity']>) => ({
    capacity: { ...nodeCardDraft.capacity, ...change },
  });

  test('it earns with something', () => {
    expect(against('no_earning_role', card())).toBe(null);
    expect(against('no_earning_role', card(economic({ earningRoles: [] })))).toMatchObject({ code: 'no_earning_role' });
  });

  test('it earns with what it offers', () => {
    expect(against('role_unavailable', card(economic({ earningRoles: ['inference'] })))).toBe(null);
    expect(against('role_unavailable', card(economic({ earningRoles: ['inference', 'training'] })))).toEqual({
      code: 'role_unavailable',
      sentence: 'The node card would earn with training, which it does not offer.',
    });
  });

  test.each(['inference_work_receipt', 'verification_receipt'])(
    'it requires %s for the role that it earns with',
    (name) => {
      const receiptsRequired = nodeCardDraft.receiptsRequired.filter((one) => one !== name);
      expect(against('receipt_not_required', card())).toBe(null);
      expect(against('receipt_not_required', card({ receiptsRequired }))).toMatchObject({
        code: 'receipt_not_required',
        sentence: expect.stringContaining(name) as string,
      });
    },
  );

  test('a role that it does not earn with needs no receipt', () => {
    const only = { ...economic({ earningRoles: ['inference'] }), receiptsRequired: ['inference_work_receipt'] };
    expect(against('receipt_not_required', card(only))).toBe(null);
  });

  test('its capacity is to be probed', () => {
    expect(against('capacity_not_probed', card())).toBe(null);
    expect(against('capacity_not_probed', card({ receiptsRequired: [] }))).toMatchObject({
      code: 'capacity_not_probed',
    });
  });

  test('its graphics processors have memory', () => {
    expect(against('gpu_without_memory', card(capacity({ gpuCount: 0, gpuMemoryMib: 0 })))).toBe(null);
    expect(against('gpu_without_memory', card(capacity({ gpuCount: 1, gpuMemoryMib: 1 })))).toBe(null);
    expect(against('gpu_without_memory', card(capacity({ gpuCount: 1, gpuMemoryMib: 0 })))).toMatchObject({
      code: 'gpu_without_memory',
    });
  });

  test('it accepts nothing that it rejects', () => {
    const hostPolicy = { ...nodeCardDraft.hostPolicy, rejectedTaskClasses: ['text_stats@1'] };
    expect(against('task_class_both_ways', card())).toBe(null);
    expect(against('task_class_both_ways', card({ hostPolicy }))).toMatchObject({ code: 'task_class_both_ways' });
  });

  test('every rule has a card that breaks it alone', () => {
    const { acceptedTaskClasses } = nodeCardDraft.hostPolicy;
    const breaks: Readonly<Record<string, Partial<NodeCardDraft>>> = {
      no_earning_role: economic({ earningRoles: [] }),
      role_unavailable: { availableRoles: ['inference'] },
      receipt_not_required: { receiptsRequired: ['inference_work_receipt', CAPACITY_PROBE_RECEIPT] },
      capacity_not_probed: { receiptsRequired: ['inference_work_receipt', 'verification_receipt'] },
      gpu_without_memory: capacity({ gpuCount: 1, gpuMemoryMib: 0 }),
      task_class_both_ways: { hostPolicy: { ...nodeCardDraft.hostPolicy, rejectedTaskClasses: acceptedTaskClasses } },
    };
    expect(Object.keys(breaks)).toEqual(NODE_CARD_RULES.map(({ name }) => name));
    for (const [name, change] of Object.entries(breaks))
      expect(reportNodeCard(card(change), NOW).violations.map(({ code }) => code)).toEqual([name]);
  });

  test('and a report names everything that speaks against it', () => {
    expect(reportNodeCard(card(), NOW)).toEqual({ valid: true, violations: [] });
    const broken = card({
      ...economic({ earningRoles: ['training'] }),
      ...capacity({ gpuMemoryMib: 0 }),
      receiptsRequired: [],
    });
    const { valid, violations } = reportNodeCard(broken, NOW + 1_000);
    expect(valid).toBe(false);
    expect(violations.map(({ code }) => code)).toEqual([
      'expired',
      'role_unavailable',
      'receipt_not_required',
      'capacity_not_probed',
      'gpu_without_memory',
    ]);
    for (const { sentence } of violations) expect(sentence).toMatch(/^The node card .*\.$/);
  });
});
