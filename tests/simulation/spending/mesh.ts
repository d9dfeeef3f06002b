import { createEmitter } from '#core/base/events';
import type { NodeId } from '#core/base/ids';
import type { Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import type { Capability, Handler, ServiceDefinition } from '#core/bus/capability';
import type { Link, LinkEvent, Links } from '#core/transport/ports';

type AnyHandler = Handler<unknown, unknown, unknown>;

/** One node as the mesh carries it. */
export interface Port {
  readonly bus: Bus;
  readonly links: Links;
  /** Answers for this node where it keeps to nothing. */
  serve(capability: string, handler: AnyHandler): void;
  /** Resolves when the code of every registered service is there. */
  preload(): Promise<void>;
}

export interface Mesh {
  join(node: NodeId, delayMs: number): Port;
  /** Before anything is cut. */
  link(a: NodeId, b: NodeId): void;
  reaches(a: NodeId, b: NodeId): boolean;
  /** Everybody named hears only those of the same part; who is not named hears everybody. */
  cut(parts: ReadonlyMap<NodeId, number>): void;
  heal(): void;
  /** How long a message takes one way. */
  delayMs(a: NodeId, b: NodeId): number;
}

interface Joined {
  readonly delayMs: number;
  readonly services: Map<string, Promise<AnyHandler>>;
  readonly peers: Map<NodeId, Link>;
  readonly events: ReturnType<typeof createEmitter<LinkEvent>>;
}

/**
 * Messages between nodes of one process on a virtual clock: each way takes what both ends add, what crosses a cut is lost, and whoever
 * waits for it goes on when its call's time is up. Logs are exchanged over the links of a random graph, as tabs hold a few dozen; calls
 * to a node that is named (a witness, a payee) find it without a link.
 */
export function createMesh(clock: Clock): Mesh {
  const nodes = new Map<NodeId, Joined>();
  const pairs: (readonly [NodeId, NodeId])[] = [];
  let parts: ReadonlyMap<NodeId, number> = new Map();

  const reaches = (a: NodeId, b: NodeId): boolean => {
    const [x, y] = [parts.get(a), parts.get(b)];
    return x === undefined || y === undefined || x === y;
  };
  const delayMs = (a: NodeId, b: NodeId): number => nodes.get(a)!.delayMs + nodes.get(b)!.delayMs;

  function linkTo(peer: NodeId): Link {
    const silent = createEmitter<never>();
    return {
      peer,
      state: 'live' as Link['state'],
      rttMs: null,
      admission: { trust: 'member' },
      send: async () => fail('link_closed', 'Calls go by the bus.'),
      messages: silent,
      stateChanged: silent,
      close: () => undefined,
      violate: () => undefined,
    };
  }

  function setLink(from: NodeId, to: NodeId, isUp: boolean): void {
    const { peers, events } = nodes.get(from)!;
    const standing = peers.get(to);
    if (isUp === (standing !== undefined)) return;
    const link = standing ?? linkTo(to);
    if (isUp) peers.set(to, link);
    else peers.delete(to);
    events.emit(isUp ? { type: 'up', link } : { type: 'down', link, reason: 'cut' });
  }

  function setLinks(): void {
    for (const [a, b] of pairs) {
      setLink(a, b, reaches(a, b));
      setLink(b, a, reaches(a, b));
    }
  }

  function join(self: NodeId, ownDelayMs: number): Port {
    const joined: Joined = { delayMs: ownDelayMs, services: new Map(), peers: new Map(), events: createEmitter() };
    nodes.set(self, joined);

    function call<Input, Output>(
      { id, timeoutMs }: Capability<Input, Output, never>,
      input: Input,
      provider: NodeId,
    ): Promise<Result<Output>> {
      const gone = () => fail('no_answer', 'That node is not reachable now.');
      const service = nodes.get(provider)?.services.get(id);
      if (service === undefined || !reaches(self, provider)) return Promise.resolve(gone());
      const answer = async () =>
        (await service)(input, {
          caller: self,
          local: provider === self,
          callId: 'call',
          signal: NEVER,
          emit: () => undefined,
        }) as Promise<Result<Output>>;
      if (provider === self) return answer();
      return new Promise((resolve) => {
        const stop = clock.after(timeoutMs, () => resolve(gone()));
        clock.after(delayMs(self, provider), () => {
          if (!reaches(self, provider)) return;
          void answer().then((result) =>
            clock.after(delayMs(provider, self), () => {
              if (!reaches(self, provider)) return;
              stop();
              resolve(result);
            }),
          );
        });
      });
    }

    const bus: Pick<Bus, 'call' | 'register'> = {
      call: (capability, input, options) => call(capability as never, input, options?.provider ?? self) as never,
      register(definition) {
        const { capability, load } = definition as unknown as ServiceDefinition;
        joined.services.set(capability.id, load() as Promise<AnyHandler>);
        return ok(undefined);
      },
    };
    const links: Pick<Links, 'all' | 'to' | 'events' | 'reach' | 'want'> = {
      get all() {
        return [...joined.peers.values()];
      },
      to: (peer) => joined.peers.get(peer) ?? null,
      want: () => {},
      // Whoever is wanted is dialled: only a cut keeps two apart.
      reach: async (peer) => peer === self || reaches(self, peer),
      events: joined.events,
    };
    return {
      bus: bus as Bus,
      links: links as Links,
      serve: (capability, handler) => void joined.services.set(capability, Promise.resolve(handler)),
      preload: async () => void (await Promise.all(joined.services.values())),
    };
  }

  return {
    join,
    reaches,
    delayMs,
    link(a, b) {
      pairs.push([a, b]);
      setLinks();
    },
    cut(given) {
      parts = given;
      setLinks();
    },
    heal() {
      parts = new Map();
      setLinks();
    },
  };
}

const NEVER = new AbortController().signal;
