import type { NodeId } from '#core/base/ids';
import type { Clock, Verify } from '#core/base/ports';
import type { Bus } from '#core/bus/bus';
import type { EntryRef } from '#core/ledger/chain';
import type { Ledger } from '#core/ledger/ledger';
import { openHeadWitness, openOutcomeWitness, witnessesFor, type WitnessSet } from '#core/ledger/witnesses';
import type { Links } from '#core/transport/ports';
import type { Signed } from '#core/wire/signed';
import { witnessHead } from '#services/witness-head/contract';
import { witnessOutcome, type WitnessOutcomeInput } from '#services/witness-outcome/contract';
import type { LedgerExchange } from './exchange';

/** Who is not there by then signs later, or not at all: a quorum does not need everybody. */
const WITNESS_TIMEOUT_MS = 2_000;

export interface WitnessingDeps {
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly verify: Verify;
  readonly exchange: LedgerExchange;
  readonly links: Pick<Links, 'reach'>;
}

export interface Certificate {
  readonly statements: readonly Signed[];
  readonly complete: boolean;
}

/** Asks witnesses for their word, and counts what came. */
export interface Witnessing {
  /** Over a reservation or a grant of this node's own log. */
  certifyHead(entry: EntryRef, set: WitnessSet): Promise<Certificate>;
  certifyOutcome(request: WitnessOutcomeInput, set: WitnessSet): Promise<Certificate>;
  /** The witnesses of a reservation of that payer, made under that naming. */
  setFor(payer: NodeId, roster: string | null): WitnessSet;
}

export function createWitnessing({ ledger, bus, clock, verify, exchange, links }: WitnessingDeps): Witnessing {
  const { community, author: self } = ledger;

  /** Resolves as soon as enough signed, or everyone answered, or the time is up. */
  function gather(
    { witnesses, quorum }: WitnessSet,
    ask: (witness: NodeId) => Promise<Signed | null>,
  ): Promise<Certificate> {
    const statements: Signed[] = [];
    return new Promise((resolve) => {
      let left = witnesses.length;
      const finish = (): void => {
        stopTimer();
        resolve({ statements: [...statements], complete: statements.length >= quorum });
      };
      const stopTimer = clock.after(WITNESS_TIMEOUT_MS, finish);
      if (left === 0) return finish();
      for (const witness of witnesses) {
        const asked = links.reach(witness, WITNESS_TIMEOUT_MS).then((reached) => (reached ? ask(witness) : null));
        // One that breaks signed nothing, like one that is not there.
        void asked
          .catch(() => null)
          .then((statement) => {
            if (statement !== null) statements.push(statement);
            left -= 1;
            if (statements.length >= quorum || left === 0) finish();
          });
      }
    });
  }

  return {
    certifyHead: (entry, set) =>
      gather(set, async (witness) => {
        if (witness !== self) {
          const brought = await exchange.bring(witness);
          if (!brought.ok) return null;
        }
        const { author, seq, id } = entry;
        const signed = await bus.call(witnessHead, { author, seq, entry: id }, { provider: witness });
        if (!signed.ok) return null;
        const opened = await openHeadWitness(signed.value.statement, verify);
        const says = opened.ok && opened.value.witness === witness ? opened.value.statement : null;
        return says?.author === author && says.seq === seq && says.entry === id ? signed.value.statement : null;
      }),
    certifyOutcome: (request, set) =>
      gather(set, async (witness) => {
        if (witness !== self) await exchange.bring(witness);
        const signed = await bus.call(witnessOutcome, request, { provider: witness });
        if (!signed.ok) return null;
        const opened = await openOutcomeWitness(signed.value.statement, verify);
        const says = opened.ok && opened.value.witness === witness ? opened.value.statement : null;
        const { reservation, outcome, chargeMicros } = request;
        return says?.reservation === reservation && says.outcome === outcome && says.chargeMicros === chargeMicros
          ? signed.value.statement
          : null;
      }),
    setFor(payer, roster) {
      const named = roster === null ? null : (ledger.state.rostersById.get(roster) ?? null);
      return community.economy === undefined
        ? { witnesses: [], quorum: 1 }
        : witnessesFor(payer, community.economy, named);
    },
  };
}
