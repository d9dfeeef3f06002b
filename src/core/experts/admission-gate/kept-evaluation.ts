import * as v from 'valibot';
import type { Verify } from '../../base/ports';
import { ok, type Result } from '../../base/result';
import { checkAgainst } from '../../wire/gate';
import { signedSchema } from '../../wire/signed';
import { openExpertCard, type OpenedExpertCard, type Score } from '../expert-card';
import { evaluationResultSchema, triggerResultSchema, type EvaluationResult } from './evaluation-set';
import { compareVersions } from './expert-registry';
import type { AdmissionInput, KnownExpert } from './gate';
import { replaySchema } from './replay';

/** An evaluation as a node keeps it: what it signed, and the record that this stands on. */
export const keptEvaluationSchema = v.strictObject({
  v: v.literal(1),
  card: signedSchema,
  verification: signedSchema,
  target: evaluationResultSchema,
  general: evaluationResultSchema,
  triggers: triggerResultSchema,
  replay: replaySchema,
});

export interface KeptEvaluation extends v.InferOutput<typeof keptEvaluationSchema> {
  readonly opened: OpenedExpertCard;
}

/** A kept evaluation whose card still counts. Codes of `openExpertCard`. */
export async function openKeptEvaluation(
  stored: unknown,
  verify: Verify,
  now: number,
): Promise<Result<KeptEvaluation>> {
  const kept = checkAgainst(keptEvaluationSchema, stored);
  if (!kept.ok) return kept;
  const opened = await openExpertCard(kept.value.card, verify, now);
  return opened.ok ? ok({ ...kept.value, opened: opened.value }) : opened;
}

export const scoreOf = ({ set, digest, right, items, trace }: EvaluationResult): Score => ({
  set,
  digest,
  right,
  of: items.length,
  trace,
});

/** What the gates compare an expert with: all others that were evaluated here, and of its own earlier versions the newest. */
export function comparedWith(
  one: { readonly opened: Pick<OpenedExpertCard, 'expert' | 'version' | 'modelHash'> },
  all: Iterable<KeptEvaluation>,
): Pick<AdmissionInput, 'known' | 'incumbent'> {
  const known = [...all]
    .filter(({ opened }) => opened.modelHash !== one.opened.modelHash)
    .map(({ opened: { expert, version, modelHash, memoryBytes }, target, general }): KnownExpert => ({
      expert,
      version,
      modelHash,
      memoryBytes,
      target,
      general,
    }));
  const before = known.filter(({ expert }) => expert === one.opened.expert);
  const earlier = before.filter((other) => compareVersions(other, one.opened) < 0).sort(compareVersions);
  return { known, incumbent: earlier.at(-1) ?? null };
}
