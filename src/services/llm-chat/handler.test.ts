import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { createScriptedModel } from '#adapters/engine-scripted';
import { fail, ok, unwrap } from '#core/base/result';
import type { JobContext } from '#core/bus/capability';
import { chatChunkSchema, chatOutputSchema, type ChatChunk, type ChatInput } from './contract';
import { createChatHandler, MAX_WAITING_CHATS } from './handler';
import { chatKind } from './kind';

const answers = {
  'What is a receipt?':
    'A receipt is a signed note – „proof“ – that one job was done: who asked, who answered, who checked it, and what it counts.',
};
const EXECUTOR = 'e'.repeat(64);
const input: ChatInput = { messages: [{ role: 'user', text: 'What is a receipt?' }], maxTokens: 100 };

async function run(
  request: ChatInput,
  {
    onChunk,
    model = createScriptedModel({ answers }),
    job,
  }: {
    onChunk?: (abort: () => void) => void;
    model?: ReturnType<typeof createScriptedModel>;
    job?: JobContext;
  } = {},
) {
  const controller = new AbortController();
  const chunks: ChatChunk[] = [];
  const result = await createChatHandler({ self: EXECUTOR, model: async () => ok(model) })(request, {
    caller: 'f'.repeat(64),
    local: false,
    callId: 'call-1',
    ...(job === undefined ? {} : { job }),
    signal: controller.signal,
    emit(chunk) {
      chunks.push(chunk);
      onChunk?.(() => controller.abort());
    },
  });
  return { chunks, result };
}

describe('llm.chat', () => {
  it('streams one token per chunk, the first one naming the model, and returns what it streamed', async () => {
    const { chunks, result } = await run(input);
    const output = unwrap(result);
    expect(() => v.parse(chatOutputSchema, output)).not.toThrow();
    for (const chunk of chunks) expect(() => v.parse(chatChunkSchema, chunk)).not.toThrow();
    expect(chunks.flatMap((chunk) => chunk.ids)).toEqual(output.ids);
    expect(chunks.map((chunk) => chunk.text).join('')).toBe(output.text);
    expect(output.text).toBe(Object.values(answers)[0]);
    expect(chunks.map((chunk) => chunk.begin)).toEqual([
      { model: output.model, resumedTokens: 0 },
      ...chunks.slice(1).map(() => undefined),
    ]);
    expect(output.finish).toBe('stop');
  });

  it('continues after every token that the same model made, and returns the whole answer', async () => {
    const whole = unwrap((await run(input)).result);
    for (let at = 1; at <= whole.ids.length; at++) {
      const resume = { modelHash: whole.model.hash, ids: whole.ids.slice(0, at), by: [] };
      const { chunks, result } = await run({ ...input, resume });
      expect(unwrap(result)).toEqual({ ...whole, resumedTokens: at });
      expect(chunks[0]!.begin!.resumedTokens).toBe(at);
      expect(chunks.flatMap((chunk) => chunk.ids)).toEqual(whole.ids.slice(at));
      expect(whole.text.endsWith(chunks.map((chunk) => chunk.text).join(''))).toBe(true);
    }
  });

  it('starts again where another model made the tokens', async () => {
    const whole = unwrap((await run(input)).result);
    const { chunks, result } = await run({
      ...input,
      resume: { modelHash: '0'.repeat(64), ids: whole.ids.slice(0, 4), by: [] },
    });
    expect(unwrap(result)).toEqual(whole);
    expect(chunks[0]!.begin!.resumedTokens).toBe(0);
  });

  it('does not answer for tokens that it would not have chosen', async () => {
    const whole = unwrap((await run(input)).result);
    const forged = [...whole.ids.slice(0, 2), whole.ids[5]!, whole.ids[3]!];
    for (const ids of [forged, [900_000], [whole.ids.at(-1)!, ...whole.ids.slice(0, 2)]]) {
      const { chunks, result } = await run({ ...input, resume: { modelHash: whole.model.hash, ids, by: [] } });
      expect(unwrap(result)).toEqual(whole);
      expect(chunks[0]!.begin!.resumedTokens).toBe(0);
    }
  });

  it('may be kept while it is made only where nobody checks it', async () => {
    const names: (string | undefined)[] = [];
    const scripted = createScriptedModel({ answers });
    const model: typeof scripted = {
      ...scripted,
      identity: scripted.identity,
      generate(request, onToken) {
        names.push(request.keptAs);
        return scripted.generate(request, onToken);
      },
    };
    const job = { jobId: 'job-1', requester: EXECUTOR };
    for (const given of [undefined, job, { ...job, unchecked: true } as const])
      await run(input, { model, ...(given === undefined ? {} : { job: given }) });
    expect(names).toEqual([undefined, undefined, 'job-1']);
  });

  it('a cancelled call ends in a failure and streams no further', async () => {
    const { chunks, result } = await run(input, { onChunk: (abort) => abort() });
    expect(result).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect(chunks).toHaveLength(1);
  });

  it('ends with `length` at the limit', async () => {
    const output = unwrap((await run({ ...input, maxTokens: 3 })).result);
    expect(output).toMatchObject({ finish: 'length' });
    expect(output.ids).toHaveLength(3);
  });

  it('passes on why there is no model', async () => {
    const handler = createChatHandler({ self: EXECUTOR, model: async () => fail('unknown_model', 'No such model.') });
    const context = {
      caller: 'f'.repeat(64),
      local: true,
      callId: 'c',
      signal: new AbortController().signal,
      emit: () => {},
    };
    expect(await handler(input, context)).toMatchObject({ error: { code: 'unknown_model' } });
  });

  it('refuses questions that would only wait', async () => {
    const model = createScriptedModel({ answers });
    const handler = createChatHandler({ self: EXECUTOR, model: async () => ok(model) });
    const context = () => ({
      caller: 'f'.repeat(64),
      local: true,
      callId: 'c',
      signal: new AbortController().signal,
      emit: () => {},
    });
    const taken = Array.from({ length: MAX_WAITING_CHATS + 1 }, () => handler(input, context()));
    expect(await handler(input, context())).toMatchObject({ error: { code: 'busy' } });
    expect((await Promise.all(taken)).every((result) => result.ok)).toBe(true);
    expect(await handler(input, context())).toMatchObject({ ok: true });
  });
});

describe('the work kind of llm.chat', () => {
  const output = async () => unwrap((await run(input)).result);

  it('finds nothing wrong with what was streamed', async () => {
    const { ids, text } = await output();
    expect(chatKind.contradiction!(input, await output(), ids, text)).toBeNull();
  });

  it('finds a result that differs from what was streamed', async () => {
    const { ids, text } = await output();
    const other = ids.map((id, index) => (index === 2 ? id + 1 : id));
    expect(chatKind.contradiction!(input, await output(), other, text)).toBe('streamed_ids_differ');
    expect(chatKind.contradiction!(input, await output(), ids.slice(1), text)).toBe('streamed_ids_differ');
    expect(chatKind.contradiction!(input, await output(), ids, `${text}!`)).toBe('streamed_text_differs');
    expect(chatKind.contradiction!({ ...input, model: 'large-9' }, await output(), ids, text)).toBe('other_model');
    expect(chatKind.contradiction!({ ...input, maxTokens: 5 }, await output(), ids, text)).toBe('too_many_tokens');
  });

  it('asks to continue after what was shown', () => {
    const by = [{ from: 0, executor: EXECUTOR, jobId: 'job-1' }];
    expect(chatKind.resume!(input, [5, 6], 'a'.repeat(64), by)).toEqual({
      ...input,
      resume: { modelHash: 'a'.repeat(64), ids: [5, 6], by },
    });
  });

  it('counts one unit for the answer and one per 50 tokens begun, five at most', async () => {
    const base = await output();
    const units = (tokens: number) => chatKind.units(input, { ...base, ids: new Array<number>(tokens).fill(1) });
    expect([1, 50, 51, 100, 150, 151, 200, 1_000].map(units)).toEqual([2, 2, 3, 3, 4, 5, 5, 5]);
  });

  it('says where a run begins', () => {
    const model = { id: 'm', hash: 'a'.repeat(64), engine: 'e' };
    expect(chatKind.progress({ ids: [1], text: 'a', begin: { model, resumedTokens: 3 } })).toEqual({
      ids: [1],
      text: 'a',
      resumedTokens: 3,
      modelHash: model.hash,
    });
    expect(chatKind.progress({ ids: [1], text: 'a' })).toEqual({ ids: [1], text: 'a' });
  });
});

it('answers are compared as answers to the last question', () => {
  const { combining } = chatKind;
  if (combining?.rule !== 'pairwise') throw new Error('not in pairs');
  const messages: ChatInput['messages'] = [
    { role: 'user', text: 'first' },
    { role: 'assistant', text: 'well' },
    { role: 'user', text: 'second' },
    { role: 'assistant', text: 'so' },
  ];
  expect(combining.question({ ...input, messages })).toBe('second');
  expect(combining.question({ ...input, messages: [messages[1]!] })).toBe('well');
});
