import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { fail, ok, unwrap } from '#core/base/result';
import { createTurnModel } from '#tests/fakes/turn-model';
import { summarizeChunkSchema, summarizeOutputSchema, type SummarizeChunk, type SummarizeInput } from './contract';
import { createSummarizeHandler } from './handler';
import { summarizeKind } from './kind';

const text =
  'A receipt is a signed note that one job was done: who asked, who answered, who checked it, and what it counts.';
const input: SummarizeInput = { text, maxWords: 8, maxTokens: 200 };
const says = (answer: string) => createTurnModel({ says: () => answer });

async function run(
  request: SummarizeInput,
  model: ReturnType<typeof createTurnModel>,
  signal = new AbortController().signal,
) {
  const chunks: SummarizeChunk[] = [];
  const result = await createSummarizeHandler({ model: async () => ok(model) })(request, {
    caller: 'f'.repeat(64),
    local: false,
    callId: 'call-1',
    signal,
    emit: (chunk) => chunks.push(chunk),
  });
  return { chunks, result };
}

describe('text.summarize', () => {
  it('streams one token per chunk, the first one naming the model, and returns what it streamed', async () => {
    const { chunks, result } = await run(input, says('A receipt proves one job.'));
    const output = unwrap(result);
    expect(() => v.parse(summarizeOutputSchema, output)).not.toThrow();
    for (const chunk of chunks) expect(() => v.parse(summarizeChunkSchema, chunk)).not.toThrow();
    expect(output).toMatchObject({ text: 'A receipt proves one job.', finish: 'stop' });
    expect(chunks.flatMap(({ ids }) => ids)).toEqual(output.ids);
    expect(chunks.map(({ begin }) => begin)).toEqual([
      { model: output.model },
      ...chunks.slice(1).map(() => undefined),
    ]);
  });

  it('delivers nothing that is no summary', async () => {
    for (const answer of ['', 'word '.repeat(13), `${text} And more.`])
      expect((await run(input, says(answer))).result).toMatchObject({ error: { code: 'not_a_summary' } });
  });

  it('ends in a failure when it was stopped, or has no model', async () => {
    expect((await run(input, says('x'), AbortSignal.abort())).result).toMatchObject({ error: { code: 'cancelled' } });
    const handler = createSummarizeHandler({ model: async () => fail('unknown_model', 'None.') });
    const context = {
      caller: 'f'.repeat(64),
      local: true,
      callId: 'c',
      signal: new AbortController().signal,
      emit: () => {},
    };
    expect(await handler(input, context)).toMatchObject({ error: { code: 'unknown_model' } });
  });
});

describe('the work kind of text.summarize', () => {
  it('finds what differs from what was streamed or asked, and a text that is no summary', async () => {
    const output = unwrap((await run(input, says('A receipt proves one job.'))).result);
    const found = (changed: Partial<typeof output>, asked: Partial<SummarizeInput> = {}, streamed = output) =>
      summarizeKind.contradiction!({ ...input, ...asked }, { ...output, ...changed }, streamed.ids, streamed.text);
    expect(found({})).toBeNull();
    expect(found({ ids: output.ids.slice(1) })).toBe('streamed_ids_differ');
    expect(found({ text: 'Another.' })).toBe('streamed_text_differs');
    expect(found({}, { maxTokens: 3 })).toBe('too_many_tokens');
    expect(found({}, { model: 'large-9' })).toBe('other_model');
    expect(found({}, { text: 'Short.' })).toBe('longer_than_source');
    const long = { ...output, text: 'word '.repeat(13) };
    expect(found(long, {}, long)).toBe('too_many_words');
  });

  it('counts one unit for the answer and one per 50 tokens begun, five at most', async () => {
    const output = unwrap((await run(input, says('A receipt proves one job.'))).result);
    const units = (tokens: number) => summarizeKind.units(input, { ...output, ids: new Array<number>(tokens).fill(1) });
    expect([1, 50, 51, 200, 1_000].map(units)).toEqual([2, 2, 3, 5, 5]);
  });

  it('says where a run begins', () => {
    const model = { id: 'm', hash: 'a'.repeat(64), engine: 'e' };
    expect(summarizeKind.progress({ ids: [1], text: 'a', begin: { model } })).toEqual({
      ids: [1],
      text: 'a',
      resumedTokens: 0,
      modelHash: model.hash,
    });
    expect(summarizeKind.progress({ ids: [1], text: 'a' })).toEqual({ ids: [1], text: 'a' });
  });
});

it('summaries are compared as answers to what was asked, as much of the text as fits into a question', () => {
  const { combining } = summarizeKind;
  if (combining?.rule !== 'pairwise') throw new Error('not in pairs');
  expect(combining.question(input)).toBe(`Summarise this text in at most 8 words:\n\n${text}`);
  for (const long of ['x'.repeat(16_000), `${'x'.repeat(3_959)}${'🙂'.repeat(100)}`]) {
    const question = combining.question({ ...input, text: long });
    expect(question.length).toBeLessThanOrEqual(4_000);
    expect(question.length).toBeGreaterThan(3_990);
    expect(question).not.toMatch(/\p{Surrogate}/u);
  }
});
