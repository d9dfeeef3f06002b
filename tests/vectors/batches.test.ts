import { expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { jsonText } from '#core/base/json-text';
import { renderArtefacts, type BatchArtefacts } from '#core/jobs/batch/artefacts';
import { readManifest } from '#core/jobs/batch/manifest';
import { runBatch } from '#core/jobs/batch/run-batch';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import { readVectors } from './read-vectors';

interface Vector {
  readonly name: string;
  readonly manifest: unknown;
  readonly artefacts: Omit<BatchArtefacts, 'messages'>;
  readonly result_hashes: readonly (string | null)[];
}

const sorted = (value: unknown): string => jsonText(value, { sortKeys: true });

test.each(readVectors<readonly Vector[]>('batches.json'))('$name', ({ manifest, artefacts, result_hashes }) => {
  const read = unwrap(readManifest(manifest));
  const run = unwrap(runBatch(read, deterministicJobTypes));
  const { messages, results, ...others } = JSON.parse(
    renderArtefacts(read, run, deterministicJobTypes),
  ) as BatchArtefacts;
  const { results: expectedResults, ...expectedOthers } = JSON.parse(jsonText(artefacts)) as typeof artefacts;
  expect(sorted(others)).toBe(sorted(expectedOthers));
  // The words of a failure are each implementation's own.
  expect(sorted(results.map((result) => ({ ...result, error: null })))).toBe(sorted(expectedResults));
  const hashes = messages
    .filter((message) => message.message_type === 'job_result_reported')
    .map(({ payload }) => payload['result_hash']);
  result_hashes.forEach((hash, index) => hash === null || expect(hashes[index]).toBe(hash));
});
