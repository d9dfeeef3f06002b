import type { NodeId } from '#core/base/ids';
import type { Clock, Signer, Verify } from '#core/base/ports';
import type { Result } from '#core/base/result';
import type { CertifiedCheckpoint } from '#core/ledger/certified-checkpoint';
import type { Ledger } from '#core/ledger/ledger';
import type { KeyValueStore } from '#core/storage/ports';
import type { Signed } from '#core/wire/signed';
import { service, type RegisteredService } from './basic-services';
import { contributionFile } from './contribution-file/contract';
import { ledgerCheckpoint } from './ledger-checkpoint/contract';
import { ledgerHeads } from './ledger-heads/contract';
import { ledgerProof } from './ledger-proof/contract';
import { ledgerRead } from './ledger-read/contract';
import { ledgerTell } from './ledger-tell/contract';
import { paymentAcknowledge } from './payment-acknowledge/contract';
import { paymentRelease } from './payment-release/contract';
import { paymentSettle } from './payment-settle/contract';
import { witnessCheckpoint } from './witness-checkpoint/contract';
import { witnessHead } from './witness-head/contract';
import { witnessOutcome } from './witness-outcome/contract';

export interface EconomyServiceDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly records: KeyValueStore;
  readonly ledger: () => Ledger;
  readonly letGo: (reservation: string) => Promise<Result<boolean>>;
  readonly receiptFor: (payer: NodeId, jobId: string, verdicts: readonly Signed[]) => Promise<Result<Signed>>;
  readonly acknowledged: (payer: NodeId, receipt: Signed) => Promise<Result<boolean>>;
  readonly latestCheckpoint: () => Promise<CertifiedCheckpoint | null>;
  readonly onForked: (author: NodeId, peer: NodeId) => void;
}

/** What members do for each other where they pay each other: hold logs, witness, settle. Offered by everyone who takes part. */
export function createEconomyServices(deps: EconomyServiceDeps): readonly RegisteredService[] {
  const { signer, verify, clock, records, ledger, letGo, receiptFor, acknowledged, latestCheckpoint, onForked } = deps;
  return [
    service('always', {
      capability: ledgerHeads,
      load: async () => (await import('./ledger-heads/handler')).createLedgerHeadsHandler(ledger),
    }),
    service('always', {
      capability: ledgerRead,
      load: async () => (await import('./ledger-read/handler')).createLedgerReadHandler(ledger),
    }),
    service('always', {
      capability: ledgerTell,
      load: async () => (await import('./ledger-tell/handler')).createLedgerTellHandler({ ledger, clock, onForked }),
    }),
    service('always', {
      capability: ledgerProof,
      load: async () => (await import('./ledger-proof/handler')).createLedgerProofHandler(ledger),
    }),
    service('always', {
      capability: ledgerCheckpoint,
      load: async () => (await import('./ledger-checkpoint/handler')).createLedgerCheckpointHandler(latestCheckpoint),
    }),
    service('always', {
      capability: contributionFile,
      load: async () =>
        (await import('./contribution-file/handler')).createContributionFileHandler({
          records,
          community: ledger().community.id,
        }),
    }),
    service('always', {
      capability: witnessCheckpoint,
      load: async () =>
        (await import('./witness-checkpoint/handler')).createWitnessCheckpointHandler({
          signer,
          verify,
          clock,
          ledger,
        }),
    }),
    service('always', {
      capability: witnessHead,
      load: async () => (await import('./witness-head/handler')).createWitnessHeadHandler({ signer, clock, ledger }),
    }),
    service('always', {
      capability: witnessOutcome,
      load: async () =>
        (await import('./witness-outcome/handler')).createWitnessOutcomeHandler({
          signer,
          verify,
          clock,
          ledger,
          records,
        }),
    }),
    service('always', {
      capability: paymentRelease,
      load: async () =>
        (await import('./payment-release/handler')).createPaymentReleaseHandler({ signer, ledger, letGo }),
    }),
    service('always', {
      capability: paymentSettle,
      load: async () => (await import('./payment-settle/handler')).createPaymentSettleHandler({ receiptFor }),
    }),
    service('always', {
      capability: paymentAcknowledge,
      load: async () =>
        (await import('./payment-acknowledge/handler')).createPaymentAcknowledgeHandler({ acknowledged }),
    }),
  ];
}
