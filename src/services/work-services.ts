import type { Capability, CapabilityId } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { EmbeddingModel } from '#core/engines/embedding-model';
import type { ServedTask } from '#core/engines/encoder-protocol';
import type { LanguageModel } from '#core/engines/language-model';
import type { RerankModel } from '#core/engines/rerank-model';
import type { Sandbox } from '#core/engines/sandbox';
import type { ExpertPapers } from '#core/experts/expert-card';
import type { WorkKind, WorkKinds } from '#core/experts/work-kind';
import type { Executor } from '#core/jobs/executor';
import { createHourlyQuota } from '#core/jobs/quota';
import type { SealVerdict } from '#core/experts/validators/open-claim';
import { createSealedVerdicts } from '#core/experts/validators/sealed-verdict';
import type { NodePapers } from '#core/ledger/cards/node-papers';
import type { Ledger } from '#core/ledger/ledger';
import { idOfSigned, sign } from '#core/wire/signed';
import { service, type GivenVerdicts, type RegisteredService } from './basic-services';
import { checkOutcome } from './check-outcome/contract';
import { checkRedo, type CheckInput, type CheckOutput } from './check-redo/contract';
import { checkRescore } from './check-rescore/contract';
import { checkReveal } from './check-reveal/contract';
import { codePatch } from './code-patch/contract';
import { codePatchKind } from './code-patch/kind';
import { deterministicServices, deterministicWorkKinds } from './deterministic';
import { embedTexts } from './embed-texts/contract';
import { embedKind } from './embed-texts/kind';
import { expertCards } from './expert-cards/contract';
import { jobRun } from './job-run/contract';
import { llmChat } from './llm-chat/contract';
import { chatKind } from './llm-chat/kind';
import { nodeCards } from './node-cards/contract';
import { rerankPassages } from './rerank-passages/contract';
import { rerankKind } from './rerank-passages/kind';
import { textAudit } from './text-audit/contract';
import { auditKind } from './text-audit/kind';
import { textClassify } from './text-classify/contract';
import { classifyKind } from './text-classify/kind';
import { textExtract } from './text-extract/contract';
import { extractKind } from './text-extract/kind';
import { textJudge } from './text-judge/contract';
import { judgeKind } from './text-judge/kind';
import { textSummarize } from './text-summarize/contract';
import { summarizeKind } from './text-summarize/kind';

export interface WorkServiceDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly ledger: () => Ledger;
  readonly executor: () => Executor;
  /** The model with this id, or the node's own when none is named; loads it when needed. */
  readonly model: (id?: string) => Promise<Result<LanguageModel>>;
  /** A model that is loaded already: nobody who asks for a check makes this node load one. */
  readonly heldModel: (id: string) => Promise<Result<LanguageModel>>;
  /** The models that the person serves beside it; with an id that very one. */
  readonly embedder: (id?: string) => Promise<Result<EmbeddingModel>>;
  readonly reranker: (id?: string) => Promise<Result<RerankModel>>;
  /** Where code of others runs; null where there is no such place. */
  readonly sandbox: Sandbox | null;
  /** Runs a service of this node by name, for checks that do a job again. */
  readonly runHere: (capability: CapabilityId, input: unknown) => Promise<Result<unknown>>;
  readonly verdicts: GivenVerdicts;
  /** What this node says of the experts that it holds. */
  readonly papers: () => Promise<ExpertPapers>;
  /** What this node says of itself as a host. */
  readonly hostPapers: () => Promise<NodePapers>;
  readonly onVerdictGiven: () => void;
}

/** Checks per hour for one requester, each of which leaves some 500 bytes in this node's log: 5 MB an hour at most. */
const CHECKS_PER_HOUR = 10_000;
/** A verdict that nobody asked for is told in this node's log after so long: all that were drawn have sealed theirs by then. */
const UNASKED_MS = 15_000;
/** What the draw of positions is bound to, besides the executor's commitment; fresh in every run of a node. */
const SECRET_BYTES = 32;

/** Kinds of work over models; each has inputs and outputs of its own. */
const modelKinds: readonly unknown[] = [
  chatKind,
  summarizeKind,
  classifyKind,
  extractKind,
  judgeKind,
  auditKind,
  codePatchKind,
  embedKind,
  rerankKind,
];

export const workKinds: WorkKinds = new Map(
  [...(modelKinds as readonly WorkKind[]), ...deterministicWorkKinds].map((kind) => [kind.capability.id, kind]),
);

/** Work that a model beside the answering one does. */
export const encoderTasks: ReadonlyMap<CapabilityId, ServedTask> = new Map([
  [embedTexts.id, 'embed'],
  [rerankPassages.id, 'rerank'],
]);

const noSandbox: Sandbox = {
  run: async () => fail('sandbox_failed', 'This node has no place where code of others may run.'),
  dispose: () => {},
};

export type CheckCapability = Capability<CheckInput, CheckOutput>;

/** The checks that a requester may ask of others, by name. */
export const checkCapabilities: ReadonlyMap<CapabilityId, CheckCapability> = new Map(
  [checkRedo, checkRescore, checkOutcome].map((capability) => [capability.id, capability]),
);

/** Every service that works for others or for this node itself. Their code is fetched when they are first called. */
export function createWorkServices(deps: WorkServiceDeps): readonly RegisteredService[] {
  const { signer, verify, clock, ledger } = deps;
  const quota = createHourlyQuota(clock, CHECKS_PER_HOUR);

  const sealed = createSealedVerdicts(deps.chance, (verdict) => ledger().append({ kind: 'verdict.given', verdict }));
  const secret = deps.chance.bytes(SECRET_BYTES);

  /** Signs a verdict and fixes it; even its seal leaves this device only after it is written down. */
  const sealVerdict: SealVerdict = async (body, lookedAt, caller) => {
    if (!quota.take(caller)) return fail('quota_used_up', 'This node checked enough for you this hour.');
    const verdict = await sign(signer, body);
    const { jobId } = body;
    const seal = sealed.seal(caller, jobId, verdict, lookedAt);
    const written = await ledger().append({ kind: 'verdict.sealed', jobId, requester: caller, seal });
    if (!written.ok) return written;
    deps.verdicts.remember(body.requester, body.jobId, {
      id: idOfSigned(verdict),
      verdict: body.verdict,
      commitment: body.commitment,
    });
    deps.onVerdictGiven();
    // Whoever asked may be gone; the node that did the work is owed the verdict all the same.
    clock.after(UNASKED_MS, () => void sealed.reveal(caller, jobId));
    return ok({ sealed: seal });
  };

  const self = signer.nodeId;
  const checkDeps = {
    self,
    verify,
    now: () => clock.now(),
    sealVerdict,
    challenged(challenger: NodeId, commitmentId: string): boolean {
      const { challengesById, proposalsById } = ledger().state;
      for (const one of challengesById.values())
        if (one.challenger === challenger && proposalsById.get(one.proposal)?.commitmentId === commitmentId)
          return true;
      return false;
    },
  };
  const { model, heldModel, embedder, reranker, sandbox } = deps;
  return [
    service('contributing', {
      capability: jobRun,
      load: async () => (await import('./job-run/handler')).createJobRunHandler(deps.executor()),
    }),
    ...deterministicServices.map((definition) => service('contributing', definition)),
    service('contributing', {
      capability: checkRedo,
      async load() {
        const [{ createCheckRedoHandler }, { deterministicJobTypes }] = await Promise.all([
          import('./check-redo/handler'),
          import('./deterministic-job-types'),
        ]);
        const typesByCapability = new Map([...deterministicJobTypes.values()].map((type) => [type.capability, type]));
        return createCheckRedoHandler({
          ...checkDeps,
          async redo(capability, input) {
            const type = typesByCapability.get(capability);
            if (!type) return fail('unsupported', 'This node does not do that work.');
            const fault = type.payloadFault(input);
            return fault === null
              ? deps.runHere(capability, input)
              : fail(fault, 'No result of this payload is valid.');
          },
        });
      },
    }),
    service('contributing', {
      capability: expertCards,
      load: async () => (await import('./expert-cards/handler')).createExpertCardsHandler(deps.papers),
    }),
    service('contributing', {
      capability: nodeCards,
      load: async () => (await import('./node-cards/handler')).createNodeCardsHandler(deps.hostPapers),
    }),
    service('contributing', {
      capability: checkReveal,
      load: async () => (await import('./check-reveal/handler')).createCheckRevealHandler(sealed),
    }),
    service('contributing', {
      capability: checkOutcome,
      load: async () =>
        (await import('./check-outcome/handler')).createCheckOutcomeHandler({
          ...checkDeps,
          model: heldModel,
          embedder,
          reranker,
          sandbox: sandbox ?? noSandbox,
        }),
    }),
    service('model-warm', {
      capability: llmChat,
      load: async () => (await import('./llm-chat/handler')).createChatHandler({ self, model }),
    }),
    service('model-warm', {
      capability: checkRescore,
      load: async () =>
        (await import('./check-rescore/handler')).createCheckRescoreHandler({
          ...checkDeps,
          model: heldModel,
          secret,
        }),
    }),
    service('model-warm', {
      capability: textSummarize,
      load: async () => (await import('./text-summarize/handler')).createSummarizeHandler({ model }),
    }),
    service('model-warm', {
      capability: textClassify,
      load: async () => (await import('./text-classify/handler')).createClassifyHandler({ clock, model }),
    }),
    service('model-warm', {
      capability: textExtract,
      load: async () => (await import('./text-extract/handler')).createExtractHandler({ clock, model }),
    }),
    service('model-warm', {
      capability: textJudge,
      load: async () => (await import('./text-judge/handler')).createJudgeHandler({ clock, model }),
    }),
    service('model-warm', {
      capability: textAudit,
      load: async () => (await import('./text-audit/handler')).createAuditHandler({ clock, self, model }),
    }),
    ...(sandbox === null
      ? []
      : [
          service('model-warm', {
            capability: codePatch,
            load: async () => (await import('./code-patch/handler')).createCodePatchHandler({ clock, model, sandbox }),
          }),
        ]),
    service('embed-warm', {
      capability: embedTexts,
      load: async () => (await import('./embed-texts/handler')).createEmbedHandler({ clock, model: embedder }),
    }),
    service('rerank-warm', {
      capability: rerankPassages,
      load: async () => (await import('./rerank-passages/handler')).createRerankHandler({ clock, model: reranker }),
    }),
  ];
}
