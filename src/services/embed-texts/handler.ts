import type { Handler } from '#core/bus/capability';
import type { Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { EmbeddingModel } from '#core/engines/embedding-model';
import { bytesOfVector } from '#core/engines/vector-bytes';
import { withSigns, type WorkSign } from '#core/experts/objective/work-sign';
import { MAX_VECTORS_BYTES, type EmbedInput, type EmbedOutput } from './contract';

export interface EmbedHandlerOptions {
  readonly clock: Clock;
  /** The model that this node serves for it; with an id that very one. */
  readonly model: (id?: string) => Promise<Result<EmbeddingModel>>;
}

/**
 * `embed.texts@1` over a loaded model. Codes: those of the model, `too_large` (so many texts give more numbers with this
 * model than one message holds).
 */
export const createEmbedHandler =
  ({ clock, model: findModel }: EmbedHandlerOptions): Handler<EmbedInput, EmbedOutput, WorkSign> =>
  ({ model: wanted, texts }, { signal, emit }) =>
    withSigns(clock, emit, async () => {
      const model = await findModel(wanted);
      if (!model.ok) return model;
      const most = Math.floor(MAX_VECTORS_BYTES / (model.value.dimensions * Float32Array.BYTES_PER_ELEMENT));
      if (texts.length > most) {
        const message = `With this model ${most} texts can be turned into vectors at once.`;
        return fail('too_large', message, message);
      }
      const embedded = await model.value.embed(texts, signal);
      if (!embedded.ok) return embedded;
      const { id, hash, engine } = model.value.identity;
      return ok({
        model: { id, hash, engine },
        vectors: embedded.value.map(({ vector, truncated }) => ({ vector: bytesOfVector(vector), truncated })),
      });
    });
