import type { Answer, RouteUpdate } from '#core/experts/route';

export type AskWhere = 'mesh' | 'self';

/** What the route list shows: every update but the single tokens. */
export type RouteStep = Exclude<RouteUpdate, { type: 'token' }>;

/** One try at answering a question. A question asked again has several. */
export interface Attempt {
  readonly id: string;
  readonly where: AskWhere;
  /** `lost`: the page was closed while it ran. */
  readonly state: 'running' | 'done' | 'stopped' | 'failed' | 'lost';
  readonly askedAt: number;
  /** One piece of text per token shown. */
  readonly pieces: readonly string[];
  readonly steps: readonly RouteStep[];
  readonly firstTokenAt: number | null;
  readonly lastTokenAt: number | null;
  readonly answer: Answer | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
}

export interface Turn {
  readonly id: string;
  readonly question: string;
  readonly attempts: readonly Attempt[];
  /** Index of the attempt that is shown. */
  readonly shown: number;
}

export type Thread = readonly Turn[];

/** So that a conversation fits into the browser's small storage (5 MB for everything of this origin). */
export const MAX_KEPT_TURNS = 100;
export const MAX_KEPT_ATTEMPTS = 8;

export const textOf = (attempt: Attempt): string => attempt.answer?.text ?? attempt.pieces.join('');

/** Who answers or answered, latest last; empty before a node was chosen. */
export function expertsOf(attempt: Attempt): readonly string[] {
  if (attempt.answer) return attempt.answer.experts;
  const out: string[] = [];
  for (const step of attempt.steps) {
    const node = step.type === 'chosen' ? step.expert : step.type === 'replaced' ? step.to : null;
    if (node !== null && out[out.length - 1] !== node) out.push(node);
  }
  return out;
}

export const shownAttempt = (turn: Turn): Attempt =>
  turn.attempts[turn.shown] ?? turn.attempts[turn.attempts.length - 1]!;

/** The traces of all attempts that got as far as to have one. */
export const traceIdsOf = (thread: Thread): readonly string[] =>
  thread.flatMap(({ attempts }) =>
    attempts.flatMap(({ steps }) => steps.flatMap((step) => (step.type === 'admitted' ? [step.traceId] : []))),
  );

export const isRunning = (thread: Thread): boolean =>
  thread.some((turn) => turn.attempts.some((attempt) => attempt.state === 'running'));

export const newAttempt = (id: string, where: AskWhere, askedAt: number): Attempt => ({
  id,
  where,
  state: 'running',
  askedAt,
  pieces: [],
  steps: [],
  firstTokenAt: null,
  lastTokenAt: null,
  answer: null,
  failure: null,
});

/** The highest number used in ids, so that new ones never repeat: `q3` and `q3.2`. */
const nextTurnNumber = (thread: Thread): number =>
  thread.reduce((highest, turn) => Math.max(highest, Number.parseInt(turn.id.slice(1), 10) || 0), 0) + 1;

export function askedNew(
  thread: Thread,
  question: string,
  where: AskWhere,
  askedAt: number,
): { thread: Thread; attemptId: string } {
  const id = `q${nextTurnNumber(thread)}`;
  const attemptId = `${id}.1`;
  const turn: Turn = { id, question, attempts: [newAttempt(attemptId, where, askedAt)], shown: 0 };
  return { thread: [...thread, turn].slice(-MAX_KEPT_TURNS), attemptId };
}

/** The same question once more, as a branch beside the earlier answers. The oldest branch goes when there are too many. */
export function askedAgain(
  thread: Thread,
  turnId: string,
  where: AskWhere,
  askedAt: number,
): { thread: Thread; attemptId: string } | null {
  const turn = thread.find((entry) => entry.id === turnId);
  if (turn === undefined) return null;
  const last = turn.attempts[turn.attempts.length - 1]!;
  const attemptId = `${turnId}.${Number.parseInt(last.id.slice(turnId.length + 1), 10) + 1}`;
  const attempts = [...turn.attempts, newAttempt(attemptId, where, askedAt)].slice(-MAX_KEPT_ATTEMPTS);
  return { thread: replaceTurn(thread, { ...turn, attempts, shown: attempts.length - 1 }), attemptId };
}

export function showBranch(thread: Thread, turnId: string, index: number): Thread {
  const turn = thread.find((entry) => entry.id === turnId);
  if (turn === undefined || turn.attempts[index] === undefined) return thread;
  return replaceTurn(thread, { ...turn, shown: index });
}

const replaceTurn = (thread: Thread, turn: Turn): Thread =>
  thread.map((entry) => (entry.id === turn.id ? turn : entry));

function changeAttempt(thread: Thread, attemptId: string, change: (attempt: Attempt) => Attempt): Thread {
  return thread.map((turn) =>
    turn.attempts.some((attempt) => attempt.id === attemptId)
      ? { ...turn, attempts: turn.attempts.map((attempt) => (attempt.id === attemptId ? change(attempt) : attempt)) }
      : turn,
  );
}

/** `replaced.atToken` is how many tokens are kept: 0 means that the answer starts again. */
export function grownBy(attempt: Attempt, update: RouteUpdate): Attempt {
  if (update.type === 'token') {
    return {
      ...attempt,
      pieces: [...attempt.pieces, update.text],
      firstTokenAt: attempt.firstTokenAt ?? update.at,
      lastTokenAt: update.at,
    };
  }
  const pieces = update.type === 'replaced' ? attempt.pieces.slice(0, update.atToken) : attempt.pieces;
  return { ...attempt, pieces, steps: [...attempt.steps, update] };
}

export const withUpdate = (thread: Thread, attemptId: string, update: RouteUpdate): Thread =>
  changeAttempt(thread, attemptId, (attempt) => (attempt.state === 'running' ? grownBy(attempt, update) : attempt));

export const withAnswer = (thread: Thread, attemptId: string, answer: Answer): Thread =>
  changeAttempt(thread, attemptId, (attempt) => ({ ...attempt, state: 'done', answer }));

export const withFailure = (
  thread: Thread,
  attemptId: string,
  failure: { readonly code: string; readonly message: string },
  stopped: boolean,
): Thread =>
  changeAttempt(thread, attemptId, (attempt) => ({
    ...attempt,
    state: stopped ? 'stopped' : 'failed',
    failure: stopped ? null : failure,
  }));

/** Single pieces are not needed once an answer stands; the text is. */
const settled = (attempt: Attempt): Attempt => ({
  ...attempt,
  pieces: attempt.answer ? [] : [attempt.pieces.join('')],
});

export const toStored = (thread: Thread): string =>
  JSON.stringify({
    v: 1,
    turns: thread.map((turn) => ({
      ...turn,
      attempts: turn.attempts.map((attempt) => (attempt.state === 'running' ? attempt : settled(attempt))),
    })),
  });

/** What was kept of a conversation; an attempt that still ran is `lost`. Anything unreadable is an empty thread. */
export function fromStored(text: string | null): Thread {
  if (text === null) return [];
  try {
    const kept = JSON.parse(text) as { v?: unknown; turns?: unknown };
    if (kept.v !== 1 || !Array.isArray(kept.turns)) return [];
    return (kept.turns as Turn[])
      .filter((turn) => typeof turn.id === 'string' && typeof turn.question === 'string' && turn.attempts?.length > 0)
      .map((turn) => ({
        ...turn,
        attempts: turn.attempts.map((attempt) =>
          attempt.state === 'running' ? { ...attempt, state: 'lost' as const } : attempt,
        ),
      }));
  } catch {
    return [];
  }
}
