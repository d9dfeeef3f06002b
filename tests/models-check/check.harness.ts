import { createSystemClock } from '#adapters/clock-system/system-clock';
import { spawnModelWorker } from '#adapters/engine-worker/spawn-model-worker';
import { spawnWebLlmWorker } from '#adapters/engine-worker/spawn-web-llm-worker';
import { loadSupervisedModel } from '#adapters/engine-worker/supervised-model';
import { hex } from '#core/base/bytes';
import { fail, ok, type Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import type { Golden, ModelManifest } from '#core/engines/model-manifest';
import { selfTest, type SelfTestReport } from '#core/engines/self-test';
import type { ModelSource } from '#core/engines/worker-protocol';

/** What every model is asked: two questions of the app, two of the world. */
const QUESTIONS = ['What is a node?', 'How are answers checked?', 'Why is the sky blue?', 'Tell me about the sea.'];
/** Tokens of a golden transcript. */
const GOLDEN_TOKENS = 64;
/** Ids of a prompt by which the pace of reading is measured, where the context has room for them. */
const LONG_PROMPT = 256;
/** The hub answers within seconds or not at all. */
const FIRST_BYTE_MS = 20_000;
/** Silence in the middle of a file after which its connection counts as broken. */
const SILENCE_MS = 60_000;

export interface ModelCheck {
  readonly engine: string;
  readonly loadMs: number;
  readonly golden: readonly Golden[];
  /** The transcripts scored back by the model itself. */
  readonly own: SelfTestReport;
  /** The transcripts of the catalogue, where it has some. */
  readonly known: SelfTestReport | null;
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
}

/** A file from wherever it lies, held against its hash where that is known. Codes: `offline`, `server_refused`, `hash_mismatch`. */
async function download(url: string, sha256: string | null): Promise<Result<{ blob: Blob; sha256: string }>> {
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), FIRST_BYTE_MS);
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok) return fail('server_refused', `${url} answered ${response.status}.`);
    const chunks: Blob[] = [];
    for await (const chunk of response.body!) {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), SILENCE_MS);
      // A blob may lie on disk; bytes would stay in memory.
      chunks.push(new Blob([chunk]));
    }
    const blob = new Blob(chunks);
    const found = hex(new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())));
    return sha256 !== null && found !== sha256
      ? fail('hash_mismatch', `${url} is not the file that the catalogue names.`)
      : ok({ blob, sha256: found });
  } catch {
    return fail('offline', `There is no connection to ${new URL(url).host}.`);
  } finally {
    clearTimeout(timer);
  }
}

async function sourceOf(manifest: ModelManifest): Promise<Result<ModelSource>> {
  const { source } = manifest;
  if (source.kind === 'app' && manifest.engine === 'transformers')
    return ok({ kind: 'folder', url: `${location.origin}/static/${source.folder}/` });
  const base =
    source.kind === 'app'
      ? `${location.origin}/static/${source.folder}/`
      : `https://huggingface.co/${source.repository}/resolve/${source.revision}/`;
  const blobByPath: Record<string, Blob> = {};
  const files = [];
  for (const file of manifest.files) {
    const fetched = await download(file.url ?? base + file.path, file.sha256);
    if (!fetched.ok) return fetched;
    blobByPath[file.path] = fetched.value.blob;
    files.push({ ...file, sha256: fetched.value.sha256, sizeBytes: fetched.value.blob.size });
  }
  return ok({ kind: 'stored', manifest: { ...manifest, files }, blobByPath });
}

const never = new AbortController().signal;
const greedy = (model: LanguageModel, promptIds: readonly number[], maxTokens: number, onToken: () => void) =>
  model.generate({ promptIds, prefixIds: [], maxTokens, signal: never }, onToken);

async function transcribe(model: LanguageModel): Promise<Result<readonly Golden[]>> {
  const golden: Golden[] = [];
  for (const question of QUESTIONS) {
    const promptIds = await model.encodePrompt([{ role: 'user', text: question }]);
    if (!promptIds.ok) return promptIds;
    const answer = await greedy(model, promptIds.value, GOLDEN_TOKENS, () => {});
    if (!answer.ok) return answer;
    golden.push({ question, promptIds: [...promptIds.value], ids: [...answer.value.ids] });
  }
  return ok(golden);
}

/** Tokens per second of a long prompt, and of what follows. */
async function pace(
  model: LanguageModel,
  [sample]: readonly Golden[],
): Promise<Result<{ prefill: number; decode: number }>> {
  const length = Math.min(LONG_PROMPT, model.identity.contextTokens >> 1);
  const promptIds = Array.from({ length }, (_, at) => sample!.promptIds[at % sample!.promptIds.length]!);
  const startedAt = performance.now();
  const times: number[] = [];
  const answer = await greedy(model, promptIds, GOLDEN_TOKENS, () => times.push(performance.now()));
  if (!answer.ok) return answer;
  const first = times[0] ?? startedAt;
  const decode = times.length < 2 ? 0 : ((times.length - 1) / (times.at(-1)! - first)) * 1_000;
  return ok({ prefill: (length / (first - startedAt)) * 1_000, decode });
}

/** Downloads the model, runs it in the app's own worker, and says how it did. */
async function check(manifest: ModelManifest): Promise<Result<ModelCheck>> {
  const source = await sourceOf(manifest);
  if (!source.ok) return source;
  const startedAt = performance.now();
  const loaded = await loadSupervisedModel({
    modelId: manifest.id,
    source: source.value,
    clock: createSystemClock(),
    spawn: manifest.engine === 'web-llm' ? () => spawnWebLlmWorker() : spawnModelWorker,
    onProgress() {},
    onGone() {},
  });
  if (!loaded.ok) return loaded;
  const model = loaded.value;
  const loadMs = performance.now() - startedAt;
  try {
    const golden = await transcribe(model);
    if (!golden.ok) return golden;
    const own = await selfTest(model, golden.value);
    if (!own.ok) return own;
    const known = manifest.golden === undefined ? ok(null) : await selfTest(model, manifest.golden);
    if (!known.ok) return known;
    const paces = await pace(model, golden.value);
    if (!paces.ok) return paces;
    return ok({
      engine: model.identity.engine,
      loadMs,
      golden: golden.value,
      own: own.value,
      known: known.value,
      prefillTokensPerSecond: paces.value.prefill,
      decodeTokensPerSecond: paces.value.decode,
    });
  } finally {
    await model.dispose();
  }
}

const harness = { check };
export type ModelsCheckHarness = typeof harness;
Object.assign(window, { modelsCheck: harness });
