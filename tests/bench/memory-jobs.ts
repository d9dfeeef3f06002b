import type { MeshNode } from '#node/create-node';
import { createMemoryMesh } from '#cli/memory-mesh';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import { systemChance } from '#signaling/system-chance';
import { workKinds } from '#services/work-services';
import { textStats } from '#services/text-stats/contract';
import { checkRedo } from '#services/check-redo/contract';
import type { Bench } from './bench';
import { median, rounded, severalAtOnce } from './figures';
import { IN_FLIGHT, textForJob } from './job-text';

function seesTwo(asker: MeshNode): Promise<void> {
  const sees = () => [textStats, checkRedo].every(({ id }) => asker.roster.offering(id).length >= 2);
  return new Promise((resolve) => {
    if (sees()) return resolve();
    const stop = asker.roster.changed.on(() => {
      if (!sees()) return;
      stop();
      resolve();
    });
  });
}

/** One job through the whole pipeline; anything but accepted, by two others and with a receipt, is a fault of the bench. */
async function checkedJob(asker: MeshNode, index: number): Promise<void> {
  const work = asker.work({
    kind: workKinds.get(textStats.id)!,
    input: { text: textForJob(index) },
    provider: 'mesh',
    signal: new AbortController().signal,
  });
  for (;;) {
    const next = await work.next();
    if (!next.done) continue;
    if (!next.value.ok) throw new Error(`Job ${index}: ${next.value.error.message}`);
    const { verdict, receiptId } = next.value.value.answer;
    const receipt = asker.ledger.state.receiptsById.get(receiptId);
    if (verdict !== 'accepted' || receipt?.signers.length !== 3) {
      throw new Error(`Job ${index} ended ${verdict} with ${receipt?.signers.length ?? 0} signatures.`);
    }
    return;
  }
}

async function plainCall(asker: MeshNode, index: number, providers: readonly string[]): Promise<void> {
  const called = await asker.bus.call(
    textStats,
    { text: textForJob(index) },
    { provider: providers[index % providers.length]! },
  );
  if (!called.ok) throw new Error(`Call ${index}: ${called.error.message}`);
}

async function perSecond(count: number, run: (index: number) => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await severalAtOnce(count, IN_FLIGHT, run);
  return (count * 1000) / (performance.now() - startedMs);
}

/** Three nodes of the real core in this process: one asks, the other two do and check. */
export const memoryJobs: Bench = {
  name: 'jobs-memory',
  title: 'Deterministic jobs over memory links, one process',
  async run({ quick, say }) {
    const rounds = quick ? 2 : 5;
    const jobs = quick ? 30 : 200;
    const mesh = await createMemoryMesh(createSystemClock(), systemChance);
    const members = await Promise.all(['asker', 'worker', 'checker'].map((name) => mesh.createMember(name)));
    const [asker, ...others] = members as [MeshNode, MeshNode, MeshNode];
    try {
      for (const member of members) await member.start();
      for (const other of others) await other.contribute(true);
      await seesTwo(asker);
      const providers = others.map((other) => other.self);
      await severalAtOnce(IN_FLIGHT, IN_FLIGHT, (index) => checkedJob(asker, index));
      const checked: number[] = [];
      const plain: number[] = [];
      for (let round = 0; round < rounds; round++) {
        say(`${jobs} jobs, round ${round + 1} of ${rounds}`);
        plain.push(await perSecond(jobs, (index) => plainCall(asker, index, providers)));
        checked.push(await perSecond(jobs, (index) => checkedJob(asker, index)));
      }
      return {
        figures: {
          rounds,
          jobsPerRound: jobs,
          inFlight: IN_FLIGHT,
          checkedJobsPerSecond: rounded(median(checked), 1),
          checkedJobsPerSecondEachRound: checked.map((value) => rounded(value, 1)),
          plainCallsPerSecond: rounded(median(plain)),
          plainOverChecked: rounded(median(plain.map((value, round) => value / checked[round]!)), 1),
        },
        bars: [],
      };
    } finally {
      await Promise.all(members.map((member) => member.stop()));
    }
  },
};
