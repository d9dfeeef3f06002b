import type { Signer } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import type { Golden } from '#core/engines/model-manifest';
import { runPipeline, type WorkOutcome } from '#core/experts/pipeline';
import type { RouteUpdate } from '#core/experts/route';
import type { PipelineDeps, WorkRequest } from '#core/experts/run';
import { llmChat, type ChatInput, type ChatOutput } from '#services/llm-chat/contract';
import { createGoldenChallenges } from './golden-challenges';
import { createPipelineDeps, type NodeParts } from './pipeline-deps';
import { createPlantedChecks, createValidatorRecords } from './planted-checks';
import { createSecondOpinions } from './second-opinions';

export interface AskingDeskDeps extends Omit<NodeParts, 'validatorRecords' | 'judge' | 'auditors' | 'askAudit'> {
  /** A model that is loaded here, by its hash. */
  readonly ownModel: (hash: string) => LanguageModel | undefined;
  readonly golden: (modelId: string) => Promise<readonly Golden[]>;
  /** Null: nothing is planted for validators to find. */
  readonly newSigner: (() => Promise<Signer>) | null;
}

/** Gives back the same dependencies with somebody looking on. */
export type Watch = (deps: PipelineDeps) => PipelineDeps;

/** Everything that asks others for work: the pipeline, and what follows an answer to keep those honest who gave and checked it. */
export interface AskingDesk {
  work(request: WorkRequest, watch?: Watch): AsyncGenerator<RouteUpdate, Result<WorkOutcome>>;
}

export function createAskingDesk(deps: AskingDeskDeps): AskingDesk {
  const { signer, verify, clock, chance } = deps;
  const validatorRecords = createValidatorRecords();
  const pipeline = createPipelineDeps({
    ...deps,
    validatorRecords,
    ...createSecondOpinions(deps),
  });
  const planted =
    deps.newSigner &&
    createPlantedChecks({
      signer,
      verify,
      clock,
      chance,
      pipeline,
      records: validatorRecords,
      ownModel: deps.ownModel,
      newSigner: deps.newSigner,
    });
  const challenges = createGoldenChallenges({ chance, clock, pipeline, golden: deps.golden });

  /** What follows an answer disturbs nothing: it begins when the answer is there, and what fails in it is nobody's failure. */
  function follow(request: WorkRequest, { answer, output }: WorkOutcome): void {
    const [executor] = answer.experts.slice(-1);
    if (request.kind.capability.id !== llmChat.id || request.provider === 'self' || executor === undefined) return;
    const chat = output as ChatOutput;
    const rejectedByOne =
      answer.verdict === 'disputed' || (answer.verdict === 'rejected' && answer.validators.length < 2);
    if (executor !== signer.nodeId) void challenges.after(executor, chat.model, rejectedByOne);
    if (answer.verdict === 'accepted') void planted?.after(request.input as ChatInput, chat, answer.validators);
  }

  return {
    async *work(request, watch) {
      const outcome = yield* runPipeline(watch?.(pipeline) ?? pipeline, request);
      if (outcome.ok) follow(request, outcome.value);
      return outcome.ok ? ok(outcome.value) : outcome;
    },
  };
}
