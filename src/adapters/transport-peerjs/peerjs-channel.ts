import type { DataConnection } from 'peerjs';
import { carryFrames, type HowOpened } from '#adapters/transport-webrtc/data-channel';
import type { NodeId } from '#core/base/ids';
import type { RawChannel } from '#core/transport/ports';

export interface PeerJsChannel {
  readonly raw: RawChannel;
  /** Resolves once: to `open` when frames can pass, else to why not. */
  readonly opened: Promise<HowOpened>;
  /** How many ways to reach this device were found, and whether the other side answered. */
  readonly progress: () => { readonly localCandidates: number; readonly answered: boolean };
}

/**
 * One PeerJS connection as a raw channel. PeerJS negotiates; frames pass by its data channel directly, because PeerJS's own
 * queue stalls for ever when it fills. Must be called in the same turn in which the connection was made.
 */
export function wrapConnection(connection: DataConnection, peer: NodeId, initiator: boolean): PeerJsChannel {
  // PeerJS forgets it when it closes.
  const pc = connection.peerConnection;
  const carrier = carryFrames({ connection: pc, peer, initiator, release: () => connection.close() });
  let localCandidates = 0;

  if (connection.dataChannel) carrier.attach(connection.dataChannel);
  const acceptInPeerJs = pc.ondatachannel;
  pc.ondatachannel = (event) => {
    // A second channel would replace the first one inside PeerJS.
    if (!carrier.attached) acceptInPeerJs?.call(pc, event);
    carrier.attach(event.channel);
  };
  pc.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate !== null && candidate.candidate !== '') localCandidates++;
  });
  // PeerJS looks at the ICE state only, which misses a peer that vanished.
  pc.addEventListener('connectionstatechange', () => {
    if (pc.connectionState === 'failed') carrier.breakOff();
  });
  connection.on('close', () => carrier.raw.close('closed_by_peer'));
  connection.on('error', () => carrier.breakOff());

  return {
    raw: carrier.raw,
    opened: carrier.opened,
    progress: () => ({ localCandidates, answered: pc.remoteDescription !== null }),
  };
}
