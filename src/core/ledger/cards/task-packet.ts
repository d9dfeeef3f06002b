import * as v from 'valibot';
import { idSchema, nodeIdSchema } from '../../base/ids';
import { withoutUndefined } from '../../base/plain';
import type { Signer, Verify } from '../../base/ports';
import { fail, ok, type Result } from '../../base/result';
import { instantSchema, soleSigner } from '../../identity/community';
import { checkAgainst } from '../../wire/gate';
import { MAX_SIGNED_BYTES } from '../../wire/limits';
import { idOfSigned, openSigned, sign, type Signed } from '../../wire/signed';
import {
  amountMicrosSchema,
  count,
  firstOf,
  listOf,
  livesAtMost,
  PRIVACY_CLASSES,
  reportOf,
  taskClassesSchema,
  text,
} from './card-fields';
import { outOfTime } from './time-rules';

/** Longer than any request waits, short enough that an old one is not done again. */
export const TASK_PACKET_LIFE_MS = 60 * 60_000;
/** At three bytes a character 18 KB, which leaves room for the rest in a signed body. */
export const MAX_TASK_PROMPT_CHARACTERS = 6_000;

const nameSchema = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_.-]{0,63}$/, 'not a name'));
/** Inside the workspace: never absolute, never upwards. */
const fileSchema = v.pipe(
  v.string(),
  v.maxLength(128),
  v.regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/, 'not a path'),
);
/** A folder, its name ending with a slash, such as `.git/`. */
const prefixSchema = v.pipe(
  v.string(),
  v.maxLength(128),
  v.regex(/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*\/$/, 'not a folder'),
);

/**
 * What somebody wants done, as its requester signs it: the prompt in clear, what a node must be able to do, what it may
 * cost at most, and how the result is judged.
 */
export const taskPacketSchema = v.pipe(
  v.strictObject({
    type: v.literal('task-packet'),
    v: v.literal(1),
    /** Chosen by the requester. */
    taskId: idSchema,
    /** The kind of work: a capability such as `llm.chat@1`, or the type of an expert such as `code_patch`. */
    taskType: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_.]{0,47}(@[1-9][0-9]{0,3})?$/, 'not a kind of work')),
    /** Whose task it is, and who signs it. */
    requester: nodeIdSchema,
    prompt: text(MAX_TASK_PROMPT_CHARACTERS),
    /** Capabilities that whoever does it must have. */
    requiredCapabilities: v.optional(taskClassesSchema),
    budget: v.optional(
      v.strictObject({
        /** What it may cost at most, in micros. */
        maxChargeMicros: v.optional(amountMicrosSchema),
        /** Tokens of the answer. */
        maxTokens: v.optional(count(1_000_000, 1)),
        /** How long an answer may take. */
        maxMs: v.optional(count(600_000, 1)),
      }),
    ),
    privacyLevel: v.picklist(PRIVACY_CLASSES),
    constraints: v.optional(
      v.strictObject({
        /** The check that decides about the result. */
        objectiveVerifier: v.optional(nameSchema),
        /** The form that the result must have. */
        output: v.optional(nameSchema),
        /** How a patch is applied. */
        patchBackend: v.optional(v.picklist(['stdlib_one_file', 'auto', 'external'])),
        /** Words of the command that tests a patch. */
        testCommand: v.optional(v.pipe(v.array(text(256)), v.minLength(1), v.maxLength(32))),
        /** Files that a patch may change. */
        allowedFiles: v.optional(listOf(fileSchema, 32)),
        /** Folders that a patch may never touch. */
        blockedPrefixes: v.optional(listOf(prefixSchema, 32)),
        maxPatchBytes: v.optional(count(65_536, 1)),
        maxChangedFiles: v.optional(count(64, 1)),
      }),
    ),
    at: instantSchema,
    expiresAt: instantSchema,
  }),
  v.check((body) => livesAtMost(body, TASK_PACKET_LIFE_MS), 'an expiry out of bounds'),
);

export type TaskPacket = v.InferOutput<typeof taskPacketSchema>;
export type OpenedTaskPacket = TaskPacket & { readonly id: string };
/** Absent, the privacy level is `public`. */
export type TaskPacketDraft = Omit<TaskPacket, 'type' | 'v' | 'requester' | 'privacyLevel'> &
  Partial<Pick<TaskPacket, 'privacyLevel'>>;

/** The signer becomes the requester. Fails with `malformed` or `too_large` where the person's own words do not fit. */
export async function createTaskPacket(signer: Signer, draft: TaskPacketDraft): Promise<Result<Signed>> {
  const packet = { type: 'task-packet', v: 1, privacyLevel: 'public', ...draft, requester: signer.nodeId };
  const checked = checkAgainst(taskPacketSchema, withoutUndefined(packet));
  if (!checked.ok) return checked;
  const signed = await sign(signer, checked.value);
  return signed.payload.length <= MAX_SIGNED_BYTES
    ? ok(signed)
    : fail('too_large', `The task packet is larger than ${MAX_SIGNED_BYTES} bytes.`);
}

/**
 * A packet from outside: through the gate, signed by its requester and nobody else, within its time. Codes of the gate and
 * of `openSigned`, `signer_missing`, `expired`, `not_yet_valid`.
 */
export async function openTaskPacket(signed: Signed, verify: Verify, now: number): Promise<Result<OpenedTaskPacket>> {
  const opened = await openSigned(taskPacketSchema, signed, verify);
  if (!opened.ok) return opened;
  const packet = opened.value;
  if (soleSigner(signed) !== packet.requester)
    return fail('signer_missing', 'The task packet is not signed by its requester.');
  const timely = firstOf(reportOf([outOfTime(packet, now, 'The task packet')]));
  return timely.ok ? ok({ ...packet, id: idOfSigned(signed) }) : timely;
}
