import { jsonText, parseJsonText, withoutBoxes } from '#core/base/json-text';
import type { WorkKind } from '#core/experts/work-kind';
import type { WorkSign } from '#core/experts/objective/work-sign';
import { textExtract, type ExtractInput, type ExtractOutput } from './contract';

const QUOTES_PER_UNIT = 5;
const MAX_UNITS = 3;

/** One text for one value, however it is written: keys in order, no white space, numbers in their shortest form. */
function canonicalAnswer(answer: string): string {
  const value = parseJsonText(answer);
  return value.ok ? jsonText(withoutBoxes(value.value), { sortKeys: true }) : answer;
}

/** What the pipeline knows of `text.extract@1`: held against its schema and its source, for which nobody needs the model. */
export const extractKind: WorkKind<ExtractInput, ExtractOutput, WorkSign> = {
  capability: textExtract,
  check: 'outcome',
  checkCapability: 'check.outcome@1',
  progress: () => ({ ids: [], text: '' }),
  contradiction: ({ model }, output) => (model !== undefined && output.model.id !== model ? 'other_model' : null),
  text: ({ answer }) => answer,
  // Only nodes with this very model would be asked to check it otherwise.
  model: () => null,
  tokens: () => null,
  units: (_input, { spans }) => Math.min(MAX_UNITS, 1 + Math.ceil(spans.length / QUOTES_PER_UNIT)),
  // Nothing tells how sure the model was: all voices weigh alike.
  combining: { rule: 'vote', choice: ({ answer }) => canonicalAnswer(answer), confidence: () => 1 },
};
