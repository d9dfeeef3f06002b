import type { BatchArtefacts } from '#node/tab-node';

/** A small batch that shows every kind of job, in the manifest's own format. */
export const EXAMPLE_MANIFEST = JSON.stringify(
  {
    version: 1,
    nodes: ['node-a', { node_id: 'node-b', status: 'offline' }, { node_id: 'node-c', status: 'available' }],
    jobs: [
      { job_id: 'echo-1', job_type: 'echo', payload: { message: 'hello mesh' } },
      { job_id: 'stats-1', job_type: 'text_stats', payload: { text: 'hello mesh\nhello node' } },
      {
        job_id: 'keywords-1',
        job_type: 'keyword_extract',
        payload: { text: 'Tabs work for tabs: every tab is a node of the mesh.', limit: 5 },
      },
      {
        job_id: 'chunk-1',
        job_type: 'text_chunk',
        payload: { text: 'A long text is cut where there is white space.', max_chars: 24 },
      },
      {
        job_id: 'embed-1',
        job_type: 'text_embed',
        payload: { text: 'Numbers that stand for the words of a text.', dimensions: 8 },
      },
      {
        job_id: 'retrieve-1',
        job_type: 'text_retrieve',
        payload: {
          query: 'signed receipt',
          documents: [
            { id: 'one', text: 'A receipt is signed by both sides.' },
            { id: 'two', text: 'A node is a running tab.' },
          ],
        },
      },
    ],
  },
  null,
  2,
);

export interface BatchRow {
  readonly jobId: string;
  readonly node: string;
  readonly status: string;
  readonly verdict: string;
  readonly valid: boolean;
  readonly units: number;
  readonly error: string;
}

const records = (value: unknown): readonly Record<string, unknown>[] =>
  Array.isArray(value)
    ? value.filter((item): item is Record<string, unknown> => item !== null && typeof item === 'object')
    : [];

const word = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Results and validations of a batch side by side, in job order. */
export function batchRows(artefacts: BatchArtefacts): readonly BatchRow[] {
  const validations = new Map(records(artefacts['validations']).map((entry) => [word(entry['job_id']), entry]));
  return records(artefacts['results']).map((result) => {
    const jobId = word(result['job_id']);
    const validation = validations.get(jobId);
    return {
      jobId,
      node: word(result['node_id']),
      status: word(result['status']),
      verdict: word(validation?.['reason']),
      valid: validation?.['valid'] === true,
      units: typeof result['contribution_units'] === 'number' ? result['contribution_units'] : 0,
      error: word(result['error']),
    };
  });
}

/** `completed_jobs` as `Completed jobs`, with its number. */
export function batchTotals(artefacts: BatchArtefacts): readonly { readonly label: string; readonly value: number }[] {
  const totals = artefacts['totals'];
  if (totals === null || typeof totals !== 'object') return [];
  return Object.entries(totals).flatMap(([key, value]) =>
    typeof value === 'number' ? [{ label: key.charAt(0).toUpperCase() + key.slice(1).replace(/_/g, ' '), value }] : [],
  );
}
