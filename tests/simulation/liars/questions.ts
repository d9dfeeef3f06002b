import { encodeCanonical, sha256 } from '#core/base/canonical';

/**
 * What Loom is asked, told by a number. `long`: forms whose answers have some hundred tokens, 256 of them allowed. `mixed`: every
 * form, with as many tokens allowed as people may allow.
 */
export type Kind = 'long' | 'mixed';

export interface Task {
  /** Unlike for every other kind and number of one seed. */
  readonly jobId: string;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly question: string;
  readonly maxTokens: number;
  readonly temperaturePercent: number;
}

const TOPICS = (
  'rivers harbours forests markets mountains gardens roads schools kitchens looms clocks songs ' +
  'bridges boats trees coins goats roses wheels lessons ovens ribbons towers drums'
).split(' ');
const LONG_FORMS = [
  'write a report on',
  'write a long report on',
  'tell me a long story about',
  'write a letter about',
];
const ALL_FORMS = [...LONG_FORMS, 'tell me about', 'describe', 'write a short note on', 'tell me a short story about'];

/** Tokens that are allowed, one after the other; at 480 an answer ends by itself. */
export const MIXED_LENGTHS = [
  16, 32, 64, 16, 32, 128, 64, 16, 32, 64, 16, 32, 128, 64, 32, 16, 64, 32, 128, 480,
] as const;
export const LONG_LENGTH = 256;
/** After so many tasks the long questions come again, with other seeds. */
export const LONG_QUESTIONS = LONG_FORMS.length * TOPICS.length;

export function taskOf(seed: number, kind: Kind, index: number): Task {
  const forms = kind === 'long' ? LONG_FORMS : ALL_FORMS;
  const form = forms[index % forms.length]!;
  const topic = TOPICS[Math.floor(index / forms.length) % TOPICS.length]!;
  return {
    jobId: `${kind}-${index}`,
    nonce: sha256(encodeCanonical(['tabmesh/liars', seed, kind, index])),
    question: `${form} ${topic}`,
    maxTokens: kind === 'long' ? LONG_LENGTH : MIXED_LENGTHS[index % MIXED_LENGTHS.length]!,
    temperaturePercent: 100,
  };
}
