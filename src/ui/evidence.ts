import type { ArtefactView, EvidenceReport, SealView } from '#core/evidence/verify-evidence';
import { count, counted } from './words';

/** The media type of a CAR file (as the content-addressing community names it). */
export const BUNDLE_TYPE = 'application/vnd.ipld.car';

const SEAL_TITLES: Readonly<Record<string, string>> = {
  1: 'First seal',
  2: 'Second seal',
  terminal: 'Terminal receipt',
};

export const sealTitle = ({ stage }: SealView): string => SEAL_TITLES[stage] ?? '';

/** What a seal covers, or why it covers nothing. */
export function sealSentence({ stage, ok, checkedCount, failureCount, signedBy }: SealView): string {
  if (signedBy === null) return 'is missing or cannot be read';
  const files = counted(checkedCount, 'file');
  if (stage === 'terminal')
    return ok ? `confirms the second seal over ${files}; nothing seals it again` : 'does not confirm the second seal';
  return ok ? `holds over ${files}` : `fails on ${counted(Math.max(1, failureCount), 'file')} of ${checkedCount}`;
}

/** Which seal stands over a file. */
export const SEAL_STAGE_WORDS: Readonly<Record<ArtefactView['sealStage'], string>> = {
  first: 'first seal',
  second: 'second seal',
  none: 'signed itself',
};

/** The one sentence that a person needs first. */
export function resultSentence({ reviewable, failures }: EvidenceReport): string {
  if (reviewable) return 'Nothing in this bundle was changed since it was sealed, and everything in it fits together.';
  if (failures.length === 0) return 'Not everything in this bundle could be looked at.';
  return `This bundle does not hold: ${failures.length === 1 ? 'one thing' : `${count(failures.length)} things`} in it cannot be relied on.`;
}

/** Words that were laid open, as a person reads them: the last question and the answer where they are that, else the data itself. */
export function spokenWords(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'object') {
    const { text, messages } = value as { readonly text?: unknown; readonly messages?: unknown };
    if (typeof text === 'string') return text;
    const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
    if (typeof last === 'object' && last !== null && 'text' in last && typeof last.text === 'string') return last.text;
  }
  return JSON.stringify(value, null, 2);
}
