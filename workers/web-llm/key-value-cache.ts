import type { Sequence } from '../transformers/generation';
import type { Engine } from './engine';
import { likeliest, type TokenProcessor } from './token-processor';
import type { Turn, Turns } from './turns';

/** Ids that go in at once: few enough that a person who stops a long question does not wait for all of it. */
export const PASS_TOKENS = 256;
/** After giving way an answer gets at least so many tokens on: it has to be fed again each time. */
export const ANSWER_TURN_TOKENS = 8;
/** How long a check computes while an answer waits: far below the time after which an answer without a token is given up. */
export const CHECK_TURN_MS = 8_000;

export interface KeyValueCacheOptions {
  readonly engine: Pick<Engine, 'resetChat' | 'forwardTokensAndSample'>;
  readonly modelId: string;
  readonly processor: TokenProcessor;
  readonly turns: Turns;
  readonly nowMs: () => number;
}

export interface KeyValueCache {
  /** Its calls throw the signal's reason when it aborts while others compute. */
  openAnswer(signal: AbortSignal): Sequence;
  /** For `scoreTokens` with one id per pass; null when others would keep it waiting too long. */
  openCheck(): Promise<Sequence | null>;
  /** Somebody else writes into the cache: whoever had ids in it feeds them again. */
  forget(): void;
}

const NOT_ASKED_FOR = new Float32Array(0);

/**
 * The engine's one cache, shared by an answer and the checks that come while it runs. Token ids go in by
 * `forwardTokensAndSample`, as they are: no template, text or sampler of web-llm comes between.
 *
 * One id alone is computed by the decode kernel, several at once by the prefill kernel, whose last bits differ, and only
 * the last of them has logits. So a check puts the prompt in as the answer did and then each claimed id alone: the same
 * kernels over the same ids, one decode per token. Who was interrupted, or continues an answer from somewhere else, puts
 * all ids in at once; the last bits of what follows may then differ, as they do between devices.
 */
export function createKeyValueCache(options: KeyValueCacheOptions): KeyValueCache {
  const { engine, modelId, processor, turns, nowMs } = options;
  /** Whose ids are in the cache. */
  let owner: object | null = null;

  async function forward(ids: readonly number[]): Promise<Float32Array> {
    let logits: Float32Array | null = null;
    processor.chooseBy((computed) => {
      logits = computed;
      return likeliest(computed);
    });
    await engine.forwardTokensAndSample([...ids], ids.length > 1, modelId);
    if (logits === null) throw new Error('The runtime shows no logits.');
    return logits;
  }

  function open(turn: Turn, holdsTurn: boolean, signal?: AbortSignal): Sequence {
    const self = {};
    const fed: number[] = [];
    let holding = holdsTurn;
    let owedTokens = 0;
    let turnTokens = 0;
    let turnSinceMs = nowMs();

    const mayGiveWay = (): boolean =>
      turn === 'answer' ? turnTokens >= owedTokens : nowMs() - turnSinceMs >= CHECK_TURN_MS;

    async function enter(): Promise<void> {
      if (holding && turns.wantedFrom(turn) && mayGiveWay()) {
        holding = false;
        turns.leave();
        owedTokens = ANSWER_TURN_TOKENS;
      }
      if (holding) return;
      await turns.take(turn, { patient: true, ...(signal === undefined ? {} : { signal }) });
      holding = true;
      turnTokens = 0;
      turnSinceMs = nowMs();
    }

    async function feed(ids: readonly number[]): Promise<Float32Array> {
      await enter();
      const mine = owner === self;
      const unfed = mine ? ids : [...fed, ...ids];
      // Nobody's, until all of them are in.
      owner = null;
      if (!mine) await engine.resetChat(false, modelId);
      let logits: Float32Array = NOT_ASKED_FOR;
      for (let from = 0; from < unfed.length; from += PASS_TOKENS) {
        signal?.throwIfAborted();
        logits = await forward(unfed.slice(from, from + PASS_TOKENS));
      }
      owner = self;
      fed.push(...ids);
      turnTokens += 1;
      return logits;
    }

    return {
      feed,
      async feedAll(ids) {
        const rows: Float32Array[] = [];
        for (const id of ids) rows.push(await feed([id]));
        return { logitsAfter: (index) => rows[index]! };
      },
      close() {
        if (holding) turns.leave();
        holding = false;
      },
    };
  }

  return {
    openAnswer: (signal) => open('answer', false, signal),
    async openCheck() {
      if (!(await turns.take('check'))) return null;
      const { feed, close } = open('check', true);
      // Scoring feeds the prompt without a look at its logits, up to its last id: all of it goes in with that one.
      let held: readonly number[] = [];
      return {
        async feed(ids) {
          held = [...held, ...ids];
          return NOT_ASKED_FOR;
        },
        async feedAll(ids) {
          const rows: Float32Array[] = [];
          for (const id of ids) {
            rows.push(await feed([...held, id]));
            held = [];
          }
          return { logitsAfter: (index) => rows[index]! };
        },
        close,
      };
    },
    forget() {
      owner = null;
    },
  };
}
