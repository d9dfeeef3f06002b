import { describe, expect, it } from 'vitest';
import type { Answer, RouteUpdate } from '#core/experts/route';
import {
  askedAgain,
  askedNew,
  expertsOf,
  fromStored,
  isRunning,
  MAX_KEPT_ATTEMPTS,
  MAX_KEPT_TURNS,
  showBranch,
  shownAttempt,
  textOf,
  toStored,
  withAnswer,
  withFailure,
  withUpdate,
  type Thread,
} from './conversation';

const FIRST = 'a1'.repeat(32);
const SECOND = 'b2'.repeat(32);

const answer = (text: string): Answer => ({
  text,
  model: 'spark-1',
  experts: [FIRST],
  validators: [SECOND],
  verdict: 'accepted',
  check: 'rescore',
  receiptId: 'r',
  receiptIds: ['r'],
  answers: 1,
  agreeing: 1,
  audit: null,
  atMostMicros: 0,
  traceId: 't',
  usage: { promptTokens: 5, completionTokens: 2, firstTokenMs: 100, totalMs: 500, tokensPerSecond: 5 },
});

const token = (text: string, at = 0): RouteUpdate => ({ type: 'token', expert: FIRST, ids: [1], text, at });

function running(...updates: RouteUpdate[]): { thread: Thread; attemptId: string } {
  const started = askedNew([], 'What is a node?', 'mesh', 1);
  return {
    thread: updates.reduce((thread, update) => withUpdate(thread, started.attemptId, update), started.thread),
    attemptId: started.attemptId,
  };
}

describe('a conversation', () => {
  it('shows the tokens of a running answer joined', () => {
    const { thread } = running(token('A '), token('node.'));
    expect(textOf(shownAttempt(thread[0]!))).toBe('A node.');
    expect(isRunning(thread)).toBe(true);
  });

  it('keeps the tokens before a replacement and continues after them', () => {
    const replaced: RouteUpdate = {
      type: 'replaced',
      from: FIRST,
      to: SECOND,
      atToken: 2,
      reason: 'It fell silent.',
      at: 9,
    };
    const { thread } = running(token('A '), token('node '), replaced, token('is'));
    expect(textOf(shownAttempt(thread[0]!))).toBe('A node is');
  });

  it('starts the text again when a replacement keeps no token', () => {
    const replaced: RouteUpdate = {
      type: 'replaced',
      from: FIRST,
      to: SECOND,
      atToken: 0,
      reason: 'Another model.',
      at: 9,
    };
    const { thread } = running(token('A '), replaced, token('Nodes'));
    expect(textOf(shownAttempt(thread[0]!))).toBe('Nodes');
  });

  it('names those who were chosen in turn until the answer names them itself', () => {
    const chosen: RouteUpdate = { type: 'chosen', expert: FIRST, reasons: [], at: 1 };
    const replaced: RouteUpdate = { type: 'replaced', from: FIRST, to: SECOND, atToken: 0, reason: 'Gone.', at: 2 };
    const { thread, attemptId } = running(chosen, replaced);
    expect(expertsOf(shownAttempt(thread[0]!))).toEqual([FIRST, SECOND]);
    expect(expertsOf(shownAttempt(withAnswer(thread, attemptId, answer('x'))[0]!))).toEqual([FIRST]);
  });

  it('takes the text of the finished answer over what was streamed', () => {
    const { thread, attemptId } = running(token('A nod'));
    expect(textOf(shownAttempt(withAnswer(thread, attemptId, answer('A node.'))[0]!))).toBe('A node.');
  });

  it('ignores what still arrives after the person stopped', () => {
    const { thread, attemptId } = running(token('A '));
    const stopped = withFailure(thread, attemptId, { code: 'cancelled', message: 'Stopped.' }, true);
    const attempt = shownAttempt(withUpdate(stopped, attemptId, token('late'))[0]!);
    expect(attempt).toMatchObject({ state: 'stopped', failure: null, pieces: ['A '] });
  });

  it('keeps the sentence of a failure', () => {
    const { thread, attemptId } = running();
    const failure = { code: 'nobody_offers', message: 'Nobody here answers questions.' };
    expect(shownAttempt(withFailure(thread, attemptId, failure, false)[0]!)).toMatchObject({
      state: 'failed',
      failure,
    });
  });

  it('asks again as a branch that is shown, and lets the person go back', () => {
    const { thread, attemptId } = running(token('one'));
    const done = withAnswer(thread, attemptId, answer('one'));
    const again = askedAgain(done, 'q1', 'self', 2)!;
    expect(shownAttempt(again.thread[0]!)).toMatchObject({ id: 'q1.2', where: 'self', state: 'running' });
    expect(textOf(shownAttempt(showBranch(again.thread, 'q1', 0)[0]!))).toBe('one');
    expect(showBranch(again.thread, 'q1', 7)).toBe(again.thread);
    expect(askedAgain(done, 'q9', 'self', 2)).toBeNull();
  });

  it('never gives two branches the same id, even after the oldest were dropped', () => {
    let thread = running().thread;
    const ids = new Set<string>(['q1.1']);
    for (let round = 0; round < MAX_KEPT_ATTEMPTS + 3; round++) {
      const again = askedAgain(thread, 'q1', 'mesh', round)!;
      expect(ids.has(again.attemptId)).toBe(false);
      ids.add(again.attemptId);
      thread = again.thread;
    }
    expect(thread[0]!.attempts).toHaveLength(MAX_KEPT_ATTEMPTS);
    expect(shownAttempt(thread[0]!).id).toBe([...ids].at(-1));
  });

  it('drops the oldest questions when there are too many', () => {
    let thread: Thread = [];
    for (let round = 0; round < MAX_KEPT_TURNS + 5; round++)
      thread = askedNew(thread, `${round}`, 'mesh', round).thread;
    expect(thread).toHaveLength(MAX_KEPT_TURNS);
    expect(thread.at(-1)!.id).toBe(`q${MAX_KEPT_TURNS + 5}`);
  });

  it('comes back whole after a reload', () => {
    const { thread, attemptId } = running(token('A '), token('node.'));
    const done = withAnswer(thread, attemptId, answer('A node.'));
    const back = fromStored(toStored(done));
    expect(textOf(shownAttempt(back[0]!))).toBe('A node.');
    expect(shownAttempt(back[0]!).answer?.verdict).toBe('accepted');
  });

  it('says after a reload that an answer was cut off, and keeps what was shown of it', () => {
    const back = fromStored(toStored(running(token('A '), token('no')).thread));
    expect(shownAttempt(back[0]!).state).toBe('lost');
    expect(textOf(shownAttempt(back[0]!))).toBe('A no');
  });

  it('starts empty when what was kept cannot be read', () => {
    for (const text of [
      null,
      '',
      '{',
      '[]',
      '{"v":2,"turns":[]}',
      '{"v":1,"turns":[{"id":"q1"}]}',
      '{"v":1,"turns":[null]}',
    ]) {
      expect(fromStored(text)).toEqual([]);
    }
  });
});
