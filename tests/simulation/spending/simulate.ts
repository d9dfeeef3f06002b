import { fraction, pick } from '#core/base/chance';
import type { NodeId } from '#core/base/ids';
import { createSeededChance } from '#adapters/chance-seeded';
import { createVirtualClock } from '#adapters/clock-virtual';
import { openBook } from './book';
import { foundCommunity } from './community';
import { figuresOf, type Figures } from './figures';
import { createForger } from './forger';
import { createGrabber } from './grabber';
import { askForJob, createHonestMember, type HonestMember, type Stage, type Worker } from './honest-member';
import { drawnFor } from './liar';
import { createMesh } from './mesh';
import type { Scenario } from './scenarios';

const MINUTE_MS = 60_000;
/** The mesh is whole, cut for an hour, whole again; nobody asks for work in the last hour, so that everything comes to its end. */
const CUT_AT_MS = 20 * MINUTE_MS;
const CUT_FOR_MS = 60 * MINUTE_MS;
const ASKED_UNTIL_MS = 100 * MINUTE_MS;
const ENDS_AT_MS = 150 * MINUTE_MS;
/** Forgers go on for so long after the parts met. */
const FORGES_ON_MS = 5 * MINUTE_MS;
/** Each node dials so many; with those that dial it, it has twice as many links. */
const DIALS = 12;
const [FEWEST_TOKENS, MOST_TOKENS] = [200, 1_500];

export interface Setting {
  readonly nodes: number;
  /** Of all nodes, 0 to 1. */
  readonly share: number;
  readonly seed: number;
  /** Jobs that an honest node asks for in two hours. */
  readonly jobsPerNode: number;
  readonly scenario: Scenario;
}

export interface Run {
  readonly figures: Figures;
  readonly members: readonly HonestMember[];
  readonly stage: Stage;
}

/** Runs one scenario to its end. The same setting gives the same figures. */
export async function simulate({ nodes, share, seed, jobsPerNode, scenario }: Setting): Promise<Run> {
  const chance = createSeededChance(seed);
  const founded = await foundCommunity(nodes, share, scenario.branching, chance);
  const clock = createVirtualClock(founded.startMs);
  const mesh = createMesh(clock);
  const book = openBook();
  const members = new Map<NodeId, HonestMember>();
  let isCut = false;
  const stage: Stage = { founded, mesh, clock, chance, book, members, isCut: () => isCut };
  for (const [at, { nodeId, signer }] of founded.honest.entries())
    members.set(nodeId, await createHonestMember(stage, signer, seed + at));
  const { founder } = founded.world;
  const seat = await createHonestMember(stage, founder.signer, seed - 1);

  const after = (delayMs: number, run: () => Promise<unknown>): void =>
    void clock.after(delayMs, () => void run().catch(fatal));
  const parts = new Map<NodeId, number>();
  const grabbers: Worker[] = [];
  const silent = new Set<NodeId>();
  const isCuttable = scenario.parts > 1;
  const untilMs = founded.startMs + ASKED_UNTIL_MS;

  for (const [at, { signer, nodeId }] of founded.adversaries.entries()) {
    const role = at % 5;
    if (role === 4) {
      const friend = founded.adversaries[(at + 1) % founded.adversaries.length]!.signer;
      const how = at % 2 === 0 ? 'before' : 'after';
      grabbers.push(await createGrabber(stage, signer, friend, how, seed + nodes + at));
      continue;
    }
    const forger = createForger(stage, signer);
    if (role === 3) {
      silent.add(nodeId);
      after(fraction(chance) * CUT_AT_MS, () => forger.goSilent(untilMs));
    } else if (role === 2 || !isCuttable) {
      after(5 * MINUTE_MS + fraction(chance) * (ASKED_UNTIL_MS - 20 * MINUTE_MS), () => forger.forkAtOnce(untilMs));
    } else {
      const endMs = founded.startMs + CUT_AT_MS + CUT_FOR_MS + FORGES_ON_MS;
      after(CUT_AT_MS + (1 + 40 * fraction(chance)) * MINUTE_MS, () => forger.forkAcrossTheCut(parts, endMs));
    }
  }

  const tabs = [seat, ...members.values(), ...grabbers];
  for (const { nodeId } of tabs)
    for (let dialled = 0; dialled < DIALS; dialled++) {
      const peer = pick(chance, tabs)!.nodeId;
      if (peer !== nodeId) mesh.link(nodeId, peer);
    }
  for (const { nodeId } of tabs) parts.set(nodeId, Math.floor(fraction(chance) * scenario.parts));
  if (isCuttable) {
    clock.after(CUT_AT_MS, () => {
      isCut = true;
      mesh.cut(parts);
    });
    clock.after(CUT_AT_MS + CUT_FOR_MS, () => {
      isCut = false;
      mesh.heal();
    });
  }

  const workers: readonly Worker[] = [...members.values(), ...grabbers];
  let serial = 0;
  for (const member of members.values())
    for (let at = 0; at < jobsPerNode; at++)
      after(fraction(chance) * ASKED_UNTIL_MS, async () => {
        const there = workers.filter(({ nodeId }) => nodeId !== member.nodeId && mesh.reaches(member.nodeId, nodeId));
        const tokens = FEWEST_TOKENS + Math.floor(fraction(chance) * (MOST_TOKENS - FEWEST_TOKENS));
        await askForJob(stage, member, pick(chance, there)!, { tokens }, `job-${serial++}`);
      });

  await clock.advance(ENDS_AT_MS);
  if (failure !== null) throw failure;
  const all = [seat, ...members.values()];
  for (const { ledger } of all) ledger.foldAnew();
  const digests = new Set(all.map(({ ledger }) => ledger.state.digest()));
  for (const one of all) one.stop();
  const figures = figuresOf({
    scenario: scenario.name,
    share,
    adversaries: founded.adversaries.map(({ nodeId }) => nodeId),
    honest: [...members.keys()],
    silent,
    drawn: (payer) => drawnFor(stage, payer),
    book,
    state: all[0]!.ledger.state,
    digests: digests.size,
    cutMs: isCuttable ? founded.startMs + CUT_AT_MS : null,
    healedMs: isCuttable ? founded.startMs + CUT_AT_MS + CUT_FOR_MS : null,
  });
  return { figures, members: all, stage };
}

let failure: Error | null = null;
function fatal(error: unknown): void {
  failure ??= error instanceof Error ? error : new Error(String(error));
}
