import { hasWords, sourcesOf } from '#core/evidence/artefacts';
import { buildBundle } from '#core/evidence/build-bundle';
import type { Command } from '../command';
import { SEALING_OPTIONS, SEALING_USAGE, sealFolder } from './seal-folder';

/** From traces, statements and receipts in a folder to every document, both seals and the one file that travels. */
export const evidenceBuild: Command = {
  name: 'evidence build',
  usage: SEALING_USAGE,
  summary: 'make every document, both seals and the bundle (DIR.evidence.car) from the traces and receipts in a folder',
  positionals: 1,
  options: SEALING_OPTIONS,
  run: (input) =>
    sealFolder(input, (files, deps) => {
      const sources = sourcesOf(hasWords(files));
      return buildBundle(new Map([...files].filter(([path]) => sources.includes(path))), deps);
    }),
};
