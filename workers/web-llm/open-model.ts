import * as v from 'valibot';
import { fail, ok, type Result } from '#core/base/result';
import { manifestHashOf, type ModelManifest } from '#core/engines/model-manifest';
import type { ModelSource } from '#core/engines/worker-protocol';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import { endTokensOf, type PromptStyle } from '../transformers/prompting';
import { createTokenizer, type TextTokenizer } from './tokenizer';

const CONFIG_FILE = 'mlc-chat-config.json';
const TOKENIZER_FILE = 'tokenizer.json';
const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';
/** Newer models keep their chat template in a file of its own. */
const TEMPLATE_FILE = 'chat_template.jinja';
/** The largest known settings are a hundredth of this, the largest tokenizer a quarter. */
const MAX_CONFIG_BYTES = 1024 * 1024;
const MAX_TOKENIZER_BYTES = 128 * 1024 * 1024;

const whole = (least: number, most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most));
/** As many tokens as any vocabulary has, with room; also what the logits of one position are allocated by. */
const MAX_VOCABULARY = 2_000_000;

/** What this worker reads of `mlc-chat-config.json`; the rest of it is for web-llm. */
const configSchema = v.object({
  vocab_size: whole(1, MAX_VOCABULARY),
  /** -1 where the model has a sliding window instead. */
  context_window_size: v.optional(whole(-1, 16_777_216)),
  conv_template: v.object({
    stop_token_ids: v.pipe(v.array(whole(0, MAX_VOCABULARY)), v.maxLength(64)),
  }),
});

/** A stored model, looked through before anything large is read. */
export interface OpenedModel {
  readonly manifest: ModelManifest;
  readonly hash: string;
  readonly library: string;
  readonly blobByPath: Readonly<Record<string, Blob>>;
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly tokenizer: TextTokenizer;
  readonly style: PromptStyle;
  /** What ends an answer. */
  readonly endTokenId: number;
  readonly otherEndIds: readonly number[];
}

const failed = (why: string) => fail('load_failed', `The model could not be loaded: ${why}.`);

async function textOf(blob: Blob | undefined, maxBytes: number): Promise<string | null> {
  return blob === undefined || blob.size > maxBytes ? null : blob.text();
}

/** Not through the gate that refuses prototype names: a vocabulary has words like `constructor`. Its hash was checked. */
function objectOf(text: string | null): object | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/**
 * Looks through the files of a stored model. Their content was verified when it was stored: here is checked that all are
 * there, and that the settings make sense. Code: `load_failed`.
 */
export async function openModel(source: ModelSource): Promise<Result<OpenedModel>> {
  if (source.kind !== 'stored') return failed('this engine runs models from the store of this device only');
  const { manifest, blobByPath: offered } = source;
  const { library, chatTemplate } = manifest;
  if (manifest.engine !== 'web-llm') return failed(`it is made for the engine ${manifest.engine}`);
  const hash = manifestHashOf(manifest);
  if (hash === null) return failed('the hash of one of its files is not known yet');
  const blobByPath: Record<string, Blob> = {};
  for (const { path, sizeBytes } of manifest.files) {
    const blob = Object.hasOwn(offered, path) ? offered[path] : undefined;
    if (blob === undefined || (sizeBytes !== null && blob.size !== sizeBytes))
      return failed(`${path} is not on this device as a whole`);
    blobByPath[path] = blob;
  }
  if (library === undefined || !Object.hasOwn(blobByPath, library)) return failed('it has no compiled library');

  const config = parseJsonThrough(
    configSchema,
    (await textOf(blobByPath[CONFIG_FILE], MAX_CONFIG_BYTES)) ?? '',
    MAX_CONFIG_BYTES,
  );
  if (!config.ok) return failed(`${CONFIG_FILE} is malformed`);
  const { vocab_size: vocabularySize, context_window_size: window = -1, conv_template } = config.value;

  const tokenizerJson = objectOf(await textOf(blobByPath[TOKENIZER_FILE], MAX_TOKENIZER_BYTES));
  const tokenizerConfig = objectOf(await textOf(blobByPath[TOKENIZER_CONFIG_FILE], MAX_TOKENIZER_BYTES));
  if (tokenizerJson === null || tokenizerConfig === null) return failed('it has no readable tokenizer');
  let tokenizer: TextTokenizer;
  try {
    tokenizer = createTokenizer(tokenizerJson, tokenizerConfig);
  } catch {
    return failed('its tokenizer is malformed');
  }
  if (chatTemplate === 'card') return failed('this engine makes no prompts by a card');
  const template = await textOf(blobByPath[TEMPLATE_FILE], MAX_CONFIG_BYTES);
  const style: PromptStyle = chatTemplate === 'none' ? { kind: 'none' } : { kind: 'tokenizer', template };

  // The tokenizer's own first: the settings list the ends in no order.
  const named = tokenizer.endTokenId;
  const [endTokenId, ...otherEndIds] = endTokensOf(
    [...(named === undefined ? [] : [named]), ...conv_template.stop_token_ids],
    undefined,
  );
  if (endTokenId === undefined) return failed('it does not say which token ends an answer');
  if ([endTokenId, ...otherEndIds].some((id) => id >= vocabularySize)) return failed(`${CONFIG_FILE} is malformed`);
  return ok({
    manifest,
    hash,
    library,
    blobByPath,
    vocabularySize,
    contextTokens: window > 0 ? Math.min(window, manifest.contextTokens) : manifest.contextTokens,
    tokenizer,
    style,
    endTokenId,
    otherEndIds,
  });
}
