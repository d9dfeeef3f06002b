import { encodeCanonical, sha256 } from '#core/base/canonical';
import type { CallContext } from '#core/bus/capability';
import { fail, ok, unwrap } from '#core/base/result';
import { samplingOf } from '#core/engines/answer-sampling';
import type { LanguageModel, ScoredPosition } from '#core/engines/language-model';
import type { Sampling } from '#core/engines/sampling';
import { verdictSchema, type VerdictStatement } from '#core/ledger/statements';
import { openSigned } from '#core/wire/signed';
import type { CheckInput } from '#services/check-redo/contract';
import { createCheckRescoreHandler } from '#services/check-rescore/handler';
import { llmChat, type ChatChunk, type ChatInput, type ChatOutput } from '#services/llm-chat/contract';
import { createChatHandler } from '#services/llm-chat/handler';
import { claimOf, sealingAs, signerFrom, verifySignature } from '#tests/fakes/claims';
import { posingAs } from '#tests/simulation/adversaries/posing-as';
import type { Task } from './questions';

const REQUESTER = signerFrom(1);
const EXECUTOR = signerFrom(2);
const VALIDATOR = signerFrom(3);

export interface Examined {
  readonly output: ChatOutput;
  readonly verdict: VerdictStatement;
  /** Of every token; null where the validator saw enough without looking at them. */
  readonly scores: readonly ScoredPosition[] | null;
}

/** The draw that an honest executor of this task makes. */
export const samplingOfTask = (task: Task, modelHash: string): Sampling =>
  samplingOf(inputOf(task), {
    jobId: task.jobId,
    executor: EXECUTOR.nodeId,
    modelHash,
    resumedTokens: 0,
  })!;

const inputOf = ({ question, maxTokens, temperaturePercent, nonce }: Task): ChatInput => ({
  messages: [{ role: 'user', text: question }],
  maxTokens,
  sampling: { temperaturePercent, nonce },
});

/**
 * One job from question to verdict by the services of a node: the executor answers and commits, the validator opens the claim,
 * draws its positions, scores and seals. Only the two links between them are left out.
 */
export async function examine(executing: LanguageModel, validating: LanguageModel, task: Task): Promise<Examined> {
  const input = inputOf(task);
  const context = <Chunk>(): CallContext<Chunk> => ({
    caller: REQUESTER.nodeId,
    local: false,
    callId: task.jobId,
    job: { jobId: task.jobId, requester: REQUESTER.nodeId },
    signal: new AbortController().signal,
    emit: () => {},
  });
  const answer = createChatHandler({ self: EXECUTOR.nodeId, model: async () => ok(executing) });
  const output = unwrap(await answer(input, context<ChatChunk>()));
  const claim = await claimOf({
    executor: EXECUTOR,
    requester: REQUESTER.nodeId,
    capability: llmChat.id,
    input,
    output,
    jobId: task.jobId,
  });

  let scores: readonly ScoredPosition[] | null = null;
  const watched = posingAs(validating, {
    async score(promptIds, outputIds, sampling) {
      const run = await validating.score(promptIds, outputIds, sampling);
      if (run.ok) scores = run.value;
      return run;
    },
  });
  const pen = sealingAs(VALIDATOR);
  const check = createCheckRescoreHandler({
    self: VALIDATOR.nodeId,
    verify: verifySignature,
    challenged: () => false,
    now: () => 5,
    model: async (id) => (id === watched.identity.id ? ok(watched) : fail('unknown_model', 'No such model.')),
    sealVerdict: pen.sealVerdict,
    secret: sha256(encodeCanonical(['tabmesh/liars', 'secret', task.nonce])),
  });
  unwrap(await check(claim as CheckInput, context<never>()));
  const verdict = unwrap(await openSigned(verdictSchema, pen.last(), verifySignature, [VALIDATOR.nodeId]));
  return { output, verdict, scores };
}
