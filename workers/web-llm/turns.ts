/** More checks than this do not wait: they would outlast the patience of those who asked. */
export const MAX_WAITING_CHECKS = 4;
/** How many tokens of an answer that cannot be interrupted a check waits for. */
export const CHECK_PATIENCE_TOKENS = 64;

export type Turn = 'answer' | 'check';

/** Who may use the one key-value cache of the engine now. Answers go before checks, each kind in order. */
export interface Turns {
  /** Whether someone waits to whom the holder of such a turn gives way: a check to an answer, an answer to anyone. */
  wantedFrom(turn: Turn): boolean;
  /** False for a check that would wait too long; a patient one waits for ever. Throws the signal's reason when it aborts. */
  take(turn: Turn, options?: { readonly signal?: AbortSignal; readonly patient?: boolean }): Promise<boolean>;
  /** One more token of a holder that gives way to nobody. */
  tick(): void;
  leave(): void;
}

interface Waiting {
  patience: number;
  settle(granted: boolean): void;
}

export function createTurns(): Turns {
  let held = false;
  const waiting: Record<Turn, Waiting[]> = { answer: [], check: [] };
  const drop = (turn: Turn, one: Waiting): void => {
    waiting[turn] = waiting[turn].filter((other) => other !== one);
  };
  return {
    wantedFrom: (turn) => waiting.answer.length > 0 || (turn === 'answer' && waiting.check.length > 0),
    take(turn, { signal, patient = false } = {}) {
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
      if (!held) {
        held = true;
        return Promise.resolve(true);
      }
      const limited = turn === 'check' && !patient;
      if (limited && waiting.check.length >= MAX_WAITING_CHECKS) return Promise.resolve(false);
      return new Promise((resolve, reject) => {
        const give = (): void => {
          drop(turn, one);
          reject(signal!.reason as Error);
        };
        const one: Waiting = {
          patience: limited ? CHECK_PATIENCE_TOKENS : Infinity,
          settle(granted) {
            signal?.removeEventListener('abort', give);
            resolve(granted);
          },
        };
        signal?.addEventListener('abort', give);
        waiting[turn].push(one);
      });
    },
    tick() {
      for (const one of waiting.check) one.patience -= 1;
      const spent = waiting.check.filter(({ patience }) => patience <= 0);
      for (const one of spent) {
        drop('check', one);
        one.settle(false);
      }
    },
    leave() {
      const next = waiting.answer.shift() ?? waiting.check.shift();
      if (next === undefined) held = false;
      else next.settle(true);
    },
  };
}
