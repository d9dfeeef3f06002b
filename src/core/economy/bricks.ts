import * as v from 'valibot';
import { jsonText } from '../base/json-text';
import { byCodePoint } from '../base/text';
import { ok, type Result } from '../base/result';
import { parseJsonThrough } from '../wire/parse-json-through';

/** Twelve bricks are some 30 KB. */
const MAX_BRICKS_CHARACTERS = 512 * 1024;
const MAX_BRICKS = 64;
const MAX_PARTS = 32;

const idSchema = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,47}$/, 'not an id'));
const sentence = v.pipe(v.string(), v.minLength(1), v.maxLength(400));
const ids = v.pipe(v.array(idSchema), v.maxLength(MAX_PARTS));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** How far a part is: shown by tests and in use, shown by tests with a limit that is told, or not there. */
export const PART_STATUSES = ['stable', 'proto', 'missing'] as const;
export const BRICK_STATUSES = ['closed_poc', 'proto_brick', 'research_packet'] as const;
export const CLOSURES = ['closed', 'partially_closed', 'open'] as const;

const partSchema = v.strictObject({
  id: idSchema,
  does: sentence,
  status: v.picklist(PART_STATUSES),
  /** Files of the repository that show it; none for what is not there. */
  tests: v.pipe(v.array(v.pipe(v.string(), v.maxLength(200))), v.maxLength(8)),
});

/** One thing that a network that pays for work is built of: what goes in, what comes out, and which of its parts there are. */
const brickSchema = v.strictObject({
  id: idSchema,
  name: sentence,
  purpose: sentence,
  status: v.picklist(BRICK_STATUSES),
  input: sentence,
  operation: sentence,
  output: sentence,
  /** What gets better by it, and how that is told. */
  measure: sentence,
  parts: v.pipe(v.array(partSchema), v.minLength(1), v.maxLength(MAX_PARTS)),
  closure: v.strictObject({ status: v.picklist(CLOSURES), stable: ids, proto: ids, missing: ids }),
  /** When it is given up. */
  kill: v.pipe(v.array(sentence), v.minLength(1), v.maxLength(8)),
  next: sentence,
});

export const bricksSchema = v.strictObject({
  format: v.literal('tabmesh-bricks'),
  v: v.literal(1),
  bricks: v.pipe(v.array(brickSchema), v.minLength(1), v.maxLength(MAX_BRICKS)),
  counts: v.strictObject({
    bricks: count,
    status: v.strictObject({ closed_poc: count, proto_brick: count, research_packet: count }),
    closure: v.strictObject({ closed: count, partially_closed: count, open: count }),
  }),
  /** `brick.part` of everything that is not there, ascending: the open gaps. */
  missing: v.pipe(v.array(v.string()), v.maxLength(MAX_BRICKS * MAX_PARTS)),
});

export type Bricks = v.InferOutput<typeof bricksSchema>;
export type Brick = Bricks['bricks'][number];

/** Code `undecodable` or `malformed`. */
export const parseBricks = (text: string): Result<Bricks> =>
  parseJsonThrough(bricksSchema, text, MAX_BRICKS_CHARACTERS);

/** What follows from the parts: nothing missing and nothing provisional closes a brick. */
export function closureOf({ parts }: Pick<Brick, 'parts'>): Brick['closure'] {
  const having = (status: (typeof PART_STATUSES)[number]): string[] =>
    parts.filter((part) => part.status === status).map(({ id }) => id);
  const [stable, proto, missing] = [having('stable'), having('proto'), having('missing')];
  const status = missing.length > 0 ? 'open' : proto.length > 0 ? 'partially_closed' : 'closed';
  return { status, stable, proto, missing };
}

/** A closed brick is one; of the others those of which less is there than missing are research. */
export function statusOf(brick: Pick<Brick, 'parts'>): Brick['status'] {
  const { status, stable, proto, missing } = closureOf(brick);
  if (status === 'closed') return 'closed_poc';
  return stable.length + proto.length < missing.length ? 'research_packet' : 'proto_brick';
}

/** What follows from all bricks together. */
export function countsOf(bricks: readonly Brick[]): Pick<Bricks, 'counts' | 'missing'> {
  const closures = bricks.map((brick) => closureOf(brick).status);
  const tally = <K extends string>(keys: readonly K[], found: readonly K[]): Record<K, number> =>
    Object.fromEntries(keys.map((key) => [key, found.filter((one) => one === key).length])) as Record<K, number>;
  return {
    counts: {
      bricks: bricks.length,
      status: tally(
        BRICK_STATUSES,
        bricks.map(({ status }) => status),
      ),
      closure: tally(CLOSURES, closures),
    },
    missing: bricks.flatMap((brick) => closureOf(brick).missing.map((part) => `${brick.id}.${part}`)).sort(byCodePoint),
  };
}

/** Everything that a file of bricks says and that does not follow from its parts: a stable code and a sentence each. */
export function faultsOfBricks(file: Bricks): readonly { readonly code: string; readonly sentence: string }[] {
  const faults: { code: string; sentence: string }[] = [];
  const against = (code: string, sentence: string): void => void faults.push({ code, sentence });
  const names = file.bricks.map(({ id }) => id);
  if (new Set(names).size !== names.length) against('brick_twice', 'A brick stands there twice.');
  for (const brick of file.bricks) {
    const { id, parts, closure, status } = brick;
    const expected = closureOf(brick);
    if (new Set(parts.map((part) => part.id)).size !== parts.length)
      against('part_twice', `A part of ${id} stands there twice.`);
    if (jsonText(closure, { sortKeys: true }) !== jsonText(expected, { sortKeys: true }))
      against('wrong_closure', `${id} is ${expected.status} by its parts, and says ${closure.status} or other parts.`);
    if (status !== statusOf(brick)) against('wrong_status', `${id} is ${statusOf(brick)} by its parts, not ${status}.`);
    for (const part of parts) {
      if (part.status !== 'missing' && part.tests.length === 0)
        against('claim_without_test', `${id} names no test of ${part.id}.`);
      if (part.status === 'missing' && part.tests.length > 0)
        against('test_of_nothing', `${id} names a test of ${part.id}, which is not there.`);
    }
  }
  const { counts, missing } = countsOf(file.bricks);
  if (jsonText(file.counts, { sortKeys: true }) !== jsonText(counts, { sortKeys: true }))
    against('wrong_counts', 'The counts of the bricks are not what they come to.');
  if (file.missing.join() !== missing.join())
    against('wrong_gaps', 'The list of what is missing is not what the bricks come to.');
  return faults;
}

/** A file of bricks held against itself. */
export const openBricks = (
  text: string,
): Result<{ readonly bricks: Bricks; readonly faults: ReturnType<typeof faultsOfBricks> }> => {
  const bricks = parseBricks(text);
  return bricks.ok ? ok({ bricks: bricks.value, faults: faultsOfBricks(bricks.value) }) : bricks;
};
