import { freshId } from '../base/chance';
import { createEmitter, type EventSource } from '../base/events';
import type { NodeId } from '../base/ids';
import { withoutUndefined } from '../base/plain';
import type { Chance, Clock } from '../base/ports';
import { fail, ok, type Failure, type Result } from '../base/result';
import type { Link, Links, TrustLevel } from '../transport/ports';
import { checkAgainst, decodeThrough, type Schema } from '../wire/gate';
import { MAX_MESSAGE_BYTES, WIRE_VERSION } from '../wire/limits';
import type { CallContext, Capability, CapabilityId, Handler, JobContext, ServiceDefinition } from './capability';
import {
  busMessageSchema,
  encodeBusMessage,
  MAX_CALL_MS,
  MAX_CHUNKS_PER_MESSAGE,
  type BusMessage,
  type NodeCard,
} from './messages';
import type { Roster } from './roster';
import { createTokenBucket, type TokenBucket } from './token-bucket';

/** Calls that one peer may have open here at once: more than any honest requester needs, few enough to hold. */
export const MAX_OPEN_CALLS_PER_PEER = 64;
/** Messages per second from one peer: a fast model streams about a hundred tokens a second per answer. */
export const MESSAGES_PER_SECOND = 2_000;
export const MESSAGE_BURST = 4_000;
/** New calls per second from one peer. */
export const CALLS_PER_SECOND = 400;
export const CALL_BURST = 800;
/**
 * A chunk leaves at once when the one before it left longer ago than this; those that come faster are sent together. Nobody
 * sees four milliseconds, and a model that makes a token in half of one is not held up by a message for each.
 */
export const GATHER_CHUNKS_MS = 4;
/** The card is said again this often, as the heartbeat of the roster. */
export const CARD_PERIOD_MS = 10_000;

const TRUST_ORDER: readonly TrustLevel[] = ['unknown', 'member', 'trusted', 'anchor'];
const reaches = (trust: TrustLevel, needed: TrustLevel): boolean =>
  TRUST_ORDER.indexOf(trust) >= TRUST_ORDER.indexOf(needed);

export interface CallOptions<Chunk = unknown> {
  /** The provider; absent: this node when it has the capability, else the best linked peer. */
  readonly provider?: NodeId;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onChunk?: (chunk: Chunk) => void;
  /** Told to a handler of this very node; no peer ever hears of it. */
  readonly job?: JobContext;
}

export interface BusStats {
  readonly callsMade: number;
  readonly callsServed: number;
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * Calls capabilities by `name@version` without knowing where they run. A call that cannot be made fails with
 * `nobody_offers`; one that was made and got nothing back with `no_answer` (deadline) or `link_lost`; a refusal or failure of
 * the provider keeps the provider's own code. Input, output and chunks are checked on both sides.
 */
export interface Bus {
  call<Input, Output, Chunk>(
    capability: Capability<Input, Output, Chunk>,
    input: Input,
    options?: CallOptions<Chunk>,
  ): Promise<Result<Output>>;
  /**
   * Registers a service for this node's own calls; `offered` decides whether peers may call it. A research feature whose
   * flag is off is refused with `research_off`.
   */
  register(service: ServiceDefinition<never, unknown, never>, offered: boolean): Result<void>;
  /** Offers a registered capability to peers, or withdraws it; both are announced. */
  offer(capability: CapabilityId, offered: boolean): void;
  has(capability: CapabilityId): boolean;
  /** Fetches the code of every registered service now instead of at its first call. */
  preload(): Promise<void>;
  readonly offered: readonly CapabilityId[];
  /** Says the card again soon, because something in it changed. */
  announce(): void;
  /** Calls from peers that run here now. */
  readonly serving: number;
  readonly servingChanged: EventSource<number>;
  stats(): BusStats;
  close(): void;
}

export interface BusDeps {
  readonly self: NodeId;
  readonly links: Links;
  readonly roster: Roster;
  readonly clock: Clock;
  readonly chance: Chance;
  /** The parts of the card that the bus does not know itself. */
  readonly card: () => Omit<NodeCard, 'seq' | 'capabilities'>;
  /** Whether the person switched this research feature on; absent: none is on. */
  readonly researchOn?: (flag: string) => boolean;
}

interface Service {
  readonly definition: ServiceDefinition<unknown, unknown, unknown>;
  handler: Promise<Handler<unknown, unknown, unknown>> | null;
  offered: boolean;
}

interface OpenCall {
  readonly provider: NodeId;
  chunk(body: unknown, seq: number): void;
  settle(result: Result<unknown>): void;
}

interface PeerSession {
  readonly link: Link;
  readonly messages: TokenBucket;
  readonly calls: TokenBucket;
  readonly serving: Map<string, AbortController>;
  readonly stops: (() => void)[];
}

export function createBus(deps: BusDeps): Bus {
  const { self, links, roster, clock, chance } = deps;
  const services = new Map<CapabilityId, Service>();
  const open = new Map<string, OpenCall>();
  const sessions = new Map<NodeId, PeerSession>();
  const servingChanged = createEmitter<number>();
  const refused: Record<string, number> = {};
  let callsMade = 0;
  let callsServed = 0;
  let serving = 0;
  let cardSeq = 0;
  let announcing = false;
  let closed = false;

  const offeredIds = (): CapabilityId[] =>
    [...services.values()].filter((service) => service.offered).map((service) => service.definition.capability.id);

  function refuse(session: PeerSession, code: string): void {
    refused[code] = (refused[code] ?? 0) + 1;
    session.link.violate(code);
  }

  function send(link: Link, message: BusMessage): Promise<Result<void>> {
    return link.send(encodeBusMessage(message));
  }

  function sayCard(link: Link): void {
    void send(link, { v: WIRE_VERSION, t: 'card', card: { ...deps.card(), seq: cardSeq, capabilities: offeredIds() } });
  }

  function sayCardToAll(): void {
    cardSeq += 1;
    for (const { link } of sessions.values()) sayCard(link);
  }

  function announce(): void {
    if (announcing || closed) return;
    announcing = true;
    // Changes that happen together are said once.
    clock.after(0, () => {
      announcing = false;
      if (!closed) sayCardToAll();
    });
  }

  function changeServing(by: number): void {
    serving += by;
    servingChanged.emit(serving);
  }

  /** Runs a handler behind its schemas; used alike for local and remote callers. */
  async function serve(
    service: Service,
    input: unknown,
    context: Omit<CallContext<unknown>, 'emit'>,
    onChunk: (chunk: unknown) => void,
  ): Promise<Result<unknown>> {
    const { capability } = service.definition;
    const checked = checkAgainst(capability.input as Schema<unknown>, input);
    if (!checked.ok) return fail('bad_input', checked.error.message, checked.error.message);
    let ended = false;
    try {
      service.handler ??= service.definition.load();
      const handler = await service.handler;
      const result = await handler(checked.value, {
        ...context,
        emit(chunk) {
          if (!ended && !context.signal.aborted) onChunk(chunk);
        },
      });
      ended = true;
      if (!result.ok) return result;
      const output = checkAgainst(capability.output as Schema<unknown>, withoutUndefined(result.value));
      return output.ok
        ? output
        : fail('bad_output', `The service ${capability.id} gave a result that breaks its contract.`);
    } catch (error) {
      ended = true;
      // A service that throws is a bug of ours: the caller learns a code, the details stay here.
      service.handler = null;
      void Promise.reject(error);
      return fail('service_failed', `The service ${capability.id} failed.`);
    }
  }

  function withDeadline<T>(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    run: (abort: AbortController) => Promise<Result<T>>,
    silence: Failure,
  ): Promise<Result<T>> {
    const abort = new AbortController();
    return new Promise((resolve) => {
      const finish = (result: Result<T>) => {
        stopTimer();
        signal?.removeEventListener('abort', cancel);
        resolve(result);
      };
      const stopTimer = clock.after(timeoutMs, () => {
        abort.abort();
        finish({ ok: false, error: silence });
      });
      const cancel = () => {
        abort.abort();
        finish(fail('cancelled', 'This was cancelled.'));
      };
      if (signal?.aborted) return cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      run(abort).then(finish, (error: unknown) => {
        finish(fail('service_failed', 'Something inside this app failed.'));
        void Promise.reject(error);
      });
    });
  }

  function callLocal(
    service: Service,
    input: unknown,
    timeoutMs: number,
    options: CallOptions,
  ): Promise<Result<unknown>> {
    return withDeadline(
      timeoutMs,
      options.signal,
      (abort) =>
        serve(
          service,
          withoutUndefined(input),
          {
            caller: self,
            local: true,
            callId: freshId(chance, 'call'),
            signal: abort.signal,
            ...(options.job === undefined ? {} : { job: options.job }),
          },
          (chunk) => options.onChunk?.(chunk),
        ),
      { code: 'no_answer', message: 'This took longer than allowed.' },
    );
  }

  function callRemote<Chunk>(
    link: Link,
    capability: Capability<unknown, unknown, unknown>,
    input: unknown,
    timeoutMs: number,
    options: CallOptions<Chunk>,
  ): Promise<Result<unknown>> {
    const id = freshId(chance, 'call');
    return withDeadline(
      timeoutMs,
      options.signal,
      (abort) =>
        new Promise<Result<unknown>>((resolve) => {
          let nextSeq = 0;
          const settle = (result: Result<unknown>) => {
            if (!open.delete(id)) return;
            resolve(result);
          };
          open.set(id, {
            provider: link.peer,
            chunk(body, seq) {
              if (seq !== nextSeq || !capability.chunk)
                return settle(fail('bad_chunk', 'The other node streamed something that breaks the contract.'));
              nextSeq += 1;
              const checked = checkAgainst(capability.chunk, body);
              if (!checked.ok)
                return settle(fail('bad_chunk', 'The other node streamed something that breaks the contract.'));
              options.onChunk?.(checked.value as Chunk);
            },
            settle(result) {
              if (!result.ok) return settle(result);
              const checked = checkAgainst(capability.output, result.value);
              settle(
                checked.ok ? checked : fail('bad_output', 'The other node gave a result that breaks the contract.'),
              );
            },
          });
          abort.signal.addEventListener('abort', () => {
            if (!open.delete(id)) return;
            void send(link, { v: WIRE_VERSION, t: 'cancel', id });
          });
          void send(link, { v: WIRE_VERSION, t: 'call', id, capability: capability.id, input, timeoutMs }).then(
            (sent) => {
              if (!sent.ok)
                settle(
                  sent.error.code === 'too_large' ? sent : fail('link_lost', 'The link to the other node was lost.'),
                );
            },
          );
        }),
      { code: 'no_answer', message: 'The other node did not answer in time.' },
    );
  }

  /** Sends the chunks of one call: the first at once, those close behind it together. */
  function gatherChunks(link: Link, id: string): { push(body: unknown): void; flush(): void } {
    let waiting: unknown[] = [];
    let seq = 0;
    let stopTimer: (() => void) | null = null;
    const flush = (): void => {
      stopTimer?.();
      stopTimer = null;
      if (waiting.length === 0) return;
      void send(link, { v: WIRE_VERSION, t: 'chunk', id, seq, bodies: waiting });
      seq += waiting.length;
      waiting = [];
    };
    return {
      flush,
      push(body) {
        waiting.push(body);
        if (waiting.length >= MAX_CHUNKS_PER_MESSAGE) return flush();
        if (stopTimer !== null) return;
        flush();
        stopTimer = clock.after(GATHER_CHUNKS_MS, flush);
      },
    };
  }

  async function answerCall(session: PeerSession, message: Extract<BusMessage, { t: 'call' }>): Promise<void> {
    const { link } = session;
    const failed = (code: string, text: string) =>
      send(link, { v: WIRE_VERSION, t: 'failed', id: message.id, code, message: text.slice(0, 300) });
    const service = services.get(message.capability);
    if (!service?.offered) return void failed('nobody_offers', 'This node does not offer that.');
    const { capability } = service.definition;
    if (!reaches(link.admission.trust, capability.trust))
      return void failed('not_trusted', 'This node does not do that for you.');
    if (!session.calls.take()) return void failed('rate_limited', 'Too many calls; try again later.');
    if (session.serving.size >= MAX_OPEN_CALLS_PER_PEER) return void failed('busy', 'Too many calls are open.');
    if (session.serving.has(message.id)) return refuse(session, 'duplicate_call');
    const abort = new AbortController();
    session.serving.set(message.id, abort);
    callsServed += 1;
    changeServing(1);
    const chunks = gatherChunks(link, message.id);
    const stopTimer = clock.after(Math.min(message.timeoutMs, MAX_CALL_MS), () => abort.abort());
    const result = await serve(
      service,
      message.input,
      { caller: link.peer, local: false, callId: message.id, signal: abort.signal },
      (body) => chunks.push(body),
    );
    stopTimer();
    if (!abort.signal.aborted) chunks.flush();
    session.serving.delete(message.id);
    changeServing(-1);
    if (abort.signal.aborted) return;
    if (result.ok) {
      const sent = await send(link, { v: WIRE_VERSION, t: 'done', id: message.id, output: result.value });
      if (!sent.ok && sent.error.code === 'too_large') await failed('too_large', 'The result is too large to send.');
    } else {
      await failed(result.error.code, result.error.peerMessage ?? result.error.code);
    }
  }

  function receive(session: PeerSession, bytes: Uint8Array): void {
    const { link } = session;
    if (!session.messages.take()) return refuse(session, 'rate_limited');
    const decoded = decodeThrough(busMessageSchema, bytes, MAX_MESSAGE_BYTES);
    if (!decoded.ok) return refuse(session, decoded.error.code);
    const message = decoded.value;
    roster.heard(link.peer);
    if (message.t === 'card') {
      if (!roster.announced(link.peer, message.card)) refuse(session, 'replayed_card');
      return;
    }
    if (message.t === 'call') return void answerCall(session, message);
    if (message.t === 'cancel') {
      session.serving.get(message.id)?.abort();
      return;
    }
    // What belongs to a call that already ended here (deadline, cancel) may still be on its way: it is dropped silently.
    const call = open.get(message.id);
    if (!call) return;
    if (call.provider !== link.peer) return refuse(session, 'not_your_call');
    if (message.t === 'chunk') {
      message.bodies.forEach((body, index) => call.chunk(body, message.seq + index));
      return;
    }
    if (message.t === 'done') return call.settle(ok(message.output));
    call.settle(fail(message.code, message.message));
  }

  function linkUp(link: Link): void {
    linkDown(link.peer, 'replaced');
    const session: PeerSession = {
      link,
      messages: createTokenBucket(clock, MESSAGES_PER_SECOND, MESSAGE_BURST),
      calls: createTokenBucket(clock, CALLS_PER_SECOND, CALL_BURST),
      serving: new Map(),
      stops: [],
    };
    sessions.set(link.peer, session);
    roster.linked(link);
    session.stops.push(link.messages.on((bytes) => receive(session, bytes)));
    sayCard(link);
  }

  function linkDown(peer: NodeId, why: string): void {
    const session = sessions.get(peer);
    if (!session) return;
    sessions.delete(peer);
    for (const stop of session.stops) stop();
    for (const abort of session.serving.values()) abort.abort();
    for (const call of [...open.values()]) {
      if (call.provider === peer) call.settle(fail('link_lost', `The link to the other node was lost (${why}).`));
    }
  }

  const stops = [
    links.events.on((event) => {
      if (event.type === 'up') linkUp(event.link);
      if (event.type === 'suspect' || event.type === 'live') roster.linkChanged(event.link.peer);
      if (event.type === 'down' && sessions.get(event.link.peer)?.link === event.link) {
        linkDown(event.link.peer, event.reason);
        roster.unlinked(event.link.peer);
      }
    }),
    clock.every(CARD_PERIOD_MS, sayCardToAll),
  ];
  for (const link of links.all) linkUp(link);

  return {
    async call<Input, Output, Chunk>(
      capability: Capability<Input, Output, Chunk>,
      input: Input,
      options: CallOptions<Chunk> = {},
    ): Promise<Result<Output>> {
      callsMade += 1;
      const timeoutMs = Math.min(Math.max(1, Math.round(options.timeoutMs ?? capability.timeoutMs)), MAX_CALL_MS);
      const service = services.get(capability.id);
      const plain = options as CallOptions<unknown>;
      if (service && (options.provider === undefined || options.provider === self)) {
        return callLocal(service, input, timeoutMs, plain) as Promise<Result<Output>>;
      }
      const provider =
        options.provider ??
        [...roster.offering(capability.id)].sort((a, b) => (a.rttMs ?? Infinity) - (b.rttMs ?? Infinity))[0]?.node;
      const link = provider === undefined ? null : links.to(provider);
      if (!link || link.state === 'closed') {
        return options.provider !== undefined && roster.get(options.provider) !== null
          ? fail('no_answer', 'That node is not reachable now.')
          : fail('nobody_offers', `Nobody here offers ${capability.id} now.`);
      }
      return callRemote(link, capability as Capability<unknown, unknown, unknown>, input, timeoutMs, plain) as Promise<
        Result<Output>
      >;
    },
    register(definition, offered) {
      const { research } = definition.capability;
      if (research !== undefined && !deps.researchOn?.(research)) {
        return fail('research_off', `The research feature ${research} is switched off.`);
      }
      services.set(definition.capability.id, {
        definition: definition as unknown as ServiceDefinition<unknown, unknown, unknown>,
        handler: null,
        offered,
      });
      announce();
      return ok(undefined);
    },
    offer(capability, offered) {
      const service = services.get(capability);
      if (!service || service.offered === offered) return;
      service.offered = offered;
      announce();
    },
    has: (capability) => services.has(capability),
    async preload() {
      await Promise.all([...services.values()].map((service) => (service.handler ??= service.definition.load())));
    },
    get offered() {
      return offeredIds();
    },
    announce,
    get serving() {
      return serving;
    },
    servingChanged,
    stats: () => ({ callsMade, callsServed, refused: { ...refused } }),
    close() {
      closed = true;
      for (const stop of stops) stop();
      for (const peer of [...sessions.keys()]) linkDown(peer, 'this node stopped');
    },
  };
}
