import { decodeCanonical } from '../base/canonical';
import { jsonText } from '../base/json-text';
import {
  MAX_TASK_PROMPT_CHARACTERS,
  TASK_PACKET_LIFE_MS,
  taskPacketSchema,
  type TaskPacket,
  type TaskPacketDraft,
} from '../ledger/cards/task-packet';
import { soleSigner } from '../identity/community';
import { fail, ok, type Result } from '../base/result';
import { decodeThrough } from '../wire/gate';
import { MAX_SIGNED_BYTES } from '../wire/limits';
import type { Signed } from '../wire/signed';
import { readable } from '../wire/signed-text';
import { canonicalOf } from './openings';
import type { StepsSoFar } from './step-kinds';
import type { Trace } from './trace';

/** A request as its task packet says it. */
export interface AskedRequest {
  readonly traceId: string;
  /** A capability, such as `llm.chat@1`. */
  readonly capability: string;
  /** What a person asked, where the kind of work has one question. */
  readonly question: string | undefined;
  readonly input: unknown;
  readonly payAtMostMicros: number;
  readonly at: number;
}

/** What the packet of a request says; null where its words are more than a packet holds. */
export function draftOfRequest(asked: AskedRequest): TaskPacketDraft | null {
  const { traceId, capability, question, input, payAtMostMicros, at } = asked;
  const prompt = question !== undefined && holdsText(input, question) ? question : textOfInput(asStored(input));
  if (prompt.trim() === '' || prompt.length > MAX_TASK_PROMPT_CHARACTERS) return null;
  const maxTokens = (input as { readonly maxTokens?: unknown } | null)?.maxTokens;
  return {
    taskId: traceId,
    taskType: capability,
    prompt,
    requiredCapabilities: [capability],
    budget: {
      maxChargeMicros: payAtMostMicros,
      ...(typeof maxTokens === 'number' && maxTokens > 0 ? { maxTokens } : {}),
    },
    // Whoever answers and whoever checks reads it, and is held to nothing.
    privacyLevel: 'public',
    at,
    expiresAt: at + TASK_PACKET_LIFE_MS,
  };
}

/** The packet in what was signed, by its requester alone; the signature is not looked at. Codes of the gate, `signer_missing`. */
export function readAskedPacket(signed: Signed): Result<TaskPacket> {
  const packet = decodeThrough(taskPacketSchema, signed.payload, MAX_SIGNED_BYTES);
  if (!packet.ok) return packet;
  return soleSigner(signed) === packet.value.requester
    ? ok(packet.value)
    : fail('signer_missing', 'The task packet is not signed by its requester alone.');
}

/** Where a packet says something else than the trace of its request and the words behind it; null where nothing is wrong. */
export function packetDiffers(
  packet: TaskPacket,
  trace: Trace,
  so: StepsSoFar,
  input: Uint8Array<ArrayBuffer>,
): string | null {
  if (packet.taskId !== trace.traceId || packet.requester !== trace.requester)
    return 'The task packet is of another request.';
  if (packet.taskType !== trace.capability) return 'The task packet asks for another kind of work than was done.';
  if (packet.at > trace.at || trace.at >= packet.expiresAt)
    return 'The request was made outside of the time of its task packet.';
  const words = decodeCanonical(input);
  if (!words.ok || !(holdsText(words.value, packet.prompt) || packet.prompt === textOfInput(words.value)))
    return 'The task packet asks something else than was asked.';
  const { maxChargeMicros, maxTokens } = packet.budget ?? {};
  const reserved = trace.steps.flatMap((step) => (step.type === 'reserved' ? [step.atMostMicros] : []));
  if (maxChargeMicros !== undefined && reserved.some((micros) => micros > maxChargeMicros))
    return 'More was set aside than the task packet allows.';
  if (maxTokens !== undefined && [...so.runs.values()].some(({ shownTokens }) => shownTokens > maxTokens))
    return 'The answer is longer than the task packet allows.';
  return null;
}

/** As it is read again later: half a surrogate pair, which has no bytes of its own, is another character by then. */
function asStored(input: unknown): unknown {
  const read = decodeCanonical(canonicalOf(input));
  return read.ok ? read.value : input;
}

const textOfInput = (input: unknown): string => jsonText(readable(input), { sortKeys: true });

/** Whether a text stands as it is somewhere in the input. */
function holdsText(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value === text;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  return Object.values(value).some((one) => holdsText(one, text));
}
