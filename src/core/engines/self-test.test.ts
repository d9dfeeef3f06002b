import { describe, expect, it } from 'vitest';
import { createScriptedModel } from '#adapters/engine-scripted';
import { unwrap } from '../base/result';
import type { LanguageModel, ScoredPosition } from './language-model';
import type { Golden } from './model-manifest';
import { selfTest } from './self-test';

const answers = { 'What is a lease?': Array.from({ length: 60 }, (_, at) => `word${at}`).join(' ') };
const question = 'What is a lease?';

async function golden(model: LanguageModel): Promise<Golden> {
  const promptIds = unwrap(await model.encodePrompt([{ role: 'user', text: question }]));
  const { ids } = unwrap(
    await model.generate({ promptIds, prefixIds: [], maxTokens: 100, signal: new AbortController().signal }, () => {}),
  );
  return { question, promptIds: [...promptIds], ids: [...ids] };
}

/** The model on a device that gets every n-th position wrong by so much. */
const broken = (model: LanguageModel, every: number, margin: number): LanguageModel => ({
  ...model,
  identity: model.identity,
  score: async (promptIds, ids) => {
    const scores = unwrap(await model.score(promptIds, ids));
    return {
      ok: true,
      value: scores.map((one, at): ScoredPosition => (at % every === 0 ? { ...one, rank: 1, margin } : one)),
    };
  },
});

describe('the self-test', () => {
  it('passes where the device gives the same tokens', async () => {
    const model = createScriptedModel({ answers });
    const report = unwrap(await selfTest(model, [await golden(model)]));
    expect(report).toMatchObject({ passed: true, gross: 0, worstMargin: 0, promptsAgree: true });
    expect(report.agreeing).toBe(report.positions);
    expect(report.positions).toBeGreaterThan(50);
  });

  it('lets near-ties pass that fall the other way now and then', async () => {
    const model = createScriptedModel({ answers });
    const transcript = await golden(model);
    expect(unwrap(await selfTest(broken(model, 25, 0.05), [transcript])).passed).toBe(true);
  });

  it('fails where tokens differ often, or miss grossly', async () => {
    const model = createScriptedModel({ answers });
    const transcript = await golden(model);
    expect(unwrap(await selfTest(broken(model, 10, 0.05), [transcript])).passed).toBe(false);
    expect(unwrap(await selfTest(broken(model, 25, 3), [transcript])).passed).toBe(false);
  });

  it('fails where the prompt becomes other tokens', async () => {
    const model = createScriptedModel({ answers });
    const transcript = await golden(model);
    const report = unwrap(await selfTest(model, [{ ...transcript, question: 'What is a lease ?' }]));
    expect(report).toMatchObject({ passed: false, promptsAgree: false });
  });

  it('passes on that the engine failed', async () => {
    const model = createScriptedModel({ answers });
    const transcript = await golden(model);
    await model.dispose();
    expect(await selfTest(model, [transcript])).toMatchObject({ ok: false, error: { code: 'engine_gone' } });
  });
});
