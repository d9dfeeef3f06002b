import { describe, expect, it } from 'vitest';
import { createScriptedModel } from '#adapters/engine-scripted';
import { unwrap } from '../../base/result';
import { judgeRescore, type AnswerClaim } from './judge-rescore';

const answers = {
  'What is a seal?': 'A seal is a signed summary over evidence: who asked, who answered, who checked and when.',
};
const messages = [{ role: 'user', text: 'What is a seal?' }] as const;
const SEED = new Uint8Array(32).fill(3);

async function honestClaim(maxTokens = 100): Promise<AnswerClaim> {
  const model = createScriptedModel({ answers });
  const promptIds = unwrap(await model.encodePrompt(messages));
  const { ids, finish } = unwrap(
    await model.generate({ promptIds, prefixIds: [], maxTokens, signal: new AbortController().signal }, () => {}),
  );
  const text = unwrap(await model.decode(ids));
  return {
    messages,
    maxTokens,
    modelHash: model.identity.hash,
    engine: model.identity.engine,
    promptIds,
    ids,
    text,
    finish: finish as 'stop' | 'length',
  };
}

const judge = (claim: AnswerClaim) => judgeRescore(createScriptedModel({ answers }), claim, SEED);

describe('re-scoring', () => {
  it('accepts what the model itself says', async () => {
    expect(await judge(await honestClaim())).toMatchObject({ verdict: 'accepted', reason: 'ok' });
    expect(await judge(await honestClaim(6))).toMatchObject({ verdict: 'accepted', reason: 'ok' });
  });

  it('cannot tell about an answer of another model', async () => {
    const claim = { ...(await honestClaim()), modelHash: '0'.repeat(64) };
    expect(await judge(claim)).toEqual({ verdict: 'undecided', reason: 'other_model' });
  });

  it('rejects a prompt that is not what the messages become', async () => {
    const claim = await honestClaim();
    const promptIds = [...claim.promptIds.slice(0, -2), claim.promptIds[0]!, claim.promptIds.at(-1)!];
    expect(await judge({ ...claim, promptIds })).toEqual({ verdict: 'rejected', reason: 'prompt_mismatch' });
    expect(await judge({ ...claim, messages: [{ role: 'user', text: 'What is a job?' }] })).toEqual({
      verdict: 'rejected',
      reason: 'prompt_mismatch',
    });
  });

  it('rejects one forged token, wherever it stands', async () => {
    const claim = await honestClaim();
    const model = createScriptedModel({ answers });
    for (const at of [0, 5, claim.ids.length - 2]) {
      const ids = claim.ids.map((id, index) => (index === at ? claim.ids[(at + 1) % 5]! : id));
      const text = unwrap(await model.decode(ids));
      expect(await judge({ ...claim, ids, text })).toMatchObject({ verdict: 'rejected', reason: 'token_mismatch' });
    }
  });

  it('rejects tokens that the model does not have', async () => {
    const claim = await honestClaim();
    const ids = [900_000, ...claim.ids.slice(1)];
    expect(await judge({ ...claim, ids })).toMatchObject({ verdict: 'rejected', reason: 'token_mismatch' });
  });

  it('rejects a text that its ids do not stand for', async () => {
    const claim = await honestClaim();
    expect(await judge({ ...claim, text: claim.text.replace('signed', 'forged') })).toEqual({
      verdict: 'rejected',
      reason: 'text_mismatch',
    });
  });

  it('rejects an answer that ends other than it says', async () => {
    const claim = await honestClaim();
    const end = claim.ids.at(-1)!;
    const wrong: Partial<AnswerClaim>[] = [
      { finish: 'length' },
      { ids: claim.ids.slice(0, -1) },
      { ids: [...claim.ids, end] },
      { ids: [] },
      { ids: claim.ids.slice(0, 6), finish: 'length' },
      { maxTokens: 6 },
    ];
    for (const change of wrong)
      expect(await judge({ ...claim, ...change })).toEqual({ verdict: 'rejected', reason: 'ending_mismatch' });
  });

  it('lets an answer end where the model has no more room', async () => {
    const promptIds = unwrap(await createScriptedModel({ answers }).encodePrompt(messages));
    const small = createScriptedModel({ answers, contextTokens: promptIds.length + 4 });
    const run = unwrap(
      await small.generate(
        { promptIds, prefixIds: [], maxTokens: 100, signal: new AbortController().signal },
        () => {},
      ),
    );
    const text = unwrap(await small.decode(run.ids));
    const claim: AnswerClaim = {
      messages,
      maxTokens: 100,
      modelHash: small.identity.hash,
      engine: small.identity.engine,
      promptIds,
      ids: run.ids,
      text,
      finish: 'length',
    };
    expect(run.ids).toHaveLength(4);
    expect(await judgeRescore(small, claim, SEED)).toMatchObject({ verdict: 'accepted', reason: 'ok' });
  });

  it('cannot tell when its engine is gone', async () => {
    const claim = await honestClaim();
    const model = createScriptedModel({ answers });
    await model.dispose();
    expect(await judgeRescore(model, claim, SEED)).toEqual({ verdict: 'undecided', reason: 'engine_failed' });
  });

  it('lets a near-tie pass and nothing beyond it', async () => {
    const claim = await honestClaim();
    const model = createScriptedModel({ answers });
    const withMargin = (margin: number) => ({
      ...model,
      score: async () => ({ ok: true, value: claim.ids.map(() => ({ rank: 1, logProbability: -1, margin })) }) as const,
    });
    expect((await judgeRescore(withMargin(0.0999), claim, SEED)).verdict).toBe('accepted');
    expect((await judgeRescore(withMargin(0.501), claim, SEED)).reason).toBe('token_mismatch');
  });
});
