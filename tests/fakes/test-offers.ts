import type { NodeId } from '#core/base/ids';
import type { Clock, Signer, Verify } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import { openOffer } from '#core/ledger/offer-terms';
import { sign } from '#core/wire/signed';
import type { Offers } from '#node/create-node';
import { llmChat } from '#services/llm-chat/contract';
import { advertisementDraft } from './host-cards';
import { signerNamed, testVerify } from './test-community';

export interface OfferWish {
  readonly expert?: string;
  readonly modelHash: string;
  readonly rateMicros?: number;
  readonly minimumMicros?: number;
  readonly taskClasses?: readonly string[];
  readonly sandboxProfile?: string;
  readonly expiresAt: number;
}

/** A signed advertisement of answers. */
export async function offerBy(
  signer: Signer,
  {
    expert = advertisementDraft.expert,
    modelHash,
    rateMicros = 10,
    minimumMicros = 100,
    taskClasses = [llmChat.id],
    sandboxProfile = advertisementDraft.policy.sandboxProfile,
    expiresAt,
  }: OfferWish,
  verify: Verify = testVerify,
) {
  const { maxConcurrentJobs, endpointHint, ...draft } = advertisementDraft;
  const signed = await sign(signer, {
    ...draft,
    type: 'host-advertisement',
    v: 1,
    node: signer.nodeId,
    nodeCard: draft.expertCard,
    expert,
    modelHash,
    localityBucket: 'unknown',
    offer: {
      ...draft.offer,
      roles: ['inference'],
      rateMicros: { inference: rateMicros, training: null, verification: null },
      minimumJobMicros: minimumMicros,
    },
    availability: { deviceClass: 'unmeasured', maxConcurrentJobs, endpointHint, uptimeWindowHours: 24 },
    policy: { ...draft.policy, acceptedTaskClasses: taskClasses, sandboxProfile },
    at: expiresAt - 60 * 60_000,
    expiresAt,
  } as never);
  return { signed, terms: unwrap(await openOffer(signed, verify)) };
}

/** Offers of nodes by their names in a mesh of one process; who is not named asks for nothing. */
export async function offersOf(
  prices: Readonly<Record<string, number>>,
  { id: expert, hash: modelHash }: { readonly id: string; readonly hash: string },
  clock: Clock,
  signerOf: (name: string) => Signer = signerNamed,
): Promise<(self: string) => Offers> {
  const expiresAt = clock.now() + 60 * 60_000;
  const byNode = new Map<NodeId, Awaited<ReturnType<typeof offerBy>>>();
  for (const [name, rateMicros] of Object.entries(prices)) {
    const signer = signerOf(name);
    byNode.set(signer.nodeId, await offerBy(signer, { expert, modelHash, rateMicros, expiresAt }));
  }
  return (self) => ({
    of: async (node) => byNode.get(node) ?? null,
    own: async () => [byNode.get(signerOf(self).nodeId)].filter((one) => one !== undefined),
  });
}
