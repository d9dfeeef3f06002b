import * as v from 'valibot';
import { isShallow } from '../../base/json-limits';
import { parseJsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import { countCodePoints, isBlank, isWellFormed } from '../../base/text';
import { isPlainObject, type PayloadFields } from './payload';

/** Above a payload stand the log, its messages, one of them and what that says: so deep it lies wherever a job is written down. */
const LEVELS_ABOVE_PAYLOAD = 4;

/** Largest manifest that is read: far above what a person writes, small enough to hold in memory several times. */
export const MAX_MANIFEST_CHARACTERS = 16 * 1024 * 1024;
/** A roster larger than this is no batch for one coordinator. */
export const MAX_NODES = 1_000;
/** Every job leaves four messages; a log of this many is still read in one go. */
export const MAX_JOBS = 10_000;
/** Ids are for people and for logs. */
export const MAX_ID_CHARACTERS = 128;
export const MAX_CAPABILITIES = 100;

/** Who speaks in the message log besides the nodes; a node cannot bear these names. */
export const SCHEDULER = 'local-scheduler';
export const VALIDATOR = 'local-validator';
export const LEDGER = 'local-ledger';

export interface BatchNode {
  readonly node_id: string;
  readonly status: 'available' | 'offline';
  /** Job types by name; null: everything that the batch's job types offer. */
  readonly capabilities: readonly string[] | null;
}

export interface BatchJob {
  readonly job_id: string;
  readonly job_type: string;
  /** As it was written: a whole float is a boxed Number (see base/json-text). */
  readonly payload: PayloadFields;
}

export interface BatchManifest {
  readonly version: 1;
  readonly nodes: readonly BatchNode[];
  readonly jobs: readonly BatchJob[];
}

/** An id of at most `maxCharacters`. Half a surrogate pair has no bytes of its own: two such ids would be signed and filed alike. */
export const idOfAtMost = (maxCharacters: number) =>
  v.pipe(
    v.string('must be text'),
    v.check((value) => !isBlank(value), 'must not be blank'),
    v.check((value) => countCodePoints(value) <= maxCharacters, `must have at most ${maxCharacters} characters`),
    v.check(isWellFormed, 'must not hold half a surrogate pair'),
  );

export const idSchema = idOfAtMost(MAX_ID_CHARACTERS);

export const isReservedName = (id: string): boolean => id === SCHEDULER || id === VALIDATOR || id === LEDGER;

export const nodeIdSchema = v.pipe(
  idSchema,
  v.check((id) => !isReservedName(id), 'is a name that the log reserves'),
);

const unique = (values: readonly string[]): boolean => new Set(values).size === values.length;

export const capabilitiesSchema = v.pipe(
  v.array(idSchema, 'must be a list'),
  v.maxLength(MAX_CAPABILITIES, `must have at most ${MAX_CAPABILITIES} entries`),
  v.check((names) => unique(names), 'must not name a capability twice'),
);

const missingOr = (what: string) => (issue: v.ObjectIssue) => (issue.expected === 'Object' ? what : 'is missing');

const nodeByName = v.pipe(
  nodeIdSchema,
  v.transform((id): BatchNode => ({ node_id: id, status: 'available', capabilities: null })),
);

const nodeInFull = v.pipe(
  v.object(
    {
      node_id: nodeIdSchema,
      status: v.optional(v.picklist(['available', 'offline'], 'must be "available" or "offline"'), 'available'),
      capabilities: v.optional(capabilitiesSchema),
    },
    missingOr('must be text or an object'),
  ),
  v.transform((node): BatchNode => ({ ...node, capabilities: node.capabilities ?? null })),
);

/** What a batch does: nodes, and jobs for them. Members that this version does not know are ignored. */
export const batchManifestSchema = v.object(
  {
    // The first manifests were written without one.
    version: v.optional(v.literal(1, 'must be 1'), 1),
    nodes: v.pipe(
      v.array(
        v.lazy((entry) => (typeof entry === 'string' ? nodeByName : nodeInFull)),
        'must be a list',
      ),
      v.minLength(1, 'must not be empty'),
      v.maxLength(MAX_NODES, `must have at most ${MAX_NODES} entries`),
    ),
    jobs: v.pipe(
      v.array(
        v.object(
          {
            job_id: idSchema,
            job_type: idSchema,
            payload: v.optional(
              v.pipe(
                v.custom<PayloadFields>(isPlainObject, 'must be an object'),
                v.check((payload) => isShallow(payload, LEVELS_ABOVE_PAYLOAD), 'nests too deeply'),
              ),
              () => ({}),
            ),
          },
          missingOr('must be an object'),
        ),
        'must be a list',
      ),
      v.minLength(1, 'must not be empty'),
      v.maxLength(MAX_JOBS, `must have at most ${MAX_JOBS} entries`),
    ),
  },
  missingOr('must be an object'),
);

/**
 * A batch manifest from its JSON text. Order is kept; fields that this version does not know are ignored. One sentence
 * for every fault; codes `too_large`, `undecodable`, `unknown_version`, `malformed`, `duplicate_id`.
 */
export function parseManifest(jsonText: string): Result<BatchManifest> {
  if (jsonText.length > MAX_MANIFEST_CHARACTERS) {
    return fail('too_large', `The manifest is larger than ${MAX_MANIFEST_CHARACTERS} characters.`);
  }
  const read = parseJsonText(jsonText);
  if (!read.ok) return read;
  return readManifest(read.value);
}

/** The same for a manifest that is already decoded. */
export function readManifest(value: unknown): Result<BatchManifest> {
  const parsed = v.safeParse(batchManifestSchema, value, { abortEarly: true, abortPipeEarly: true });
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const path = v.getDotPath(issue);
    if (path === 'version' && typeof issue.input === 'number') {
      return fail('unknown_version', `The manifest has version ${issue.input}; this program reads version 1.`);
    }
    return fail(
      'malformed',
      path === null ? `The manifest ${issue.message}.` : `The manifest's ${inBrackets(path)} ${issue.message}.`,
    );
  }
  const { nodes, jobs } = parsed.output;
  const twice = firstRepeated(nodes.map((node) => node.node_id));
  if (twice !== null) return fail('duplicate_id', `The manifest names the node ${JSON.stringify(twice)} twice.`);
  const jobTwice = firstRepeated(jobs.map((job) => job.job_id));
  if (jobTwice !== null) return fail('duplicate_id', `The manifest names the job ${JSON.stringify(jobTwice)} twice.`);
  return ok(parsed.output);
}

const inBrackets = (dotPath: string): string => dotPath.replace(/\.(\d+)/g, '[$1]');

function firstRepeated(ids: readonly string[]): string | null {
  const seen = new Set<string>();
  for (const id of ids) {
    if (seen.has(id)) return id;
    seen.add(id);
  }
  return null;
}
