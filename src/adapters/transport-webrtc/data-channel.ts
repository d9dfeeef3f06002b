import { equalBytes } from '#core/base/bytes';
import { createEmitter } from '#core/base/events';
import type { NodeId } from '#core/base/ids';
import { createKeptSource, createOnceSource } from '#core/transport/kept-source';
import type { RawChannel } from '#core/transport/ports';
import { MAX_FRAME_BYTES } from '#core/wire/limits';

const LOW_WATER_BYTES = 256 * 1024;
/** Frames kept for a reader that has not come yet: 1 MiB. */
const MAX_EARLY_FRAMES = 64;

/**
 * What the dialling side says first, before any frame. To whoever is dialled, Chromium calls a data channel open some milliseconds
 * before it sends: what is said meanwhile is dropped without a word. A message that came is the proof that messages go, too.
 */
const KNOCK = Uint8Array.of(0);

export type HowOpened = 'open' | 'failed' | 'closed';

export interface CarrierOptions {
  readonly connection: RTCPeerConnection;
  readonly peer: NodeId;
  readonly initiator: boolean;
  /** Lets go of the connection at once; harmless when it is gone already. */
  readonly release: () => void;
}

/** A raw channel in the making: its data channel may come later. */
export interface Carrier {
  readonly raw: RawChannel;
  /** Resolves once: to `open` when frames can pass, else to why not. */
  readonly opened: Promise<HowOpened>;
  /** Takes the connection's data channel, once. A further one is closed. */
  attach(channel: RTCDataChannel): void;
  readonly attached: boolean;
  /** The connection broke: a peer that is gone never confirms the channel's end, so it is released at once. */
  breakOff(): void;
}

/** Carries frames over one data channel of a connection, whoever negotiated it. */
export function carryFrames({ connection, peer, initiator, release }: CarrierOptions): Carrier {
  const frames = createKeptSource<Uint8Array<ArrayBuffer>>(MAX_EARLY_FRAMES, () => shut('flood'));
  const closed = createOnceSource<string>();
  const drained = createEmitter<void>();
  let channel: RTCDataChannel | null = null;
  let settleOpened: (how: HowOpened) => void = () => {};
  const opened = new Promise<HowOpened>((resolve) => (settleOpened = resolve));

  const shut = (reason: string): void => {
    if (closed.emitted) return;
    settleOpened('closed');
    // First, because releasing may tell of its own closing at once, and then the reason would be lost.
    closed.emit(reason);
    // A goodbye that was just sent leaves before the channel closes; the connection goes with the channel.
    if (channel?.readyState === 'open') channel.close();
    else release();
  };

  return {
    opened,
    get attached() {
      return channel !== null;
    },
    attach(dataChannel) {
      if (channel !== null) return dataChannel.close();
      channel = dataChannel;
      channel.binaryType = 'arraybuffer';
      channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
      let knocked = initiator;
      channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        if (closed.emitted) return;
        if (!(data instanceof ArrayBuffer)) return shut('frame_not_binary');
        if (data.byteLength > MAX_FRAME_BYTES) return shut('frame_too_large');
        const bytes = new Uint8Array(data);
        if (knocked) return frames.emit(bytes);
        if (!equalBytes(bytes, KNOCK)) return shut('no_knock');
        knocked = true;
        settleOpened('open');
      });
      channel.addEventListener('bufferedamountlow', () => drained.emit());
      channel.addEventListener('close', () => {
        shut('closed_by_peer');
        release();
      });
      if (!initiator) return;
      const knock = (): void => {
        if (closed.emitted) return;
        dataChannel.send(KNOCK);
        settleOpened('open');
      };
      if (channel.readyState === 'open') knock();
      else channel.addEventListener('open', knock);
    },
    breakOff() {
      settleOpened('failed');
      shut('connection_failed');
      release();
    },
    raw: {
      claimedPeer: peer,
      initiator,
      frames,
      closed,
      drained,
      get bufferedBytes() {
        return channel?.bufferedAmount ?? 0;
      },
      binding: () => ({
        local: fingerprintOf(connection.localDescription),
        remote: fingerprintOf(connection.remoteDescription),
      }),
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

/** The certificate's fingerprint in one spelling (RFC 8122 section 5), empty when the description has none. */
function fingerprintOf(description: RTCSessionDescription | null): string {
  const match = /^a=fingerprint:(\S+) (\S+)\s*$/m.exec(description?.sdp ?? '');
  return match === null ? '' : `${match[1]!.toLowerCase()} ${match[2]!.toUpperCase()}`;
}
