import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { fail, ok, unwrap } from '#core/base/result';
import { bytesOfVector, cosineOf, vectorOfBytes } from '#core/engines/vector-bytes';
import { createFakeEmbedding } from '#tests/fakes/encoders';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { embedInputSchema, embedOutputSchema, type EmbedInput, type EmbedOutput } from './contract';
import { createEmbedHandler } from './handler';
import { embedKind } from './kind';

const input: EmbedInput = { texts: ['a signed receipt', 'a receipt, signed', 'birds'] };

function run(request: EmbedInput, model = createFakeEmbedding(), signal = new AbortController().signal) {
  return createEmbedHandler({ clock: createVirtualClock(), model: async () => ok(model) })(request, {
    caller: 'f'.repeat(64),
    local: false,
    callId: 'call-1',
    signal,
    emit: () => {},
  });
}

describe('embed.texts', () => {
  it('gives one vector of length 1 per text, in order, as little-endian singles', async () => {
    const output = unwrap(await run(input));
    expect(() => v.parse(embedOutputSchema, output)).not.toThrow();
    expect(output.model).toEqual({ id: 'fake-embed', hash: 'e'.repeat(64), engine: 'fake' });
    const [one, same, other] = output.vectors.map(({ vector }) => vectorOfBytes(vector));
    expect(cosineOf(one!, same!)).toBeCloseTo(1);
    expect(cosineOf(one!, other!)).toBeLessThan(0.9);
    expect(bytesOfVector(new Float32Array([1, -2]))).toEqual(new Uint8Array([0, 0, 128, 63, 0, 0, 0, 192]));
  });

  it('says which texts were cut', async () => {
    const output = unwrap(await run({ texts: ['short', 'word '.repeat(65)] }));
    expect(output.vectors.map(({ truncated }) => truncated)).toEqual([false, true]);
  });

  it('refuses more numbers than one message holds, and says how many texts there may be', async () => {
    const wide = createFakeEmbedding({ dimensions: 4_096 });
    expect(await run({ texts: ['a', 'b', 'c', 'd', 'e'] }, wide)).toMatchObject({
      error: { code: 'too_large', message: 'With this model 4 texts can be turned into vectors at once.' },
    });
    expect((await run({ texts: ['a', 'b', 'c', 'd'] }, wide)).ok).toBe(true);
  });

  it('passes on why there is no model, or no vector', async () => {
    const handler = createEmbedHandler({
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
    expect(await run({ texts: ['…'] })).toMatchObject({ error: { code: 'text_empty' } });
    expect(await run(input, undefined, AbortSignal.abort())).toMatchObject({ error: { code: 'cancelled' } });
  });

  it('takes from one to 32 texts, and not too much of them', () => {
    const accepts = (texts: readonly string[]) => v.is(embedInputSchema, { texts });
    expect(accepts(Array.from({ length: 32 }, (_, at) => `text ${at}`))).toBe(true);
    for (const odd of [
      [],
      [''],
      ['x'.repeat(8_001)],
      new Array<string>(33).fill('x'),
      new Array<string>(9).fill('x'.repeat(8_000)),
    ])
      expect(accepts(odd)).toBe(false);
  });

  it('lets nothing through that is no vector of length 1', async () => {
    const output = unwrap(await run(input));
    const accepts = (...numbers: readonly number[]) =>
      v.is(embedOutputSchema, {
        ...output,
        vectors: [{ vector: bytesOfVector(Float32Array.from(numbers)), truncated: false }],
      });
    expect(accepts(1)).toBe(true);
    expect(accepts(0.6, -0.8)).toBe(true);
    for (const odd of [[], [0], [NaN], [1, NaN], [Infinity], [0.6, 0.81], [3e38, 3e38]])
      expect(accepts(...odd), String(odd)).toBe(false);
    const ragged = [...output.vectors, { vector: bytesOfVector(Float32Array.of(1)), truncated: false }];
    expect(v.is(embedOutputSchema, { ...output, vectors: ragged })).toBe(false);
    const halved = [{ ...output.vectors[0]!, vector: output.vectors[0]!.vector.slice(0, -1) }];
    expect(v.is(embedOutputSchema, { ...output, vectors: halved })).toBe(false);
  });
});

describe('the work kind of embed.texts', () => {
  it('finds another model and missing vectors', async () => {
    const output = unwrap(await run(input));
    const found = (changed: Partial<EmbedOutput>, asked: Partial<EmbedInput> = {}) =>
      embedKind.contradiction!({ ...input, ...asked }, { ...output, ...changed }, [], '');
    expect(found({})).toBeNull();
    expect(found({}, { model: 'large-9' })).toBe('other_model');
    expect(found({ vectors: output.vectors.slice(1) })).toBe('vectors_missing');
  });

  it('counts a unit for eight texts begun, and says what there is', async () => {
    const output = unwrap(await run(input));
    const units = (texts: number) =>
      embedKind.units(input, { ...output, vectors: new Array(texts).fill(output.vectors[0]) });
    expect([1, 8, 9, 32].map(units)).toEqual([1, 1, 2, 4]);
    expect(embedKind.text(output)).toBe('3 vectors of 64 numbers');
  });

  it('groups vectors of one model that differ by rounding only', async () => {
    const { combining } = embedKind;
    if (combining?.rule !== 'alike') throw new Error('not by likeness');
    const output = unwrap(await run(input));
    const rounded = createFakeEmbedding({ bend: (vector) => vector.map((value) => value + 1e-6) });
    expect(combining.alike(output, unwrap(await run(input, rounded)))).toBe(true);
    expect(combining.alike(output, unwrap(await run({ texts: ['a signed receipt', 'birds', 'birds'] })))).toBe(false);
    const elsewhere = createFakeEmbedding({ identity: { hash: 'd'.repeat(64) } });
    expect(combining.alike(output, unwrap(await run(input, elsewhere)))).toBe(false);
    expect(combining.alike(output, unwrap(await run({ texts: input.texts.slice(1) })))).toBe(false);
  });
});
