import { createEmitter } from '#core/base/events';
import { fail, type Failure, type Result } from '#core/base/result';
import { PAIRING_LIFE_MS, type Pairing, type PairingAnswer, type PairingOffer } from '#core/transport/pairing';
import { decodePairingCode } from '#core/transport/pairing-code';
import type { IcePolicy, RawChannel } from '#core/transport/ports';
import type { PairingDesk, PairingView, Settings } from '../tab-node';
import type { TabNodeDeps } from './deps';
import type { Running } from './lifecycle';

export interface OpenPairingDesk extends PairingDesk {
  /** The node stops: whatever waits is given up. */
  close(): void;
}

const IDLE: PairingView = { phase: 'idle', code: '', link: '', peer: null, expiresAt: null, problem: '' };
/** Ends of a try that the person wanted. */
const UNTOLD = new Set(['cancelled']);

/** Takes codes in and shows codes, one pairing at a time; a channel that opens goes through the handshake like any other. */
export function createPairingDesk(
  { clock, surroundings, loadPairing }: Pick<TabNodeDeps, 'clock' | 'surroundings' | 'loadPairing'>,
  run: Running,
  settings: () => Settings,
): OpenPairingDesk {
  const changed = createEmitter<void>();
  let view = IDLE;
  let offered: PairingOffer | null = null;
  let answered: PairingAnswer | null = null;
  let stopListening = (): void => {};
  /** Counts tries, so that what an earlier one still had under way changes nothing. */
  let turn = 0;
  let pairing: Promise<Pairing> | null = null;

  const show = (next: Partial<PairingView>): void => {
    view = { ...IDLE, ...next };
    changed.emit();
  };
  const linkOf = (name: 'offer' | 'answer', code: string): string => `${surroundings.origin}/pair#${name}=${code}`;
  const giveUp = (): void => {
    turn += 1;
    stopListening();
    offered?.cancel();
    answered?.cancel();
    offered = null;
    answered = null;
  };
  /** Before the person sent or lent anything, only this device's own addresses are offered. */
  const policy = (): IcePolicy => {
    const { meshConsentAt, contributeConsentAt } = settings();
    return meshConsentAt !== null || contributeConsentAt !== null ? 'configured' : 'host-only';
  };
  const parts = async (): Promise<Result<{ pairing: Pairing; community: string }>> => {
    const community = run.communities.current?.community.id;
    if (community === undefined || run.mesh === null)
      return fail('no_community', 'This browser is in no community yet.');
    pairing ??= loadPairing(run.nodeKey.signer.nodeId);
    return { ok: true, value: { pairing: await pairing, community } };
  };
  const failed = (mine: number, { code, message }: Failure): void => {
    if (mine !== turn) return;
    giveUp();
    show({ problem: UNTOLD.has(code) ? '' : message });
  };

  async function link(mine: number, opened: Result<RawChannel>): Promise<void> {
    if (!opened.ok) return failed(mine, opened.error);
    const channel = opened.value;
    if (mine !== turn || run.mesh === null) return channel.close('cancelled');
    show({ phase: 'linking', peer: channel.claimedPeer });
    const taken = await run.mesh.links.take(channel);
    if (mine !== turn) return;
    if (!taken.ok) return failed(mine, taken.error);
    offered = null;
    answered = null;
    giveUp();
    show({ phase: 'linked', peer: channel.claimedPeer });
  }

  async function answer(text: string): Promise<void> {
    giveUp();
    const mine = turn;
    show({ phase: 'preparing' });
    const ready = await parts();
    if (!ready.ok) return failed(mine, ready.error);
    const made = await ready.value.pairing.answer(text, ready.value.community, policy());
    if (!made.ok) return failed(mine, made.error);
    if (mine !== turn) return made.value.cancel();
    answered = made.value;
    const { code, peer, opened } = made.value;
    show({
      phase: 'answered',
      code,
      link: linkOf('answer', code),
      peer,
      expiresAt: clock.now() + PAIRING_LIFE_MS,
    });
    void opened.then((result) => link(mine, result));
  }

  async function complete(text: string): Promise<void> {
    if (offered === null)
      return show({
        ...view,
        problem: 'This code answers another one, which is not shown here any more: begin again.',
      });
    const mine = turn;
    const before = view;
    show({ phase: 'linking' });
    const opened = await offered.accept(text);
    if (mine !== turn) return opened.ok ? opened.value.close('cancelled') : undefined;
    // A code that was not meant for this offer leaves it waiting.
    if (!opened.ok && (opened.error.code === 'wrong_pairing' || opened.error.code === 'bad_pairing_code'))
      return show({ ...before, problem: opened.error.message });
    await link(mine, opened);
  }

  async function take(text: string): Promise<void> {
    const decoded = decodePairingCode(text);
    if (!decoded.ok) return show({ ...view, problem: decoded.error.message });
    return decoded.value.kind === 'offer' ? answer(text) : complete(text);
  }

  return {
    get view() {
      return view;
    },
    changed,
    async offer() {
      giveUp();
      const mine = turn;
      show({ phase: 'preparing' });
      const ready = await parts();
      if (!ready.ok) return failed(mine, ready.error);
      const made = await ready.value.pairing.offer(ready.value.community, policy());
      if (!made.ok) return failed(mine, made.error);
      if (mine !== turn) return made.value.cancel();
      offered = made.value;
      // Scanned by this device's own camera, the answer opens another tab, which passes it on.
      stopListening = surroundings.onPassedOn((text) => void take(text));
      const { code } = offered;
      show({ phase: 'offered', code, link: linkOf('offer', code), expiresAt: clock.now() + PAIRING_LIFE_MS });
    },
    take,
    cancel() {
      giveUp();
      show({});
    },
    close: giveUp,
  };
}
