import * as v from 'valibot';
import { cidSchema, idSchema, nodeIdSchema, type NodeId } from '../base/ids';

/** The words of one step: a streamed piece of text, as large as the contract of any streaming work lets it be. */
const MAX_PIECE_CHARACTERS = 16_384;
const MAX_PIECE_TOKENS = 4_096;
/** Reasons are sentences for a person; a peer's own words among them are cut at 300 by the bus. */
const MAX_REASON_CHARACTERS = 1_000;
const MAX_REASONS = 32;
const MAX_MARGINS = 8_192;
/** More answers than any class of work asks for. */
const MAX_ANSWERS = 64;
const MAX_FAMILY_CHARACTERS = 64;

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

/** What one node did for the request so far. */
export interface RunSoFar {
  readonly jobId: string;
  shownTokens: number;
  /** Ids and text on show, while the steps tell them. */
  readonly shownIds: number[];
  readonly shownTexts: string[];
}

/** What the steps read so far say; each kind of step checks itself against it and adds what it says. */
export interface StepsSoFar {
  traceId: string | null;
  capability: string | null;
  readonly chosen: NodeId[];
  /** How many were chosen before the first one started: whether one node is asked at a time. */
  together: number | null;
  /** Nodes that hold the request now, or finished it: several at once where several were asked. */
  readonly runs: Map<NodeId, RunSoFar>;
  /** Whom the only holder took over from, until `replaced` said where; null where several were asked at once. */
  takenFrom: NodeId | null;
  readonly checks: CheckedStep[];
  combined: CombinedStep | null;
  sealId: string | null;
  readonly receiptIds: string[];
}

export const nothingSoFar = (): StepsSoFar => ({
  traceId: null,
  capability: null,
  chosen: [],
  together: null,
  runs: new Map(),
  takenFrom: null,
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

const combinedSchema = v.strictObject({
  type: v.literal('combined'),
  verdict: verdictWordSchema,
  check: checkSchema,
  /** Whose answer stands, of how many, and how many of these agree with it. */
  expert: nodeIdSchema,
  answers: v.pipe(countSchema, v.minValue(1), v.maxValue(MAX_ANSWERS)),
  agreeing: v.pipe(countSchema, v.maxValue(MAX_ANSWERS)),
  at,
});

export type CombinedStep = v.InferOutput<typeof combinedSchema>;

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

/** What was on show of one node goes on as what is on show of another. */
function handOver(so: StepsSoFar, from: NodeId, to: RunSoFar, atToken: number): void {
  const before = so.runs.get(from)!;
  so.runs.delete(from);
  to.shownTokens = atToken;
  to.shownIds.push(...before.shownIds.slice(0, atToken));
  to.shownTexts.push(...before.shownTexts.slice(0, atToken));
}

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
      if (so.combined !== null) return 'nobody is chosen after the verdicts were combined';
      so.chosen.push(expert);
      return null;
    },
  ),
  started: kind(
    v.strictObject({ type: v.literal('started'), expert: nodeIdSchema, jobId: idSchema, at }),
    (so, { expert, jobId }) => {
      if (!so.chosen.includes(expert)) return 'a node starts that was not chosen';
      if (so.runs.has(expert)) return 'a node starts twice';
      if (so.combined !== null) return 'nobody starts after the verdicts were combined';
      so.together ??= so.chosen.length;
      if (so.together === 1 && so.checks.length === 0) {
        const holder = [...so.runs.keys()].at(-1) ?? null;
        // A holder that fell silent before it said where it takes over is skipped.
        if (holder !== null && so.takenFrom !== null)
          handOver(so, so.takenFrom, so.runs.get(holder)!, so.runs.get(so.takenFrom)!.shownTokens);
        so.takenFrom = holder;
      }
      so.runs.set(expert, { jobId, shownTokens: 0, shownIds: [], shownTexts: [] });
      return null;
    },
  ),
  reserved: kind(
    v.strictObject({
      type: v.literal('reserved'),
      expert: nodeIdSchema,
      jobId: idSchema,
      atMostMicros: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      at,
    }),
    (so, { expert, jobId }) =>
      so.runs.get(expert)?.jobId === jobId ? null : 'credit is set aside for a job that nobody started',
  ),
  token: kind(v.union([openTokenSchema, closedTokenSchema]), (so, step) => {
    if (so.runs.size === 0) return 'a token stands before anyone started';
    const run = so.runs.get(step.expert);
    if (run === undefined || step.expert === so.takenFrom)
      return 'a token comes from a node that does not hold the request';
    if (so.takenFrom !== null) return 'a token comes before it is said where the node took over';
    if (so.combined !== null) return 'a token comes after the verdicts were combined';
    if ('tokens' in step) run.shownTokens += step.tokens;
    else {
      run.shownTokens += step.ids.length;
      step.ids.forEach((id, index) => {
        run.shownIds.push(id);
        run.shownTexts.push(index === 0 ? step.text : '');
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
      const [before, after] = [so.runs.get(from), so.runs.get(to)];
      if (before === undefined || after === undefined || after.shownTokens > 0 || from === to)
        return 'a node takes over that was not asked to';
      if (so.takenFrom !== null && so.takenFrom !== from) return 'a node takes over that was not asked to';
      if (atToken > before.shownTokens) return 'more tokens are kept than were shown';
      so.takenFrom = null;
      handOver(so, from, after, atToken);
      return null;
    },
  ),
  checked: kind(checkedSchema, (so, step) => {
    if (so.runs.size === 0) return 'a check stands before anyone started';
    if (so.combined !== null) return 'a check comes after the verdicts were combined';
    so.checks.push(step);
    return null;
  }),
  combined: kind(combinedSchema, (so, step) => {
    if (so.runs.size === 0 || so.combined !== null) return 'verdicts are combined once, after the work';
    if (!so.runs.has(step.expert)) return 'the answer of a node stands that did not hold the request';
    if (step.agreeing > step.answers || step.answers > so.runs.size) return 'more answers are counted than were given';
    so.combined = step;
    return null;
  }),
  audited: kind(
    v.strictObject({
      type: v.literal('audited'),
      auditor: nodeIdSchema,
      family: v.pipe(v.string(), v.maxLength(MAX_FAMILY_CHARACTERS)),
      finding: v.picklist(['allow', 'deny', 'unsure']),
      at,
    }),
    (so, { auditor }) => {
      if (so.combined === null || so.sealId !== null) return 'what an answer says is audited before it is sealed';
      return so.runs.has(auditor) ? 'a node audits its own answer' : null;
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
