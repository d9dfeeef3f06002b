import { expect, test } from 'vitest';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createWorkerModelLoader } from '#adapters/engine-worker/worker-model-loader';
import { createMemoryMesh, type MemberOptions } from '#cli/memory-mesh';
import type { LanguageModel } from '#core/engines/language-model';
import type { RouteUpdate } from '#core/experts/route';
import type { Provider } from '#core/experts/run';
import type { WorkOutcome } from '#core/experts/pipeline';
import { unwrap, type Result } from '#core/base/result';
import type { WorkKind } from '#core/experts/work-kind';
import { chatKind } from '#services/llm-chat/kind';
import { workKinds } from '#services/work-services';
import type { MeshNode } from '#node/create-node';
import { createFakeModelWorker, type FakeModelWorker } from '#tests/fakes/model-worker';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';

const QUESTION = 'What is Tabmesh';

async function meshOf(names: Record<string, MemberOptions & { contributes: boolean }>) {
  const clock = createVirtualClock();
  const mesh = await createMemoryMesh(clock, createSeededChance(7));
  const nodes: Record<string, MeshNode> = {};
  for (const [name, options] of Object.entries(names)) {
    const node = await mesh.createMember(name, options);
    nodes[name] = node;
    await clock.runUntil(node.start());
    if (options.contributes) await clock.runUntil(node.contribute(true));
  }
  await clock.advance(5_000);
  return { clock, mesh, nodes: nodes as Record<'asker' | 'worker' | 'checker' | 'other', MeshNode> };
}

function ask(node: MeshNode, provider: Provider = 'auto', signal = new AbortController().signal) {
  return node.work({
    kind: chatKind as unknown as WorkKind,
    input: { messages: [{ role: 'user', text: QUESTION }], maxTokens: 200 },
    provider,
    signal,
  });
}

async function finish(
  clock: VirtualClock,
  work: AsyncGenerator<RouteUpdate, Result<WorkOutcome>>,
  onUpdate: (update: RouteUpdate) => void = () => {},
) {
  const updates: RouteUpdate[] = [];
  const run = async () => {
    for (;;) {
      const next = await work.next();
      if (next.done) return next.value;
      updates.push(next.value);
      onUpdate(next.value);
    }
  };
  return { result: await clock.runUntil(run()), updates };
}

const THREE = {
  worker: { contributes: true, tokenDelayMs: 50 },
  asker: { contributes: false },
};

test('a question is answered by another node, checked by a third, and receipted by all three', async () => {
  const { clock, nodes } = await meshOf({ ...THREE, checker: { contributes: true, tokenDelayMs: 50 } });
  const { result, updates } = await finish(clock, ask(nodes.asker));
  expect(result).toMatchObject({ ok: true, value: { answer: { verdict: 'accepted', check: 'rescore' } } });
  if (!result.ok) return;
  const { answer } = result.value;
  expect([...answer.experts, ...answer.validators].sort()).toEqual([nodes.worker.self, nodes.checker.self].sort());
  const kinds = updates.map((update) => update.type);
  expect(kinds.filter((kind) => kind !== 'token')).toEqual([
    'admitted',
    'chosen',
    'started',
    'checked',
    'combined',
    'sealed',
    'recorded',
  ]);
  expect(
    updates
      .filter((update) => update.type === 'token')
      .map((update) => update.type === 'token' && update.text)
      .join(''),
  ).toBe(answer.text);
  for (const name of ['asker', 'worker', 'checker'] as const) {
    const known = nodes[name].ledger.state.receiptsById.get(answer.receiptId);
    expect(known?.signers).toHaveLength(3);
    expect(nodes[name].ledger.state.unitsByNode.get(answer.experts[0]!)).toBe(known?.units);
    expect(known?.units).toBeGreaterThan(0);
  }
});

test('with nobody to check the answer ends unchecked and earns nothing', async () => {
  const { clock, nodes } = await meshOf(THREE);
  const { result } = await finish(clock, ask(nodes.asker));
  expect(result).toMatchObject({
    ok: true,
    value: { answer: { verdict: 'unchecked', check: 'none', validators: [] } },
  });
  expect([...nodes.asker.ledger.state.unitsByNode]).toEqual([]);
});

test('alone the node answers itself and says unchecked; asking the mesh alone says that nobody offers it', async () => {
  const { clock, nodes } = await meshOf({ asker: { contributes: false } });
  const own = await finish(clock, ask(nodes.asker));
  expect(own.result).toMatchObject({
    ok: true,
    value: { answer: { verdict: 'unchecked', experts: [nodes.asker.self] } },
  });
  const mesh = await finish(clock, ask(nodes.asker, 'mesh'));
  expect(mesh.result).toMatchObject({ ok: false, error: { code: 'nobody_offers' } });
});

test('a node whose own model takes a minute to come answers all the same', async () => {
  const clock = createVirtualClock();
  const mesh = await createMemoryMesh(clock, createSeededChance(7));
  const slow = (model: LanguageModel): LanguageModel => ({
    ...model,
    identity: model.identity,
    async encodePrompt(messages) {
      await new Promise<void>((resolve) => void clock.after(60_000, resolve));
      return model.encodePrompt(messages);
    },
  });
  const asker = await mesh.createMember('asker', { around: slow });
  await clock.runUntil(asker.start());
  for (const provider of ['self', 'auto'] as const) {
    const { result } = await finish(clock, ask(asker, provider));
    expect(result, provider).toMatchObject({ ok: true, value: { answer: { experts: [asker.self] } } });
  }
});

test('only on this device asks nobody to check', async () => {
  const { clock, nodes } = await meshOf({ ...THREE, checker: { contributes: true } });
  const { result, updates } = await finish(clock, ask(nodes.asker, 'self'));
  expect(result).toMatchObject({ ok: true, value: { answer: { verdict: 'unchecked', experts: [nodes.asker.self] } } });
  expect(updates.some((update) => update.type === 'checked')).toBe(false);
  expect(nodes.checker.checksGiven + nodes.worker.checksGiven).toBe(0);
});

test('an answer of this device alone goes on when its worker is killed; one that others check does not', async () => {
  // What a worker and its page say to each other takes real turns of the event loop.
  const clock = createSystemClock();
  const mesh = await createMemoryMesh(clock, createSeededChance(7));
  const workers: FakeModelWorker[] = [];
  const killable = (model: LanguageModel): LanguageModel => {
    const loader = createWorkerModelLoader({
      clock,
      baseUrl: 'https://mesh.test/',
      spawn() {
        workers.push(createFakeModelWorker(model));
        return workers.at(-1)!;
      },
    });
    const loading = loader.load('spark-1');
    const generate: LanguageModel['generate'] = async (...given) => unwrap(await loading).generate(...given);
    return { ...model, identity: model.identity, generate };
  };
  const asker = await mesh.createMember('asker', { around: killable });
  await asker.start();
  for (const provider of ['self', 'auto'] as const) {
    let tokens = 0;
    const work = ask(asker, provider);
    const updates: RouteUpdate[] = [];
    let next = await work.next();
    for (; next.done !== true; next = await work.next()) {
      updates.push(next.value);
      if (next.value.type === 'token' && ++tokens === 3) workers.at(-1)!.crash('out of memory');
    }
    const result = next.value;
    if (provider === 'auto') {
      expect(result).toMatchObject({ error: { code: 'engine_failed' } });
      continue;
    }
    const { answer } = unwrap(result);
    expect(answer.verdict).toBe('unchecked');
    expect(updates.map((update) => (update.type === 'token' ? update.text : '')).join('')).toBe(answer.text);
    expect(tokens).toBe(answer.usage.completionTokens);
    expect(updates.some(({ type }) => type === 'replaced')).toBe(false);
    expect(workers).toHaveLength(2);
  }
  await asker.stop();
});

test.each([
  ['a forged token', { forgedTokenAt: 5 }, 'token_mismatch'],
  ['text unlike its ids', { swappedWords: { node: 'god' } }, 'text_mismatch'],
] as const)('%s is rejected by the third node and earns nothing', async (_name, lies, reason) => {
  const { clock, nodes } = await meshOf({
    worker: { contributes: true, lies },
    asker: { contributes: false },
    checker: { contributes: true },
  });
  const { result, updates } = await finish(clock, ask(nodes.asker, { node: nodes.worker.self }));
  expect(updates).toContainEqual(
    expect.objectContaining({ type: 'checked', validator: nodes.checker.self, verdict: 'rejected', reason }),
  );
  expect(result).toMatchObject({ ok: true, value: { answer: { verdict: 'rejected' } } });
  for (const node of Object.values(nodes)) expect(node.ledger.state.unitsByNode.get(nodes.worker.self)).toBeUndefined();
});

test('when the holder crashes in the middle, another continues after the last token shown', async () => {
  const { clock, mesh, nodes } = await meshOf({
    worker: { contributes: true, tokenDelayMs: 100 },
    other: { contributes: true, tokenDelayMs: 100 },
    checker: { contributes: true, tokenDelayMs: 100 },
    asker: { contributes: false },
  });
  let tokens = 0;
  let crashed: string | null = null;
  let crashedAtMs = 0;
  const { result, updates } = await finish(clock, ask(nodes.asker, 'mesh'), (update) => {
    if (update.type === 'token' && ++tokens === 6) {
      crashed = update.expert;
      crashedAtMs = clock.monotonicMs();
      mesh.world.crash(update.expert);
    }
  });
  expect(result).toMatchObject({ ok: true, value: { answer: { verdict: 'accepted' } } });
  if (!result.ok) return;
  const replaced = updates.find((update) => update.type === 'replaced');
  expect(replaced).toMatchObject({ from: crashed });
  const atToken = replaced?.type === 'replaced' ? replaced.atToken : -1;
  expect(atToken).toBeGreaterThanOrEqual(6);
  // Nothing is repeated and nothing is missing.
  expect(updates.flatMap((update) => (update.type === 'token' ? [update.text] : [])).join('')).toBe(
    result.value.answer.text,
  );
  expect(result.value.answer.experts).toHaveLength(2);
  expect(clock.monotonicMs() - crashedAtMs).toBeLessThan(10_000);
});

test('a cancelled question stops the other side', async () => {
  const { clock, nodes } = await meshOf(THREE);
  const abort = new AbortController();
  const { result } = await finish(clock, ask(nodes.asker, 'mesh', abort.signal), (update) => {
    if (update.type === 'token') abort.abort();
  });
  expect(result).toMatchObject({ ok: false, error: { code: 'cancelled' } });
  await clock.advance(500);
  expect(nodes.worker.executor.running).toEqual([]);
});

test('a deterministic job is redone by a third node before it counts', async () => {
  const { clock, nodes } = await meshOf({ ...THREE, checker: { contributes: true } });
  const kind = workKinds.get('text_stats@1')!;
  const { result } = await finish(
    clock,
    nodes.asker.work({
      kind,
      input: { text: 'one two three' },
      provider: 'mesh',
      signal: new AbortController().signal,
    }),
  );
  expect(result).toMatchObject({
    ok: true,
    value: { output: { word_count: 3 }, answer: { verdict: 'accepted', check: 'redo' } },
  });
  if (!result.ok) return;
  expect(nodes.worker.ledger.state.receiptsById.get(result.value.answer.receiptId)?.units).toBe(2);
});

test('a job with a bad payload fails once and is not given to anyone else', async () => {
  const { clock, nodes } = await meshOf({ ...THREE, checker: { contributes: true } });
  const { result, updates } = await finish(
    clock,
    nodes.asker.work({
      kind: workKinds.get('text_chunk@1')!,
      input: { text: 'x', max_chars: 0 },
      provider: 'mesh',
      signal: new AbortController().signal,
    }),
  );
  expect(result.ok).toBe(false);
  expect(updates.filter((update) => update.type === 'started')).toHaveLength(1);
});
