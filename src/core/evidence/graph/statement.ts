import * as v from 'valibot';
import { encodeCanonical } from '../../base/canonical';
import { cidSchema } from '../../base/ids';
import { fail, ok, type Result } from '../../base/result';
import { MAX_GRAPH_STATEMENT_BYTES } from '../../ledger/events';
import { keepsAll, type Rule } from '../../ledger/rules/rule';
import { checkAgainst, decodeThrough } from '../../wire/gate';

/** A sentence, and no essay: whoever has more to say seals it and names its content id. */
export const MAX_TEXT_CHARACTERS = 280;
/** Subjects of one claim, and evidence behind one attestation or dispute: what fits on a screen beside each other. */
export const MAX_NAMED = 8;

/** As long as the bytes allow: a list that is too long is refused by a rule of its own. */
const listedSchema = v.array(cidSchema);

const statementSchema = v.variant('type', [
  /** Something said about evidence. */
  v.strictObject({ type: v.literal('graph-claim'), v: v.literal(1), text: v.string(), about: listedSchema }),
  /** That a claim is supported, perhaps on further evidence. */
  v.strictObject({
    type: v.literal('graph-attestation'),
    v: v.literal(1),
    claim: cidSchema,
    evidence: listedSchema,
  }),
  /** That a claim is wrong, and why. */
  v.strictObject({
    type: v.literal('graph-dispute'),
    v: v.literal(1),
    claim: cidSchema,
    reason: v.string(),
    evidence: listedSchema,
  }),
]);

/** What a member says of evidence. Content ids name anything that has one: a bundle, a receipt, a verdict, another statement. */
export type GraphStatement = v.InferOutput<typeof statementSchema>;
export type ClaimStatement = Extract<GraphStatement, { readonly type: 'graph-claim' }>;
/** What somebody holds of a claim. */
export type StanceStatement = Exclude<GraphStatement, ClaimStatement>;

const KNOWN_TYPES: ReadonlySet<unknown> = new Set(['graph-claim', 'graph-attestation', 'graph-dispute']);
const headSchema = v.looseObject({ type: v.string(), v: v.number() });

/**
 * Characters that are not seen, or that change how others are: controls, line separators, marks that turn the direction of text,
 * zero-width spaces and joiners of words, tags, private use, what stands
 * for characters that were lost. The joiners that scripts and emoji need are allowed.
 */
const UNSHOWABLE =
  /[\p{Cc}\p{Cs}\p{Co}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffd\u{e0000}-\u{e0fff}]/u;
/** Marks stacked higher than any script stacks them cover the lines around. */
const STACKED = /\p{M}{8,}/u;
const SEEN = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** A text as the graph takes it: in the composed form, one space between words, none around. What cannot be shown is left for the rule. */
export const tidyText = (text: string): string => text.normalize('NFC').replace(/\s+/gu, ' ').trim();

export const isFitText = (text: string): boolean =>
  [...text].length <= MAX_TEXT_CHARACTERS &&
  text === tidyText(text) &&
  SEEN.test(text) &&
  !UNSHOWABLE.test(text) &&
  !STACKED.test(text);

/** What it says in words; null for an attestation, which says it by being there. */
const textOf = (statement: GraphStatement): string | null =>
  statement.type === 'graph-claim' ? statement.text : statement.type === 'graph-dispute' ? statement.reason : null;

/** Everything that it names besides the claim that it is on. */
export const namedBy = (statement: GraphStatement): readonly string[] =>
  statement.type === 'graph-claim' ? statement.about : statement.evidence;

/** Ascending, each once: so that one meaning has one encoding. */
const isAscending = (ids: readonly string[]): boolean => ids.every((id, at) => at === 0 || ids[at - 1]! < id);

/** What a statement is held to by itself, whatever else stands in the graph. */
export const STATEMENT_RULES: readonly Rule<GraphStatement>[] = [
  {
    name: 'text_unfit',
    sentence: `A claim or a reason is one line of 1 to ${MAX_TEXT_CHARACTERS} characters that can be seen.`,
    holds: (statement) => textOf(statement) === null || isFitText(textOf(statement)!),
  },
  {
    name: 'nothing_named',
    sentence: 'A claim names nothing that it is about.',
    holds: (statement) => statement.type !== 'graph-claim' || statement.about.length > 0,
  },
  {
    name: 'too_much_named',
    sentence: `A statement names at most ${MAX_NAMED} content ids.`,
    holds: (statement) => namedBy(statement).length <= MAX_NAMED,
  },
  {
    name: 'named_twice',
    sentence: 'The content ids of a statement are in ascending order, each once.',
    holds: (statement) => isAscending(namedBy(statement)),
  },
  {
    name: 'rests_on_itself',
    sentence: 'Nobody supports or disputes a claim with that very claim.',
    holds: (statement) => statement.type === 'graph-claim' || !statement.evidence.includes(statement.claim),
  },
];

/**
 * A statement as an entry carries it, through the gate and `STATEMENT_RULES`. Codes: those of the gate, `unknown_statement` (a
 * kind or a version that is not known here), the names of the rules.
 */
export function openStatement(bytes: Uint8Array): Result<GraphStatement> {
  const head = decodeThrough(headSchema, bytes, MAX_GRAPH_STATEMENT_BYTES);
  if (!head.ok) return head;
  if (!KNOWN_TYPES.has(head.value.type) || head.value.v !== 1)
    return fail('unknown_statement', 'A statement is of a kind that this app does not know.');
  const statement = checkAgainst(statementSchema, head.value);
  if (!statement.ok) return statement;
  const kept = keepsAll(STATEMENT_RULES, statement.value);
  return kept.ok ? statement : kept;
}

/** The bytes that go into an entry, lists put in order. Codes: the names of the rules, those of the gate. */
export function encodeStatement(statement: GraphStatement): Result<Uint8Array<ArrayBuffer>> {
  const ordered =
    statement.type === 'graph-claim'
      ? { ...statement, about: once(statement.about) }
      : { ...statement, evidence: once(statement.evidence) };
  const bytes = encodeCanonical(ordered);
  const opened = openStatement(bytes);
  return opened.ok ? ok(bytes) : opened;
}

const once = (ids: readonly string[]): string[] => [...new Set(ids)].sort();
