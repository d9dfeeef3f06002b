import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import type { Result } from '#core/base/result';
import type { NodeId } from '#core/base/ids';
import type { Bus } from '#core/bus/bus';
import type { CapabilityId } from '#core/bus/capability';
import type { WorkKinds } from '#core/experts/work-kind';
import type { FinishedJob } from '#core/jobs/executor';
import { certifiersOf } from '#core/ledger/certified-checkpoint';
import type { Ledger } from '#core/ledger/ledger';
import type { NodeStorage } from '#core/storage/ports';
import type { Links } from '#core/transport/ports';
import { createEconomyServices } from '#services/economy-services';
import type { CheckCapability } from '#services/work-services';
import { createBeginning } from './begin-with-checkpoint';
import { LEAST_NEW_ENTRIES, startCheckpointing } from './checkpointing';
import { startClaims, type Claims } from './claims';
import { startDisputes, type Disputes } from './disputes';
import { startLedgerExchange, type LedgerExchange } from './exchange';
import { startGrants } from './grants';
import { createPayee, type Payee } from './payee';
import { createPayer, type KnownOffer, type Payer } from './payer';
import { createWitnessing } from './witnessing';

export interface EconomyDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly storage: NodeStorage;
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly links: Links;
  readonly kinds: WorkKinds;
  readonly checks: ReadonlyMap<CapabilityId, CheckCapability>;
  /** Loads a model that this person wants to look with. */
  readonly loadModel: (id: string) => Promise<Result<unknown>>;
  /** What another node asks for its work, as it advertises it. */
  readonly offerOf: (node: NodeId) => Promise<KnownOffer | null>;
  /** What this node advertises, the newest first. */
  readonly ownOffers: () => Promise<readonly KnownOffer[]>;
}

/** A node's part in the economy of its community: it holds the logs, witnesses, pays and is paid. */
export interface EconomyDesk {
  readonly exchange: LedgerExchange;
  readonly payer: Payer;
  readonly payee: Payee;
  readonly claims: Claims;
  readonly disputes: Disputes;
  stop(): void;
}

export function openEconomyDesk(deps: EconomyDeps): EconomyDesk {
  const { signer, verify, clock, chance, storage, ledger, bus, links, kinds } = deps;
  const { records } = storage;
  const checkpointing = startCheckpointing({ signer, verify, clock, records, ledger, bus, links });
  const beginning = createBeginning({ ledger, bus, clock, verify, keep: checkpointing.keep });
  const exchange = startLedgerExchange({ ledger, bus, links, clock, chance, beginning });
  // Whoever comes new can begin with what the manifest's witnesses certified: not everybody whom it meets has that.
  if (ledger.heads().reduce((sum, { length }) => sum + length, 0) < LEAST_NEW_ENTRIES)
    for (const witness of certifiersOf(ledger.community)) if (witness !== ledger.author) links.want(witness);
  const witnessing = createWitnessing({ ledger, bus, clock, verify, exchange, links });
  const claims = startClaims({ signer, clock, ledger, witnessing });
  const grants = startGrants(ledger, links);
  const { checks, loadModel } = deps;
  const disputes = startDisputes({
    verify,
    clock,
    chance,
    records,
    ledger,
    bus,
    links,
    exchange,
    witnessing,
    kinds,
    checks,
    loadModel,
  });
  const mostTokens = (capability: CapabilityId, input: unknown): number =>
    kinds.get(capability)?.mostTokens?.(input) ?? 0;
  const payer = createPayer({
    signer,
    verify,
    clock,
    bus,
    ledger,
    exchange,
    witnessing,
    claims,
    offerOf: deps.offerOf,
    mostTokens,
  });
  const payee = createPayee({
    signer,
    verify,
    clock,
    chance,
    ledger,
    records,
    witnessing,
    ownOffers: deps.ownOffers,
    mostTokens,
    countsOf({ commitment, output }: FinishedJob) {
      const kind = kinds.get(commitment.capability as CapabilityId);
      return { tokens: kind?.tokens(output) ?? null, model: kind?.model(output) ?? null };
    },
  });
  for (const { definition, offered } of createEconomyServices({
    signer,
    verify,
    clock,
    records,
    ledger: () => ledger,
    letGo: payee.letGo,
    receiptFor: payee.receiptFor,
    acknowledged: payee.acknowledged,
    latestCheckpoint: checkpointing.latest,
    onForked: (author, peer) => void exchange.findFork(author, peer),
  }))
    bus.register(definition, offered === 'always');

  return {
    exchange,
    payer,
    payee,
    claims,
    disputes,
    stop() {
      exchange.stop();
      beginning.stop();
      checkpointing.stop();
      claims.stop();
      disputes.stop();
      grants.stop();
      payer.stop();
      payee.stop();
    },
  };
}
