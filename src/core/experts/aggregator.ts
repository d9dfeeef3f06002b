import type { NodeId } from '../base/ids';
import type { Asked } from './ask';
import type { Check } from './check';
import { choosePatch, patchDecided } from './combining/passing-patches';
import { MAX_CANDIDATES, standing, type Comparison } from './combining/pairwise-tournament';
import { countVotes, ENOUGH, MAX_VOTE_WEIGHT, voteWeight } from './combining/weighted-vote';
import type { JobClass } from './job-class';
import type { CheckKind, Verdict } from './route';
import type { PipelineDeps, WorkRequest } from './run';

/** One answer with what was found about it. */
export interface Replica {
  readonly asked: Asked;
  readonly checks: readonly Check[];
}

export interface Checked {
  readonly verdict: Verdict;
  readonly check: CheckKind;
}

/** What the answers came to together. */
export interface Combined extends Checked {
  /** Place of the answer that stands. */
  readonly chosen: number;
  readonly answers: number;
  /** Answers that say the same, the chosen one included. */
  readonly agreeing: number;
}

/** What verdicts on one answer mean together: the majority of those who could tell decides, equal sides are a dispute, none is unchecked. */
export function verdictOf(kind: Exclude<CheckKind, 'none'>, checks: readonly Check[]): Checked {
  const accepted = checks.filter((one) => one.verdict === 'accepted').length;
  const rejected = checks.filter((one) => one.verdict === 'rejected').length;
  if (accepted + rejected === 0) return { verdict: 'unchecked', check: 'none' };
  if (accepted === rejected) return { verdict: 'disputed', check: kind };
  return { verdict: accepted > rejected ? 'accepted' : 'rejected', check: kind };
}

/** A voter nobody knows is right more often than not, and no more is known of it. */
const accuracyOf = (
  deps: PipelineDeps,
  executor: NodeId,
  capability: WorkRequest['kind']['capability']['id'],
): number => {
  const known = deps.candidates(capability).find(({ node }) => node === executor)?.record;
  // Laplace's rule of succession.
  return ((known?.accepted ?? 0) + 1) / ((known?.accepted ?? 0) + (known?.rejected ?? 0) + 2);
};

interface Standing {
  readonly chosen: number;
  /** Places of the answers that say the same, the chosen one among them. */
  readonly agreeing: readonly number[];
  readonly decided: boolean;
}

/** Where the answers that were not rejected stand among each other; places are those in `replicas`. */
async function stand(
  deps: PipelineDeps,
  { kind, input }: WorkRequest,
  { agree, most }: JobClass,
  replicas: readonly Replica[],
  remaining: number,
): Promise<Standing> {
  const places = replicas.flatMap((_, at) => (isRejected(kind.check, replicas[at]!) ? [] : [at]));
  const output = (at: number): unknown => replicas[at]!.asked.claim.output;
  const first = places[0];
  if (first === undefined) return { chosen: 0, agreeing: [], decided: false };
  const rule = kind.combining;
  if (rule === undefined || most === 1) return { chosen: first, agreeing: [first], decided: true };
  switch (rule.rule) {
    case 'vote': {
      const votes = places.map((at) => ({
        choice: rule.choice(output(at)),
        weight: voteWeight(
          accuracyOf(deps, replicas[at]!.asked.executor, kind.capability.id),
          rule.confidence(output(at)),
        ),
      }));
      const state = countVotes(votes, { remaining, maxWeight: MAX_VOTE_WEIGHT, enough: ENOUGH });
      const alike = places.filter((at) => rule.choice(output(at)) === state.choice);
      return { chosen: alike[0]!, agreeing: alike, decided: alike.length >= agree && state.outcome === 'won' };
    }
    case 'patch': {
      const candidates = places.map((at) => ({
        key: rule.key(input, output(at)),
        accepted: verdictOf(kind.check, replicas[at]!.checks).verdict === 'accepted' ? true : null,
        changedLines: rule.changedLines(output(at)),
      }));
      const chosen = choosePatch(candidates);
      if (chosen === null) return { chosen: first, agreeing: [], decided: false };
      const agreeing = places.filter((_, at) => candidates[at]!.key === candidates[chosen]!.key);
      const decided = agreeing.length >= agree || patchDecided(candidates, remaining);
      return { chosen: places[chosen]!, agreeing, decided };
    }
    case 'alike': {
      const groups = places.map((at) =>
        places.filter((other) => other === at || rule.alike(output(at), output(other))),
      );
      const largest = groups.reduce((best, group) => (group.length > best.length ? group : best));
      return { chosen: largest[0]!, agreeing: largest, decided: largest.length >= agree };
    }
    case 'pairwise': {
      if (places.length < agree) return { chosen: first, agreeing: places, decided: false };
      const chosen = await tournament(deps, rule.question(input), places.slice(0, MAX_CANDIDATES), (at) =>
        kind.text(output(at)),
      );
      return { chosen, agreeing: places, decided: true };
    }
  }
}

const isRejected = (kind: Exclude<CheckKind, 'none'>, { checks }: Replica): boolean =>
  verdictOf(kind, checks).verdict === 'rejected';

/** Which text is best, by comparing them in pairs; where nobody can compare, the first. */
async function tournament(
  deps: PipelineDeps,
  question: string,
  places: readonly number[],
  textOf: (at: number) => string,
): Promise<number> {
  const comparisons: Comparison[] = [];
  for (;;) {
    const { winner, next } = standing(places.length, comparisons);
    if (next === null) return places[winner ?? 0]!;
    const [a, b] = next;
    const [first, second] = [textOf(places[a]!), textOf(places[b]!)];
    const better = first === second ? 'tie' : await deps.judge(question, first, second);
    if (better === null) return places[0]!;
    comparisons.push({ a, b, better: better === 'first' ? 'a' : better === 'second' ? 'b' : 'tie' });
  }
}

/** How many more executors to ask: as many as must agree at first, then one by one while they do not. */
export async function stillWanted(
  deps: PipelineDeps,
  request: WorkRequest,
  jobClass: JobClass,
  replicas: readonly Replica[],
): Promise<number> {
  if (replicas.length === 0) return jobClass.agree;
  const remaining = jobClass.most - replicas.length;
  if (remaining <= 0 || jobClass.most === 1) return 0;
  return (await stand(deps, request, jobClass, replicas, remaining)).decided ? 0 : 1;
}

/**
 * Which answer stands, and what is known of it. Where nobody could check it, but as many as must agree came to the same by themselves,
 * it is accepted by its outcome; answers of one person or one line of invitations count once for that.
 */
export async function combine(
  deps: PipelineDeps,
  request: WorkRequest,
  jobClass: JobClass,
  replicas: readonly Replica[],
): Promise<Combined> {
  const { chosen, agreeing } = await stand(deps, request, jobClass, replicas, 0);
  const own = verdictOf(request.kind.check, replicas[chosen]!.checks);
  const figures = { chosen, answers: replicas.length, agreeing: agreeing.length };
  const says = request.kind.combining?.rule;
  if (own.verdict !== 'unchecked' || jobClass.agree === 1 || agreeing.length < jobClass.agree || says === 'pairwise')
    return { ...own, ...figures };
  const lines = new Set<NodeId>();
  for (const at of agreeing) {
    const { executor } = replicas[at]!.asked;
    if (![...lines].some((other) => deps.sameBranch(other, executor))) lines.add(executor);
  }
  return lines.size >= jobClass.agree ? { verdict: 'accepted', check: 'outcome', ...figures } : { ...own, ...figures };
}
