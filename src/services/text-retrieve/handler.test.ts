import { expect, test } from 'vitest';
import { jsonText } from '#core/base/json-text';
import { textRetrieveHandler } from './handler';
import { withFloatScores } from './run';

const context = {
  caller: 'a'.repeat(64),
  local: false,
  callId: 'call',
  signal: new AbortController().signal,
  emit: () => {},
};

const documents = [
  { id: 'b', text: 'a mesh' },
  { id: 'a', text: 'a mesh' },
  { id: 'c', text: 'Mesh of nodes' },
];

test('documents come by score down, then id up, with what matched', async () => {
  expect(await textRetrieveHandler({ query: 'nodes mesh NODES', documents, limit: 2 }, context)).toEqual({
    ok: true,
    value: {
      query_terms: ['mesh', 'nodes'],
      matches: [
        { id: 'c', score: 1, matched_term_count: 2, matched_terms: ['mesh', 'nodes'] },
        { id: 'a', score: 0.5, matched_term_count: 1, matched_terms: ['mesh'] },
      ],
    },
  });
});

test('all documents are returned unless a limit is given', async () => {
  const result = await textRetrieveHandler({ query: 'other', documents }, context);
  expect(result.ok && result.value.matches.map(({ id, score }) => [id, score])).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 0],
  ]);
});

test('scores are floats where they are written, also when they are whole', async () => {
  const result = await textRetrieveHandler({ query: 'mesh nodes', documents }, context);
  expect(result.ok && jsonText(withFloatScores(result.value))).toMatch(/"score":1\.0,.*"score":0\.5,/);
});

test('a query without terms, bad documents or a bad limit fail', async () => {
  const bad = [
    { query: '…', documents },
    { query: 5, documents },
    { query: 'x' },
    { query: 'x', documents: [] },
    { query: 'x', documents: 'a' },
    { query: 'x', documents: ['a'] },
    { query: 'x', documents: [{ id: ' ', text: 'x' }] },
    { query: 'x', documents: [{ id: 'a', text: ' ' }] },
    { query: 'x', documents: [documents[0], documents[0]] },
    ...[0, 4, true, 1.5, null, Object(1)].map((limit: unknown) => ({ query: 'x', documents, limit })),
  ];
  for (const payload of bad) {
    expect(await textRetrieveHandler(payload, context)).toMatchObject({ ok: false, error: { code: 'bad_payload' } });
  }
});
