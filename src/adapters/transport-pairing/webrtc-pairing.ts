import { carryFrames, type Carrier } from '#adapters/transport-webrtc/data-channel';
import { equalBytes } from '#core/base/bytes';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { PAIRING_LIFE_MS, type Pairing } from '#core/transport/pairing';
import {
  communityHintOf,
  decodePairingCode,
  encodePairingCode,
  factsOfDescription,
  PAIRING_ID_BYTES,
  sessionDescriptionOf,
  type PairingCode,
} from '#core/transport/pairing-code';
import type { IcePolicy, RawChannel } from '#core/transport/ports';

/** ICE servers that do not answer keep a browser gathering for half a minute; what was found by then goes into the code. */
const GATHERING_MS = 4_000;
/** After the answer was taken in, candidates over a bad network take several seconds. */
const CONNECT_MS = 30_000;

const NO_ADDRESS = fail('unreachable', 'This browser offers no network address for a direct link.');
const NO_WAY = fail('unreachable', 'Their network and yours do not let a direct link through.');

export interface WebRtcPairingOptions {
  readonly self: NodeId;
  readonly iceServers: () => Promise<readonly RTCIceServer[]>;
  readonly clock: Clock;
  readonly chance: Chance;
}

/** Pairing over bare WebRTC: every candidate is gathered first, so that one code each way is enough. */
export function createWebRtcPairing({ self, iceServers, clock, chance }: WebRtcPairingOptions): Pairing {
  async function newConnection(policy: IcePolicy): Promise<Result<RTCPeerConnection>> {
    const servers = policy === 'configured' ? await iceServers().catch(() => []) : [];
    try {
      return ok(new RTCPeerConnection({ iceServers: [...servers] }));
    } catch {
      return fail('unreachable', 'This browser could not open another connection.');
    }
  }

  const carrierOf = (connection: RTCPeerConnection, peer: NodeId, initiator: boolean): Carrier =>
    carryFrames({ connection, peer, initiator, release: () => connection.close() });

  /** What others must know of this side, once all of its addresses are known or time is up. */
  async function gathered(
    connection: RTCPeerConnection,
    rest: Pick<PairingCode, 'kind' | 'pairing' | 'communityHint'>,
  ): Promise<Result<string>> {
    await new Promise<void>((resolve) => {
      const cancel = clock.after(GATHERING_MS, resolve);
      const look = (): void => {
        if (connection.iceGatheringState !== 'complete') return;
        cancel();
        resolve();
      };
      connection.addEventListener('icegatheringstatechange', look);
      look();
    });
    const facts = factsOfDescription(connection.localDescription?.sdp ?? '');
    if (facts === null || facts.candidates.length === 0) return NO_ADDRESS;
    return ok(encodePairingCode({ ...rest, node: self, ...facts }));
  }

  /**
   * Resolves when the carrier opened or `lifeMs` is over. ICE may report a failure while the other side has not even
   * heard of this one; it recovers when that side begins, so only time ends the wait.
   */
  async function opening(
    connection: RTCPeerConnection,
    carrier: Carrier,
    lifeMs: number,
    late: Result<never>,
  ): Promise<Result<RawChannel>> {
    let expired = false;
    const cancel = clock.after(lifeMs, () => {
      expired = true;
      carrier.raw.close('pairing_expired');
    });
    const how = await carrier.opened;
    cancel();
    if (how !== 'open') return expired ? late : fail('cancelled', 'The pairing was given up.');
    connection.addEventListener('connectionstatechange', () => {
      if (connection.connectionState === 'failed') carrier.breakOff();
    });
    return ok(carrier.raw);
  }

  const EXPIRED = fail('pairing_expired', 'The code is too old; make a new one.');

  return {
    async offer(communityId, policy) {
      // Who answers is known with the answer, and proved in the handshake; the channel is made then.
      const made = await newConnection(policy);
      if (!made.ok) return made;
      const connection = made.value;
      const channel = connection.createDataChannel('tabmesh', { ordered: true });
      const pairing = chance.bytes(PAIRING_ID_BYTES);
      try {
        await connection.setLocalDescription();
      } catch {
        connection.close();
        return NO_ADDRESS;
      }
      const code = await gathered(connection, {
        kind: 'offer',
        pairing,
        communityHint: communityHintOf(communityId),
      });
      if (!code.ok) {
        connection.close();
        return code;
      }
      let ended: 'expired' | 'cancelled' | 'taken' | null = null;
      let carrier: Carrier | null = null;
      const expire = clock.after(PAIRING_LIFE_MS, () => {
        ended ??= 'expired';
        connection.close();
      });
      return ok({
        code: code.value,
        async accept(answer) {
          if (ended === 'expired') return EXPIRED;
          if (ended !== null) return fail('cancelled', 'The pairing was given up.');
          const decoded = decodePairingCode(answer);
          if (!decoded.ok) return decoded;
          const theirs = decoded.value;
          if (theirs.kind !== 'answer' || theirs.node === self || !equalBytes(theirs.pairing, pairing))
            return fail('wrong_pairing', 'This code does not answer the one shown here.');
          ended = 'taken';
          expire();
          carrier = carrierOf(connection, theirs.node, true);
          carrier.attach(channel);
          try {
            await connection.setRemoteDescription({ type: 'answer', sdp: sessionDescriptionOf(theirs) });
          } catch {
            carrier.breakOff();
            return NO_WAY;
          }
          return opening(connection, carrier, CONNECT_MS, NO_WAY);
        },
        cancel() {
          ended ??= 'cancelled';
          expire();
          if (carrier === null) connection.close();
          else carrier.raw.close('cancelled');
        },
      });
    },
    async answer(offer, communityId, policy) {
      const decoded = decodePairingCode(offer);
      if (!decoded.ok) return decoded;
      const theirs = decoded.value;
      if (theirs.kind !== 'offer')
        return fail(
          'wrong_pairing',
          'This code answers another one: it belongs to the device that made the first code.',
        );
      if (theirs.node === self) return fail('wrong_pairing', 'This is the code of this very device.');
      const communityHint = communityHintOf(communityId);
      if (theirs.communityHint !== communityHint)
        return fail(
          'wrong_pairing',
          'They are in another community: switch to it here, or ask them for an invitation.',
        );
      const made = await newConnection(policy);
      if (!made.ok) return made;
      const connection = made.value;
      const carrier = carrierOf(connection, theirs.node, false);
      connection.addEventListener('datachannel', ({ channel }) => carrier.attach(channel));
      try {
        await connection.setRemoteDescription({ type: 'offer', sdp: sessionDescriptionOf(theirs) });
        await connection.setLocalDescription();
      } catch {
        carrier.breakOff();
        return NO_WAY;
      }
      const code = await gathered(connection, { kind: 'answer', pairing: theirs.pairing, communityHint });
      if (!code.ok) {
        carrier.breakOff();
        return code;
      }
      return ok({
        code: code.value,
        peer: theirs.node,
        opened: opening(connection, carrier, PAIRING_LIFE_MS, EXPIRED),
        cancel: () => carrier.raw.close('cancelled'),
      });
    },
  };
}
