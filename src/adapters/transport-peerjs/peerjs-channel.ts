import type { DataConnection } from 'peerjs';
import { createEmitter } from '#core/base/events';
import type { NodeId } from '#core/base/ids';
import { createKeptSource, createOnceSource } from '#core/transport/kept-source';
import type { RawChannel } from '#core/transport/ports';
import { MAX_FRAME_BYTES } from '#core/wire/limits';

const LOW_WATER_BYTES = 256 * 1024;
/** Frames kept for a reader that has not come yet: 1 MiB. */
const MAX_EARLY_FRAMES = 64;

export interface PeerJsChannel {
  readonly raw: RawChannel;
  /** Resolves once: to null when frames can pass, else to why not. */
  readonly opened: Promise<'open' | 'failed' | 'closed'>;
  /** How many ways to reach this device were found, and whether the other side answered. */
  readonly progress: () => { readonly localCandidates: number; readonly answered: boolean };
}

/**
 * One PeerJS connection as a raw channel. PeerJS negotiates; frames pass by its data channel directly, because PeerJS's own
 * queue stalls for ever when it fills. Must be called in the same turn in which the connection was made.
 */
export function wrapConnection(connection: DataConnection, peer: NodeId, initiator: boolean): PeerJsChannel {
  const frames = createKeptSource<Uint8Array<ArrayBuffer>>(MAX_EARLY_FRAMES, () => shut('flood'));
  const closed = createOnceSource<string>();
  const drained = createEmitter<void>();
  // PeerJS forgets both when it closes.
  const pc = connection.peerConnection;
  let channel: RTCDataChannel | null = null;
  let localCandidates = 0;
  let settleOpened: (how: 'open' | 'failed' | 'closed') => void = () => {};
  const opened = new Promise<'open' | 'failed' | 'closed'>((resolve) => (settleOpened = resolve));

  const shut = (reason: string): void => {
    if (closed.emitted) return;
    settleOpened('closed');
    // First, because PeerJS tells of its own closing at once, and then the reason would be lost.
    closed.emit(reason);
    // A goodbye that was just sent leaves before the channel closes; the connection goes with the channel.
    if (channel?.readyState === 'open') channel.close();
    else connection.close();
  };
  const attach = (dataChannel: RTCDataChannel): void => {
    if (channel !== null) {
      // A second channel would replace the first one inside PeerJS.
      dataChannel.close();
      return;
    }
    channel = dataChannel;
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (closed.emitted) return;
      if (!(data instanceof ArrayBuffer)) return shut('frame_not_binary');
      if (data.byteLength > MAX_FRAME_BYTES) return shut('frame_too_large');
      frames.emit(new Uint8Array(data));
    });
    channel.addEventListener('bufferedamountlow', () => drained.emit());
    channel.addEventListener('open', () => settleOpened('open'));
    channel.addEventListener('close', () => {
      shut('closed_by_peer');
      connection.close();
    });
    if (channel.readyState === 'open') settleOpened('open');
  };

  if (connection.dataChannel) attach(connection.dataChannel);
  const acceptInPeerJs = pc.ondatachannel;
  pc.ondatachannel = (event) => {
    if (channel === null) acceptInPeerJs?.call(pc, event);
    attach(event.channel);
  };
  pc.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate !== null && candidate.candidate !== '') localCandidates++;
  });
  // PeerJS looks at the ICE state only, which misses a peer that vanished.
  pc.addEventListener('connectionstatechange', () => {
    if (pc.connectionState !== 'failed') return;
    settleOpened('failed');
    shut('connection_failed');
    // A peer that is gone never confirms the channel's end.
    connection.close();
  });
  connection.on('close', () => shut('closed_by_peer'));
  connection.on('error', () => {
    settleOpened('failed');
    shut('connection_failed');
  });

  const fingerprintOf = (description: RTCSessionDescription | null): string => {
    const match = /^a=fingerprint:(\S+) (\S+)\s*$/m.exec(description?.sdp ?? '');
    return match === null ? '' : `${match[1]!.toLowerCase()} ${match[2]!.toUpperCase()}`;
  };

  return {
    opened,
    progress: () => ({ localCandidates, answered: pc.remoteDescription !== null }),
    raw: {
      claimedPeer: peer,
      initiator,
      frames,
      closed,
      drained,
      get bufferedBytes() {
        return channel?.bufferedAmount ?? 0;
      },
      binding: () => ({ local: fingerprintOf(pc.localDescription), remote: fingerprintOf(pc.remoteDescription) }),
      send(frame) {
        if (closed.emitted || channel?.readyState !== 'open') return;
        try {
          channel.send(frame as Uint8Array<ArrayBuffer>);
        } catch {
          shut('send_failed');
        }
      },
      close: shut,
    },
  };
}
