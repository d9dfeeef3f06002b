/** Where the rules of a family stand, and the test that breaks each of them by its name. */
export interface FamilyFiles {
  readonly source: string;
  readonly test: string;
}

const ledger = (source: string, test = 'rules/rules.test'): FamilyFiles => ({
  source: `src/core/ledger/${source}.ts`,
  test: `src/core/ledger/${test}.ts`,
});
const patch = (source: string, test: string): FamilyFiles => ({
  source: `src/core/experts/objective/${source}.ts`,
  test: `src/core/experts/objective/${test}.test.ts`,
});
const graph = (source: string, test: string): FamilyFiles => ({
  source: `src/core/evidence/graph/${source}.ts`,
  test: `src/core/evidence/graph/${test}.test.ts`,
});

/** One for each family of `src/core/economy/all-rules.ts`. */
export const FAMILY_FILES: Readonly<Record<string, FamilyFiles>> = {
  admission: {
    source: 'src/core/experts/admission-gate/run-admission-gate.ts',
    test: 'src/core/experts/admission-gate/run-admission-gate.test.ts',
  },
  times: ledger('cards/time-rules', 'cards/node-card.test'),
  'node-cards': ledger('cards/node-card-rules', 'cards/node-card.test'),
  advertisements: ledger('cards/advertisement-rules', 'cards/host-advertisement.test'),
  teachers: ledger('cards/teacher-policy', 'cards/teacher-policy.test'),
  diffs: patch('parse-diff', 'apply-patch'),
  fits: patch('apply-patch', 'apply-patch'),
  patches: patch('patch-policy', 'patch-policy'),
  'patch-tests': patch('code-check', 'code-check'),
  log: ledger('fold'),
  grants: ledger('rules/spending-rules'),
  claims: ledger('rules/claim-rules'),
  reservations: ledger('rules/spending-rules'),
  proposals: ledger('rules/proposal-rules'),
  witnesses: ledger('witness-duty', 'witness-duty.test'),
  closings: ledger('rules/closing-rules'),
  looks: ledger('rules/looking-rules'),
  challenges: ledger('rules/dispute-rules'),
  rulings: ledger('rules/dispute-rules'),
  contributions: ledger('rules/contribution-rules', 'rules/contribution-rules.test'),
  mints: ledger('rules/mint-rules'),
  'data-shards': ledger('rules/shard-rules', 'growth/data-shard.test'),
  training: ledger('rules/training-rules', 'growth/training-work-receipt.test'),
  replays: { source: 'src/core/evidence/replay-trace.ts', test: 'tests/integration/evidence.test.ts' },
  evidence: { source: 'src/core/evidence/bundle-policy.ts', test: 'tests/integration/evidence.test.ts' },
  'graph-statements': graph('statement', 'statement'),
  'graph-claims': graph('build-graph', 'collect-statements'),
  'graph-stances': graph('build-graph', 'collect-statements'),
};
