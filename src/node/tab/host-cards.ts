import { createEmitter } from '#core/base/events';
import { equalBytes } from '#core/base/bytes';
import { encodeCanonical } from '#core/base/canonical';
import type { NodeId } from '#core/base/ids';
import type { Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, unwrap, type Failure, type Result } from '#core/base/result';
import type { CapabilityId } from '#core/bus/capability';
import type { DeviceMeasure } from '#core/engines/device-measure';
import { expertPapersSchema, openExpertCard, type OpenedExpertCard } from '#core/experts/expert-card';
import { ADVERTISEMENT_LIFE_MS, createAdvertisement } from '#core/ledger/cards/host-advertisement';
import { createNodeCard, NODE_CARD_LIFE_MS, openNodeCard, type OpenedNodeCard } from '#core/ledger/cards/node-card';
import { NO_PAPERS, openNodePapers, type NodePapers, type OpenedPapers } from '#core/ledger/cards/node-papers';
import { defaultRateMicros } from '#core/ledger/cards/rates';
import type { Admission } from '#core/transport/ports';
import { checkAgainst } from '#core/wire/gate';
import { openOffer } from '#core/ledger/offer-terms';
import { idOfSigned, type Signed } from '#core/wire/signed';
import { llmChat } from '#services/llm-chat/contract';
import type { Settings } from '../tab-node';
import type { KnownOffer } from '../economy/payer';
import type { OpenExpertsDesk } from './expert-report';
import { advertisementDraft, nodeCardDraft, type HostFacts } from './host-drafts';
import { hostView, type HostsDesk, type HostView, type OwnHostView } from './host-views';

export type { HostsDesk } from './host-views';

/** A price is asked for again after this long; whoever works under another one by then refuses, and is asked again. */
const OFFER_KEPT_MS = 2 * 60_000;
/** Whoever showed none may only be about to: it is asked again before long. */
const NO_OFFER_KEPT_MS = 5_000;
const MAX_OFFERS = 512;

/** How often the measurement of the served model gives way to a job before it goes on beside one. */
const GIVES_WAY = 3;

export interface OpenHostsDesk extends HostsDesk {
  /**
   * What this node shows: made anew when something that it says has changed, or when half of its time is over. Nothing
   * before the person's yes, and nothing while it is paused.
   */
  papers(): Promise<NodePapers>;
  /** What another node asks for its work, by the papers that it shows; null where it shows no valid offer. */
  offerOf(node: NodeId): Promise<KnownOffer | null>;
  /** What this node showed and what still holds, the newest first; nothing while its model is not served. */
  ownOffers(): readonly KnownOffer[];
  /** Something of the running node changed. Measures the served model where it has no card yet, when no job runs. */
  review(): Promise<void>;
}

/** What the desk needs of the running node; read anew each time, since entering a community makes another mesh. */
export interface HostsRun {
  readonly nodeKey: { readonly signer: Signer };
  readonly person: { readonly view: { readonly identityId: string } };
  readonly mesh: {
    readonly contributing: boolean;
    readonly servedModel: string;
    /** Why its model is not served although it contributes: a self-test that failed, for one. */
    readonly unserved: Failure | null;
    readonly bus: { readonly offered: readonly CapabilityId[] };
    readonly executor: { readonly running: readonly unknown[] };
    readonly links: { to(node: NodeId): { readonly admission: Pick<Admission, 'identity'> } | null };
  } | null;
}

export interface HostsHooks {
  readonly clock: Clock;
  readonly verify: Verify;
  readonly settings: () => Settings;
  /** Capabilities that do work. */
  readonly work: () => Promise<readonly CapabilityId[]>;
  /** What was measured of this device, if the person asked for it. */
  readonly measure: () => Promise<DeviceMeasure | null>;
  /** What the browser tells without being asked to do anything. */
  readonly told: () => Promise<Pick<HostFacts, 'memoryGb' | 'downlinkMbps' | 'timeZone'>>;
  readonly experts: Pick<OpenExpertsDesk, 'served' | 'measureServed'>;
  /** Parameters of a model; null when no catalogue here names it. */
  readonly parametersOf: (modelId: string) => Promise<number | null>;
  /** Asks a linked node for its papers, or for those of its experts; what comes is checked here. */
  readonly askPapers: (node: NodeId) => Promise<Result<unknown>>;
  readonly askExpertPapers: (node: NodeId) => Promise<Result<unknown>>;
}

interface Kept {
  /** Everything that was said, without the time. */
  readonly said: Uint8Array;
  readonly signed: Signed;
  readonly at: number;
}

/** The cards and offers of this node, and those that others show. */
export function openHostsDesk(run: HostsRun, hooks: HostsHooks): OpenHostsDesk {
  const { clock, verify, experts } = hooks;
  const { signer } = run.nodeKey;
  const self = signer.nodeId;
  const changed = createEmitter<void>();
  let card: (Kept & { readonly opened: OpenedNodeCard }) | null = null;
  let offer: Kept | null = null;
  let abort: AbortController | null = null;
  /** Offers that payers may still hold in their hands. */
  let shown: readonly KnownOffer[] = [];
  const offersByNode = new Map<NodeId, { readonly known: KnownOffer | null; readonly at: number }>();
  /** Models that could not be measured here, until the person contributes anew; and how often each gave way to work. */
  const unmeasurable = new Map<string, string>();
  const gaveWay = new Map<string, number>();

  async function factsNow(): Promise<HostFacts | null> {
    const { mesh } = run;
    if (mesh === null || !mesh.contributing) return null;
    const { identityId } = run.person.view;
    const [work, served, measure, told] = await Promise.all([
      hooks.work(),
      experts.served(),
      hooks.measure(),
      hooks.told(),
    ]);
    const identity = identityId === '' ? null : identityId;
    const offered = mesh.bus.offered;
    const answering = mesh.unserved === null ? served : null;
    const at = clock.now();
    return { self, identity, offered, work, served: answering, measure, ...told, settings: hooks.settings(), at };
  }

  const stillGood = (kept: Kept | null, said: Uint8Array, lifeMs: number): kept is Kept =>
    kept !== null && equalBytes(kept.said, said) && clock.now() - kept.at < lifeMs / 2 && clock.now() >= kept.at;

  async function make(): Promise<NodePapers> {
    const facts = await factsNow();
    const draft = facts === null ? null : nodeCardDraft(facts);
    if (facts === null || draft === null) {
      card = null;
      offer = null;
      return NO_PAPERS;
    }
    const { at } = facts;
    const said = encodeCanonical({ ...draft, at: 0 });
    if (card === null || !stillGood(card, said, NODE_CARD_LIFE_MS)) {
      const signed = await createNodeCard(signer, draft);
      card = { said, signed, at, opened: unwrap(await openNodeCard(signed, verify, at)) };
    }
    const offered = advertisementDraft(facts);
    if (offered === null) {
      offer = null;
      return { card: card.signed, advertisements: [] };
    }
    const saidOfOffer = encodeCanonical({ ...offered, at: 0, nodeCard: card.opened.id });
    if (!stillGood(offer, saidOfOffer, ADVERTISEMENT_LIFE_MS)) {
      offer = { said: saidOfOffer, signed: await createAdvertisement(signer, card.opened, offered), at };
      const terms = await openOffer(offer.signed, verify);
      const held = shown.filter((one) => one.terms.expiresAt > at);
      shown = terms.ok ? [{ signed: offer.signed, terms: terms.value }, ...held] : held;
    }
    return { card: card.signed, advertisements: [offer.signed] };
  }

  /** One after the other: two that ask at once get the same card. */
  let making: Promise<unknown> = Promise.resolve();
  function papers(): Promise<NodePapers> {
    const made = making.then(make);
    making = made.catch(() => undefined);
    return made;
  }

  async function measureServed(model: string): Promise<void> {
    const mine = new AbortController();
    abort = mine;
    const measured = await experts.measureServed(mine.signal);
    abort = null;
    if (measured.ok) gaveWay.delete(model);
    else if (measured.error.code === 'cancelled') gaveWay.set(model, (gaveWay.get(model) ?? 0) + 1);
    else unmeasurable.set(model, measured.error.message);
  }

  async function review(): Promise<void> {
    const { mesh } = run;
    if (mesh === null || !mesh.contributing) {
      abort?.abort();
      unmeasurable.clear();
      gaveWay.clear();
    } else {
      const { servedModel } = mesh;
      const busy = mesh.executor.running.length > 0 && (gaveWay.get(servedModel) ?? 0) < GIVES_WAY;
      if (busy) abort?.abort();
      else if (abort === null && mesh.bus.offered.includes(llmChat.id) && !unmeasurable.has(servedModel)) {
        if ((await experts.served()) === null && abort === null) await measureServed(servedModel);
      }
    }
    changed.emit();
  }

  /** The expert cards that a node shows of its own. */
  async function expertCardsOf(node: NodeId): Promise<readonly OpenedExpertCard[]> {
    const given = await hooks.askExpertPapers(node);
    const shown = given.ok ? checkAgainst(expertPapersSchema, given.value) : given;
    if (!shown.ok) return [];
    const cards: OpenedExpertCard[] = [];
    for (const signed of shown.value.cards) {
      const opened = await openExpertCard(signed, verify, clock.now());
      if (opened.ok && opened.value.author === node) cards.push(opened.value);
    }
    return cards;
  }

  async function viewOf(papersShown: OpenedPapers): Promise<Result<HostView>> {
    const { node, owner } = papersShown.card;
    const certified =
      node === self ? run.person.view.identityId : (run.mesh?.links.to(node)?.admission.identity ?? null);
    if (owner !== node && certified !== null && certified !== owner)
      return fail('other_owner', 'The node card names another owner than the one who certified the node.');
    const expertCards = papersShown.advertisements.length === 0 ? [] : await expertCardsOf(node);
    return ok(hostView(papersShown, expertCards, owner === certified));
  }

  function missing(model: string, unserved: Failure | null): string {
    if (unserved !== null) return `No offer of answers: ${unserved.message}`;
    const reason = unmeasurable.get(model);
    if (reason !== undefined) return `No offer of answers yet: ${reason}`;
    return abort === null
      ? 'No offer of answers yet: it follows once the model is loaded and its speed is measured.'
      : 'No offer of answers yet: the speed of the model is being measured.';
  }

  async function own(): Promise<OwnHostView> {
    const { mesh } = run;
    const parameters = mesh === null ? null : await hooks.parametersOf(mesh.servedModel);
    const rate = { defaultRateMicros: parameters === null ? null : defaultRateMicros(parameters) };
    if (mesh === null || !mesh.contributing)
      return { ...rate, host: null, reason: 'Others see no card of this node while it does nothing for them.' };
    const opened = await openNodePapers(await papers(), self, verify, clock.now());
    const view = opened.ok ? await viewOf(opened.value) : opened;
    if (!view.ok) {
      const none = view.error.code === 'no_card';
      return { ...rate, host: null, reason: none ? 'There is nothing to offer yet.' : view.error.message };
    }
    return {
      ...rate,
      host: view.value,
      reason: view.value.offers.length > 0 ? '' : missing(mesh.servedModel, mesh.unserved),
    };
  }

  async function offerOf(node: NodeId): Promise<KnownOffer | null> {
    const now = clock.now();
    const held = offersByNode.get(node);
    const keptMs = held?.known ? OFFER_KEPT_MS : NO_OFFER_KEPT_MS;
    if (held && now - held.at < keptMs && (held.known?.terms.expiresAt ?? Infinity) > now) return held.known;
    const given = await hooks.askPapers(node);
    const opened = given.ok ? await openNodePapers(given.value, node, verify, now) : given;
    const [first] = opened.ok ? opened.value.advertisements : [];
    const signed = (given.ok ? (given.value as NodePapers) : NO_PAPERS).advertisements.find(
      (one) => first !== undefined && idOfSigned(one) === first.id,
    );
    const terms = signed && (await openOffer(signed, verify));
    const known = signed && terms?.ok ? { signed, terms: terms.value } : null;
    offersByNode.delete(node);
    offersByNode.set(node, { known, at: now });
    if (offersByNode.size > MAX_OFFERS) offersByNode.delete(offersByNode.keys().next().value!);
    return known;
  }

  return {
    changed,
    papers,
    offerOf,
    // Nobody can take back what payers hold; they learn that it is no longer worked under.
    ownOffers: () => (run.mesh !== null && run.mesh.unserved !== null ? [] : shown),
    review,
    own,
    async ask(node) {
      if (run.mesh === null) return fail('not_running', 'The node does not run in this tab.');
      const given = await hooks.askPapers(node);
      if (!given.ok) return given;
      const opened = await openNodePapers(given.value, node, verify, clock.now());
      return opened.ok ? viewOf(opened.value) : opened;
    },
  };
}
