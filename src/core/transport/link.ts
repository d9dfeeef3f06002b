import * as v from 'valibot';
import { createEmitter, type EventSource } from '../base/events';
import type { Clock } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { decodeThrough } from '../wire/gate';
import { MAX_CONTROL_BYTES, MAX_MESSAGE_BYTES } from '../wire/limits';
import { closeCodeSchema, controlSchema } from './control-messages';
import type { FramedChannel } from './framed-channel';
import type { Authenticated } from './handshake';
import { createKeptSource } from './kept-source';
import type { Link, LinkState } from './ports';

export const SUSPECT_AFTER_MS = 6_000;
export const OFFLINE_AFTER_MS = 15_000;
export const PROBE_TIMEOUT_MS = 2_000;
/** Above this the sender waits: a browser kills a channel whose buffer grows without end, and late frames are worthless. */
export const HIGH_WATER_BYTES = 1024 * 1024;
export const SEND_TIMEOUT_MS = 10_000;
/** What may wait on one link for its turn: thirty-two of the largest messages. */
export const MAX_BACKLOG_BYTES = 8 * 1024 * 1024;
/** What a waiting message costs beside its bytes, so that empty ones are bounded too. */
const MESSAGE_OVERHEAD_BYTES = 64;
/** Messages kept for a first listener that never comes. */
const MAX_KEPT_MESSAGES = 64;
/** Beats whose echo is still awaited: at one in two seconds that is the time until offline. */
const MAX_UNECHOED = 8;
/** Weight of a new round-trip sample (RFC 6298 section 2.3). */
const RTT_GAIN = 1 / 8;

/** Reasons for which an adapter closes a channel that only a peer out of protocol can cause. */
const CHANNEL_VIOLATIONS: ReadonlySet<string> = new Set(['frame_not_binary', 'frame_too_large', 'flood']);

/** A link with what only the set of links may do to it. */
export interface OwnedLink {
  readonly link: Link;
  readonly initiator: boolean;
  readonly instance: Uint8Array<ArrayBuffer>;
  readonly upSinceMs: number;
  /** Emits once: why, and whether the peer broke the rules too often. */
  readonly down: EventSource<{ readonly reason: string; readonly violator: boolean }>;
  /** Starts reading. Called after `up` was told, so that nothing arrives before the listeners are there. */
  start(): void;
  beat(reply: boolean): void;
  /** Judges the silence so far. */
  judge(nowMs: number): void;
  /** Time in which this node itself stood still does not count against the peer. */
  forgive(ms: number): void;
  probe(): void;
}

export function createLink(
  channel: FramedChannel,
  authenticated: Authenticated,
  clock: Clock,
  violationBudget: number,
): OwnedLink {
  const { peer, admission, instance } = authenticated;
  const messages = createKeptSource<Uint8Array<ArrayBuffer>>(MAX_KEPT_MESSAGES, () => shut('backlog_full'));
  const stateChanged = createEmitter<LinkState>();
  const down = createEmitter<{ readonly reason: string; readonly violator: boolean }>();
  const upSinceMs = clock.monotonicMs();

  let state: LinkState = 'live';
  let rttMs: number | null = null;
  let violations = 0;
  let lastHeardMs = upSinceMs;
  let heardSinceProbe = true;
  let nextSequence = 0;
  const sentAtMsBySequence = new Map<number, number>();
  let heardBeat: { readonly sequence: number; readonly atMs: number } | null = null;

  const enter = (next: LinkState): void => {
    if (state === next || state === 'closed') return;
    state = next;
    stateChanged.emit(next);
  };

  // Sending: one message after the other, frame by frame, as long as the buffer takes it.
  const waiting: { readonly message: Uint8Array; readonly done: (result: Result<void>) => void }[] = [];
  let backlogBytes = 0;
  let current: Iterator<Uint8Array<ArrayBuffer>, void> | null = null;
  let cancelStallTimer: (() => void) | null = null;

  const watchForStall = (): void => {
    if (cancelStallTimer !== null) return;
    const bufferedBefore = channel.bufferedBytes;
    cancelStallTimer = clock.after(SEND_TIMEOUT_MS, () => {
      cancelStallTimer = null;
      if (channel.bufferedBytes >= bufferedBefore) shut('send_timeout');
      else pump();
    });
  };
  const pump = (): void => {
    for (;;) {
      const head = waiting[0];
      if (head === undefined || state === 'closed') return;
      current ??= channel.frames(head.message);
      if (channel.bufferedBytes >= HIGH_WATER_BYTES) return watchForStall();
      cancelStallTimer?.();
      cancelStallTimer = null;
      const frame = current.next();
      if (frame.done !== true) {
        channel.sendFrame(frame.value);
        continue;
      }
      current = null;
      waiting.shift();
      backlogBytes -= head.message.length + MESSAGE_OVERHEAD_BYTES;
      head.done(ok(undefined));
    }
  };

  const stops: (() => void)[] = [channel.drained.on(pump)];
  const shut = (reason: string, violator = false): void => {
    if (state === 'closed') return;
    const code = v.is(closeCodeSchema, reason) ? reason : 'closed';
    enter('closed');
    for (const stop of stops) stop();
    cancelStallTimer?.();
    channel.close(code);
    const failure =
      reason === 'send_timeout'
        ? fail('send_timeout', 'The peer took nothing for ten seconds.')
        : fail('link_closed', 'The link to this peer is closed.');
    for (const { done } of waiting.splice(0)) done(failure);
    backlogBytes = 0;
    down.emit({ reason, violator });
  };

  const violate = (code: string): void => {
    if (state === 'closed') return;
    violations++;
    if (violations >= violationBudget) shut(code, true);
  };

  const beat = (reply: boolean): void => {
    if (state === 'closed') return;
    const nowMs = clock.monotonicMs();
    const sequence = nextSequence++;
    sentAtMsBySequence.set(sequence, nowMs);
    if (sentAtMsBySequence.size > MAX_UNECHOED) sentAtMsBySequence.delete(sentAtMsBySequence.keys().next().value!);
    const echo =
      heardBeat === null ? null : { sequence: heardBeat.sequence, heldMs: Math.round(nowMs - heardBeat.atMs) };
    channel.sendControl({ v: 1, type: 'beat', sequence, echo, reply });
  };

  const onEcho = (sequence: number, heldMs: number): void => {
    const sentAtMs = sentAtMsBySequence.get(sequence);
    if (sentAtMs === undefined) return;
    sentAtMsBySequence.delete(sequence);
    const sample = Math.max(0, clock.monotonicMs() - sentAtMs - heldMs);
    rttMs = rttMs === null ? sample : rttMs + RTT_GAIN * (sample - rttMs);
  };

  const onControl = (bytes: Uint8Array): void => {
    const control = decodeThrough(controlSchema, bytes, MAX_CONTROL_BYTES);
    if (!control.ok) return violate(control.error.code);
    const message = control.value;
    if (message.type === 'bye') return shut(message.code);
    if (message.type !== 'beat') return violate('unexpected_message');
    heardBeat = { sequence: message.sequence, atMs: clock.monotonicMs() };
    if (message.echo !== null) onEcho(message.echo.sequence, message.echo.heldMs);
    if (message.reply) beat(false);
  };

  const link: Link = {
    peer,
    admission,
    messages,
    stateChanged,
    get state() {
      return state;
    },
    get rttMs() {
      return rttMs;
    },
    send(message) {
      if (state === 'closed') return Promise.resolve(fail('link_closed', 'The link to this peer is closed.'));
      if (message.length > MAX_MESSAGE_BYTES)
        return Promise.resolve(fail('too_large', `A message holds at most ${MAX_MESSAGE_BYTES} bytes.`));
      const costBytes = message.length + MESSAGE_OVERHEAD_BYTES;
      if (backlogBytes + costBytes > MAX_BACKLOG_BYTES) {
        return Promise.resolve(fail('backlog_full', 'Too much is already waiting to be sent to this peer.'));
      }
      return new Promise((done) => {
        backlogBytes += costBytes;
        waiting.push({ message, done });
        if (waiting.length === 1) pump();
      });
    },
    close: (reason) => shut(reason),
    violate,
  };

  return {
    link,
    initiator: channel.initiator,
    instance,
    upSinceMs,
    down,
    beat,
    start() {
      if (state === 'closed') return;
      stops.push(
        channel.heard.on(() => {
          lastHeardMs = clock.monotonicMs();
          heardSinceProbe = true;
          enter('live');
        }),
      );
      stops.push(channel.closed.on((reason) => shut(reason, CHANNEL_VIOLATIONS.has(reason))));
      if (state !== 'live') return;
      stops.push(
        channel.received.on((item) => {
          if (state === 'closed') return;
          if (item.kind === 'fault') violate(item.failure.code);
          else if (item.kind === 'control') onControl(item.bytes);
          else messages.emit(item.bytes);
        }),
      );
      beat(true);
    },
    judge(nowMs) {
      const silentMs = nowMs - lastHeardMs;
      if (silentMs >= OFFLINE_AFTER_MS) shut('silent');
      else if (silentMs >= SUSPECT_AFTER_MS) enter('suspect');
    },
    forgive(ms) {
      lastHeardMs += ms;
    },
    probe() {
      heardSinceProbe = false;
      beat(true);
      stops.push(
        clock.after(PROBE_TIMEOUT_MS, () => {
          if (!heardSinceProbe) enter('suspect');
        }),
      );
    },
  };
}
