import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { fail, ok, unwrap } from '#core/base/result';
import { createTurnModel } from '#tests/fakes/turn-model';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { judgeOutputSchema, type JudgeInput, type JudgeOutput } from './contract';
import { createJudgeHandler } from './handler';
import { judgeKind } from './kind';

const input: JudgeInput = { question: 'What is a receipt?', first: 'A signed note.', second: 'A bird.' };
const context = {
  caller: 'f'.repeat(64),
  local: false,
  callId: 'call-1',
  signal: new AbortController().signal,
  emit: () => {},
};
const run = (request: JudgeInput, model: ReturnType<typeof createTurnModel>) =>
  createJudgeHandler({ clock: createVirtualClock(), model: async () => ok(model) })(request, context);

/** Prefers the answer that names a note, and whatever stands at A by `bias`. */
const judge = (bias: number) =>
  createTurnModel({
    logProbability: (conversation, answer) => {
      const noteIsA = conversation.indexOf('note') < conversation.indexOf('bird');
      return (answer === 'A' ? bias : 0) + (noteIsA === (answer === 'A') ? 1 : 0);
    },
  });

describe('text.judge', () => {
  it('prefers the text that is better in both orders', async () => {
    const output = unwrap(await run(input, judge(0)));
    expect(() => v.parse(judgeOutputSchema, output)).not.toThrow();
    expect(output).toMatchObject({
      preference: 'first',
      orders: [
        { better: 'A', scoresMilli: [1_000, 0] },
        { better: 'B', scoresMilli: [0, 1_000] },
      ],
    });
    expect(unwrap(await run({ ...input, first: input.second, second: input.first }, judge(0))).preference).toBe(
      'second',
    );
  });

  it('a judge that follows the place gives a tie', async () => {
    expect(unwrap(await run(input, judge(5))).preference).toBe('tie');
    expect(unwrap(await run(input, judge(-5))).preference).toBe('tie');
  });

  it('reads what the model writes where it cannot be scored', async () => {
    const writing = createTurnModel({
      showsTurns: false,
      says: (said) => (said.indexOf('note') < said.indexOf('bird') ? 'A' : 'B'),
    });
    expect(unwrap(await run(input, writing))).toMatchObject({
      preference: 'first',
      orders: [{ scoresMilli: null }, { scoresMilli: null }],
    });
    const mute = createTurnModel({ showsTurns: false, says: () => '?' });
    expect(await run(input, mute)).toMatchObject({ error: { code: 'no_label' } });
  });

  it('passes on why there is no model', async () => {
    const handler = createJudgeHandler({
      clock: createVirtualClock(),
      model: async () => fail('unknown_model', 'None.'),
    });
    expect(await handler(input, context)).toMatchObject({ error: { code: 'unknown_model' } });
  });
});

describe('the work kind of text.judge', () => {
  it('finds a preference that the two orders do not give, and another model', async () => {
    const output: JudgeOutput = unwrap(await run(input, judge(0)));
    expect(judgeKind.contradiction!(input, output, [], '')).toBeNull();
    expect(judgeKind.contradiction!(input, { ...output, preference: 'tie' }, [], '')).toBe('preference_mismatch');
    expect(judgeKind.contradiction!({ ...input, model: 'large-9' }, output, [], '')).toBe('other_model');
    const [, swapped] = output.orders;
    expect(
      judgeKind.contradiction!(input, { ...output, orders: [{ better: 'B', scoresMilli: [0, -1] }, swapped] }, [], ''),
    ).toBe('score_mismatch');
    expect(judgeKind.units(input, output)).toBe(1);
  });
});

describe('the combining of text.judge', () => {
  const { combining } = judgeKind;
  if (combining?.rule !== 'vote') throw new Error('not a vote');
  const scored = (
    preference: JudgeOutput['preference'],
    a: readonly [number, number],
    b: readonly [number, number],
  ) => {
    const orderOf = ([first, second]: readonly [number, number]): JudgeOutput['orders'][number] => ({
      better: first >= second ? 'A' : 'B',
      scoresMilli: [first, second],
    });
    return {
      model: { id: 'm', hash: 'a'.repeat(64), engine: 'e' },
      preference,
      orders: [orderOf(a), orderOf(b)],
    } as JudgeOutput;
  };

  it('is a vote, as sure of a text as both orders together', () => {
    const won = scored('first', [0, -2_000], [-2_000, 0]);
    const share = 1 / (1 + Math.exp(-2));
    expect(combining.choice(won)).toBe('first');
    expect(combining.confidence(won)).toBeCloseTo(share);
    expect(combining.confidence(scored('second', [-2_000, 0], [0, -2_000]))).toBeCloseTo(share);
    expect(combining.confidence(scored('first', [0, -2_000], [0, 0]))).toBeCloseTo((share + 0.5) / 2);
  });

  it('is the surer of a tie the more it follows the place alone', () => {
    expect(combining.confidence(scored('tie', [0, -2_000], [0, -2_000]))).toBeCloseTo(1);
    expect(combining.confidence(scored('tie', [0, -4_000], [0, -100]))).toBeLessThan(0.7);
  });

  it('is not sure of what was only read from a text', () => {
    const written = scored('first', [0, -2_000], [-2_000, 0]);
    expect(combining.confidence({ ...written, orders: [{ better: 'A', scoresMilli: null }, written.orders[1]] })).toBe(
      0,
    );
  });
});
