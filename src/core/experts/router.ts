import { pick } from '../base/chance';
import type { NodeId } from '../base/ids';
import type { Chance } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import type { RouteReason } from './route';
import type { PipelineDeps, WorkRequest } from './run';
import type { Candidate } from './work-kind';

/** Weights of the score, in milliseconds of expected waiting: what a person feels decides. */
const JOB_AHEAD_MS = 1_500;
const UNKNOWN_RTT_MS = 250;
const FAILURE_MS = 4_000;
const REJECTION_MS = 20_000;
/** Candidates this close to the best are equal: one of them is drawn, so that load spreads. */
const EQUAL_WITHIN_MS = 25;

export interface Choice {
  readonly node: NodeId;
  readonly reasons: readonly RouteReason[];
}

/** Expected waiting in milliseconds: less is better. */
export function scoreCandidate(candidate: Candidate): number {
  const { completed, failed, accepted, rejected } = candidate.record;
  const failures = failed / Math.max(1, completed + failed);
  const rejections = rejected / Math.max(1, accepted + rejected);
  return (
    (candidate.rttMs ?? UNKNOWN_RTT_MS) +
    candidate.runningJobs * JOB_AHEAD_MS +
    failures * FAILURE_MS +
    rejections * REJECTION_MS
  );
}

function reasonsFor(best: Candidate, others: number, model: string | undefined): RouteReason[] {
  const { completed, failed, accepted, rejected } = best.record;
  if (best.local) return [{ text: 'This device answers itself.', value: null }];
  const reasons: RouteReason[] = [];
  const held = best.models.find((one) => one.id === model) ?? best.models[0];
  reasons.push({ text: held ? `Has the model ${held.id} warm` : 'Offers this work', value: null });
  reasons.push({
    text: best.rttMs === null ? 'Distance not measured yet' : `${Math.round(best.rttMs)} ms away`,
    value: best.rttMs,
  });
  reasons.push({
    text: best.runningJobs === 0 ? 'Free now' : `${best.runningJobs} jobs ahead`,
    value: best.runningJobs,
  });
  if (completed + failed > 0)
    reasons.push({ text: `${completed} of ${completed + failed} jobs finished`, value: completed });
  if (accepted + rejected > 0)
    reasons.push({ text: `${accepted} of ${accepted + rejected} checks passed`, value: accepted });
  reasons.push({ text: others === 0 ? 'The only one who offers it' : `Best of ${others + 1}`, value: others + 1 });
  return reasons;
}

/** The best of the candidates, ties drawn by chance, with the reasons. */
export function rank(candidates: readonly Candidate[], chance: Chance, model: string | undefined): Choice | null {
  const scored = candidates.map((candidate) => ({ candidate, score: scoreCandidate(candidate) }));
  const best = Math.min(...scored.map((entry) => entry.score));
  const chosen = pick(
    chance,
    scored.filter((entry) => entry.score <= best + EQUAL_WITHIN_MS),
  )?.candidate;
  return chosen ? { node: chosen.node, reasons: reasonsFor(chosen, candidates.length - 1, model) } : null;
}

/**
 * Who gets the request: within what the person allowed, with the wanted model, none of the excluded. Codes:
 * `nobody_offers` (no other node does this now), `unknown_model`, `not_reachable` (the one that was named).
 */
export function choose(
  deps: PipelineDeps,
  request: WorkRequest,
  excluded: ReadonlySet<NodeId>,
  traceId: string,
): Result<Choice> {
  const { provider, model } = request;
  const capability = request.kind.capability.id;
  const own = deps.self(capability);
  const selfChosen = (): Result<Choice> =>
    own && !excluded.has(own.node)
      ? ok({ node: own.node, reasons: reasonsFor(own, 0, model) })
      : fail('nobody_offers', 'This device cannot answer that itself, and nobody else offers it now.');

  if (provider === 'self' || (typeof provider === 'object' && provider.node === own?.node)) return selfChosen();
  const offering = deps.candidates(capability).filter((candidate) => !excluded.has(candidate.node));
  if (typeof provider === 'object') {
    const named = offering.find((candidate) => candidate.node === provider.node);
    return named
      ? ok({ node: named.node, reasons: [{ text: 'You asked for this node.', value: null }] })
      : fail('not_reachable', 'The node that you asked for does not offer this now.');
  }
  const fitting =
    model === undefined ? offering : offering.filter((one) => one.models.some((held) => held.id === model));
  const versioned = ofChosenVersion(deps, request, fitting, traceId);
  // Answers that are to agree must not come from one person or one line of invitations, where there are others.
  const apart = versioned.filter((one) => ![...excluded].some((other) => deps.sameBranch(one.node, other)));
  const best = rank(apart.length > 0 ? apart : versioned, deps.chance, model);
  if (best) return ok(best);
  if (provider === 'auto') return selfChosen();
  return offering.length > 0
    ? fail('unknown_model', `Nobody here has the model ${model}.`)
    : fail('nobody_offers', 'No other node here answers questions right now.');
}

/**
 * Of several versions of one model only the one that this request is to go to: most requests to the settled one, a small share to one
 * that is being tried, none to one that was found worse. Where nobody has it, whoever there is.
 */
function ofChosenVersion(
  deps: PipelineDeps,
  { stakes = 'ordinary', model }: WorkRequest,
  candidates: readonly Candidate[],
  traceId: string,
): readonly Candidate[] {
  const ids = new Set(candidates.flatMap(({ models }) => models.map(({ id }) => id)));
  const wanted = new Map<string, string>();
  for (const id of model === undefined ? ids : [model]) {
    const hash = deps.versionFor(id, traceId, stakes);
    if (hash !== null) wanted.set(id, hash);
  }
  if (wanted.size === 0) return candidates;
  const keeps = (candidate: Candidate): boolean =>
    candidate.models.length === 0 ||
    candidate.models.some(({ id, hash }) => (wanted.get(id) ?? hash) === hash && (model === undefined || id === model));
  const kept = candidates.filter(keeps);
  return kept.length > 0 ? kept : candidates;
}

/**
 * Several nodes for one request, each chosen as `choose` does without those before it; fewer where there are no more. Fails as
 * `choose` does when there is none.
 */
export function chooseSeveral(
  deps: PipelineDeps,
  request: WorkRequest,
  excluded: ReadonlySet<NodeId>,
  count: number,
  traceId: string,
): Result<readonly Choice[]> {
  const chosen: Choice[] = [];
  const without = new Set(excluded);
  while (chosen.length < count) {
    const next = choose(deps, request, without, traceId);
    if (!next.ok) return chosen.length > 0 ? ok(chosen) : next;
    chosen.push(next.value);
    without.add(next.value.node);
  }
  return ok(chosen);
}
