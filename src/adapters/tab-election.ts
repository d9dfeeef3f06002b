import { createEmitter, type EventSource } from '#core/base/events';
import { freshId } from '#core/base/chance';
import type { Chance, Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';

/** `waiting`: another tab of this profile runs the node. */
export type ElectionState = 'starting' | 'waiting' | 'elected' | 'stopped';

export interface TabElectionDeps {
  /** This tab runs the node from now on. */
  readonly onElected: () => void;
  /**
   * Stops the node; the lock is released when the promise settles, or after 1.5 s. `onElected` may follow before a slow
   * stop has ended: await it there.
   */
  readonly onLost: () => Promise<void>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly name?: string;
}

export interface TabElection {
  readonly state: ElectionState;
  readonly changed: EventSource<ElectionState>;
  /** Resolves when it is known whether this tab runs the node or waits. */
  start(): Promise<void>;
  /**
   * Asks the tab that runs the node to hand over and resolves when this one is elected: within about two seconds, also
   * when the other tab hangs. Fails with `election_stopped`.
   */
  takeOver(): Promise<Result<void>>;
  /** Leaves for good; another waiting tab is elected. Does not call `onLost`: whoever stops the tab stops the node. */
  stop(): Promise<void>;
}

/** A holder that did not answer by then is hung: its lock is taken. */
const ANSWER_MS = 2_000;
/** How long stopping the node may keep the next tab waiting. */
const MAX_STOP_MS = 1_500;
/** A tab that passed the lock on stands aside this long, so that the heir is in front of it. */
const PASS_ON_MS = 250;

type Message =
  | { readonly type: 'yield'; readonly to: string }
  | { readonly type: 'yielding'; readonly to: string }
  | { readonly type: 'elected'; readonly by: string };

/**
 * One profile is one running node. The browser's lock decides, so a tab that crashes gives way by itself; the channel
 * only asks for a hand-over. Every waiting tab stands in the lock's queue; one that wins it while another asked to take
 * over passes it on.
 */
export function createTabElection({
  onElected,
  onLost,
  clock,
  chance,
  name = 'tabmesh-node',
}: TabElectionDeps): TabElection {
  const self = freshId(chance, 'tab');
  const channel = new BroadcastChannel(name);
  const changed = createEmitter<ElectionState>();
  let state: ElectionState = 'starting';
  let release: (() => void) | null = null;
  let queued: AbortController | null = null;
  /** Who asked to take over, until someone is elected. */
  let heir: string | null = null;
  let answered = false;
  let passedOn = false;

  const enter = (next: ElectionState): void => {
    if (state === next || state === 'stopped') return;
    state = next;
    changed.emit(next);
  };
  const say = (message: Message): void => channel.postMessage(message);

  /** Runs while this tab holds the lock; the lock is free when it returns. */
  const hold = async (): Promise<void> => {
    queued = null;
    if (state === 'stopped') return;
    if (heir !== null && heir !== self) {
      passedOn = true;
      enter('waiting');
      return;
    }
    heir = null;
    const released = new Promise<void>((resolve) => (release = resolve));
    enter('elected');
    say({ type: 'elected', by: self });
    onElected();
    await released;
  };

  const stopNode = async (): Promise<void> => {
    enter('waiting');
    await new Promise<void>((resolve) => {
      const cancel = clock.after(MAX_STOP_MS, resolve);
      void onLost()
        .catch(() => {})
        .then(() => {
          cancel();
          resolve();
        });
    });
  };

  /** Stands in the queue until elected; afterwards stands again, unless the tab left. */
  const queue = async (options: { readonly steal?: boolean } = {}): Promise<void> => {
    const waiting = new AbortController();
    queued = waiting;
    try {
      await navigator.locks.request(name, options.steal === true ? { steal: true } : { signal: waiting.signal }, hold);
    } catch {
      // Aborted while waiting, or taken by another tab while held.
      if (release !== null) {
        release = null;
        await stopNode();
      }
      if (waiting.signal.aborted) return;
    }
    release = null;
    const requeue = (): void => {
      if (state !== 'stopped' && queued === null) void queue();
    };
    if (passedOn) clock.after(PASS_ON_MS, requeue);
    else requeue();
    passedOn = false;
  };

  const handOver = async (to: string): Promise<void> => {
    const letGo = release;
    if (letGo === null) return;
    release = null;
    say({ type: 'yielding', to });
    await stopNode();
    letGo();
  };

  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (state === 'stopped') return;
    if (data.type === 'yield') {
      heir = data.to;
      // Whoever asked and left again must not bar the others for ever.
      clock.after(ANSWER_MS * 2, () => {
        if (heir === data.to) heir = null;
      });
      void handOver(data.to);
    } else if (data.type === 'yielding') {
      if (data.to === self) answered = true;
    } else {
      heir = null;
    }
  };

  const untilKnown = (): Promise<void> =>
    new Promise((resolve) => {
      if (state !== 'starting') return resolve();
      const off = changed.on(() => {
        off();
        resolve();
      });
    });

  return {
    get state() {
      return state;
    },
    changed,
    async start() {
      void queue();
      const { held = [] } = await navigator.locks.query();
      if (state === 'starting' && held.some((lock) => lock.name === name)) enter('waiting');
      await untilKnown();
    },
    async takeOver() {
      if (state === 'elected') return ok(undefined);
      if (state === 'stopped') return fail('election_stopped', 'This tab has been closed down. Reload it.');
      heir = self;
      answered = false;
      const elected = new Promise<Result<void>>((resolve) => {
        const off = changed.on((next) => {
          if (next === 'waiting' || next === 'starting') return;
          off();
          cancel();
          resolve(
            next === 'elected' ? ok(undefined) : fail('election_stopped', 'This tab has been closed down. Reload it.'),
          );
        });
        const steal = (): void => {
          if (state !== 'waiting') return;
          queued?.abort();
          void queue({ steal: true });
        };
        let cancel = clock.after(ANSWER_MS, () => {
          if (!answered) steal();
          // It answered and then hung: it has had its time to stop.
          else cancel = clock.after(MAX_STOP_MS, steal);
        });
      });
      say({ type: 'yield', to: self });
      return elected;
    },
    async stop() {
      enter('stopped');
      queued?.abort();
      release?.();
      release = null;
      channel.close();
    },
  };
}
