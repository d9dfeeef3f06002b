import { llmChat } from '#services/llm-chat/contract';
import type { ContributionView } from '../tab-node';
import type { Running } from './lifecycle';
import { contributionTotals } from './views';

/** What this device does for others, in one word, one sentence and the figures. */
export function contributionView(run: Running | null): ContributionView {
  const node = run?.mesh;
  const decided = run?.contribution.state ?? { on: false, pausedUntil: null, pauseReason: null };
  const jobs = node?.executor.running.filter((job) => job.requester !== node.self) ?? [];
  const warm = node?.bus.offered.includes(llmChat.id) ?? false;
  const unserved = node?.unserved ?? null;
  const phase = !decided.on
    ? ('off' as const)
    : decided.pauseReason !== null
      ? ('paused' as const)
      : jobs.length > 0
        ? ('working' as const)
        : warm || unserved !== null
          ? ('idle' as const)
          : ('loading' as const);
  const reasons = {
    off: 'Nothing runs here for others.',
    paused: decided.pauseReason ?? '',
    working:
      jobs.length === 1 ? 'Working on a job for another node.' : `Working on ${jobs.length} jobs for other nodes.`,
    idle: unserved === null ? 'Nobody needs this device just now.' : `Small jobs only: ${unserved.message}`,
    loading: 'Getting the model ready.',
  };
  return {
    on: decided.on,
    phase,
    reason: reasons[phase],
    pausedUntil: decided.pausedUntil,
    load: node?.loading ?? null,
    running: jobs.map((job) => ({
      jobId: job.jobId,
      capability: job.capability,
      for: job.requester,
      tokens: job.tokens,
    })),
    totals: node ? contributionTotals(node) : { answers: 0, checks: 0, jobs: 0, tokens: 0 },
  };
}
