import type { Handler } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import type { Clock } from '#core/base/ports';
import { fail, ok } from '#core/base/result';
import { createHourlyQuota } from '#core/jobs/quota';
import type { Ledger } from '#core/ledger/ledger';
import type { LedgerTellInput, LedgerTellOutput } from './contract';

/** Times per hour that one peer may bring entries: of at most 160 KB, which this device keeps. */
export const TELLS_PER_HOUR = 6_000;
/** Authors whom this node never heard of, that one peer may bring per hour: keys cost nothing, and each would get a log here. */
export const NEW_AUTHORS_PER_HOUR = 64;

export interface LedgerTellDeps {
  readonly ledger: () => Ledger;
  readonly clock: Clock;
  /** The two histories of a forger part before what was brought: their common beginning must be looked for. */
  readonly onForked: (author: NodeId, peer: NodeId) => void;
}

/** Refusals: `quota_used_up`, and those of `Ledger.receive` but `log_gap`, which the length says. */
export function createLedgerTellHandler({
  ledger,
  clock,
  onForked,
}: LedgerTellDeps): Handler<LedgerTellInput, LedgerTellOutput> {
  const tells = createHourlyQuota(clock, TELLS_PER_HOUR);
  const newAuthors = createHourlyQuota(clock, NEW_AUTHORS_PER_HOUR);
  return async ({ author, from, entries }, { caller }) => {
    const held = ledger();
    const lengthOf = (): number => held.heads().find((head) => head.author === author)?.length ?? 0;
    const isNew = lengthOf() === 0 && author !== caller;
    if (!tells.take(caller) || (isNew && !newAuthors.take(caller)))
      return fail('quota_used_up', 'That node brought enough this hour.');
    const received = await held.receive(author, from, entries);
    if (received.ok) return ok({ length: received.value.length });
    if (received.error.code === 'log_forked') onForked(author, caller);
    return received.error.code === 'log_gap' ? ok({ length: lengthOf() }) : received;
  };
}
