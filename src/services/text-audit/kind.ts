import { bestShare } from '#core/experts/combining/best-share';
import { bestOf } from '#core/experts/objective/score-labels';
import type { WorkKind } from '#core/experts/work-kind';
import type { WorkSign } from '#core/experts/objective/work-sign';
import { AUDIT_VERDICTS, textAudit, type AuditInput, type AuditOutput } from './contract';

/** What the pipeline knows of `text.audit@1`: a closed answer, scored again by whoever holds the same model. */
export const auditKind: WorkKind<AuditInput, AuditOutput, WorkSign> = {
  capability: textAudit,
  check: 'outcome',
  checkCapability: 'check.outcome@1',
  progress: () => ({ ids: [], text: '' }),
  contradiction({ model }, { model: claimed, verdict, scoresMilli }) {
    if (model !== undefined && claimed.id !== model) return 'other_model';
    return scoresMilli !== null && AUDIT_VERDICTS[bestOf(scoresMilli)] !== verdict ? 'score_mismatch' : null;
  },
  text: ({ verdict }) => verdict,
  model: ({ model }) => model,
  tokens: () => null,
  units: () => 1,
  combining: {
    rule: 'vote',
    choice: ({ verdict }) => verdict,
    confidence: ({ scoresMilli }) => bestShare(scoresMilli),
  },
};
