import type { Handler } from '#core/bus/capability';
import type { Clock } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import type { RerankModel } from '#core/engines/rerank-model';
import { rankingOf } from '#core/experts/objective/encoder-check';
import { withSigns, type WorkSign } from '#core/experts/objective/work-sign';
import type { RerankInput, RerankOutput } from './contract';

export interface RerankHandlerOptions {
  readonly clock: Clock;
  /** The model that this node serves for it; with an id that very one. */
  readonly model: (id?: string) => Promise<Result<RerankModel>>;
}

/** `rerank.passages@1` over a loaded model. Codes: those of the model. */
export const createRerankHandler =
  ({ clock, model: findModel }: RerankHandlerOptions): Handler<RerankInput, RerankOutput, WorkSign> =>
  ({ model: wanted, query, passages }, { signal, emit }) =>
    withSigns(clock, emit, async () => {
      const model = await findModel(wanted);
      if (!model.ok) return model;
      const ranked = await model.value.rank(query, passages, signal);
      if (!ranked.ok) return ranked;
      const { id, hash, engine } = model.value.identity;
      return ok({ model: { id, hash, engine }, ...rankingOf(ranked.value) });
    });
