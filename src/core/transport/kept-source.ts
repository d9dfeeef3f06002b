import type { EventSource } from '../base/events';

export interface KeptSource<T> extends EventSource<T> {
  emit(event: T): void;
  /** Drops what is kept and every listener. */
  clear(): void;
}

/**
 * An event source for one reader at a time that loses nothing while nobody listens: events are kept, in order, and the
 * next listener gets them before it is added. `onOverflow` runs instead of keeping event `maxKept + 1`, so that a peer
 * cannot fill memory by talking to nobody.
 */
export function createKeptSource<T>(maxKept: number, onOverflow: () => void): KeptSource<T> {
  const listeners = new Set<(event: T) => void>();
  let kept: T[] = [];
  let draining = false;
  const deliver = (event: T): void => {
    for (const listener of [...listeners]) {
      try {
        listener(event);
      } catch (error) {
        void Promise.reject(error);
      }
    }
  };
  const drain = (): void => {
    if (draining) return;
    draining = true;
    while (kept.length > 0 && listeners.size > 0) deliver(kept.shift()!);
    draining = false;
  };
  return {
    on(listener) {
      listeners.add(listener);
      drain();
      return () => void listeners.delete(listener);
    },
    emit(event) {
      if (kept.length >= maxKept) {
        onOverflow();
        return;
      }
      kept.push(event);
      drain();
    },
    clear() {
      kept = [];
      listeners.clear();
    },
  };
}

export interface OnceSource<T> extends EventSource<T> {
  /** The first call counts, every other one does nothing. */
  emit(event: T): void;
  readonly emitted: boolean;
}

/** An event that happens at most once. A listener that comes too late is told on the spot. */
export function createOnceSource<T>(): OnceSource<T> {
  const listeners = new Set<(event: T) => void>();
  let happened: { readonly event: T } | null = null;
  return {
    get emitted() {
      return happened !== null;
    },
    on(listener) {
      if (happened !== null) listener(happened.event);
      else listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    emit(event) {
      if (happened !== null) return;
      happened = { event };
      for (const listener of [...listeners]) {
        try {
          listener(event);
        } catch (error) {
          void Promise.reject(error);
        }
      }
      listeners.clear();
    },
  };
}
