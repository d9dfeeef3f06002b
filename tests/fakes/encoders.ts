import type { EncoderLoaders } from '#node/served-encoders';
import { utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import { fail, ok, type Result } from '#core/base/result';
import type { EmbeddingModel } from '#core/engines/embedding-model';
import type { ModelIdentity } from '#core/engines/language-model';
import type { RerankModel } from '#core/engines/rerank-model';
import { checkTexts } from '#core/engines/text-batch';

/** What the fakes hold, in words. */
const CONTEXT_WORDS = 64;

const identityWith = (id: string, change: Partial<ModelIdentity> = {}): ModelIdentity => ({
  id,
  name: id,
  hash: 'e'.repeat(64),
  engine: 'fake',
  contextTokens: CONTEXT_WORDS,
  ...change,
});

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

export interface FakeEmbeddingOptions {
  readonly identity?: Partial<ModelIdentity>;
  readonly dimensions?: number;
  /** Comes between a vector and whoever asked for it: a device that rounds otherwise, or one that lies. */
  readonly bend?: (vector: Float32Array) => Float32Array;
}

/** An embedding model that counts words, each in a place of its own: texts with the same words have the same vector. */
export function createFakeEmbedding({
  identity,
  dimensions = 64,
  bend = (vector) => vector,
}: FakeEmbeddingOptions = {}): EmbeddingModel {
  return {
    identity: identityWith('fake-embed', identity),
    dimensions,
    async embed(texts, signal) {
      const taken = checkTexts(texts);
      if (!taken.ok) return taken;
      if (signal.aborted) return fail('cancelled', 'The work was stopped.');
      if (texts.some((text) => wordsOf(text).length === 0)) return fail('text_empty', 'There is no text in it.');
      return ok(
        texts.map((text) => {
          const words = wordsOf(text);
          const counts = new Float32Array(dimensions);
          for (const word of words.slice(0, CONTEXT_WORDS)) counts[sha256(utf8(word))[0]! % dimensions]! += 1;
          const length = Math.hypot(...counts);
          return {
            vector: bend(counts.map((count) => count / length)),
            truncated: words.length > CONTEXT_WORDS,
          };
        }),
      );
    },
    async dispose() {},
  };
}

export interface FakeRerankOptions {
  readonly identity?: Partial<ModelIdentity>;
  readonly bend?: (score: number, at: number) => number;
}

/** A reranking model that looks how many of the query's words a passage has. */
export function createFakeRerank({ identity, bend = (score) => score }: FakeRerankOptions = {}): RerankModel {
  return {
    identity: identityWith('fake-rerank', { hash: 'c'.repeat(64), ...identity }),
    async rank(query, passages, signal) {
      const taken = checkTexts([query, ...passages]);
      if (!taken.ok) return taken;
      if (signal.aborted) return fail('cancelled', 'The work was stopped.');
      const wanted = wordsOf(query);
      if (wanted.length >= CONTEXT_WORDS) return fail('query_too_long', 'The question leaves no room for a passage.');
      return ok(
        passages.map((passage, at) => {
          const words = wordsOf(passage);
          const found = wanted.filter((word) => words.includes(word)).length;
          return {
            score: bend(1 / (1 + Math.exp(2 - 3 * found)), at),
            truncated: words.length + wanted.length > CONTEXT_WORDS,
          };
        }),
      );
    },
    async dispose() {},
  };
}

/** Loaders that know one model each, by its own id. */
export function loadersOf(embedding: EmbeddingModel, rerank: RerankModel): EncoderLoaders {
  const one = <M extends { readonly identity: ModelIdentity }>(model: M) => ({
    load: async (id: string): Promise<Result<M>> =>
      id === model.identity.id ? ok(model) : fail('unknown_model', `There is no model ${id} here.`),
  });
  return { embedding: one(embedding), rerank: one(rerank) };
}
