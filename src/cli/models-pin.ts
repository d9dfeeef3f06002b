import { fileURLToPath } from 'node:url';
import { readTextFile, writeFiles } from '#adapters/storage-fs-files/write-files';
import { fail, ok, type Result } from '#core/base/result';
import { modelCatalogueSchema } from '#core/engines/model-manifest';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import type { Command, CommandInput } from './command';
import { pinModels } from './pin-models';
import { renderCatalogue } from './render-catalogue';

const CATALOGUE = fileURLToPath(new URL('../../static/models/catalogue.json', import.meta.url));
const HUB = 'https://huggingface.co/';
/** As the signed form of a catalogue, in characters of JSON with its white space. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** Failures named in the one sentence at the end; the rest is counted. */
const NAMED_FAILURES = 5;

/** Asks the model hub for the hashes and sizes that a catalogue of models does not know, and writes them into it. */
export const modelsPin: Command = {
  name: 'models pin',
  usage: '[--only ID] [--file FILE] [--hub URL]',
  summary: 'ask the model hub for hashes and sizes that the catalogue of models lacks, and write them into it',
  positionals: 0,
  options: { only: { type: 'string' }, file: { type: 'string' }, hub: { type: 'string' } },
  run: pin,
};

async function pin({ options, resolvePath }: CommandInput): Promise<Result<string>> {
  const textOf = (option: string): string | null => {
    const value = options[option];
    return typeof value === 'string' ? value : null;
  };
  const given = textOf('hub') ?? HUB;
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol)) {
    return fail('usage', `${given} is not an http or https address.`);
  }
  const hubUrl = new URL(given).href.replace(/\/?$/, '/');
  const file = textOf('file');
  const path = file === null ? CATALOGUE : resolvePath(file);
  const text = await readTextFile(path, MAX_FILE_BYTES);
  if (!text.ok) return text;
  if (text.value === null) return fail('no_catalogue', `There is no catalogue of models at ${path}.`);
  const catalogue = parseJsonThrough(modelCatalogueSchema, text.value, MAX_FILE_BYTES);
  if (!catalogue.ok) return fail(catalogue.error.code, `${path}: ${catalogue.error.message}`);
  const only = textOf('only');
  if (only !== null && !catalogue.value.models.some(({ id }) => id === only)) {
    return fail('unknown_model', `The catalogue ${path} has no model ${only}.`);
  }

  const report = await pinModels(catalogue.value, { fetch, hubUrl }, only);
  if (!report.ok) return report;
  const { lines, pinned, failed } = report.value;
  if (pinned > 0) {
    const written = await writeFiles([{ path, text: renderCatalogue(report.value.catalogue), readAs: text.value }]);
    if (!written.ok) return written;
  }
  if (failed.length > 0) {
    const more = failed.length > NAMED_FAILURES ? `, and ${failed.length - NAMED_FAILURES} more` : '';
    const named = failed.slice(0, NAMED_FAILURES).join('; ').replace(/\.$/, '');
    return fail('not_all_pinned', `Pinned and written: ${pinned}; not pinned: ${named}${more}.`);
  }
  return ok(`${[...lines, `Pinned ${pinned} ${pinned === 1 ? 'file' : 'files'}.`].join('\n')}\n`);
}
