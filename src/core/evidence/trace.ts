import * as v from 'valibot';
import { jsonText } from '../base/json-text';
import { cidSchema, idSchema, nodeIdSchema } from '../base/ids';
import { fail, type Result } from '../base/result';
import { checkAgainst } from '../wire/gate';
import {
  capabilityIdSchema,
  codeSchema,
  isStepType,
  STEP_KINDS,
  type OpenStep,
  type Step,
  type StepType,
} from './step-kinds';

/** The longest answer, moved on as often as a request may be, with room for everything around it. */
export const MAX_STEPS = 16_384;
/** A community has at most 4,096 members at a server. */
const MAX_CANDIDATES = 4_096;
const MAX_IDS = 64;

export const hexDigestSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in hex'));
export const timeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const cidsSchema = v.pipe(v.array(cidSchema), v.maxLength(MAX_IDS));
const schemaOf = <T extends StepType>(type: T) => STEP_KINDS[type].schema;

/** Written out one by one, because the published schema is made of it; `isStepType` guards against one left out. */
const stepSchema = v.union([
  schemaOf('admitted'),
  schemaOf('chosen'),
  schemaOf('started'),
  schemaOf('reserved'),
  schemaOf('token'),
  schemaOf('replaced'),
  schemaOf('checked'),
  schemaOf('combined'),
  schemaOf('audited'),
  schemaOf('sealed'),
  schemaOf('recorded'),
]);

/**
 * What the pipeline did for one request, as plain JSON data. `words` says whether the steps hold the words of the answer;
 * nothing else in it does: `request` is SHA-256 over a salt, which is kept apart, and the canonical input.
 */
export const traceSchema = v.strictObject({
  type: v.literal('trace'),
  v: v.literal(1),
  traceId: idSchema,
  /** When the request was made. */
  at: timeSchema,
  requester: nodeIdSchema,
  capability: capabilityIdSchema,
  request: hexDigestSchema,
  /** Which rule chose among the candidates, `name@version`. */
  router: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,47}@[1-9][0-9]{0,3}$/, 'not a name and a version')),
  /** Everyone whom the router could have chosen, in the order of their ids. */
  candidates: v.pipe(v.array(nodeIdSchema), v.maxLength(MAX_CANDIDATES)),
  /** Whom it chose, in order. */
  chosen: v.pipe(v.array(nodeIdSchema), v.maxLength(MAX_IDS)),
  words: v.picklist(['open', 'closed']),
  steps: v.pipe(v.array(stepSchema), v.maxLength(MAX_STEPS)),
  /** Content ids of the executors' commitments, the validators' verdicts, the seal and the receipts. */
  commitments: cidsSchema,
  verdicts: cidsSchema,
  seal: v.nullable(cidSchema),
  receipts: cidsSchema,
  /** Why there is no answer; null when there is one. */
  failure: v.nullable(codeSchema),
});

export type Trace = v.InferOutput<typeof traceSchema>;

/**
 * A trace through the gate. Codes: `malformed`, and `unknown_version` for another version or a kind of step that is not known
 * here: such a trace is refused, never guessed at.
 */
export function readTrace(value: unknown): Result<Trace> {
  const steps = (value as { readonly steps?: unknown } | null | undefined)?.steps;
  if (Array.isArray(steps)) {
    for (const [index, step] of steps.slice(0, MAX_STEPS).entries()) {
      const type = (step as { readonly type?: unknown } | null | undefined)?.type;
      if (typeof type === 'string' && !isStepType(type)) {
        return fail('unknown_version', `Step ${index} is of a kind that this app does not know.`);
      }
      if (!isStepType(type)) return fail('malformed', `The data is malformed at steps.${index}: not a step.`);
      const read = checkAgainst<unknown>(schemaOf(type), step);
      if (!read.ok) return fail('malformed', `Step ${index}: ${read.error.message}`);
    }
  }
  const trace = checkAgainst(traceSchema, value);
  if (!trace.ok) return trace;
  const open = trace.value.words === 'open';
  const mixed = trace.value.steps.findIndex((step) => step.type === 'token' && 'text' in step !== open);
  if (mixed >= 0) return fail('malformed', `Step ${mixed} does not fit a trace with ${trace.value.words} words.`);
  return trace;
}

/** The canonical row: keys in code point order, no white space, one line. */
export const traceRow = (trace: Trace): string => `${jsonText(trace, { sortKeys: true })}\n`;

/**
 * The same trace without the words: each piece of text becomes how many tokens it had, and the margins of single tokens go,
 * because someone with the same model could try guesses against them.
 */
export function withoutWords(trace: Trace): Trace {
  return { ...trace, words: 'closed', steps: trace.steps.map(closedStep) };
}

function closedStep(step: Step): Step {
  if (step.type === 'token' && 'text' in step) {
    return { type: 'token', expert: step.expert, tokens: step.ids.length, at: step.at };
  }
  if (step.type === 'checked' && step.evidence !== undefined) {
    return { ...step, evidence: { ...step.evidence, margins: [] } };
  }
  return step;
}

/** The steps as the pipeline yielded them, or null when the words are left out. */
export const openStepsOf = (trace: Trace): readonly OpenStep[] | null =>
  trace.words === 'open' ? (trace.steps as readonly OpenStep[]) : null;
