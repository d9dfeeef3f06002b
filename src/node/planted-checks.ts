import { freshId, fraction, pick, uint32 } from '#core/base/chance';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { withoutUndefined } from '#core/base/plain';
import { fail, ok, type Result } from '#core/base/result';
import { samplingOf } from '#core/engines/answer-sampling';
import type { LanguageModel } from '#core/engines/language-model';
import type { Claim, PipelineDeps } from '#core/experts/run';
import { judgeRescore } from '#core/experts/validators/judge-rescore';
import { opensSeal } from '#core/experts/validators/sealed-verdict';
import { SALT_BYTES, saltedDigest, verdictSchema, type Commitment } from '#core/ledger/statements';
import { idOfSigned, openSigned, sign } from '#core/wire/signed';
import { checkRescore } from '#services/check-rescore/contract';
import { llmChat, type ChatInput, type ChatOutput } from '#services/llm-chat/contract';

/** Share of checks that are followed by a planted one, once a validator is proved: enough to find who stopped looking within a day. */
const PLANT_SHARE = 0.05;
/** Of planted claims, how many are false. The true ones find who rejects everything. */
const FALSE_SHARE = 0.7;
/** Faults that a validator must have found before it decides alone. */
const FOUND_TO_BE_PROVED = 1;
/** Validators remembered; the longest untouched are forgotten, and begin anew. */
const MAX_VALIDATORS = 1_024;
/** Tries to forge an answer that is surely wrong. */
const FORGE_ATTEMPTS = 8;
const PLANTED_TIMEOUT_MS = 10_000;

interface PlantRecord {
  readonly found: number;
  readonly failed: number;
}

/** What is known of validators by faults that were planted for them to find. */
export interface ValidatorRecords {
  /** `failed`: it let a planted fault pass, or rejected what was right. */
  standingOf(node: NodeId): 'unproved' | 'proved' | 'failed';
  note(node: NodeId, passed: boolean): void;
}

export function createValidatorRecords(): ValidatorRecords {
  const records = new Map<NodeId, PlantRecord>();
  return {
    standingOf(node) {
      const { found, failed } = records.get(node) ?? { found: 0, failed: 0 };
      if (failed > 0) return 'failed';
      return found >= FOUND_TO_BE_PROVED ? 'proved' : 'unproved';
    },
    note(node, passed) {
      const before = records.get(node) ?? { found: 0, failed: 0 };
      records.delete(node);
      records.set(node, { found: before.found + (passed ? 1 : 0), failed: before.failed + (passed ? 0 : 1) });
      if (records.size > MAX_VALIDATORS) records.delete(records.keys().next().value!);
    },
  };
}

export interface PlantedCheckDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly pipeline: Pick<PipelineDeps, 'askCheck' | 'askReveal' | 'outcome' | 'validators'>;
  readonly records: ValidatorRecords;
  /** A model that is loaded on this device, by its hash. */
  readonly ownModel: (hash: string) => LanguageModel | undefined;
  /** A key that nobody saw before and nobody sees again. */
  readonly newSigner: () => Promise<Signer>;
}

/** What is planted for whom: told apart from other claims by nothing but that this node knows the answer. */
export interface PlantedChecks {
  /**
   * After an answer was checked: perhaps the same validators get another claim about the same question, whose verdict is known. Only
   * they read the question again, and only a device with the same model can plant. Never disturbs what it follows.
   */
  after(input: ChatInput, output: ChatOutput, validators: readonly NodeId[]): Promise<void>;
}

export function createPlantedChecks(deps: PlantedCheckDeps): PlantedChecks {
  const { signer, verify, clock, chance, pipeline, records } = deps;

  /** An answer as this device gives it under a key of its own. */
  async function honestAnswer(
    model: LanguageModel,
    input: ChatInput,
    jobId: string,
    executor: NodeId,
  ): Promise<Result<ChatOutput>> {
    const { id, hash, engine } = model.identity;
    const prompt = await model.encodePrompt(input.messages);
    if (!prompt.ok) return prompt;
    const sampling = samplingOf(input, { jobId, executor, modelHash: hash, resumedTokens: 0 });
    const run = await model.generate(
      {
        promptIds: prompt.value,
        prefixIds: [],
        maxTokens: input.maxTokens,
        signal: new AbortController().signal,
        ...(sampling === undefined ? {} : { sampling }),
      },
      () => {},
    );
    if (!run.ok) return run;
    const { ids, finish } = run.value;
    if (finish === 'cancelled') return fail('cancelled', 'It was stopped.');
    const text = await model.decode(ids);
    if (!text.ok) return text;
    return ok({
      model: { id, hash, engine },
      promptIds: [...prompt.value],
      ids: [...ids],
      resumedTokens: 0,
      text: text.value,
      finish,
    });
  }

  /** The same answer with one token that the model would never have drawn; null where none was found. */
  async function forge(
    model: LanguageModel,
    input: ChatInput,
    output: ChatOutput,
    jobId: string,
    executor: NodeId,
  ): Promise<ChatOutput | null> {
    const others = [...new Set(output.ids)].filter((id) => id !== model.endTokenId);
    for (let attempt = 0; attempt < FORGE_ATTEMPTS; attempt++) {
      const at = uint32(chance) % Math.max(1, output.ids.length - 1);
      const id = pick(chance, others);
      if (id === undefined || id === output.ids[at]) continue;
      const ids = output.ids.with(at, id);
      const text = await model.decode(ids);
      if (!text.ok) continue;
      const forged = { ...output, ids, text: text.value };
      const sampling = samplingOf(input, { jobId, executor, modelHash: model.identity.hash, resumedTokens: 0 });
      const found = await judgeRescore(
        model,
        {
          ...forged,
          messages: input.messages,
          maxTokens: input.maxTokens,
          modelHash: model.identity.hash,
          engine: model.identity.engine,
          ...(sampling === undefined ? {} : { sampling }),
        },
        chance.bytes(32),
      );
      if (found.verdict === 'rejected') return forged;
    }
    return null;
  }

  async function plant(model: LanguageModel, asked: ChatInput, validator: NodeId): Promise<void> {
    const executor = await deps.newSigner();
    const jobId = freshId(chance, 'job');
    const { resume: _resume, ...input } = asked;
    const honest = await honestAnswer(model, input, jobId, executor.nodeId);
    if (!honest.ok) return;
    const isFalse = fraction(chance) < FALSE_SHARE;
    const output = isFalse ? await forge(model, input, honest.value, jobId, executor.nodeId) : honest.value;
    if (output === null) return;
    const salt = chance.bytes(SALT_BYTES);
    const body: Commitment = {
      type: 'commitment',
      v: 1,
      jobId,
      traceId: freshId(chance, 'trace'),
      requester: signer.nodeId,
      executor: executor.nodeId,
      capability: llmChat.id,
      input: saltedDigest(salt, withoutUndefined(input)),
      output: saltedDigest(salt, output),
      at: clock.now(),
    };
    const claim: Claim = { commitment: await sign(executor, body), salt, input: withoutUndefined(input), output };
    const seal = await pipeline.askCheck(validator, checkRescore.id, claim, PLANTED_TIMEOUT_MS);
    // Silence is no fault: the ordinary checks see who is silent.
    if (!seal.ok) return;
    const revealed = await pipeline.askReveal(validator, jobId);
    if (!revealed.ok || !opensSeal(seal.value, revealed.value)) return;
    const verdict = await openSigned(verdictSchema, revealed.value.verdict, verify, [validator]);
    if (!verdict.ok || verdict.value.commitment !== idOfSigned(claim.commitment)) return;
    if (verdict.value.verdict === 'undecided') return;
    const passed = verdict.value.verdict === (isFalse ? 'rejected' : 'accepted');
    // A true claim that passes shows nothing about whether anybody looked.
    if (!passed || isFalse) records.note(validator, passed);
    if (!passed) pipeline.outcome(validator, 'rejected');
  }

  return {
    async after(input, output, validators) {
      const model = deps.ownModel(output.model.hash);
      // Where misses are only recorded, nobody can be expected to reject.
      if (model === undefined || model.identity.engine !== output.model.engine || /\/webgpu$/.test(output.model.engine))
        return;
      const able = new Set(pipeline.validators(checkRescore.id, output.model).map(({ node }) => node));
      for (const validator of validators) {
        const standing = records.standingOf(validator);
        if (!able.has(validator) || standing === 'failed') continue;
        if (standing === 'unproved' || fraction(chance) < PLANT_SHARE) await plant(model, input, validator);
      }
    },
  };
}
