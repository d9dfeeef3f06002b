import { describe, expect, it } from 'vitest';
import { CHECK_PATIENCE_TOKENS, createTurns, MAX_WAITING_CHECKS, type Turn } from './turns';

/** Takes a turn for each of `wanted` at once; says who got it, in order. */
function queue(turns: ReturnType<typeof createTurns>, wanted: readonly (readonly [string, Turn])[]) {
  const got: string[] = [];
  for (const [name, turn] of wanted) void turns.take(turn).then((granted) => got.push(granted ? name : `${name} not`));
  return got;
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('go to one at a time, to answers first', async () => {
    const turns = createTurns();
    const got = queue(turns, [
      ['check 1', 'check'],
      ['check 2', 'check'],
      ['answer', 'answer'],
    ]);
    await settled();
    expect(got).toEqual(['check 1']);
    turns.leave();
    await settled();
    expect(got).toEqual(['check 1', 'answer']);
    turns.leave();
    turns.leave();
    await settled();
    expect(got).toEqual(['check 1', 'answer', 'check 2']);
    turns.leave();
    expect(await turns.take('check')).toBe(true);
  });

  it('are wanted from an answer by anyone, from a check by an answer', async () => {
    const turns = createTurns();
    await turns.take('answer');
    expect(turns.wantedFrom('answer')).toBe(false);
    queue(turns, [['check', 'check']]);
    expect(turns.wantedFrom('answer')).toBe(true);
    expect(turns.wantedFrom('check')).toBe(false);
    queue(turns, [['answer', 'answer']]);
    expect(turns.wantedFrom('check')).toBe(true);
  });

  it('are refused to more checks than may wait, and to one that waited long enough', async () => {
    const turns = createTurns();
    await turns.take('answer');
    const checks = Array.from({ length: MAX_WAITING_CHECKS + 1 }, (_, n) => [`${n}`, 'check'] as const);
    const got = queue(turns, checks);
    const patient = turns.take('check', { patient: true });
    await settled();
    expect(got).toEqual([`${MAX_WAITING_CHECKS} not`]);
    for (let token = 0; token < CHECK_PATIENCE_TOKENS; token++) turns.tick();
    await settled();
    expect(got).toEqual([`${MAX_WAITING_CHECKS} not`, '0 not', '1 not', '2 not', '3 not']);
    turns.leave();
    expect(await patient).toBe(true);
  });

  it('are not waited for after the signal', async () => {
    const turns = createTurns();
    await turns.take('check');
    const controller = new AbortController();
    const waiting = turns.take('answer', { signal: controller.signal });
    controller.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    expect(turns.wantedFrom('check')).toBe(false);
    await expect(turns.take('answer', { signal: controller.signal })).rejects.toBe('enough');
  });
});
