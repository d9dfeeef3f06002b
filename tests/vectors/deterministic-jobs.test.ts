import { expect, test } from 'vitest';
import { jsonText } from '#core/base/json-text';
import { judgeResult } from '#core/jobs/batch/judge';
import type { PayloadFields } from '#core/jobs/batch/payload';
import { runJob } from '#core/jobs/batch/report';
import { resultHash, writtenOutput } from '#core/jobs/batch/result-hash';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import { readVectors } from './read-vectors';

interface Vector {
  readonly name: string;
  readonly job_type: string;
  readonly payload: PayloadFields;
  readonly status: string;
  readonly output: unknown;
  readonly reason: string;
  readonly contribution_units: number;
  /** Null for a failed job, whose reason in words is each implementation's own. */
  readonly result_hash: string | null;
}

const vectors = readVectors<readonly Vector[]>('deterministic-jobs.json');
const bytesOf = (value: unknown): string => jsonText(value, { ascii: true, sortKeys: true });

test.each(vectors)(
  '$job_type: $name',
  ({ job_type, payload, status, output, reason, contribution_units, result_hash }) => {
    const job = { job_id: 'job-1', job_type, payload };
    const reported = runJob(job, 'node-a', deterministicJobTypes);
    const judged = judgeResult(job, 'node-a', reported, deterministicJobTypes);
    const type = deterministicJobTypes.get(job_type);
    expect(reported.status).toBe(status);
    expect(bytesOf(writtenOutput(type, reported.output))).toBe(bytesOf(output));
    expect(judged.validation.reason).toBe(reason);
    expect(judged.units).toBe(contribution_units);
    if (result_hash !== null) expect(resultHash(type, reported)).toBe(result_hash);
    else expect(reported.error).toMatch(/^[^\n]+\.$/);
  },
);
