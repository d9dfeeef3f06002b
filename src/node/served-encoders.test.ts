import { describe, expect, it } from 'vitest';
import { fail, ok, unwrap, type Result } from '#core/base/result';
import type { EmbeddingModel } from '#core/engines/embedding-model';
import type { ServedTask } from '#core/engines/encoder-protocol';
import type { LoadProgress } from '#core/engines/language-model';
import { createFakeEmbedding, createFakeRerank } from '#tests/fakes/encoders';
import { createServedEncoders, type EncoderChoice, type EncoderModel } from './served-encoders';

const never = new AbortController().signal;

function setUp(chosen: Partial<EncoderChoice> = {}) {
  const disposed: string[] = [];
  const embedding = (id: string, broken = false): EmbeddingModel => ({
    ...createFakeEmbedding({ identity: { id } }),
    ...(broken && { embed: async () => fail('engine_failed', 'The device computes nonsense.') }),
    dispose: async () => void disposed.push(id),
  });
  const known = new Map([
    ['one', embedding('one')],
    ['two', embedding('two')],
    ['broken', embedding('broken', true)],
  ]);
  const progress: (LoadProgress | null)[] = [];
  const choice: EncoderChoice = { embed: null, rerank: null, ...chosen };
  const loaded = new Map<ServedTask, EncoderModel>();
  let loads = 0;
  const encoders = createServedEncoders({
    chosen: choice,
    loaded,
    onProgress: (step) => progress.push(step),
    load: async () => ({
      embedding: {
        async load(id, onProgress): Promise<Result<EmbeddingModel>> {
          loads++;
          onProgress?.({ loadedBytes: 1, totalBytes: 1 });
          const found = known.get(id);
          return found ? ok(found) : fail('not_downloaded', `${id} is not on this device.`);
        },
      },
      rerank: { load: async () => ok(createFakeRerank({ identity: { id: 'ranks' } })) },
    }),
  });
  return { encoders, choice, loaded, progress, disposed, loads: () => loads };
}

describe('models served beside the one that answers', () => {
  it('are none until the person chose one, and then that one only', async () => {
    const { encoders, choice, loads } = setUp();
    expect(await encoders.embedder()).toMatchObject({ error: { code: 'no_encoder' } });
    expect(await encoders.warmUp('embed')).toMatchObject({ error: { code: 'no_encoder' } });
    expect(loads()).toBe(0);
    expect(await encoders.serve('embed', 'one')).toMatchObject({ ok: true });
    expect(choice).toEqual({ embed: 'one', rerank: null });
    expect(unwrap(await encoders.embedder()).identity.id).toBe('one');
    expect(unwrap(await encoders.embedder('one')).identity.id).toBe('one');
    expect(await encoders.embedder('two')).toMatchObject({ error: { code: 'unknown_model' } });
    expect(await encoders.reranker()).toMatchObject({ error: { code: 'no_encoder' } });
  });

  it('are loaded by whoever needs them first, and show how far that is once', async () => {
    const { encoders, loaded, progress } = setUp({ embed: 'one', rerank: 'ranks' });
    expect(loaded.size).toBe(0);
    expect((await encoders.warmUp('embed')).ok).toBe(true);
    expect((await encoders.warmUp('rerank')).ok).toBe(true);
    expect([...loaded].map(([task, { identity }]) => [task, identity.id])).toEqual([
      ['embed', 'one'],
      ['rerank', 'ranks'],
    ]);
    const shown = progress.length;
    expect(progress.at(-1)).toBeNull();
    const model = unwrap(await encoders.embedder());
    expect((await model.embed(['text'], never)).ok).toBe(true);
    expect(progress).toHaveLength(shown);
  });

  it('give way to the next one only when that is loaded and computes, and are let go then', async () => {
    const { encoders, choice, loaded, disposed } = setUp({ embed: 'one' });
    await encoders.warmUp('embed');
    expect(await encoders.serve('embed', 'missing')).toMatchObject({ error: { code: 'not_downloaded' } });
    expect(await encoders.serve('embed', 'broken')).toMatchObject({ error: { code: 'engine_failed' } });
    expect([choice.embed, loaded.get('embed')?.identity.id, disposed]).toEqual(['one', 'one', []]);
    expect((await encoders.serve('embed', 'two')).ok).toBe(true);
    expect([choice.embed, loaded.get('embed')?.identity.id, disposed]).toEqual(['two', 'two', ['one']]);
    expect((await encoders.serve('embed', null)).ok).toBe(true);
    expect([choice.embed, loaded.size, disposed]).toEqual([null, 0, ['one', 'two']]);
  });

  it('a choice that was overtaken changes nothing', async () => {
    const { encoders, choice } = setUp();
    const [first, second] = await Promise.all([encoders.serve('embed', 'one'), encoders.serve('embed', 'two')]);
    expect([first.ok, second]).toEqual([
      true,
      expect.objectContaining({ error: expect.objectContaining({ code: 'overtaken' }) }),
    ]);
    expect(choice.embed).toBe('one');
  });

  it('without their code nothing is served, and that is said', async () => {
    const encoders = createServedEncoders({
      chosen: { embed: 'one', rerank: null },
      loaded: new Map(),
      onProgress: () => {},
      load: () => Promise.reject(new TypeError('Failed to fetch dynamically imported module')),
    });
    expect(await encoders.embedder()).toMatchObject({ error: { code: 'offline' } });
  });
});
