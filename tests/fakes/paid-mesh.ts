import { createMemoryMesh, seedSignerFor, type MemberOptions } from '#cli/memory-mesh';
import type { NodeId } from '#core/base/ids';
import { unwrap, type Result } from '#core/base/result';
import { decodeKeptTrace } from '#core/evidence/kept-trace';
import type { RouteUpdate } from '#core/experts/route';
import type { Provider, WorkRequest } from '#core/experts/run';
import type { WorkKind } from '#core/experts/work-kind';
import { defaultEconomyPolicy, type EconomyPolicy } from '#core/identity/economy-policy';
import type { MeshNode } from '#node/create-node';
import { createTraceKeeper, type KeptBytes } from '#node/keep-trace';
import { chatKind } from '#services/llm-chat/kind';
import { createSeededChance } from './seeded-chance';
import { offersOf } from './test-offers';
import { createVirtualClock } from './virtual-clock';

export const RATE = 10;
/** Short, since every virtual second costs the heartbeats of all. */
export const WINDOW_MS = 60_000;
export type Members = Readonly<Record<string, MemberOptions & { readonly contributes: boolean }>>;
export const helper = { contributes: true };

/** A founder and these members, who pay each other; `worker` and `other` ask for their work. */
export async function paidMesh(members: Members, change: Partial<EconomyPolicy> = {}, seed = 5) {
  const clock = createVirtualClock();
  const windows = [{ upToMicros: 1_000_000_000, seconds: WINDOW_MS / 1_000 }];
  const economy = (founder: NodeId): EconomyPolicy => ({ ...defaultEconomyPolicy(founder), windows, ...change });
  const mesh = await createMemoryMesh(clock, createSeededChance(seed), { economy });
  const offers = await offersOf({ worker: RATE, other: RATE }, mesh.model, clock, seedSignerFor);
  const nodes: Record<string, MeshNode> = {};
  for (const [name, { contributes, ...options }] of Object.entries<Members[string]>({
    founder: { contributes: false },
    ...members,
  })) {
    const node = await mesh.createMember(name, { ...options, offers: offers(name) });
    nodes[name] = node;
    await clock.runUntil(node.start());
    node.goPublic();
    if (contributes) await clock.runUntil(node.contribute(true));
  }
  await clock.advance(5_000);
  return { clock, mesh, nodes, offers };
}

/** What one of them gets for a question, and what it keeps of it. */
export async function ask(
  { clock, nodes }: { clock: ReturnType<typeof createVirtualClock>; nodes: Record<string, MeshNode> },
  from: string,
  provider: Provider = { node: nodes['worker']!.self },
) {
  const request: WorkRequest = {
    kind: chatKind as unknown as WorkKind,
    input: { messages: [{ role: 'user', text: 'What is Tabmesh' }], maxTokens: 200 },
    provider,
    payAtMostMicros: 1_000_000,
    signal: new AbortController().signal,
  };
  const keeper = createTraceKeeper(request);
  let keep: (kept: Result<KeptBytes>) => void = () => {};
  const kept = new Promise<Result<KeptBytes>>((resolve) => (keep = resolve));
  const work = keeper.follow(nodes[from]!.work(request, keeper.watch), keep);
  const updates: RouteUpdate[] = [];
  const run = async () => {
    for (;;) {
      const next = await work.next();
      if (next.done) return next.value;
      updates.push(next.value);
    }
  };
  const result = unwrap(await clock.runUntil(run()));
  const trace = await clock.runUntil(kept);
  return { answer: result.answer, updates, trace: trace.ok ? unwrap(decodeKeptTrace(trace.value.bytes)) : null };
}

/** All balances as one node knows them. */
export const sumOf = (node: MeshNode): number =>
  node.ledger.state.accountHolders.reduce((sum, one) => sum + node.ledger.state.balanceOf(one).confirmedMicros, 0);
