import type { Result } from '#core/base/result';
import type { FetchProgress, StoredFile } from '#core/engines/model-store';
import { paused } from './download';

type OnProgress = (progress: FetchProgress) => void;

export type Fly = (tell: OnProgress, signal: AbortSignal) => Promise<Result<StoredFile>>;

/** Downloads under way in this tab, by id: whoever wants one that is under way joins it. */
export interface Flights {
  /**
   * Joins the download with this id, or starts it with `fly`. It stops when everybody who joined has left by their
   * signal; the last one to leave is answered when it has stopped.
   */
  join(id: string, fly: Fly, onProgress: OnProgress, signal: AbortSignal): Promise<Result<StoredFile>>;
  stop(id: string): void;
  /** How far it is, once it has said so; null when there is none. */
  latest(id: string): FetchProgress | null;
}

interface Flight {
  readonly listeners: Set<OnProgress>;
  readonly controller: AbortController;
  readonly landed: Promise<Result<StoredFile>>;
  latest: FetchProgress | null;
}

export function createFlights(): Flights {
  const flightById = new Map<string, Flight>();

  function start(id: string, fly: Fly): Flight {
    const listeners = new Set<OnProgress>();
    const controller = new AbortController();
    const tell: OnProgress = (progress) => {
      flight.latest = progress;
      for (const listener of [...listeners]) listener(progress);
    };
    // `fly` begins one turn later, when whoever starts it listens already.
    const landed = Promise.resolve().then(() => fly(tell, controller.signal));
    const flight: Flight = { listeners, controller, landed, latest: null };
    flightById.set(id, flight);
    const forget = (): void => {
      if (flightById.get(id) === flight) flightById.delete(id);
    };
    landed.then(forget, forget);
    controller.signal.addEventListener('abort', forget);
    return flight;
  }

  return {
    join(id, fly, onProgress, signal) {
      if (signal.aborted) return Promise.resolve(paused());
      const flight = flightById.get(id) ?? start(id, fly);
      // A function of its own, so that one listener may join twice.
      const listener: OnProgress = (progress) => onProgress(progress);
      if (flight.latest !== null) listener(flight.latest);
      flight.listeners.add(listener);
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          flight.listeners.delete(listener);
          if (flight.listeners.size === 0) flight.controller.abort();
          else resolve(paused());
        };
        signal.addEventListener('abort', leave);
        void flight.landed.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
      });
    },
    stop: (id) => flightById.get(id)?.controller.abort(),
    latest: (id) => flightById.get(id)?.latest ?? null,
  };
}
