import { createMemoryMesh, type MemberOptions } from '#cli/memory-mesh';
import { unwrap } from '#core/base/result';
import type { WorkKind } from '#core/experts/work-kind';
import type { MeshNode } from '#node/create-node';
import { chatKind } from '#services/llm-chat/kind';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createRing } from './colluding-validator';
import { lazyValidator } from './lazy-validator';

/** Who may be drawn as a validator besides the two experts that are asked. */
export interface Company {
  readonly honest: number;
  readonly lazy: number;
  /** Of the same ring as the expert that lies: they let each other pass and slander everyone else. */
  readonly ring: number;
}

export interface StageOutcome {
  readonly verdict: string;
  /** Verdicts that were given. */
  readonly voices: number;
  /** What the requester notes of the expert. */
  readonly record: 'accepted' | 'rejected' | 'failed' | 'nothing';
}

/**
 * One question to one expert in a mesh of the real core over memory links: the check stage draws, hears and settles as it does for
 * people. `liar` forges a token and belongs to the ring; `worker` answers as it should.
 */
export async function askInCompany(
  { honest, lazy, ring: allies }: Company,
  expert: 'liar' | 'worker',
  seed: number,
): Promise<StageOutcome> {
  const clock = createVirtualClock();
  const mesh = await createMemoryMesh(clock, createSeededChance(seed));
  const ring = createRing();
  const members: (readonly [name: string, options: MemberOptions, contributes: boolean])[] = [
    ['asker', {}, false],
    ['liar', { lies: { forgedTokenAt: 5 }, around: (model) => ring.expert(ring.validator(model)) }, true],
    ['worker', {}, true],
  ];
  const add = (count: number, name: string, options: MemberOptions): void => {
    for (let at = 0; at < count; at++) members.push([`${name}-${at}`, options, true]);
  };
  add(honest, 'honest', {});
  add(lazy, 'lazy', { around: lazyValidator });
  add(allies, 'ally', { around: ring.validator });
  const nodes = new Map<string, MeshNode>();
  for (const [name, options, contributes] of members) {
    const node = await mesh.createMember(name, options);
    nodes.set(name, node);
    await clock.runUntil(node.start());
    if (contributes) await clock.runUntil(node.contribute(true));
  }
  await clock.advance(5_000);

  const asker = nodes.get('asker')!;
  const { self } = nodes.get(expert)!;
  const work = asker.work({
    kind: chatKind as unknown as WorkKind,
    input: { messages: [{ role: 'user', text: 'What is Tabmesh' }], maxTokens: 200 },
    provider: { node: self },
    signal: new AbortController().signal,
  });
  let voices = 0;
  const run = async () => {
    for (;;) {
      const next = await work.next();
      if (next.done) return unwrap(next.value);
      if (next.value.type === 'checked') voices++;
    }
  };
  const { answer } = await clock.runUntil(run());
  const { accepted, rejected, failed } = asker.roster.get(self)!.record;
  const record = accepted > 0 ? 'accepted' : rejected > 0 ? 'rejected' : failed > 0 ? 'failed' : 'nothing';
  return { verdict: answer.verdict, voices, record };
}

/**
 * What the stage promises of validators that were never seen to find a fault, computed: two voices, a third where they are not both for
 * it, and the majority of three. `accepting` and `rejecting` are those among whom validators are drawn who will say so.
 */
export function chanceToPass(accepting: number, rejecting: number): number {
  const all = accepting + rejecting;
  if (all < 2 || accepting < 2) return 0;
  const pairs = all * (all - 1);
  const both = (accepting * (accepting - 1)) / pairs;
  const split = (2 * accepting * rejecting) / pairs;
  return both + (all < 3 ? 0 : split * ((accepting - 1) / (all - 2)));
}
