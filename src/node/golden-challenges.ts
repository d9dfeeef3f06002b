import { freshId, fraction, pick } from '#core/base/chance';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock } from '#core/base/ports';
import { checkAgainst } from '#core/wire/gate';
import type { Golden } from '#core/engines/model-manifest';
import { isLookDue, NO_RECORD, noteLook, recordOutcome, SUSPICION_LIMIT, type AuditRecord } from '#core/experts/audit';
import type { PipelineDeps } from '#core/experts/run';
import { chatOutputSchema, llmChat, type ChatOutput } from '#services/llm-chat/contract';

/** Share of answers after which the node that gave one is challenged although nothing speaks against it. */
const CHALLENGE_SHARE = 0.02;
/** Of its tokens a healthy device of another kind gives at least these as the transcript has them, before the first difference throws the rest off. */
const LEAST_AGREEING_START = 8;
/** Engines that compute the same everywhere: a transcript made on one is what another must write. */
const EXACT = /^(?:transformers\/wasm|scripted)$/;
const CHALLENGE_TIMEOUT_MS = 30_000;

export interface GoldenChallengeDeps {
  readonly chance: Chance;
  readonly clock: Clock;
  readonly pipeline: Pick<PipelineDeps, 'giveJob' | 'outcome' | 'audits'>;
  readonly golden: (modelId: string) => Promise<readonly Golden[]>;
}

/**
 * Questions whose answer is known beforehand, put to a node like any other: it cannot tell, and nobody needs to check. Asked on doubt
 * (half the suspicion that counts as a failure, or a rejection that nobody confirmed), when nobody looked at the node for a week,
 * this answer included, and now and then by chance.
 */
export interface GoldenChallenges {
  after(executor: NodeId, model: ChatOutput['model'], rejectedByOne: boolean): Promise<void>;
}

export function createGoldenChallenges({ chance, clock, pipeline, golden }: GoldenChallengeDeps): GoldenChallenges {
  const underWay = new Set<NodeId>();

  const recordOf = (executor: NodeId, model: ChatOutput['model']): AuditRecord =>
    pipeline.audits.get(executor, model.hash) ?? NO_RECORD;
  const isDoubtful = ({ suspicion }: AuditRecord): boolean => suspicion >= SUSPICION_LIMIT / 2;

  async function challenge(executor: NodeId, model: ChatOutput['model']): Promise<void> {
    const known = pick(chance, await golden(model.id));
    if (known === undefined) return;
    const abort = new AbortController();
    const stopTimer = clock.after(CHALLENGE_TIMEOUT_MS, () => abort.abort());
    const done = await pipeline.giveJob(
      executor,
      {
        jobId: freshId(chance, 'job'),
        traceId: freshId(chance, 'trace'),
        capability: llmChat.id,
        input: {
          model: model.id,
          messages: [{ role: 'user', text: known.question }],
          maxTokens: Math.max(1, known.ids.length),
        },
      },
      abort.signal,
      () => {},
    );
    stopTimer();
    // Who is busy or gone is seen elsewhere.
    if (!done.ok) return;
    const output = checkAgainst(chatOutputSchema, done.value.output);
    const right = output.ok && output.value.model.hash === model.hash && isRight(output.value, known);
    const record = noteLook(recordOf(executor, model), clock.now());
    const found = right ? record : recordOutcome(record, { verdict: 'rejected', outsideBranch: true });
    pipeline.audits.set(executor, model.hash, found);
    if (!right) pipeline.outcome(executor, 'rejected');
  }

  return {
    async after(executor, model, rejectedByOne) {
      const record = recordOf(executor, model);
      const called = rejectedByOne || isDoubtful(record) || isLookDue(record, clock.now());
      if (!called && fraction(chance) >= CHALLENGE_SHARE) return;
      if (underWay.has(executor)) return;
      underWay.add(executor);
      await challenge(executor, model).finally(() => underWay.delete(executor));
    },
  };
}

/** Greedy tokens of the very model: equal to the last on engines that compute exactly, for a good start elsewhere. */
function isRight({ ids, model }: ChatOutput, { ids: known }: Golden): boolean {
  const agreeing = known.findIndex((id, at) => ids[at] !== id);
  if (agreeing === -1) return true;
  return !EXACT.test(model.engine) && agreeing >= Math.min(LEAST_AGREEING_START, known.length);
}
