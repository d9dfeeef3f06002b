import { expect, test } from 'vitest';
import { createScriptedModel } from '#adapters/engine-scripted';
import { createMemoryMesh } from '#cli/memory-mesh';
import { ok, unwrap } from '#core/base/result';
import { SELF_TEST_PAUSE_MS } from '#core/engines/self-test-due';
import type { LanguageModel, ScoredPosition } from '#core/engines/language-model';
import type { Golden } from '#core/engines/model-manifest';
import type { WorkKind } from '#core/experts/work-kind';
import type { MeshNode } from '#node/create-node';
import { chatKind } from '#services/llm-chat/kind';
import { jobRun } from '#services/job-run/contract';
import { llmChat } from '#services/llm-chat/contract';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';

const QUESTION = 'What is Tabmesh';

test('a node whose answers others reject tests itself again, and stops serving a model that it computes wrongly', async () => {
  const clock = createVirtualClock();
  const mesh = await createMemoryMesh(clock, createSeededChance(5));
  let broken = false;
  let transcripts: readonly Golden[] = [];
  const breakable = (model: LanguageModel): LanguageModel => ({
    ...model,
    identity: model.identity,
    score: async (promptIds, outputIds) => {
      const scored = unwrap(await model.score(promptIds, outputIds));
      return ok(scored.map((one): ScoredPosition => (broken ? { ...one, rank: 1, margin: 4 } : one)));
    },
  });
  const nodes: Record<string, MeshNode> = {};
  for (const name of ['asker', 'one', 'two', 'worker']) {
    const node = await mesh.createMember(
      name,
      name === 'worker' ? { lies: { forgedTokenAt: 5 }, around: breakable, golden: async () => transcripts } : {},
    );
    nodes[name] = node;
    if (name !== 'asker') unwrap(await clock.runUntil(node.contribute(true)));
    if (name === 'one') transcripts = [await transcriptOf(node.loadedModels[0]!, clock)];
  }
  const { asker, worker } = nodes as { asker: MeshNode; worker: MeshNode };
  expect(worker.selfTest).toMatchObject({ passed: true });
  // The hour passes before they meet: afterwards doubt has nothing to wait for, and no heartbeat goes to and fro meanwhile.
  await clock.advance(SELF_TEST_PAUSE_MS);
  for (const node of Object.values(nodes)) await clock.runUntil(node.start());
  await clock.advance(5_000);
  expect(asker.roster.get(worker.self)!.card!.capabilities).toContain(llmChat.id);

  // The device goes wrong; others find its answer to be none of the model's.
  broken = true;
  const work = asker.work({
    kind: chatKind as unknown as WorkKind,
    input: { messages: [{ role: 'user', text: QUESTION }], maxTokens: 200 },
    provider: { node: worker.self },
    signal: new AbortController().signal,
  });
  const asked = async () => {
    for (;;) {
      const next = await work.next();
      if (next.done) return next.value;
    }
  };
  expect(unwrap(await clock.runUntil(asked())).answer.verdict).toBe('rejected');
  await clock.advance(1_000);
  expect(worker.selfTest).toMatchObject({ passed: false });
  expect(worker.unserved).toMatchObject({ code: 'self_test_failed' });
  expect(worker.bus.offered).not.toContain(llmChat.id);
  expect(worker.bus.offered).toContain(jobRun.id);
  expect(asker.roster.get(worker.self)!.card!.capabilities).not.toContain(llmChat.id);
  // Nor does it do for whoever asks all the same.
  const given = await clock.runUntil(
    asker.bus.call(
      jobRun,
      {
        jobId: 'job-behind-its-back',
        traceId: 'trace-1',
        capability: llmChat.id,
        input: { messages: [{ role: 'user', text: QUESTION }], maxTokens: 20 },
      },
      { provider: worker.self },
    ),
  );
  expect(given).toMatchObject({ ok: false, error: { code: 'unsupported_job_type' } });
  // The person's no and yes tests it again; a device that computes rightly serves as before.
  broken = false;
  unwrap(await clock.runUntil(worker.contribute(false)));
  unwrap(await clock.runUntil(worker.contribute(true)));
  expect(worker.unserved).toBe(null);
  expect(worker.bus.offered).toContain(llmChat.id);
});

test('a model that fails its test when it is switched to is named as the one that failed, and the one before goes on', async () => {
  const clock = createVirtualClock();
  const mesh = await createMemoryMesh(clock, createSeededChance(5));
  const scripted = createScriptedModel({ answers: { 'What is Tabmesh': 'A mesh of tabs.' } });
  const other: LanguageModel = {
    ...scripted,
    identity: { ...scripted.identity, id: 'other-2', name: 'Other', hash: 'ab'.repeat(32) },
    score: async (_promptIds, outputIds) => ok(outputIds.map(() => ({ rank: 1, logProbability: -1, margin: 4 }))),
  };
  let transcripts: readonly Golden[] = [];
  const worker = await mesh.createMember('worker', { otherModels: [other], golden: async () => transcripts });
  unwrap(await clock.runUntil(worker.contribute(true)));
  transcripts = [await transcriptOf(worker.loadedModels[0]!, clock)];
  unwrap(await clock.runUntil(worker.contribute(false)));
  unwrap(await clock.runUntil(worker.contribute(true)));
  const passed = worker.selfTest;
  expect(passed).toMatchObject({ passed: true });

  expect(await clock.runUntil(worker.serve('other-2'))).toMatchObject({ error: { code: 'self_test_failed' } });
  expect(worker.servedModel).toBe('scripted-1');
  expect(worker.selfTest).toEqual(passed);
  expect(worker.selfTests.map(({ model, report }) => [model.name, report.passed])).toEqual([
    ['Other', false],
    [worker.loadedModels[0]!.identity.name, true],
  ]);
  expect(worker.bus.offered).toContain(llmChat.id);
});

async function transcriptOf(model: LanguageModel, clock: VirtualClock): Promise<Golden> {
  const promptIds = unwrap(await model.encodePrompt([{ role: 'user', text: QUESTION }]));
  const request = { promptIds, prefixIds: [], maxTokens: 200, signal: new AbortController().signal };
  const { ids } = unwrap(await clock.runUntil(model.generate(request, () => {})));
  return { question: QUESTION, promptIds: [...promptIds], ids: [...ids] };
}
