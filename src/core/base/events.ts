/** A typed event source. Listeners run in the order in which they were added; one that throws does not stop the others. */
export interface EventSource<T> {
  /** Returns a function that stops listening. */
  on(listener: (event: T) => void): () => void;
}

export interface Emitter<T> extends EventSource<T> {
  emit(event: T): void;
}

export function createEmitter<T>(onListenerError: (error: unknown) => void = rethrowLater): Emitter<T> {
  const listeners = new Set<(event: T) => void>();
  return {
    on(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    emit(event) {
      for (const listener of [...listeners]) {
        try {
          listener(event);
        } catch (error) {
          onListenerError(error);
        }
      }
    },
  };
}

/** A listener's error is a bug of ours: it surfaces as an unhandled rejection instead of breaking the emitter. */
function rethrowLater(error: unknown): void {
  void Promise.reject(error);
}
