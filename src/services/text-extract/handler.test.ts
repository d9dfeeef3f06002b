import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { fail, ok, unwrap } from '#core/base/result';
import { createTurnModel } from '#tests/fakes/turn-model';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { extractOutputSchema, type ExtractInput } from './contract';
import { createExtractHandler } from './handler';
import { extractKind } from './kind';
import { jsonIn, spansFor } from './read-answer';

const text = 'Ada Lovelace wrote to Charles Babbage on 10 July 1843. Ada was right.';
const schema = JSON.stringify({
  type: 'object',
  properties: { people: { type: 'array', items: { type: 'string' } }, when: { type: ['string', 'null'] } },
  required: ['people', 'when'],
  additionalProperties: false,
});
const input: ExtractInput = { text, instruction: 'Who wrote to whom, and when?', schema, maxTokens: 400 };
const right = '{"people": ["Ada Lovelace", "Charles Babbage"], "when": "10 July 1843"}';

const run = (request: ExtractInput, model: ReturnType<typeof createTurnModel>, signal = new AbortController().signal) =>
  createExtractHandler({ clock: createVirtualClock(), model: async () => ok(model) })(request, {
    caller: 'f'.repeat(64),
    local: false,
    callId: 'call-1',
    signal,
    emit: () => {},
  });
/** Says one thing after the other, attempt by attempt. */
const saysInTurn = (...answers: readonly string[]) => {
  let attempt = 0;
  return createTurnModel({ says: () => answers[Math.min(attempt++, answers.length - 1)]! });
};

describe('text.extract', () => {
  it('gives the JSON in what the model wrote, with the place of every quote', async () => {
    const output = unwrap(await run(input, saysInTurn(`Here you are:\n\`\`\`json\n${right}\n\`\`\`\nAnything else?`)));
    expect(() => v.parse(extractOutputSchema, output)).not.toThrow();
    expect(JSON.parse(output.answer)).toEqual(JSON.parse(right));
    expect(output.spans.map(({ start, end }) => text.slice(start, end))).toEqual([
      'Ada Lovelace',
      'Charles Babbage',
      '10 July 1843',
    ]);
  });

  it('tells the model once what was wrong', async () => {
    for (const wrong of [
      'I cannot.',
      '{"people": []}',
      right.replace('Ada Lovelace', 'Alan Turing'),
      '{"people": ["Ada"',
    ]) {
      const model = saysInTurn(wrong, right);
      expect((await run(input, model)).ok).toBe(true);
      expect(model.prompts).toHaveLength(2);
      expect(model.prompts[1]).toContain('That is not right');
    }
  });

  it('delivers nothing that invents', async () => {
    const invented = saysInTurn(right.replace('10 July', '11 July'));
    expect(await run(input, invented)).toMatchObject({
      error: { code: 'no_answer_found', message: expect.stringContaining('11 July 1843') },
    });
    expect(invented.prompts).toHaveLength(2);
  });

  it('asks the engine to hold to the schema where it can, and does without where it cannot', async () => {
    for (const shapes of [true, false]) {
      const model = createTurnModel({ shapes, says: () => right });
      expect((await run(input, model)).ok).toBe(true);
      expect(model.prompts).toHaveLength(1);
    }
  });

  it('refuses a hostile schema before it asks the model', async () => {
    const model = saysInTurn(right);
    for (const hostile of ['{"$ref": "https://example.org"}', '{"pattern": "(?=a)"}', 'no schema'])
      expect(await run({ ...input, schema: hostile }, model)).toMatchObject({ error: { code: 'bad_input' } });
    expect(model.prompts).toEqual([]);
  });

  it('ends in a failure when it was stopped, or has no model', async () => {
    expect(await run(input, saysInTurn(right), AbortSignal.abort())).toMatchObject({ error: { code: 'cancelled' } });
    const handler = createExtractHandler({
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
  });
});

it('JSON is found up to its last bracket, brackets in texts not counted', () => {
  expect(jsonIn('so: {"a": "}\\"{", "b": [1]} and {}')).toBe('{"a": "}\\"{", "b": [1]}');
  expect(jsonIn('[1, [2]] rest')).toBe('[1, [2]]');
  for (const none of ['', 'no', '{"a": 1', '{"a": "}']) expect(jsonIn(none)).toBeNull();
});

it('equal quotes take one place after the other, as long as there are any', () => {
  const source = 'Ada and Ada';
  expect(unwrap(spansFor(source, ['Ada', 'Ada']))).toEqual([
    { start: 0, end: 3 },
    { start: 8, end: 11 },
  ]);
  expect(spansFor(source, ['Ada', 'Ada', 'Ada'])).toMatchObject({ error: { code: 'no_quote' } });
});

describe('the work kind of text.extract', () => {
  it('finds another model, counts by quotes, and asks for no model to check', async () => {
    const output = unwrap(await run(input, saysInTurn(right)));
    expect(extractKind.contradiction!(input, output, [], '')).toBeNull();
    expect(extractKind.contradiction!({ ...input, model: 'large-9' }, output, [], '')).toBe('other_model');
    const units = (quotes: number) =>
      extractKind.units(input, { ...output, spans: new Array(quotes).fill({ start: 0, end: 1 }) });
    expect([0, 1, 5, 6, 100].map(units)).toEqual([1, 2, 2, 3, 3]);
    expect(extractKind.model(output)).toBeNull();
  });
});

it('extractions are voted on by what they say, not by how it is written', async () => {
  const { combining } = extractKind;
  if (combining?.rule !== 'vote') throw new Error('not a vote');
  const output = unwrap(await run(input, saysInTurn(right)));
  const choice = (answer: string) => combining.choice({ ...output, answer });
  expect(choice('{"b": 1.0, "a": ["x"]}')).toBe(choice('{ "a": ["x"],\n"b": 1 }'));
  expect(choice('{"a": ["x", "y"]}')).not.toBe(choice('{"a": ["y", "x"]}'));
  expect(choice('no json')).toBe('no json');
  expect(combining.confidence(output)).toBe(1);
});
