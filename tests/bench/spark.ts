import { checkRescore } from '#services/check-rescore/contract';
import { llmChat } from '#services/llm-chat/contract';
import { askThrough, contribute, seesOffers } from '#tests/e2e/people';
import { atLeast, type Bench } from './bench';
import { median, medianMs, rounded } from './figures';
import { withPeople } from './profiles';
import { QUESTIONS } from './questions';

const MIN_REMOTE_OVER_LOCAL = 0.95;

type Answered = Awaited<ReturnType<typeof askThrough>>;

/** When things happened to one answer, in milliseconds: generating, until the verdict was there, until all had signed. */
function stagesOf({ updates, answer }: Answered): { generateMs: number; checkMs: number; receiptMs: number } {
  const started = updates.find((update) => update.type === 'started');
  const tokens = updates.filter((update) => update.type === 'token');
  const checked = updates.find((update) => update.type === 'checked');
  const last = tokens.at(-1);
  if (!started || !last || !checked || answer.verdict !== 'accepted') {
    throw new Error(`An answer ended ${answer.verdict} after ${tokens.length} tokens.`);
  }
  return {
    generateMs: last.at - started.at,
    checkMs: checked.at - last.at,
    receiptMs: answer.usage.totalMs - checked.at,
  };
}

/** Tokens per second from the first token that arrived to the last, without what follows them. */
function streamSpeed({ updates }: Answered): number {
  const tokens = updates.filter((update) => update.type === 'token');
  return ((tokens.length - 1) * 1000) / (tokens.at(-1)!.at - tokens[0]!.at);
}

/**
 * One and the same engine, asked by its own tab and by another: the expert asks itself, then the asker asks the expert, in
 * turns, the order changing from pair to pair so that a machine that grows slower or faster favours neither.
 */
export const spark: Bench = {
  name: 'spark',
  title: 'Spark from another tab, over the same engine at home',
  async run({ origin, quick, say }) {
    const rounds = quick ? 2 : 150;
    return withPeople(async (arrive) => {
      const asker = await arrive(origin);
      const expert = await arrive(origin);
      const checker = await arrive(origin);
      for (const person of [expert, checker]) await contribute(person.page);
      for (const { id } of [llmChat, checkRescore]) await seesOffers(asker.page, id, 2);

      const atHome = (question: string) => askThrough(expert.page, question, { provider: 'self' });
      const fromAfar = (question: string) => askThrough(asker.page, question, { provider: expert.nodeId });
      const local: Answered[] = [];
      const remote: Answered[] = [];
      await atHome(QUESTIONS[0]);
      await fromAfar(QUESTIONS[0]);
      for (let round = 0; round < rounds; round++) {
        if (round % 10 === 0) say(`pair ${round + 1} of ${rounds}`);
        const question = QUESTIONS[round % QUESTIONS.length]!;
        const localFirst = Math.floor(round / QUESTIONS.length) % 2 === 0;
        if (localFirst) local.push(await atHome(question));
        remote.push(await fromAfar(question));
        if (!localFirst) local.push(await atHome(question));
      }

      const speed = ({ answer }: Answered) => answer.usage.tokensPerSecond;
      const firstTokenMs = ({ answer }: Answered) => answer.usage.firstTokenMs;
      const localSpeed = median(local.map(speed));
      const remoteSpeed = median(remote.map(speed));
      const remoteOverLocal = rounded(remoteSpeed / localSpeed, 3);
      const stages = remote.map(stagesOf);
      return {
        figures: {
          rounds,
          tokensPerAnswer: median(remote.map(({ answer }) => answer.usage.completionTokens)),
          localTokensPerSecond: rounded(localSpeed, 1),
          remoteTokensPerSecond: rounded(remoteSpeed, 1),
          remoteOverLocal,
          remoteOverLocalPairByPair: rounded(median(remote.map((one, i) => speed(one) / speed(local[i]!))), 3),
          streamRemoteOverLocal: rounded(median(remote.map(streamSpeed)) / median(local.map(streamSpeed)), 3),
          localFirstTokenMs: medianMs(local.map(firstTokenMs)),
          remoteFirstTokenMs: medianMs(remote.map(firstTokenMs)),
          addedFirstTokenMs: medianMs(remote.map((one, i) => firstTokenMs(one) - firstTokenMs(local[i]!))),
          generateMs: medianMs(stages.map((one) => one.generateMs)),
          checkMs: medianMs(stages.map((one) => one.checkMs)),
          checkOverGenerate: rounded(median(stages.map((one) => one.checkMs / one.generateMs)), 3),
          receiptMs: medianMs(stages.map((one) => one.receiptMs)),
        },
        bars: [atLeast('tokens per second, remote over local', remoteOverLocal, MIN_REMOTE_OVER_LOCAL, '×')],
      };
    });
  },
};
