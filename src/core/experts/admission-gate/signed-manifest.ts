import { manifestHashOf, type ModelManifest } from '../../engines/model-manifest';
import type { ExpertCard } from '../expert-card';
import type { AdmissionGate, Finding } from './gate';

/** What of a card its manifest does not bear out: sentences. */
function contradictions(card: ExpertCard, manifest: ModelManifest): string[] {
  const hash = manifestHashOf(manifest);
  const said: string[] = [];
  if (hash === null) said.push('A file of the model has no known fingerprint yet.');
  else if (hash !== card.modelHash) said.push('The manifest names other files than those that were measured.');
  if (manifest.id !== card.expert || manifest.version !== card.version) {
    said.push(`The manifest is of ${manifest.id} ${manifest.version}.`);
  }
  if (manifest.quantisation !== card.quantisation) said.push('The card names another quantisation.');
  if (manifest.engine !== card.engine.split('/')[0]) said.push('The card names another engine.');
  if (card.memoryBytes < manifest.memoryBytes) said.push('The card claims less memory than the manifest says.');
  if (card.contextTokens > manifest.contextTokens) said.push('The card claims a longer context than the manifest.');
  if (!card.tasks.every((task) => manifest.tasks.includes(task))) said.push('The card claims a task too many.');
  return said;
}

/** Whoever loads the expert must be able to know that it is the one that was examined. */
export const signedManifest: AdmissionGate = {
  name: 'signed-manifest',
  label: 'Signed manifest',
  demand:
    'A catalogue that this community trusts names every file by its fingerprint, and the card claims nothing else.',
  judge({ card, manifest }): Finding {
    if (manifest === null) return { passed: false, figures: {}, sentence: 'No catalogue here names this model.' };
    const files = manifest.manifest.files.length;
    const figures = { files, pinned: manifest.manifest.files.filter(({ sha256 }) => sha256 !== null).length };
    if (manifest.signedBy === null) {
      return { passed: false, figures, sentence: 'Nobody whom this community trusts signed its manifest.' };
    }
    const against = contradictions(card, manifest.manifest);
    return {
      passed: against.length === 0,
      figures,
      sentence: against[0] ?? `All ${files} files are named by their fingerprint in the signed catalogue.`,
    };
  },
};
