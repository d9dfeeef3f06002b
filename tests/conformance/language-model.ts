import { unwrap } from '#core/base/result';
import {
  answer,
  expect,
  failsWith,
  generate,
  OWN_MARGIN,
  promptOf,
  rule,
  same,
  type ConformanceCase,
} from './language-model-runs';
import { sampledModelCases } from './language-model-sampled';

/** A forged token of a real model stands units away, not fractions. */
const FORGED_MARGIN = 0.5;
/** What every language model promises; see `LanguageModel`. Cases throw an Error that says what was broken. */
export const languageModelCases: readonly ConformanceCase[] = [
  rule(
    'the same text gives the same prompt ids, another text gives others',
    async (model, { question, otherQuestion }) => {
      const first = await promptOf(model, question);
      same(await promptOf(model, question), first, 'prompt ids');
      expect(
        JSON.stringify(await promptOf(model, otherQuestion)) !== JSON.stringify(first),
        'two questions gave the same prompt',
      );
    },
  ),

  rule(
    'generation streams exactly the ids that it returns and ends with the end token',
    async (model, { question }) => {
      const { ids, finish, tokens } = await answer(model, question);
      same(
        tokens.map((token) => token.id),
        ids,
        'streamed ids',
      );
      expect(ids.length >= 12, `the answer has only ${ids.length} tokens`);
      same(finish, 'stop', 'finish');
      same(ids.indexOf(model.endTokenId), ids.length - 1, 'place of the end token');
    },
  ),

  rule('the text of the tokens joins to what their ids decode to', async (model, { question }) => {
    const { ids, tokens } = await answer(model, question);
    same(tokens.map((token) => token.text).join(''), unwrap(await model.decode(ids)), 'text');
  }),

  rule('the same prompt gives the same answer again', async (model, { question }) => {
    same((await answer(model, question)).ids, (await answer(model, question)).ids, 'ids');
  }),

  rule(
    'an answer continued after any part of it ends in the same tokens and the same text',
    async (model, { question }) => {
      const { promptIds, ids } = await answer(model, question);
      const whole = unwrap(await model.decode(ids));
      for (const at of new Set([1, 2, ids.length >> 1, ids.length - 2, ids.length - 1])) {
        const prefixIds = ids.slice(0, at);
        const run = generate(model, promptIds, { prefixIds });
        const rest = unwrap(await run.done);
        same(rest, { ids: ids.slice(at), finish: 'stop' }, `continuation after ${at} tokens`);
        const restText = run.tokens.map((token) => token.text).join('');
        expect(whole.endsWith(restText), `text after ${at} tokens is ${JSON.stringify(restText)}`);
      }
    },
  ),

  rule('nothing is generated after the end token', async (model, { question }) => {
    const { promptIds, ids } = await answer(model, question);
    same(
      unwrap(await generate(model, promptIds, { prefixIds: ids }).done),
      { ids: [], finish: 'stop' },
      'after the end',
    );
  }),

  rule('a model finds no fault with its own answer', async (model, { question }) => {
    const { promptIds, ids } = await answer(model, question);
    const scores = unwrap(await model.score(promptIds, ids));
    same(scores.length, ids.length, 'positions');
    const worst = Math.max(...scores.map((score) => score.margin));
    expect(worst <= OWN_MARGIN, `a token of its own has margin ${worst}`);
    expect(
      scores.filter((score) => score.rank === 0).length >= scores.length - 1,
      'more than one near-tie in one answer',
    );
    expect(
      scores.every((score) => score.logProbability <= 1e-6),
      'a probability is above one',
    );
  }),

  rule('one forged token stands out by its rank and its margin', async (model, { question, otherQuestion }) => {
    const { promptIds, ids } = await answer(model, question);
    const other = await answer(model, otherQuestion);
    for (const at of [0, 3, ids.length - 2]) {
      const forged = other.ids.find((id) => id !== ids[at] && id !== model.endTokenId)!;
      const claim = ids.map((id, index) => (index === at ? forged : id));
      const score = unwrap(await model.score(promptIds, claim))[at]!;
      expect(
        score.rank > 0 && score.margin > FORGED_MARGIN,
        `forged token ${at} has rank ${score.rank}, margin ${score.margin}`,
      );
    }
  }),

  rule('an answer ends at the limit, tokens continued from included', async (model, { question }) => {
    const { promptIds, ids } = await answer(model, question);
    same(
      unwrap(await generate(model, promptIds, { maxTokens: 5 }).done),
      { ids: ids.slice(0, 5), finish: 'length' },
      'five tokens',
    );
    const rest = generate(model, promptIds, { prefixIds: ids.slice(0, 3), maxTokens: 5 });
    same(unwrap(await rest.done), { ids: ids.slice(3, 5), finish: 'length' }, 'two more tokens');
  }),

  rule('a prompt that leaves no room for an answer is refused', async (model, { question }) => {
    const promptIds = await promptOf(model, question);
    const long = Array.from(
      { length: model.identity.contextTokens },
      (_, index) => promptIds[index % promptIds.length]!,
    );
    failsWith(await generate(model, long).done, 'prompt_too_long');
    failsWith(await model.score(long, [model.endTokenId]), 'prompt_too_long');
  }),

  rule('ids outside the vocabulary are refused and do no harm', async (model, { question }) => {
    const promptIds = await promptOf(model, question);
    failsWith(await model.score(promptIds, [999_999]), 'unknown_token');
    failsWith(await generate(model, [...promptIds, -1]).done, 'unknown_token');
    failsWith(await model.decode([1e6]), 'unknown_token');
    same((await answer(model, question)).finish, 'stop', 'finish afterwards');
  }),

  rule('cancelling stops within one token and leaves the engine usable', async (model, { question }) => {
    const { promptIds, ids } = await answer(model, question);
    const run = generate(model, promptIds, { onToken: (tokens, abort) => tokens.length === 3 && abort() });
    const stopped = unwrap(await run.done);
    same(stopped.finish, 'cancelled', 'finish');
    expect(
      stopped.ids.length >= 3 && stopped.ids.length <= 4,
      `${stopped.ids.length} tokens came after cancelling at the third`,
    );
    same(stopped.ids, ids.slice(0, stopped.ids.length), 'ids until then');
    same((await answer(model, question)).ids, ids, 'the answer afterwards');
  }),

  rule('requests run one after the other, in order', async (model, { question, otherQuestion }) => {
    const first = await answer(model, question);
    const second = await answer(model, otherQuestion);
    const order: string[] = [];
    const runs = [
      generate(model, first.promptIds, { onToken: () => order.push('first') }),
      generate(model, second.promptIds, { onToken: () => order.push('second') }),
    ];
    same(unwrap(await runs[0]!.done).ids, first.ids, 'first answer');
    same(unwrap(await runs[1]!.done).ids, second.ids, 'second answer');
    same(order.indexOf('second'), first.ids.length, 'start of the second');
  }),

  rule('a request that is cancelled while it waits never starts', async (model, { question }) => {
    const promptIds = await promptOf(model, question);
    const running = generate(model, promptIds);
    const waiting = generate(model, promptIds);
    waiting.abort();
    same(unwrap(await waiting.done), { ids: [], finish: 'cancelled' }, 'waiting request');
    same(unwrap(await running.done).finish, 'stop', 'running request');
    same(waiting.tokens.length, 0, 'tokens of the waiting request');
  }),

  rule('scoring does not wait for a running answer', async (model, { question }) => {
    const { promptIds, ids } = await answer(model, question);
    let scoredAt = -1;
    let scored: Promise<unknown> = Promise.resolve();
    const run = generate(model, promptIds, {
      onToken(tokens) {
        if (tokens.length === 2) scored = model.score(promptIds, ids).then(() => (scoredAt = run.tokens.length));
      },
    });
    same(unwrap(await run.done).ids, ids, 'the answer');
    await scored;
    expect(scoredAt >= 0 && scoredAt < ids.length, 'the score came only after the answer');
  }),

  rule('after dispose every call fails with engine_gone, a running one too', async (model, { question }) => {
    const promptIds = await promptOf(model, question);
    let tellStarted: () => void = () => {};
    const started = new Promise<void>((resolve) => (tellStarted = resolve));
    const run = generate(model, promptIds, { onToken: () => tellStarted() });
    await started;
    await model.dispose();
    failsWith(await run.done, 'engine_gone');
    failsWith(await model.encodePrompt([{ role: 'user', text: question }]), 'engine_gone');
    failsWith(await model.decode([]), 'engine_gone');
    failsWith(await model.score(promptIds, [model.endTokenId]), 'engine_gone');
    failsWith(await generate(model, promptIds).done, 'engine_gone');
  }),

  ...sampledModelCases,
];
