import { nodeName } from '#core/base/node-name';
import { pick } from '#core/base/chance';
import type { NodeId } from '#core/base/ids';
import { fail, ok, type Result } from '#core/base/result';
import type { RouteUpdate } from '#core/experts/route';
import { decodeKeptTrace, type KeptTrace } from '#core/evidence/kept-trace';
import type { WorkOutcome } from '#core/experts/pipeline';
import type { WorkKind } from '#core/experts/work-kind';
import { createSeededChance } from '#adapters/chance-seeded';
import { createVirtualClock } from '#adapters/clock-virtual';
import type { Signed } from '#core/wire/signed';
import type { MeshNode } from '#node/create-node';
import { createTraceKeeper } from '#node/keep-trace';
import { chatKind } from '#services/llm-chat/kind';
import { workKinds } from '#services/work-services';
import { createMemoryMesh } from './memory-mesh';

export const MIN_SIMULATED_NODES = 3;
/** Every node holds a key, a log and links; more than this takes minutes without showing anything new. */
export const MAX_SIMULATED_NODES = 200;

/** Newcomers arrive this far apart, in virtual milliseconds. */
const ARRIVAL_GAP_MS = 200;
/** Time for links to form and cards to be said. */
const SETTLE_MS = 5_000;
/** Of ten nodes, seven contribute. */
const CONTRIBUTING_SHARE = 0.7;
const MAX_QUESTIONS = 12;
/** The node that is answering this question crashes after this many tokens. */
const CRASH_AT_TOKEN = 5;
const TOKEN_DELAY_MS = 40;

export interface SimulatedWork {
  readonly asker: string;
  readonly capability: string;
  readonly experts: readonly string[];
  readonly validators: readonly string[];
  readonly verdict: string;
  readonly receiptId: string | null;
  readonly replacedAtToken: number | null;
  readonly error: string | null;
}

export interface Simulation {
  readonly nodes: number;
  readonly seed: number;
  readonly contributing: number;
  readonly links: number;
  readonly crashed: string | null;
  readonly work: readonly SimulatedWork[];
  readonly accepted: number;
  readonly lost: number;
  readonly recoveryMs: number | null;
  readonly unitsByNode: Readonly<Record<string, number>>;
  readonly heads: Readonly<Record<string, string | null>>;
  readonly virtualMs: number;
}

/** What the askers of a simulation kept, for whoever wants to look into it. */
export interface SimulatedEvidence {
  readonly kept: KeptTrace[];
  readonly receipts: Signed[];
}

/**
 * Many nodes in one process: the real core over memory links and a virtual clock. They join, work, and one of them crashes
 * in the middle of an answer. The same numbers give the same simulation, byte for byte. Traces and receipts of all requests are added to `evidence` where it is given; keeping them draws chance of its own.
 */
export async function simulate(nodes: number, seed: number, evidence?: SimulatedEvidence): Promise<Result<Simulation>> {
  if (!Number.isInteger(nodes) || nodes < MIN_SIMULATED_NODES || nodes > MAX_SIMULATED_NODES) {
    return fail('bad_nodes', `A simulation has between ${MIN_SIMULATED_NODES} and ${MAX_SIMULATED_NODES} nodes.`);
  }
  if (!Number.isSafeInteger(seed) || seed < 0) return fail('bad_seed', 'A seed is a whole number from 0.');
  const clock = createVirtualClock();
  const chance = createSeededChance(seed);
  const mesh = await createMemoryMesh(clock, chance);
  const members: MeshNode[] = [];
  const contributing = Math.max(MIN_SIMULATED_NODES - 1, Math.floor(nodes * CONTRIBUTING_SHARE));
  for (let i = 0; i < nodes; i++) {
    const member = await mesh.createMember(`node-${i + 1}`, { tokenDelayMs: TOKEN_DELAY_MS });
    members.push(member);
    await clock.runUntil(member.start());
    if (i < contributing) await clock.runUntil(member.contribute(true));
    await clock.advance(ARRIVAL_GAP_MS);
  }
  await clock.advance(SETTLE_MS);
  const links = members.reduce((sum, member) => sum + member.links.all.length, 0) / 2;

  const work: SimulatedWork[] = [];
  let crashed: NodeId | null = null;
  let crashedAtMs = 0;
  let recoveryMs: number | null = null;

  async function run(asker: MeshNode, kind: WorkKind, input: unknown, mayCrash: boolean): Promise<void> {
    let tokens = 0;
    let replacedAtToken: number | null = null;
    const onUpdate = (update: RouteUpdate): void => {
      if (update.type === 'token' && mayCrash && crashed === null && ++tokens === CRASH_AT_TOKEN) {
        crashed = update.expert;
        crashedAtMs = clock.monotonicMs();
        mesh.world.crash(update.expert);
      }
      if (update.type === 'replaced') {
        replacedAtToken = update.atToken;
        if (update.from === crashed) recoveryMs = Math.round(clock.monotonicMs() - crashedAtMs);
      }
    };
    const request = { kind, input, provider: 'mesh', signal: new AbortController().signal } as const;
    const keeper = evidence && createTraceKeeper(request);
    let noteKept: () => void = () => {};
    const keptAll = new Promise<void>((resolve) => (noteKept = resolve));
    const generator =
      keeper === undefined
        ? asker.work(request)
        : keeper.follow(asker.work(request, keeper.watch), (bytes) => {
            const kept = bytes.ok ? decodeKeptTrace(bytes.value.bytes) : bytes;
            if (kept.ok) evidence?.kept.push(kept.value);
            noteKept();
          });
    let result: Result<WorkOutcome> | null = null;
    while (result === null) {
      const next = await generator.next();
      if (next.done) result = next.value;
      else onUpdate(next.value);
    }
    if (keeper !== undefined) await keptAll;
    const answer = result.ok ? result.value.answer : null;
    const receipt = answer && evidence ? await asker.ledger.receiptOf(answer.receiptId) : null;
    if (receipt?.ok && receipt.value !== null) evidence?.receipts.push(receipt.value);
    work.push({
      asker: nodeName(asker.self),
      capability: kind.capability.id,
      experts: answer?.experts.map(nodeName) ?? [],
      validators: answer?.validators.map(nodeName) ?? [],
      verdict: answer?.verdict ?? 'failed',
      receiptId: answer?.receiptId ?? null,
      replacedAtToken,
      error: result.ok ? null : result.error.code,
    });
  }

  const askers = members.slice(-Math.min(MAX_QUESTIONS, nodes));
  for (const [index, asker] of askers.entries()) {
    if (asker.self === crashed) continue;
    await clock.runUntil(
      run(
        asker,
        chatKind as unknown as WorkKind,
        { messages: [{ role: 'user', text: 'What is Tabmesh' }], maxTokens: 200 },
        index === 1,
      ),
    );
    const job = pick(chance, ['text_stats@1', 'keyword_extract@1', 'text_embed@1'] as const)!;
    await clock.runUntil(run(asker, workKinds.get(job)!, { text: `${asker.self} asks for job ${index}` }, false));
  }

  const witness = members.filter((member) => member.self !== crashed);
  const unitsByNode: Record<string, number> = {};
  for (const member of witness) {
    const units = member.ledger.state.unitsByNode.get(member.self) ?? 0;
    if (units > 0) unitsByNode[nodeName(member.self)] = units;
  }
  const virtualMs = Math.round(clock.monotonicMs());
  const simulation: Simulation = {
    nodes,
    seed,
    contributing,
    links,
    crashed: crashed === null ? null : nodeName(crashed),
    work,
    accepted: work.filter((one) => one.verdict === 'accepted').length,
    lost: work.filter((one) => one.error !== null).length,
    recoveryMs,
    unitsByNode,
    heads: Object.fromEntries(witness.map((member) => [nodeName(member.self), member.ledger.head.id])),
    virtualMs,
  };
  for (const member of witness) void member.stop();
  return ok(simulation);
}
