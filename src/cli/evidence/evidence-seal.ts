import { artefactsOf, FIRST_SEAL, hasWords } from '#core/evidence/artefacts';
import { sealBundle } from '#core/evidence/build-bundle';
import type { Command } from '../command';
import { SEALING_OPTIONS, SEALING_USAGE, sealFolder } from './seal-folder';

/** Seals documents that lie there as they are: built before, read by somebody, perhaps made by another node. */
export const evidenceSeal: Command = {
  name: 'evidence seal',
  usage: SEALING_USAGE,
  summary: 'seal the documents in a folder as they are, in both stages, and make the bundle (DIR.evidence.car) anew',
  positionals: 1,
  options: SEALING_OPTIONS,
  run: (input) =>
    sealFolder(input, (files, deps) => {
      const table = artefactsOf(hasWords(files)).map(({ path }) => path);
      const documents = table.slice(0, table.indexOf(FIRST_SEAL));
      return sealBundle(new Map([...files].filter(([path]) => documents.includes(path))), deps);
    }),
};
