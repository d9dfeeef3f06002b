import { utf8 } from '#core/base/bytes';
import { fail, ok, type Result } from '#core/base/result';
import { artefactsOf, hasWords, INDEX, INDEX_TEXT } from '#core/evidence/artefacts';
import { indexOf, indexText, metadataReport } from '#core/evidence/artefact-index';
import { travelDrift } from '#core/evidence/bundle-policy';
import { documentBytes, documentText } from '#core/evidence/documents';
import { isFolder } from '#adapters/storage-fs-files/write-files';
import type { Command, CommandInput } from '../command';
import { readEvidenceFolder, writeEvidence } from './evidence-folder';

/** The index of artefacts, for machines and for people: written, or held against the table and against what lies there. */
export const evidenceIndex: Command = {
  name: 'evidence index',
  usage: 'DIR [--check]',
  summary: 'write the index of artefacts and its text into a folder, or check that index, text and folder are in step',
  positionals: 1,
  options: { check: { type: 'boolean' } },
  run: indexFolder,
};

async function indexFolder({ positionals, options, resolvePath }: CommandInput): Promise<Result<string>> {
  const folder = resolvePath(positionals[0]!);
  if (!(await isFolder(folder))) return fail('no_folder', `There is no folder at ${folder}.`);
  const read = await readEvidenceFolder(folder);
  if (!read.ok) return read;
  const { files, listed } = read.value;
  const withWords = hasWords(files);
  if (options['check'] !== true) {
    const index = indexOf(withWords);
    const made = new Map(files).set(INDEX, documentBytes(index)).set(INDEX_TEXT, utf8(indexText(withWords)));
    const written = await writeEvidence(folder, made, [INDEX, INDEX_TEXT]);
    return written.ok ? ok(documentText(index)) : written;
  }
  const report = metadataReport(files);
  if (!report.ok) return report;
  const { jsonIndex, textIndex, drift, ok: inStep } = report.value;
  const there = travelDrift(listed, withWords);
  const told = [
    ...(jsonIndex.ok ? [] : [`${INDEX} is not the generated one`]),
    ...(textIndex.ok ? [] : [`${INDEX_TEXT} is not the generated one`]),
    ...drift.missingPaths.map((path) => `${path} is not indexed`),
    ...drift.extraPaths.map((path) => `${path} is indexed and no artefact`),
    ...there.missing.map((path) => `${path} is indexed and not there`),
    ...there.extra.map((path) => `${path} is there and not indexed`),
  ];
  if (!inStep || !there.ok) return fail('index_differs', `Out of step: ${told.join('; ')}.`);
  return ok(documentText({ ...report.value, artefactsThere: artefactsOf(withWords).length }));
}
