import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { languageModelCases } from '#tests/conformance/language-model';
import { createScriptedModel } from './engine-scripted';

const answers = {
  'What is a node?':
    'A node is a running tab with a key of its own; it can offer what it has, ask others and check them.',
  'Was ist das?':
    'Ein Gerät – größer als nötig – das mit „Schlüsseln“ 🗝️ für jede Tür öffnet und sonst gar nichts tut.',
};
const subject = {
  model: async () => createScriptedModel({ answers }),
  question: 'What is a node?',
  otherQuestion: 'Was ist das?',
};

describe('a scripted model keeps what language models promise', () => {
  for (const { name, run } of languageModelCases) it(name, () => run(subject));
  for (const { name, run } of languageModelCases)
    it(`${name} (characters that span tokens)`, () =>
      run({ ...subject, question: subject.otherQuestion, otherQuestion: subject.question }));
});

describe('a lying scripted model', () => {
  const ask = async (model: ReturnType<typeof createScriptedModel>) => {
    const promptIds = unwrap(await model.encodePrompt([{ role: 'user', text: subject.question }]));
    let text = '';
    const run = await model.generate(
      { promptIds, prefixIds: [], maxTokens: 100, signal: new AbortController().signal },
      (token) => {
        text += token.text;
      },
    );
    return { promptIds, ids: unwrap(run).ids, text };
  };

  it('gives a forged token exactly where it was told to, and an honest one finds it', async () => {
    const honest = createScriptedModel({ answers });
    const lying = createScriptedModel({ answers, lies: { forgedTokenAt: 4 } });
    const { promptIds, ids, text } = await ask(lying);
    expect(unwrap(await honest.score(promptIds, ids)).map((score) => score.rank > 0)).toEqual(
      ids.map((_, index) => index === 4),
    );
    expect(unwrap(await honest.decode(ids))).toBe(text);
  });

  it('shows another text than its ids stand for', async () => {
    const honest = createScriptedModel({ answers });
    const lying = createScriptedModel({ answers, lies: { swappedWords: { running: 'sleeping' } } });
    const { promptIds, ids, text } = await ask(lying);
    expect(unwrap(await honest.score(promptIds, ids)).every((score) => score.rank === 0)).toBe(true);
    expect(text).toContain('sleeping tab');
    expect(unwrap(await lying.decode(ids))).toBe(text);
    expect(unwrap(await honest.decode(ids))).not.toBe(text);
  });

  it('has the identity of the honest one', () => {
    expect(createScriptedModel({ answers, lies: { forgedTokenAt: 0 } }).identity).toEqual(
      createScriptedModel({ answers }).identity,
    );
  });
});
