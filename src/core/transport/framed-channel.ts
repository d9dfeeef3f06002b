import type { EventSource } from '../base/events';
import type { Failure } from '../base/result';
import type { NodeId } from '../base/ids';
import { encodeControl, type Control } from './control-messages';
import { createFrameEncoder, createReassembler, type Assembled } from './framing';
import { createKeptSource } from './kept-source';
import type { RawChannel } from './ports';

/** Whole messages that wait for a reader during the hand-over from handshake to link; more is a flood. */
const MAX_KEPT = 64;

/** A raw channel that speaks in whole messages. One reader at a time; what arrives between two readers is kept. */
export interface FramedChannel {
  readonly claimedPeer: NodeId;
  readonly initiator: boolean;
  readonly received: EventSource<Assembled | { readonly kind: 'fault'; readonly failure: Failure }>;
  /** Emits on every frame, whatever it holds: a sign of life. */
  readonly heard: EventSource<void>;
  readonly closed: EventSource<string>;
  readonly drained: EventSource<void>;
  readonly bufferedBytes: number;
  binding(): { readonly local: string; readonly remote: string };
  /** Control messages never wait for back-pressure: they are small and rare. */
  sendControl(message: Control): void;
  /** The frames of a message, to be sent one by one with `sendFrame` as the buffer allows. */
  frames(message: Uint8Array): Iterator<Uint8Array<ArrayBuffer>, void>;
  sendFrame(frame: Uint8Array): void;
  /** Says goodbye with a code, then closes. */
  close(code: string): void;
}

export function createFramedChannel(channel: RawChannel): FramedChannel {
  const encoder = createFrameEncoder();
  const reassembler = createReassembler();
  const received = createKeptSource<Assembled | { readonly kind: 'fault'; readonly failure: Failure }>(MAX_KEPT, () =>
    close('flood'),
  );
  const heardListeners = new Set<() => void>();
  let open = true;

  const sendControl = (message: Control): void => {
    if (!open) return;
    for (const frame of encoder.frames('control', encodeControl(message))) channel.send(frame);
  };
  const close = (code: string): void => {
    if (!open) return;
    sendControl({ v: 1, type: 'bye', code });
    open = false;
    channel.close(code);
  };
  channel.closed.on(() => {
    open = false;
  });
  channel.frames.on((frame) => {
    if (!open) return;
    for (const listener of [...heardListeners]) listener();
    const result = reassembler.accept(frame);
    if (!result.ok) received.emit({ kind: 'fault', failure: result.error });
    else if (result.value !== null) received.emit(result.value);
  });

  return {
    claimedPeer: channel.claimedPeer,
    initiator: channel.initiator,
    received,
    heard: {
      on(listener) {
        heardListeners.add(listener);
        return () => void heardListeners.delete(listener);
      },
    },
    closed: channel.closed,
    drained: channel.drained,
    get bufferedBytes() {
      return channel.bufferedBytes;
    },
    binding: () => channel.binding(),
    sendControl,
    frames: (message) => encoder.frames('message', message),
    sendFrame(frame) {
      if (open) channel.send(frame);
    },
    close,
  };
}
