import type { NodeId } from '#core/base/ids';
import type { Ledger } from '#core/ledger/ledger';
import type { Links } from '#core/transport/ports';
import { availableMicros } from '#core/ledger/account';

/**
 * A newcomer's limit is carved out of its inviter's: whoever meets a node that came by its own invitation grants it what the
 * community gives newcomers, once, as far as its own limit goes.
 */
export function startGrants(ledger: Ledger, links: Links): { stop(): void } {
  const self: NodeId = ledger.author;
  const newcomerMicros = ledger.community.economy?.newcomerLimitMicros ?? 0;
  let turn: Promise<unknown> = Promise.resolve();

  async function grantTo(peer: NodeId): Promise<void> {
    const { admission } = links.to(peer) ?? {};
    if (admission?.invitedBy !== self || newcomerMicros === 0) return;
    const granted = [...ledger.state.grantsById.values()].some(({ from, to }) => from === self && to === peer);
    const account = ledger.state.accountOf(self);
    const amountMicros = Math.min(newcomerMicros, availableMicros(account), account.limitMicros - account.carvedMicros);
    if (granted || amountMicros <= 0) return;
    await ledger.append({ kind: 'credit.granted', to: peer, amountMicros, invite: admission.invite ?? null });
  }

  const soon = (peer: NodeId): void => {
    turn = turn.then(() => grantTo(peer)).catch(() => undefined);
  };
  const stop = links.events.on((event) => {
    if (event.type === 'up') soon(event.link.peer);
  });
  for (const { peer } of links.all) soon(peer);
  return { stop };
}
