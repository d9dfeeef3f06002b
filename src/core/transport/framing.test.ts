import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CONTROL_BYTES, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES } from '../wire/limits';
import {
  createFrameEncoder,
  createReassembler,
  FRAME_HEADER_BYTES,
  MAX_FRAME_PAYLOAD_BYTES,
  type FrameKind,
} from './framing';

const filled = (length: number, seed = 7): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 17 + (index >> 8)) & 255);

/** A frame by hand, with an empty single message as the default. */
function frameOf(
  fields: { version?: number; kind?: number; flags?: number; sequence?: number; payload?: Uint8Array } = {},
): Uint8Array {
  const payload = fields.payload ?? new Uint8Array();
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  frame[0] = fields.version ?? 1;
  frame[1] = fields.kind ?? 1;
  frame[2] = fields.flags ?? 3;
  new DataView(frame.buffer).setUint32(3, fields.sequence ?? 0);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

const codeOf = (...frames: Uint8Array[]): string => {
  const reassembler = createReassembler();
  let code = 'fine';
  for (const frame of frames) {
    const result = reassembler.accept(frame);
    code = result.ok ? 'fine' : result.error.code;
  }
  return code;
};

describe('framing', () => {
  it('carries any sequence of messages unchanged and in order', () => {
    const messages = fc.array(
      fc.record({
        kind: fc.constantFrom<FrameKind>('control', 'message'),
        length: fc.integer({ min: 0, max: 60_000 }),
        seed: fc.nat(255),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(messages, (list) => {
        const encoder = createFrameEncoder();
        const reassembler = createReassembler();
        const seen: { kind: FrameKind; bytes: Uint8Array }[] = [];
        for (const { kind, length, seed } of list) {
          for (const frame of encoder.frames(kind, filled(length, seed))) {
            expect(frame.length).toBeLessThanOrEqual(MAX_FRAME_BYTES);
            const result = reassembler.accept(frame);
            if (!result.ok) throw new Error(result.error.code);
            if (result.value !== null) seen.push(result.value);
          }
        }
        expect(seen.map(({ kind, bytes }) => ({ kind, length: bytes.length }))).toEqual(
          list.map(({ kind, length }) => ({ kind, length })),
        );
        for (const [index, { bytes }] of seen.entries()) {
          expect(Buffer.compare(bytes, filled(list[index]!.length, list[index]!.seed))).toBe(0);
        }
        expect(reassembler.heldBytes).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('carries a message of exactly the limit and refuses to encode a larger one', () => {
    const encoder = createFrameEncoder();
    const reassembler = createReassembler();
    let whole: Uint8Array | undefined;
    for (const frame of encoder.frames('message', filled(MAX_MESSAGE_BYTES))) {
      const result = reassembler.accept(frame);
      if (result.ok && result.value !== null) whole = result.value.bytes;
    }
    expect(whole?.length).toBe(MAX_MESSAGE_BYTES);
    expect(() => [...encoder.frames('control', filled(MAX_CONTROL_BYTES + 1))]).toThrow(RangeError);
  });

  it('lets a control frame stand between two frames of a message', () => {
    const encoder = createFrameEncoder();
    const reassembler = createReassembler();
    const kinds: string[] = [];
    const message = encoder.frames('message', filled(MAX_FRAME_PAYLOAD_BYTES + 1));
    for (const frame of [
      message.next().value!,
      encoder.frames('control', filled(3)).next().value!,
      message.next().value!,
    ]) {
      const result = reassembler.accept(frame);
      if (result.ok && result.value !== null) kinds.push(`${result.value.kind} ${result.value.bytes.length}`);
    }
    expect(kinds).toEqual(['control 3', `message ${MAX_FRAME_PAYLOAD_BYTES + 1}`]);
  });

  const full = filled(MAX_FRAME_PAYLOAD_BYTES);
  it.each([
    ['frame_too_large', [frameOf({ payload: filled(MAX_FRAME_BYTES) })]],
    ['frame_too_short', [new Uint8Array(FRAME_HEADER_BYTES - 1)]],
    ['unknown_version', [frameOf({ version: 2 })]],
    ['unknown_kind', [frameOf({ kind: 2 })]],
    ['bad_flags', [frameOf({ flags: 4 })]],
    ['frame_gap', [frameOf({ sequence: 1 })]],
    ['frame_repeated', [frameOf({ sequence: 0 }), frameOf({ sequence: 0 })]],
    ['frame_not_full', [frameOf({ flags: 1, payload: filled(10) })]],
    ['empty_frame', [frameOf({ flags: 1, payload: full }), frameOf({ flags: 2, sequence: 1 })]],
    ['message_open', [frameOf({ flags: 1, payload: full }), frameOf({ flags: 3, sequence: 1 })]],
    ['no_message_open', [frameOf({ flags: 2, payload: filled(1) })]],
  ])('refuses with %s', (code, frames) => {
    expect(codeOf(...frames)).toBe(code);
  });

  it('refuses with too_large a message whose frames never end', () => {
    const reassembler = createReassembler();
    let code = 'fine';
    let most = 0;
    for (let sequence = 0; code === 'fine'; sequence++) {
      const result = reassembler.accept(frameOf({ flags: sequence === 0 ? 1 : 0, sequence, payload: full }));
      most = Math.max(most, reassembler.heldBytes);
      if (!result.ok) code = result.error.code;
    }
    expect(code).toBe('too_large');
    expect(most).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    expect(reassembler.heldBytes).toBe(0);
  });

  it('reads on after a fault', () => {
    const reassembler = createReassembler();
    expect(reassembler.accept(frameOf({ sequence: 5 })).ok).toBe(false);
    expect(reassembler.accept(frameOf({ sequence: 6 })).ok).toBe(true);
  });

  it('answers any garbage with a code, never throws, and holds a bounded amount', () => {
    const shaped = fc.record({
      version: fc.constantFrom(0, 1, 1, 1, 2),
      kind: fc.constantFrom(0, 1, 2),
      flags: fc.integer({ min: 0, max: 5 }),
      step: fc.constantFrom(0, 1, 1, 1, 1, 2),
      length: fc.constantFrom(0, 1, MAX_FRAME_PAYLOAD_BYTES, MAX_FRAME_PAYLOAD_BYTES, MAX_FRAME_BYTES),
    });
    const anything = fc.oneof(fc.uint8Array({ maxLength: 40 }), shaped);
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 60 }), (list) => {
        const reassembler = createReassembler();
        let sequence = 0;
        for (const item of list) {
          let frame: Uint8Array;
          if (item instanceof Uint8Array) frame = item;
          else {
            frame = frameOf({ ...item, sequence, payload: new Uint8Array(item.length) });
            sequence += item.step;
          }
          const result = reassembler.accept(frame);
          if (!result.ok) expect(result.error.code).toMatch(/^[a-z_]+$/);
          expect(reassembler.heldBytes).toBeLessThanOrEqual(MAX_MESSAGE_BYTES + MAX_CONTROL_BYTES);
        }
      }),
    );
  });
});
