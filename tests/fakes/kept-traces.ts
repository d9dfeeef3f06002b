import { createMemoryMesh, type MemberOptions } from '#cli/memory-mesh';
import type { Signer } from '#core/base/ports';
import { sha256 } from '#core/base/canonical';
import { utf8 } from '#core/base/bytes';
import { unwrap } from '#core/base/result';
import { decodeKeptTrace, type KeptTrace } from '#core/evidence/kept-trace';
import type { Stakes } from '#core/experts/job-class';
import type { Provider } from '#core/experts/run';
import type { WorkKind } from '#core/experts/work-kind';
import type { Signed } from '#core/wire/signed';
import { createNodeSigner } from '#adapters/signer-node';
import { createVerify } from '#adapters/verify-node';
import { createTraceKeeper, type KeptBytes } from '#node/keep-trace';
import type { MeshNode } from '#node/create-node';
import { chatKind } from '#services/llm-chat/kind';
import { createSeededChance } from './seeded-chance';
import { createVirtualClock } from './virtual-clock';

export const QUESTION = 'What is Tabmesh';

/** What a real run over memory links left: the kept traces of one asker, and its receipts. */
export interface KeptRun {
  readonly kept: readonly KeptTrace[];
  readonly receipts: readonly Signed[];
  /** Signs as the asker does. */
  readonly signer: Signer;
  readonly verify: ReturnType<typeof createVerify>;
  readonly nodes: Readonly<Record<string, MeshNode>>;
}

export interface KeptRunOptions {
  readonly members?: Readonly<Record<string, MemberOptions>>;
  readonly providers?: readonly Provider[];
  readonly stakes?: Stakes;
  /** Asks this member, in place of any provider. */
  readonly to?: string;
  /** Called for each token on show, with its expert: to let that one crash. */
  readonly onToken?: (count: number, expert: string, crash: (node: string) => void) => void;
}

/** A mesh of an asker and its helpers that is asked once for each provider; every trace is kept. */
export async function keepTraces({
  members = { worker: {}, checker: {} },
  providers = ['mesh'],
  stakes = 'ordinary',
  to,
  onToken,
}: KeptRunOptions = {}): Promise<KeptRun> {
  const clock = createVirtualClock();
  const mesh = await createMemoryMesh(clock, createSeededChance(11));
  const nodes: Record<string, MeshNode> = {};
  for (const [name, options] of [...Object.entries(members), ['asker', {}] as const]) {
    const node = await mesh.createMember(name, { tokenDelayMs: 20, ...options });
    nodes[name] = node;
    await clock.runUntil(node.start());
    if (name !== 'asker') await clock.runUntil(node.contribute(true));
  }
  await clock.advance(5_000);
  const asker = nodes['asker']!;
  const kept: KeptTrace[] = [];
  for (const provider of to === undefined ? providers : [{ node: nodes[to]!.self }]) {
    const request = {
      kind: chatKind as unknown as WorkKind,
      input: { messages: [{ role: 'user', text: QUESTION }], maxTokens: 200 },
      provider,
      stakes,
      signal: new AbortController().signal,
    };
    const keeper = createTraceKeeper(request);
    let tokens = 0;
    const run = async (): Promise<KeptBytes> => {
      let keep: (bytes: KeptBytes) => void;
      const done = new Promise<KeptBytes>((resolve) => (keep = resolve));
      const work = keeper.follow(asker.work(request, keeper.watch), (bytes) => keep(unwrap(bytes)));
      for (;;) {
        const next = await work.next();
        if (next.done) return done;
        if (next.value.type === 'token') onToken?.(++tokens, next.value.expert, (node) => mesh.world.crash(node));
      }
    };
    kept.push(unwrap(decodeKeptTrace((await clock.runUntil(run())).bytes)));
  }
  const receipts: Signed[] = [];
  for (const id of kept.flatMap(({ trace }) => trace.receipts))
    receipts.push(unwrap(await asker.ledger.receiptOf(id))!);
  return { kept, receipts, signer: createNodeSigner(sha256(utf8('memory-mesh/asker'))), verify: createVerify(), nodes };
}
