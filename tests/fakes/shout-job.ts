import * as v from 'valibot';
import { boxedFloat } from '#core/base/boxed-float';
import { fail, ok } from '#core/base/result';
import { jobTypesByName, type JobType } from '#core/jobs/batch/job-type';
import type { PayloadFields } from '#core/jobs/batch/payload';

interface Shout {
  readonly shouted: string;
  readonly share: number;
}

/** A job type for tests of batches: upper-cases a text; its `share` is a float by type. */
const shout: JobType<Shout> = {
  name: 'shout',
  capability: 'shout@1',
  output: v.strictObject({ shouted: v.string(), share: v.number() }),
  run: (payload) => {
    const { text } = payload as PayloadFields;
    return typeof text === 'string'
      ? ok({ shouted: text.toUpperCase(), share: 1 })
      : fail('bad_payload', 'There is no text.');
  },
  payloadFault: (payload) =>
    typeof (payload as PayloadFields)['text'] === 'string' ? null : 'malformed_shout_payload',
  units: (output) => output.shouted.length,
  text: (output) => output.shouted,
  withFloats: (output) => ({ ...output, share: boxedFloat(output.share) }),
};

export const shoutTypes = jobTypesByName([shout]);

export const shoutJob = (job_id: string, text: unknown = 'hi') => ({ job_id, job_type: 'shout', payload: { text } });
