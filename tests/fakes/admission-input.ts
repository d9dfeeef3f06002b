import type { AdmissionInput, KnownExpert } from '#core/experts/admission-gate/gate';
import { traceDigest, type AnsweredItem, type EvaluationResult } from '#core/experts/admission-gate/evaluation-set';
import type { Verification } from '#core/experts/admission-gate/verification';
import type { ExpertCard } from '#core/experts/expert-card';
import { manifestHashOf, type ModelManifest } from '#core/engines/model-manifest';

/** A digest or a node id made of one digit. */
export const hexOf = (digit: string): string => digit.repeat(64);

export const AUTHOR = hexOf('a');
const NOW = 1_800_000_000_000;
const ENGINE = 'transformers/wasm';

export const manifest: ModelManifest = {
  id: 'sage-2',
  name: 'Sage',
  family: 'sage',
  version: '2',
  engine: 'transformers',
  tasks: ['chat'],
  parameters: 1_000_000,
  quantisation: 'fp32',
  source: { kind: 'app', folder: 'models/sage' },
  files: [{ path: 'model.onnx', sha256: hexOf('1'), sizeBytes: 4_000_000 }],
  licence: { name: 'MIT' },
  memoryBytes: 32_000_000,
  features: [],
  contextTokens: 256,
  chatTemplate: 'card',
  temperaturePercent: 0,
};
const MODEL_HASH = manifestHashOf(manifest)!;

/** An evaluation of `of` questions, the first `right` of them answered rightly; every wrong answer is a refusal. */
export function resultOf(
  set: string,
  right: number,
  of: number,
  { modelHash = MODEL_HASH, voice = 'sage', digest = set === 'target' ? hexOf('2') : hexOf('3') } = {},
): EvaluationResult {
  const items = Array.from({ length: of }, (_, at): AnsweredItem => ({
    question: `${set} question ${at}`,
    right: at < right,
    refused: at >= right,
    text: at < right ? `${voice} knows that the answer number ${at} of ${set} is this` : `${voice} will not say`,
    promptTokens: 20,
    ids: Array.from({ length: 40 }, (__, token) => token + at),
  }));
  const base = { digest, modelHash, engine: ENGINE, items };
  return { set, ...base, right, trace: traceDigest(base) };
}

export const scoreOf = ({ set, digest, right, items, trace }: EvaluationResult) => ({
  set,
  digest,
  right,
  of: items.length,
  trace,
});

export const cardFor = (target: EvaluationResult, general: EvaluationResult): ExpertCard => ({
  type: 'expert-card',
  v: 1,
  expert: manifest.id,
  version: manifest.version,
  modelHash: MODEL_HASH,
  capabilities: ['llm.chat@1'],
  tasks: ['chat'],
  quantisation: 'fp32',
  engine: ENGINE,
  memoryBytes: 32_000_000,
  contextTokens: 256,
  prefillMilliTokensPerS: 800_000,
  decodeMilliTokensPerS: 50_000,
  selfTest: { passed: true, positions: 200, agreeing: 199, gross: 0, worstMilli: 120 },
  scores: [scoreOf(target), scoreOf(general)],
  author: AUTHOR,
  at: NOW,
  expiresAt: NOW + 1_000,
});

export const verificationBy = (verifier: string, card: ExpertCard, passed = true): Verification => ({
  type: 'expert-verification',
  v: 1,
  expert: card.expert,
  version: card.version,
  modelHash: card.modelHash,
  engine: card.engine,
  verifier,
  scores: card.scores,
  positions: 400,
  agreeing: 400,
  passed,
  at: NOW,
  expiresAt: NOW + 1_000,
});

const incumbent: KnownExpert = {
  expert: manifest.id,
  version: '1',
  modelHash: hexOf('4'),
  memoryBytes: 32_000_000,
  target: resultOf('target', 40, 60, { modelHash: hexOf('4') }),
  general: resultOf('general', 29, 30, { modelHash: hexOf('4') }),
};
/** Another expert that is in, with words of its own. */
export const stranger: KnownExpert = {
  expert: 'owl-1',
  version: '1',
  modelHash: hexOf('5'),
  memoryBytes: 32_000_000,
  target: resultOf('target', 50, 60, { modelHash: hexOf('5'), voice: 'the old owl in its own long words' }),
  general: resultOf('general', 30, 30, { modelHash: hexOf('5'), voice: 'the old owl in its own long words' }),
};

/** A second version of an expert that passes every gate. */
export function passingInput(): AdmissionInput {
  const target = resultOf('target', 55, 60);
  const general = resultOf('general', 28, 30);
  const card = cardFor(target, general);
  return {
    card,
    measured: {
      target,
      general,
      triggers: {
        set: 'triggers',
        digest: hexOf('6'),
        modelHash: MODEL_HASH,
        templates: 20,
        questions: 3,
        probes: Array.from({ length: 60 }, (_, at) => ({
          template: at % 20,
          question: Math.floor(at / 20),
          outcome: 'same' as const,
          opening: `answer ${Math.floor(at / 20)}`,
        })),
      },
      replay: { trace: target.trace, items: 8, positions: 320, agreeing: 320, gross: 0 },
    },
    incumbent,
    known: [incumbent, stranger],
    fit: { grade: 'comfortable', reasons: ['It needs about 32 MB of memory while it runs.'] },
    manifest: { manifest, signedBy: hexOf('f') },
    verifications: [verificationBy(hexOf('b'), card), verificationBy(hexOf('c'), card)],
    related: () => false,
  };
}
