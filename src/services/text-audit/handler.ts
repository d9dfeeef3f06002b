import type { Handler } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import type { Clock } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { scoreLabels } from '#core/experts/objective/score-labels';
import { withSigns, type WorkSign } from '#core/experts/objective/work-sign';
import { AUDIT_VERDICTS, auditQuestion, type AuditInput, type AuditOutput } from './contract';

export interface AuditHandlerOptions {
  readonly clock: Clock;
  /** This node: the mark around the quoted texts follows from it too. */
  readonly self: NodeId;
  /** The loaded model, by id; without an id whichever this node has. */
  readonly model: (id?: string) => Promise<Result<LanguageModel>>;
}

/** `text.audit@1` over a loaded model. Codes: those of the model, `cancelled`. */
export const createAuditHandler =
  ({ clock, self, model: findModel }: AuditHandlerOptions): Handler<AuditInput, AuditOutput, WorkSign> =>
  (input, { signal, emit, job, callId }) =>
    withSigns(clock, emit, async () => {
      const model = await findModel(input.model);
      if (!model.ok) return model;
      // A plain call has no job, and nobody checks it.
      const question = auditQuestion(input, { jobId: job?.jobId ?? callId, executor: self });
      const scores = await scoreLabels(model.value, question, signal);
      if (!scores.ok) return scores;
      const { id, hash, engine } = model.value.identity;
      const { best, milli } = scores.value;
      return ok({
        model: { id, hash, engine },
        verdict: AUDIT_VERDICTS[best]!,
        scoresMilli: milli === null ? null : [milli[0]!, milli[1]!, milli[2]!],
      });
    });
