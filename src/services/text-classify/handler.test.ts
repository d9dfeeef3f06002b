import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { fail, ok, unwrap } from '#core/base/result';
import { createTurnModel } from '#tests/fakes/turn-model';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { classifyInputSchema, classifyOutputSchema, type ClassifyInput, type ClassifyOutput } from './contract';
import { createClassifyHandler } from './handler';
import { classifyKind } from './kind';

const input: ClassifyInput = {
  text: 'The parcel came late and broken.',
  labels: [{ label: 'praise' }, { label: 'complaint', hint: 'something went wrong' }, { label: 'question' }],
};
/** Prefers short answers by itself, and `complaint` for a broken parcel. */
const model = createTurnModel({
  logProbability: (conversation, answer) =>
    -answer.length + (answer === 'complaint' && conversation.includes('broken') ? 5 : 0),
});

function run(request: ClassifyInput, of = model, signal = new AbortController().signal) {
  const signs: unknown[] = [];
  const clock = createVirtualClock();
  const result = createClassifyHandler({ clock, model: async () => ok(of) })(request, {
    caller: 'f'.repeat(64),
    local: false,
    callId: 'call-1',
    signal,
    emit: (sign) => signs.push(sign),
  });
  return { clock, signs, result };
}

describe('text.classify', () => {
  it('gives the label that the text makes more likely, whatever the model prefers by itself', async () => {
    const output = unwrap(await run(input).result);
    expect(() => v.parse(classifyOutputSchema, output)).not.toThrow();
    expect(output).toEqual({
      model: { id: 'turns-1', hash: 'a'.repeat(64), engine: 'turns' },
      label: 'complaint',
      scoresMilli: [0, 5_000, 0],
    });
    expect(classifyKind.contradiction!(input, output, [], '')).toBeNull();
  });

  it('reads the label from what the model writes where it cannot be scored', async () => {
    const writing = createTurnModel({ showsTurns: false, says: () => 'Complaint.' });
    expect(unwrap(await run(input, writing).result)).toMatchObject({ label: 'complaint', scoresMilli: null });
  });

  it('puts labels, hints and text before the model, and asks for the label only', async () => {
    const writing = createTurnModel({ showsTurns: false, says: () => 'praise' });
    await run(input, writing).result;
    for (const part of ['- praise', '- complaint: something went wrong', input.text, 'label only'])
      expect(writing.prompts[0]).toContain(part);
  });

  it('gives a sign of work, and keeps no timer when it is done', async () => {
    const { clock, signs, result } = run(input);
    await result;
    expect(signs).toEqual([{}]);
    expect(clock.waiting).toBe(0);
  });

  it('passes on why there is no model, or no answer', async () => {
    const handler = createClassifyHandler({
      clock: createVirtualClock(),
      model: async () => fail('unknown_model', 'None.'),
    });
    const context = {
      caller: 'f'.repeat(64),
      local: true,
      callId: 'c',
      signal: new AbortController().signal,
      emit: () => {},
    };
    expect(await handler(input, context)).toMatchObject({ error: { code: 'unknown_model' } });
    expect(await run(input, model, AbortSignal.abort()).result).toMatchObject({ error: { code: 'cancelled' } });
  });

  it('takes from two to sixteen distinct labels of one line', () => {
    const accepts = (...labels: readonly string[]) =>
      v.is(classifyInputSchema, { ...input, labels: labels.map((label) => ({ label })) });
    expect(accepts('yes', 'no')).toBe(true);
    expect(accepts('ein Lob', 'C++', '是')).toBe(true);
    expect(accepts('only')).toBe(false);
    expect(accepts('same', 'Same')).toBe(false);
    for (const odd of ['', ' x', 'x ', 'a\nb', 'a\u2028b', 'a\u200bb', 'x'.repeat(41)])
      expect(accepts('yes', odd)).toBe(false);
    expect(accepts(...Array.from({ length: 17 }, (_, at) => `label ${at}`))).toBe(false);
  });
});

describe('the work kind of text.classify', () => {
  const output: ClassifyOutput = {
    model: { id: 'm', hash: 'a'.repeat(64), engine: 'e' },
    label: 'praise',
    scoresMilli: [0, -1, -2],
  };

  it('finds a label that was not asked for, another model, missing scores', () => {
    const found = (changed: Partial<ClassifyOutput>, asked: Partial<ClassifyInput> = {}) =>
      classifyKind.contradiction!({ ...input, ...asked }, { ...output, ...changed }, [], '');
    expect(found({})).toBeNull();
    expect(found({ label: 'other' })).toBe('unknown_label');
    expect(found({ scoresMilli: [0] })).toBe('scores_missing');
    expect(found({ scoresMilli: [0, 1, 0] })).toBe('score_mismatch');
    expect(found({}, { model: 'large-9' })).toBe('other_model');
  });

  it('counts one unit and shows the label', () => {
    expect(classifyKind.units(input, output)).toBe(1);
    expect(classifyKind.text(output)).toBe('praise');
  });
});

describe('the combining of text.classify', () => {
  it('is a vote for the label, as sure as it is likely among the labels', () => {
    const { combining } = classifyKind;
    if (combining?.rule !== 'vote') throw new Error('not a vote');
    const output: ClassifyOutput = {
      model: { id: 'm', hash: 'a'.repeat(64), engine: 'e' },
      label: 'praise',
      scoresMilli: [0, -1_000, -1_000],
    };
    expect(combining.choice(output)).toBe('praise');
    expect(combining.confidence(output)).toBeCloseTo(1 / (1 + 2 * Math.exp(-1)));
    expect(combining.confidence({ ...output, scoresMilli: [0, -1e12, -1e12] })).toBe(1);
    expect(combining.confidence({ ...output, scoresMilli: null })).toBe(0);
  });
});
