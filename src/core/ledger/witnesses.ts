import * as v from 'valibot';
import { hex, utf8 } from '../base/bytes';
import { sha256 } from '../base/canonical';
import { cidSchema, nodeIdSchema, type NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { instantSchema } from '../identity/community';
import { microsSchema, type EconomyPolicy } from '../identity/economy-policy';
import { openSigned, type Signed } from '../wire/signed';

/**
 * Witnesses make a payer's word final without anybody agreeing on an order of everything: an account has one owner, so
 * it is enough that the owner cannot say two things (consensus number 1, Guerraoui and others 2019; FastPay, arXiv 2003.11506).
 * Each signs the first it sees and never anything that excludes it.
 */

/** Drawn for one payer where there are enough: of 3f + 1 as many as 2f + 1 must sign, so two of them may lie or be away. */
export const WITNESSES_DRAWN = 7;
/** With fewer branches than this a person with two invitations would have two voices of a handful: the manifest's witnesses serve. */
export const LEAST_BRANCHES = 5;
/** Members who may be drawn as witnesses, as one entry of a log can hold them. */
export const MAX_ELIGIBLE = 200;

export const rosterSchema = v.strictObject({
  /** Counts up with each naming: no payer goes back to an earlier one. */
  epoch: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1_000_000_000)),
  eligible: v.pipe(
    v.array(
      v.strictObject({
        node: nodeIdSchema,
        /** Who came by one invitation of the founder, however many uses it had and whomever they invited, is one branch. */
        branch: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
      }),
    ),
    v.maxLength(MAX_ELIGIBLE),
    v.check((eligible) => new Set(eligible.map(({ node }) => node)).size === eligible.length, 'a witness twice'),
  ),
});

export type WitnessRoster = v.InferOutput<typeof rosterSchema>;

/** A roster and the founder's entry that named it. */
export interface NamedRoster {
  /** The entry. */
  readonly id: string;
  readonly author: NodeId;
  readonly seq: number;
  /** By the founder's clock. */
  readonly at: number;
  readonly roster: WitnessRoster;
}

export interface WitnessSet {
  readonly witnesses: readonly NodeId[];
  /** How many of them make a certificate. */
  readonly quorum: number;
}

/** 2f + 1 of 3f + 1, and for other numbers the least that leaves any two certificates one honest witness in common. */
export const quorumOf = (count: number): number => Math.floor((2 * count) / 3) + 1;

/**
 * Who witnesses for `author`: of the roster the first seven by SHA-256 over the roster's entry, author and witness (rendezvous
 * hashing, Thaler and Ravishankar 1998), never two of one branch, nor the author or its branch; without a roster of at least five
 * other branches the manifest's own. The same arguments give the same set on every node.
 *
 * Keys cost nothing: whoever could choose its own after the roster would try keys until seven of its friends are drawn. So
 * the draw hangs on an entry that nobody knew when the key was made, and the manifest's witnesses serve whoever the roster does not name.
 */
export function witnessesFor(
  author: NodeId,
  policy: EconomyPolicy,
  named: Pick<NamedRoster, 'id' | 'roster'> | null,
): WitnessSet {
  const drawn = named === null ? null : drawnFrom(named, author);
  return drawn ?? { witnesses: policy.witnesses, quorum: quorumOf(policy.witnesses.length) };
}

/** Who was drawn already, by roster: every closing asks again, and to rank all of a roster costs two hundred digests. */
const drawnByRoster = new WeakMap<WitnessRoster, Map<string, WitnessSet>>();

/** Null: the roster does not name the author, or too few branches. Only of those whom it names something is remembered. */
function drawnFrom(named: Pick<NamedRoster, 'id' | 'roster'>, author: NodeId): WitnessSet | null {
  const known = drawnByRoster.get(named.roster) ?? new Map<string, WitnessSet>();
  drawnByRoster.set(named.roster, known);
  const key = `${named.id} ${author}`;
  const drawn = known.get(key) ?? draw(named, author);
  if (drawn !== null) known.set(key, drawn);
  return drawn;
}

function draw({ id, roster }: Pick<NamedRoster, 'id' | 'roster'>, author: NodeId): WitnessSet | null {
  const { eligible } = roster;
  const own = eligible.find(({ node }) => node === author)?.branch ?? null;
  const others = eligible.filter(({ node, branch }) => node !== author && branch !== own);
  if (own === null || new Set(others.map(({ branch }) => branch)).size < LEAST_BRANCHES) return null;
  const ranked = others
    .map((one) => ({ ...one, rank: hex(sha256(utf8(`witness ${id} ${author} ${one.node}`))) }))
    .sort((x, y) => (x.rank < y.rank ? -1 : 1));
  const drawn: NodeId[] = [];
  const branches = new Set<string>();
  for (const { node, branch } of ranked) {
    if (drawn.length === WITNESSES_DRAWN) break;
    if (branches.has(branch)) continue;
    branches.add(branch);
    drawn.push(node);
  }
  return { witnesses: drawn, quorum: quorumOf(drawn.length) };
}

/** "This is the entry that I saw first at this place of that log, and by all that I know it may stand there." */
export const headWitnessSchema = v.strictObject({
  type: v.literal('witness-head'),
  v: v.literal(1),
  community: cidSchema,
  author: nodeIdSchema,
  seq: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  entry: cidSchema,
  at: instantSchema,
});

export const OUTCOMES = ['settled', 'void', 'released', 'expired'] as const;

/**
 * "This is the one outcome of that reservation." `proposed` fixes when work was claimed, from which its challenge window counts; it
 * excludes `expired`. Of the outcomes a witness ever signs one.
 */
export const outcomeWitnessSchema = v.strictObject({
  type: v.literal('witness-outcome'),
  v: v.literal(1),
  community: cidSchema,
  reservation: cidSchema,
  outcome: v.picklist(['proposed', ...OUTCOMES]),
  /** Content id of the settlement, or of what makes work void; null where nothing is paid. */
  settlement: v.nullable(cidSchema),
  chargeMicros: microsSchema,
  at: instantSchema,
});

export type HeadWitness = v.InferOutput<typeof headWitnessSchema>;
export type OutcomeWitness = v.InferOutput<typeof outcomeWitnessSchema>;
export type Outcome = (typeof OUTCOMES)[number];

/** One witness's statement, opened. */
export interface Witnessed<Statement> {
  readonly witness: NodeId;
  readonly statement: Statement;
}

async function openBy<Statement>(
  schema: Parameters<typeof openSigned<Statement>>[0],
  signed: Signed,
  verify: Verify,
): Promise<Result<Witnessed<Statement>>> {
  const opened = await openSigned(schema, signed, verify);
  if (!opened.ok) return opened;
  if (signed.signatures.length !== 1) return fail('signer_missing', 'A witness statement is signed by one witness.');
  return ok({ witness: signed.signatures[0]!.keyId, statement: opened.value });
}

export const openHeadWitness = (signed: Signed, verify: Verify): Promise<Result<Witnessed<HeadWitness>>> =>
  openBy(headWitnessSchema, signed, verify);

export const openOutcomeWitness = (signed: Signed, verify: Verify): Promise<Result<Witnessed<OutcomeWitness>>> =>
  openBy(outcomeWitnessSchema, signed, verify);

/**
 * When the witnesses of a certificate say that it was: the lower median of their clocks. With at most f of 2f + 1 lying it lies
 * between two honest ones. Null when fewer than the quorum of the set signed `means`; each counts once.
 */
export function certifiedAt<Statement extends { readonly at: number }>(
  { witnesses, quorum }: WitnessSet,
  signed: readonly Witnessed<Statement>[],
  means: (statement: Statement) => boolean,
): number | null {
  const times = new Map<NodeId, number>();
  for (const { witness, statement } of signed)
    if (witnesses.includes(witness) && means(statement) && !times.has(witness)) times.set(witness, statement.at);
  if (times.size < quorum) return null;
  const sorted = [...times.values()].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}
