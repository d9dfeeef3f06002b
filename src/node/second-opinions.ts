import { pick } from '#core/base/chance';
import type { NodeId } from '#core/base/ids';
import type { Chance } from '#core/base/ports';
import { ok } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import type { Roster } from '#core/bus/roster';
import type { PipelineDeps } from '#core/experts/run';
import type { Links } from '#core/transport/ports';
import { textAudit } from '#services/text-audit/contract';
import { textJudge } from '#services/text-judge/contract';

export interface SecondOpinionDeps {
  readonly bus: Bus;
  readonly roster: Roster;
  readonly links: Links;
  readonly chance: Chance;
}

/** Asks models of others what they think of an answer: which of two is better, and whether one is fit to be shown. */
export function createSecondOpinions({
  bus,
  roster,
  links,
  chance,
}: SecondOpinionDeps): Pick<PipelineDeps, 'judge' | 'auditors' | 'askAudit'> {
  const isMember = (node: NodeId): boolean => (links.to(node)?.admission.trust ?? 'unknown') !== 'unknown';
  return {
    async judge(question, first, second) {
      // This device's own model costs nobody anything; without one, whoever offers to judge.
      const provider = bus.has(textJudge.id)
        ? null
        : pick(
            chance,
            roster.offering(textJudge.id).filter(({ node }) => isMember(node)),
          );
      if (provider === undefined) return null;
      const judged = await bus.call(
        textJudge,
        { question, first, second },
        provider === null ? {} : { provider: provider.node },
      );
      return judged.ok ? judged.value.preference : null;
    },
    auditors: () =>
      roster.offering(textAudit.id).flatMap(({ node, card }) => {
        // The model that a node answers with is the first that its card names; those beside it do not write.
        const family = card!.models.find(({ task }) => task === undefined)?.family;
        return family === undefined || !isMember(node) ? [] : [{ node, family }];
      }),
    async askAudit(auditor, question, answer) {
      const audited = await bus.call(textAudit, { question, answer }, { provider: auditor });
      return audited.ok ? ok(audited.value.verdict) : audited;
    },
  };
}
