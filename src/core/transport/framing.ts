import { concat } from '../base/bytes';
import { fail, ok, type Result } from '../base/result';
import { MAX_CONTROL_BYTES, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES } from '../wire/limits';

/**
 * Frames: what one send on a channel carries. Big-endian header of 7 bytes, then payload:
 *
 *   0  version   u8   1
 *   1  kind      u8   0 control (handshake, heartbeat, bye), 1 message (whatever the rooms above send)
 *   2  flags     u8   bit 0 first frame, bit 1 last frame of its message
 *   3  sequence  u32  counts every frame of one direction of one channel, from 0
 *
 * Every frame but the last one of a message is full, so a message has exactly one encoding for a given start and the
 * number of frames is bounded by its size. At most one message of each kind is open at a time: messages never
 * interleave, but a control frame may stand between two frames of a message, so that a heartbeat is never late because
 * of a large message.
 */
export const FRAME_VERSION = 1;
export const FRAME_HEADER_BYTES = 7;
export const MAX_FRAME_PAYLOAD_BYTES = MAX_FRAME_BYTES - FRAME_HEADER_BYTES;

export type FrameKind = 'control' | 'message';

const KINDS: readonly FrameKind[] = ['control', 'message'];
const MAX_BYTES: Readonly<Record<FrameKind, number>> = { control: MAX_CONTROL_BYTES, message: MAX_MESSAGE_BYTES };
const FIRST = 1;
const LAST = 2;

export interface FrameEncoder {
  /**
   * The frames of one message, made as they are read, because the sequence number belongs to the moment of sending.
   * Throws a RangeError when the message is over its limit: callers check before.
   */
  frames(kind: FrameKind, message: Uint8Array): Generator<Uint8Array<ArrayBuffer>, void, undefined>;
}

export function createFrameEncoder(): FrameEncoder {
  let sequence = 0;
  return {
    *frames(kind, message) {
      if (message.length > MAX_BYTES[kind]) throw new RangeError(`A ${kind} of ${message.length} bytes is too large.`);
      let at = 0;
      do {
        const end = Math.min(at + MAX_FRAME_PAYLOAD_BYTES, message.length);
        const frame = new Uint8Array(FRAME_HEADER_BYTES + end - at);
        frame[0] = FRAME_VERSION;
        frame[1] = KINDS.indexOf(kind);
        frame[2] = (at === 0 ? FIRST : 0) | (end === message.length ? LAST : 0);
        new DataView(frame.buffer).setUint32(3, sequence);
        frame.set(message.subarray(at, end), FRAME_HEADER_BYTES);
        sequence = (sequence + 1) >>> 0;
        at = end;
        yield frame;
      } while (at < message.length);
    },
  };
}

export interface Assembled {
  readonly kind: FrameKind;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Reassembler {
  /**
   * Takes one frame; the whole message when this was its last frame, else null. Never throws. Codes:
   * `frame_too_large`, `frame_too_short`, `unknown_version`, `unknown_kind`, `bad_flags`, `frame_gap`, `frame_repeated`,
   * `frame_not_full`, `empty_frame`, `message_open`, `no_message_open`, `too_large`. After a failure open messages are
   * dropped and reading goes on with the frame that follows.
   */
  accept(frame: Uint8Array): Result<Assembled | null>;
  /** What it holds for messages that are still open: never more than the limits of both kinds together. */
  readonly heldBytes: number;
}

interface Open {
  readonly parts: Uint8Array[];
  sizeBytes: number;
}

export function createReassembler(): Reassembler {
  const open: Record<FrameKind, Open | null> = { control: null, message: null };
  let expected = 0;

  const refuse = (code: string, message: string): Result<never> => {
    open.control = null;
    open.message = null;
    return fail(code, message);
  };

  return {
    get heldBytes() {
      return (open.control?.sizeBytes ?? 0) + (open.message?.sizeBytes ?? 0);
    },
    accept(frame) {
      if (frame.length > MAX_FRAME_BYTES) return refuse('frame_too_large', 'A frame is larger than allowed.');
      if (frame.length < FRAME_HEADER_BYTES) return refuse('frame_too_short', 'A frame has no whole header.');
      if (frame[0] !== FRAME_VERSION)
        return refuse('unknown_version', 'A frame has a version that this app does not know.');
      const kind = KINDS[frame[1]!];
      if (kind === undefined) return refuse('unknown_kind', 'A frame is of an unknown kind.');
      const flags = frame[2]!;
      if (flags > (FIRST | LAST)) return refuse('bad_flags', 'A frame has unknown flags.');

      const sequence = new DataView(frame.buffer, frame.byteOffset).getUint32(3);
      const ahead = (sequence - expected) >>> 0;
      if (ahead >= 0x8000_0000) return refuse('frame_repeated', 'A frame arrived twice.');
      expected = (sequence + 1) >>> 0;
      if (ahead !== 0) return refuse('frame_gap', 'A frame is missing.');

      const first = (flags & FIRST) !== 0;
      const last = (flags & LAST) !== 0;
      const payload = frame.slice(FRAME_HEADER_BYTES);
      if (!last && payload.length !== MAX_FRAME_PAYLOAD_BYTES) return refuse('frame_not_full', 'A frame is cut short.');
      if (!first && payload.length === 0) return refuse('empty_frame', 'A frame carries nothing.');

      if (first && open[kind] !== null) return refuse('message_open', 'A message began inside another one.');
      const current = first ? { parts: [], sizeBytes: 0 } : open[kind];
      if (current === null) return refuse('no_message_open', 'A frame belongs to no message.');
      current.sizeBytes += payload.length;
      if (current.sizeBytes > MAX_BYTES[kind]) return refuse('too_large', 'A message is larger than allowed.');
      current.parts.push(payload);
      open[kind] = last ? null : current;
      if (!last) return ok(null);
      return ok({
        kind,
        bytes: current.parts.length === 1 ? (current.parts[0] as Uint8Array<ArrayBuffer>) : concat(...current.parts),
      });
    },
  };
}
