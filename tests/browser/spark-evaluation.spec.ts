import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import type { ModelCatalogue } from '#core/engines/model-manifest';
import type { EvaluationSet, TriggerSet } from '#core/experts/admission-gate/evaluation-set';
import type { EvaluationHarness } from './evaluation.harness';
import { serveHarness } from './serve-harness';

declare global {
  interface Window {
    evaluation: EvaluationHarness;
  }
}

const MODULE = '/tests/browser/evaluation.harness.ts';
const EVALUATION = 'workers/models/spark/evaluation';
/** What nobody but others can give: here is one device alone, and golden transcripts come with the catalogue. */
const NEEDS_OTHERS = ['computes-rightly', 'verifiers-agree'];

const read = <T>(path: string): T => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as T;

test('Spark passes every admission gate that one device can judge', async ({ page }) => {
  test.setTimeout(400_000);
  const sets = {
    target: read<EvaluationSet>(`${EVALUATION}/target.json`),
    general: read<EvaluationSet>(`${EVALUATION}/general.json`),
    triggers: read<TriggerSet>(`${EVALUATION}/triggers.json`),
  };
  const manifest = read<ModelCatalogue>('static/models/catalogue.json').models.find(({ id }) => id === 'spark-1')!;
  const server = await serveHarness({ modules: [MODULE, '/workers/transformers/main.ts'] });
  try {
    await server.open(page, MODULE);
    const { report, measured, sameAgain, tookMs } = await page.evaluate(
      ([given, named]) => window.evaluation.admit(given, named),
      [sets, manifest] as const,
    );
    for (const { gate, passed, sentence, figures } of report.gates) {
      console.log(`Spark, ${gate}: ${passed ? 'passed' : 'missing'}. ${sentence} ${JSON.stringify(figures)}`);
    }
    console.log(`Spark: evaluated in ${Math.round(tookMs / 1_000)} s`);
    const failed = report.gates.filter(({ passed }) => !passed).map(({ gate }) => gate);
    expect(failed.filter((gate) => !NEEDS_OTHERS.includes(gate))).toEqual([]);
    expect(failed).toContain('verifiers-agree');
    expect(sameAgain).toBe(true);
    expect(measured.target.items).toHaveLength(sets.target.items.length);
    expect(measured.replay.agreeing).toBe(measured.replay.positions);
  } finally {
    await server.close();
  }
});
