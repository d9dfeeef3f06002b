import { badPayload, payloadFields } from '#core/jobs/batch/payload';
import { ok, type Result } from '#core/base/result';
import type { EchoOutput } from './contract';

export function runEcho(payload: unknown): Result<EchoOutput> {
  const fields = payloadFields('echo', payload);
  if (!fields.ok) return fields;
  const { message = '' } = fields.value;
  return typeof message === 'string' ? ok(message) : badPayload("The echo payload's message must be text.");
}

/** An echo without a message completes, but nothing was asked that could be checked. */
export function echoPayloadFault(payload: unknown): string | null {
  const fields = payloadFields('echo', payload);
  return fields.ok && typeof fields.value['message'] === 'string' ? null : 'missing_payload_message';
}
