import { readFileSync } from 'node:fs';
import { modelLibURLPrefix, modelVersion, prebuiltAppConfig } from '@mlc-ai/web-llm';
import { describe, expect, test } from 'vitest';
import { renderCatalogue } from '#cli/render-catalogue';
import { unwrap } from '#core/base/result';
import { modelHashOf } from '#core/engines/model-hash';
import { manifestHashOf, MODEL_TASKS, modelCatalogueSchema, type ModelManifest } from '#core/engines/model-manifest';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import { chooseGraph } from '#workers/transformers/stored-graph';

const read = (path: string): string => readFileSync(new URL(`../../static/models/${path}`, import.meta.url), 'utf8');
const text = read('catalogue.json');
const { models } = unwrap(parseJsonThrough(modelCatalogueSchema, text, 1e7));
const ofEngine = (engine: ModelManifest['engine']) => models.filter((manifest) => manifest.engine === engine);
const MIB = 1024 ** 2;

describe('the built-in catalogue', () => {
  test('offers a dozen models and more, of both engines, for every task', () => {
    expect(ofEngine('web-llm').length).toBeGreaterThanOrEqual(6);
    expect(ofEngine('transformers').length).toBeGreaterThanOrEqual(6);
    expect(new Set(models.flatMap(({ tasks }) => tasks))).toEqual(new Set(MODEL_TASKS));
  });

  test('stands in the file as the command that pins it writes it', () => {
    expect(renderCatalogue({ type: 'model-catalogue', v: 1, models })).toBe(text);
  });

  test('pins Spark to the very files that the app carries', () => {
    const { files } = JSON.parse(read('spark/hashes.json')) as {
      files: Record<string, { sha256: string; sizeBytes: number }>;
    };
    const spark = models.find(({ id }) => id === 'spark-1')!;
    expect(Object.fromEntries(spark.files.map(({ path, ...rest }) => [path, rest]))).toEqual(files);
    const hashes = Object.fromEntries(Object.entries(files).map(([path, { sha256 }]) => [path, sha256]));
    expect(manifestHashOf(spark)).toBe(modelHashOf(hashes));
  });

  test.each(ofEngine('web-llm'))("$id is one of the installed package's own records", (manifest) => {
    const repository = manifest.source.kind === 'hub' ? manifest.source.repository : '';
    const record = prebuiltAppConfig.model_list.find(({ model_id }) => `mlc-ai/${model_id}` === repository)!;
    expect(record.model).toBe(`https://huggingface.co/${repository}`);
    const library = manifest.files.find(({ path }) => path === manifest.library)!;
    expect(library.url).toBe(record.model_lib);
    expect(record.model_lib.startsWith(`${modelLibURLPrefix}${modelVersion}/`)).toBe(true);
    expect(manifest.memoryBytes).toBe(Math.round(record.vram_required_MB! * MIB));
    expect(manifest.contextTokens).toBe(record.overrides!.context_window_size);
    expect(repository).toContain(manifest.quantisation);
    const paths = manifest.files.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['mlc-chat-config.json', 'tensor-cache.json', 'tokenizer.json']));
    const shards = paths.filter((path) => path.startsWith('params_shard_'));
    expect(shards).toEqual(shards.map((_, index) => `params_shard_${index}.bin`));
  });

  test.each(ofEngine('transformers'))('$id names exactly one graph of its quantisation', (manifest) => {
    expect(chooseGraph(manifest)).toMatchObject({ ok: true, value: { dtype: manifest.quantisation, dataFiles: 0 } });
  });

  test('has a variant for devices without 16-bit numbers of each web-llm model that needs them', () => {
    const needing = ofEngine('web-llm').filter(({ features }) => features.includes('shader-f16'));
    expect(needing.length).toBeGreaterThan(0);
    for (const { name } of needing) {
      expect(ofEngine('web-llm').some((other) => other.name === name && other.features.length === 0)).toBe(true);
    }
    for (const { features, quantisation } of models) {
      expect(features).toEqual(quantisation.includes('f16') ? ['shader-f16'] : []);
    }
  });

  test('says of every model what is to be downloaded, at least about', () => {
    for (const { files, approximateBytes, memoryBytes } of models) {
      const complete = files.every(({ sizeBytes }) => sizeBytes !== null);
      expect(complete || approximateBytes! > 1e6).toBe(true);
      expect(approximateBytes ?? 0).toBeLessThan(memoryBytes);
    }
  });
});
