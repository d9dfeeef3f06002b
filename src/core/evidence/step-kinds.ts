import * as v from 'valibot';
import { cidSchema, idSchema, nodeIdSchema, type NodeId } from '../base/ids';

/** The words of one step: a streamed piece of text, as large as the contract of any streaming work lets it be. */
const MAX_PIECE_CHARACTERS = 16_384;
const MAX_PIECE_TOKENS = 4_096;
/** Reasons are sentences for a person; a peer's own words among them are cut at 300 by the bus. */
const MAX_REASON_CHARACTERS = 1_000;
const MAX_REASONS = 32;
const MAX_MARGINS = 8_192;

const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1e9));
const sentenceSchema = v.pipe(v.string(), v.maxLength(MAX_REASON_CHARACTERS));
/** Milliseconds since the request was made. */
const at = countSchema;

export const capabilityIdSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_.]{0,47}@[1-9][0-9]{0,3}$/, 'not a capability'),
);
export const codeSchema = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,47}$/, 'not a code'));
export const verdictWordSchema = v.picklist(['unchecked', 'accepted', 'rejected', 'disputed']);
const checkSchema = v.picklist(['none', 'redo', 'rescore', 'outcome']);

export type VerdictWord = v.InferOutput<typeof verdictWordSchema>;

/** What the steps read so far say; each kind of step checks itself against it and adds what it says. */
export interface StepsSoFar {
  traceId: string | null;
  capability: string | null;
  chosen: NodeId[];
  /** Whom the request was given to last, and under which job. */
  holder: NodeId | null;
  jobId: string | null;
  /** Whom the holder took over from, until `replaced` said where. */
  takenFrom: NodeId | null;
  shownTokens: number;
  /** Ids and text on show, while the steps tell them. */
  shownIds: number[];
  shownTexts: string[];
  checks: CheckedStep[];
  combined: { readonly verdict: VerdictWord; readonly check: v.InferOutput<typeof checkSchema> } | null;
  sealId: string | null;
  receiptIds: string[];
}

export const nothingSoFar = (): StepsSoFar => ({
  traceId: null,
  capability: null,
  chosen: [],
  holder: null,
  jobId: null,
  takenFrom: null,
  shownTokens: 0,
  shownIds: [],
  shownTexts: [],
  checks: [],
  combined: null,
  sealId: null,
  receiptIds: [],
});

/** One kind of step: its form, and what must hold where it stands (a sentence when it does not). */
interface StepKind<Schema extends v.GenericSchema> {
  readonly schema: Schema;
  read(so: StepsSoFar, step: v.InferOutput<Schema>): string | null;
}

const kind = <Schema extends v.GenericSchema>(
  schema: Schema,
  read: (so: StepsSoFar, step: v.InferOutput<Schema>) => string | null,
): StepKind<Schema> => ({ schema, read });

const checkedSchema = v.strictObject({
  type: v.literal('checked'),
  validator: nodeIdSchema,
  verdict: v.picklist(['accepted', 'rejected', 'undecided']),
  reason: codeSchema,
  evidence: v.optional(
    v.strictObject({
      positions: countSchema,
      length: countSchema,
      gross: countSchema,
      soft: countSchema,
      clippedMilli: countSchema,
      worstMilli: countSchema,
      engine: v.pipe(v.string(), v.maxLength(64)),
      ms: countSchema,
      margins: v.pipe(v.array(v.tuple([countSchema, countSchema])), v.maxLength(MAX_MARGINS)),
    }),
  ),
  at,
});

export type CheckedStep = v.InferOutput<typeof checkedSchema>;

/** A piece of the answer, with its words. */
export const openTokenSchema = v.strictObject({
  type: v.literal('token'),
  expert: nodeIdSchema,
  ids: v.pipe(v.array(countSchema), v.maxLength(MAX_PIECE_TOKENS)),
  text: v.pipe(v.string(), v.maxLength(MAX_PIECE_CHARACTERS)),
  at,
});

/** The same without them: how many tokens, from whom, when. */
export const closedTokenSchema = v.strictObject({
  type: v.literal('token'),
  expert: nodeIdSchema,
  tokens: v.pipe(countSchema, v.maxValue(MAX_PIECE_TOKENS)),
  at,
});

/**
 * Every kind of step that the pipeline yields: the one place to add one. Form and order rules stand together, so that
 * appending, replaying and publishing all know it from here.
 */
export const STEP_KINDS = {
  admitted: kind(
    v.strictObject({ type: v.literal('admitted'), traceId: idSchema, capability: capabilityIdSchema, at }),
    (so, { traceId, capability }) => {
      if (so.traceId !== null) return 'a request is admitted once';
      so.traceId = traceId;
      so.capability = capability;
      return null;
    },
  ),
  chosen: kind(
    v.strictObject({
      type: v.literal('chosen'),
      expert: nodeIdSchema,
      reasons: v.pipe(
        v.array(v.strictObject({ text: sentenceSchema, value: v.nullable(v.pipe(v.number(), v.finite())) })),
        v.maxLength(MAX_REASONS),
      ),
      at,
    }),
    (so, { expert }) => {
      if (so.checks.length > 0 || so.combined !== null) return 'nobody is chosen after the check';
      so.chosen.push(expert);
      return null;
    },
  ),
  started: kind(
    v.strictObject({ type: v.literal('started'), expert: nodeIdSchema, jobId: idSchema, at }),
    (so, { expert, jobId }) => {
      if (so.chosen.at(-1) !== expert) return 'a node starts that was not chosen';
      if (so.checks.length > 0 || so.combined !== null) return 'nobody starts after the check';
      so.takenFrom = so.holder;
      so.holder = expert;
      so.jobId = jobId;
      return null;
    },
  ),
  token: kind(v.union([openTokenSchema, closedTokenSchema]), (so, step) => {
    if (so.holder === null) return 'a token stands before anyone started';
    if (so.holder !== step.expert) return 'a token comes from a node that does not hold the request';
    if (so.takenFrom !== null) return 'a token comes before it is said where the node took over';
    if (so.checks.length > 0 || so.combined !== null) return 'a token comes after the check';
    if ('tokens' in step) so.shownTokens += step.tokens;
    else {
      so.shownTokens += step.ids.length;
      step.ids.forEach((id, index) => {
        so.shownIds.push(id);
        so.shownTexts.push(index === 0 ? step.text : '');
      });
    }
    return null;
  }),
  replaced: kind(
    v.strictObject({
      type: v.literal('replaced'),
      from: nodeIdSchema,
      to: nodeIdSchema,
      atToken: countSchema,
      reason: sentenceSchema,
      at,
    }),
    (so, { from, to, atToken }) => {
      if (so.takenFrom !== from || so.holder !== to) return 'a node takes over that was not asked to';
      if (atToken > so.shownTokens) return 'more tokens are kept than were shown';
      so.takenFrom = null;
      so.shownTokens = atToken;
      so.shownIds.length = so.shownTexts.length = Math.min(so.shownIds.length, atToken);
      return null;
    },
  ),
  checked: kind(checkedSchema, (so, step) => {
    if (so.holder === null) return 'a check stands before anyone started';
    if (so.combined !== null) return 'a check comes after the verdicts were combined';
    so.checks.push(step);
    return null;
  }),
  combined: kind(
    v.strictObject({ type: v.literal('combined'), verdict: verdictWordSchema, check: checkSchema, at }),
    (so, { verdict, check }) => {
      if (so.holder === null || so.combined !== null) return 'verdicts are combined once, after the work';
      so.combined = { verdict, check };
      return null;
    },
  ),
  sealed: kind(
    v.strictObject({ type: v.literal('sealed'), traceId: idSchema, sealId: cidSchema, at }),
    (so, { traceId, sealId }) => {
      if (so.combined === null || so.sealId !== null) return 'a trace is sealed once, after the verdicts were combined';
      if (traceId !== so.traceId) return 'the seal is of another trace';
      so.sealId = sealId;
      return null;
    },
  ),
  recorded: kind(v.strictObject({ type: v.literal('recorded'), receiptId: cidSchema, at }), (so, { receiptId }) => {
    if (so.sealId === null) return 'a receipt is recorded before the seal';
    so.receiptIds.push(receiptId);
    return null;
  }),
};

type StepKinds = typeof STEP_KINDS;
export type StepType = keyof StepKinds;
/** A step as a trace holds it, with its words or without. */
export type Step = { [Type in StepType]: v.InferOutput<StepKinds[Type]['schema']> }[StepType];
/** A step as the pipeline yields it. */
export type OpenStep = Exclude<Step, { type: 'token' }> | v.InferOutput<typeof openTokenSchema>;

export const isStepType = (type: unknown): type is StepType =>
  typeof type === 'string' && Object.hasOwn(STEP_KINDS, type);

/** Reads one more step: what is wrong with its place, or null. */
export const readStep = (so: StepsSoFar, step: Step): string | null =>
  (STEP_KINDS[step.type] as StepKind<v.GenericSchema<unknown, Step>>).read(so, step);

/** The majority of those who could tell decides, equal sides are a dispute, none is unchecked. */
export function verdictOf(checks: readonly Pick<CheckedStep, 'verdict'>[]): VerdictWord {
  const accepted = checks.filter(({ verdict }) => verdict === 'accepted').length;
  const rejected = checks.filter(({ verdict }) => verdict === 'rejected').length;
  if (accepted + rejected === 0) return 'unchecked';
  if (accepted === rejected) return 'disputed';
  return accepted > rejected ? 'accepted' : 'rejected';
}
