import { describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import { advertisementDraft, CARDS_AT as NOW, host, nodeCardDraft } from '#tests/fakes/host-cards';
import { utf8 } from '../../base/bytes';
import { decodeCanonical, sha256 } from '../../base/canonical';
import { unwrap } from '../../base/result';
import { sign } from '../../wire/signed';
import { ADVERTISEMENT_LIFE_MS, createAdvertisement } from './host-advertisement';
import { createNodeCard, openNodeCard, type SignedNodeCard } from './node-card';
import { NO_PAPERS, openNodePapers, type NodePapers } from './node-papers';

const verify = createVerify();
const stranger = createSeedSigner(sha256(utf8('stranger')));
const card = await createNodeCard(host, nodeCardDraft);
const opened = unwrap(await openNodeCard(card, verify, NOW));
const advertisement = await createAdvertisement(host, opened, advertisementDraft);
const papers: NodePapers = { card, advertisements: [advertisement] };
const open = (given: unknown, node = host.nodeId, now = NOW) => openNodePapers(given, node, verify, now);

describe('what a node shows', () => {
  test('is its card and the offers that stand on it', async () => {
    const found = unwrap(await open(papers));
    expect(found.card.id).toBe(opened.id);
    expect(found.advertisements.map(({ expert }) => expert)).toEqual(['sage-2']);
    expect(found.refused).toEqual([]);
  });

  test('may be nothing', async () => {
    expect(await open(NO_PAPERS)).toMatchObject({ error: { code: 'no_card' } });
  });

  test.each<[string, unknown]>([
    ['nothing at all', undefined],
    ['too many offers', { card, advertisements: Array.from({ length: 17 }, () => advertisement) }],
    ['something beside', { ...papers, more: [] }],
  ])('is refused when it is %s', async (_, given) => {
    expect(await open(given)).toMatchObject({ error: { code: 'malformed' } });
  });

  test('is its own: the card of another node is refused', async () => {
    expect(await open(papers, stranger.nodeId)).toMatchObject({ error: { code: 'other_node' } });
  });

  test('a forged card is refused with everything that stands on it', async () => {
    const body = unwrap(decodeCanonical(card.payload)) as SignedNodeCard;
    const minimumRateMicros = { inference: 0, training: 0, verification: 0 };
    const cheap: SignedNodeCard = { ...body, economicPolicy: { ...body.economicPolicy, minimumRateMicros } };
    const signedByOther = await sign(stranger, cheap);
    const forged = { payload: signedByOther.payload, signatures: card.signatures };
    expect(await open({ ...papers, card: forged })).toMatchObject({ error: { code: 'bad_signature' } });
    expect(await open({ ...papers, card: signedByOther })).toMatchObject({ error: { code: 'signer_missing' } });
  });

  test('an offer that is refused takes nothing else with it, and says why', async () => {
    const body = unwrap(decodeCanonical(advertisement.payload)) as { type: string; v: number };
    const foreign = await sign(stranger, body);
    const found = unwrap(await open({ card, advertisements: [foreign, advertisement] }));
    expect(found.advertisements).toHaveLength(1);
    expect(found.refused).toEqual([{ code: 'signer_missing', message: 'The offer is not signed by its node.' }]);
  });

  test('old offers are refused while the card still counts', async () => {
    const found = unwrap(await open(papers, host.nodeId, NOW + ADVERTISEMENT_LIFE_MS));
    expect(found.advertisements).toEqual([]);
    expect(found.refused).toMatchObject([{ code: 'expired' }]);
  });
});
