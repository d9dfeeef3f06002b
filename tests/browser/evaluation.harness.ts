import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createWorkerModelLoader } from '#adapters/engine-worker/worker-model-loader';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-webcrypto';
import { unwrap } from '#core/base/result';
import { fitOf } from '#core/engines/fit';
import type { ModelManifest } from '#core/engines/model-manifest';
import { evaluate } from '#core/experts/admission-gate/evaluate';
import { evaluationSetsSchema, type EvaluationSets } from '#core/experts/admission-gate/evaluation-set';
import { examineExpert } from '#core/experts/admission-gate/examine';
import { scoreOf } from '#core/experts/admission-gate/kept-evaluation';
import { runAdmissionGate } from '#core/experts/admission-gate/run-admission-gate';
import { createExpertCard, openExpertCard } from '#core/experts/expert-card';
import { checkAgainst } from '#core/wire/gate';

const clock = createSystemClock();
/** Answers that are asked for a second time. */
const AGAIN = 6;

const harness = {
  /** Spark before the admission gate, as the page puts it there, without anybody to verify it. */
  async admit(given: EvaluationSets, manifest: ModelManifest) {
    const sets = unwrap(checkAgainst(evaluationSetsSchema, given));
    const loader = createWorkerModelLoader({ clock, baseUrl: `${location.origin}/static/` });
    const model = unwrap(await loader.load('spark-1'));
    const { hash, engine, contextTokens } = model.identity;
    const startedMs = clock.monotonicMs();
    const { pace, selfTest, ...measured } = unwrap(
      await examineExpert(model, sets, { clock, golden: manifest.golden ?? [] }),
    );
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    const few = { ...sets.target, items: sets.target.items.slice(0, AGAIN) };
    const again = unwrap(await evaluate(model, few));
    await model.dispose();

    const signer = createSeedSigner(new Uint8Array(32).fill(7));
    const { id, version, tasks, quantisation, memoryBytes } = manifest;
    const signed = await createExpertCard(signer, {
      expert: id,
      version,
      modelHash: hash,
      capabilities: ['llm.chat@1'],
      tasks,
      quantisation,
      engine,
      memoryBytes,
      contextTokens,
      ...pace,
      selfTest,
      scores: [scoreOf(measured.target), scoreOf(measured.general)],
      at: clock.now(),
    });
    const card = unwrap(await openExpertCard(signed, createVerify(), clock.now()));
    const device = { graphics: null, phone: false, cores: 2, memoryHintGb: 4 };
    const report = runAdmissionGate({
      card,
      measured,
      incumbent: null,
      known: [],
      fit: fitOf(manifest, device, null, { freeBytes: null }),
      manifest: { manifest, signedBy: signer.nodeId },
      verifications: [],
      related: () => false,
    });
    const sameAgain = again.items.every(({ ids }, at) => `${ids}` === `${measured.target.items[at]?.ids}`);
    return { report, measured, tookMs, sameAgain };
  },
};

export type EvaluationHarness = typeof harness;
Object.assign(window, { evaluation: harness });
