import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { fail, ok, unwrap } from '#core/base/result';
import { createFakeRerank } from '#tests/fakes/encoders';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { rerankInputSchema, rerankOutputSchema, type RerankInput, type RerankOutput } from './contract';
import { createRerankHandler } from './handler';
import { rerankKind } from './kind';

const input: RerankInput = {
  query: 'signed receipt',
  passages: ['A bird sings.', 'A receipt is signed by both.', 'A receipt proves a job.', 'A bird sings again.'],
};

function run(request: RerankInput, model = createFakeRerank()) {
  return createRerankHandler({ clock: createVirtualClock(), model: async () => ok(model) })(request, {
    caller: 'f'.repeat(64),
    local: false,
    callId: 'call-1',
    signal: new AbortController().signal,
    emit: () => {},
  });
}

describe('rerank.passages', () => {
  it('gives relevances in the order asked, and the places from the most relevant on', async () => {
    const output = unwrap(await run(input));
    expect(() => v.parse(rerankOutputSchema, output)).not.toThrow();
    expect(output).toEqual({
      model: { id: 'fake-rerank', hash: 'c'.repeat(64), engine: 'fake' },
      scoresMilli: [119, 982, 731, 119],
      order: [1, 2, 0, 3],
      truncated: [],
    });
  });

  it('orders finer than the scores, which round', async () => {
    const close = createFakeRerank({ bend: (_, at) => 0.0001 * (at + 1) });
    expect(unwrap(await run(input, close))).toMatchObject({ scoresMilli: [0, 0, 0, 0], order: [3, 2, 1, 0] });
  });

  it('says which passages were cut, and passes on what the model refuses', async () => {
    expect(unwrap(await run({ ...input, passages: ['word '.repeat(65), 'short'] })).truncated).toEqual([0]);
    expect(await run({ ...input, query: 'word '.repeat(64) })).toMatchObject({ error: { code: 'query_too_long' } });
    const handler = createRerankHandler({
      clock: createVirtualClock(),
      model: async () => fail('no_encoder', 'None.'),
    });
    const context = {
      caller: 'f'.repeat(64),
      local: true,
      callId: 'c',
      signal: new AbortController().signal,
      emit: () => {},
    };
    expect(await handler(input, context)).toMatchObject({ error: { code: 'no_encoder' } });
  });

  it('takes from one to 64 passages', () => {
    const accepts = (changed: object) => v.is(rerankInputSchema, { ...input, ...changed });
    expect(accepts({ passages: new Array(64).fill('x') })).toBe(true);
    for (const odd of [
      { passages: [] },
      { passages: new Array(65).fill('x') },
      { passages: [''] },
      { query: '' },
      { query: 'x'.repeat(1_001) },
    ])
      expect(accepts(odd)).toBe(false);
  });

  it('lets no order through that is none, or that its scores do not have', async () => {
    const output = unwrap(await run(input));
    const accepts = (changed: object) => v.is(rerankOutputSchema, { ...output, ...changed });
    expect(accepts({})).toBe(true);
    for (const odd of [
      { order: [2, 1, 0, 3] },
      { order: [1, 2, 0] },
      { order: [1, 2, 0, 0] },
      { order: [1, 2, 0, 4] },
      { scoresMilli: [119, 1_001, 731, 119] },
      { scoresMilli: [119, NaN, 731, 119] },
      { truncated: [2, 1] },
      { truncated: [64] },
    ])
      expect(accepts(odd), JSON.stringify(odd)).toBe(false);
  });
});

describe('the work kind of rerank.passages', () => {
  it('finds another model and missing scores', async () => {
    const output = unwrap(await run(input));
    const found = (changed: Partial<RerankOutput>, asked: Partial<RerankInput> = {}) =>
      rerankKind.contradiction!({ ...input, ...asked }, { ...output, ...changed }, [], '');
    expect(found({})).toBeNull();
    expect(found({}, { model: 'large-9' })).toBe('other_model');
    expect(found({}, { passages: ['one'] })).toBe('scores_missing');
  });

  it('counts a unit for sixteen passages begun, and shows the order counted from one', async () => {
    const output = unwrap(await run(input));
    const units = (passages: number) =>
      rerankKind.units(input, { ...output, scoresMilli: new Array<number>(passages).fill(1) });
    expect([1, 16, 17, 64].map(units)).toEqual([1, 1, 2, 4]);
    expect(rerankKind.text(output)).toBe('2, 3, 1, 4');
  });

  it('groups scores of one model that differ by rounding only', async () => {
    const { combining } = rerankKind;
    if (combining?.rule !== 'alike') throw new Error('not by likeness');
    const output = unwrap(await run(input));
    const from = async (options: Parameters<typeof createFakeRerank>[0]) =>
      unwrap(await run(input, createFakeRerank(options)));
    expect(combining.alike(output, await from({ bend: (score) => Math.min(1, score + 0.0015) }))).toBe(true);
    expect(combining.alike(output, await from({ bend: (score) => score / 2 }))).toBe(false);
    expect(combining.alike(output, await from({ identity: { hash: 'd'.repeat(64) } }))).toBe(false);
  });
});
