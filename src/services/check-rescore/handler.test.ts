import { describe, expect, it } from 'vitest';
import { createScriptedModel, type Lies } from '#adapters/engine-scripted';
import type { CallContext } from '#core/bus/capability';
import { fail, ok, unwrap } from '#core/base/result';
import { verdictSchema } from '#core/ledger/statements';
import { openSigned } from '#core/wire/signed';
import { claimOf, sealingAs, signerFrom, verifySignature } from '#tests/fakes/claims';
import type { CheckInput } from '../check-redo/contract';
import type { ChatInput, ChatOutput } from '../llm-chat/contract';
import { createChatHandler } from '../llm-chat/handler';
import type { SummarizeInput, SummarizeOutput } from '../text-summarize/contract';
import { summarizeMessages } from '../text-summarize/contract';
import { createSummarizeHandler } from '../text-summarize/handler';
import { createCheckRescoreHandler } from './handler';

const requester = signerFrom(1);
const executor = signerFrom(2);
const validator = signerFrom(3);
const pen = sealingAs(validator);
const answers = {
  'What is a lease?':
    'A lease is a job that a node holds until a deadline; when it falls silent, another one takes over.',
};
const input: ChatInput = { messages: [{ role: 'user', text: 'What is a lease?' }], maxTokens: 64 };

const context = <Chunk>(): CallContext<Chunk> => ({
  caller: requester.nodeId,
  local: false,
  callId: 'call-1',
  signal: new AbortController().signal,
  emit: () => {},
});

async function answerOf(lies?: Lies): Promise<ChatOutput> {
  const model = createScriptedModel(lies === undefined ? { answers } : { answers, lies });
  return unwrap(await createChatHandler({ self: executor.nodeId, model: async () => ok(model) })(input, context()));
}

async function checked(
  parts: { input?: unknown; output: unknown; capability?: string },
  model = createScriptedModel({ answers }),
) {
  const handler = createCheckRescoreHandler({
    self: validator.nodeId,
    verify: verifySignature,
    challenged: () => false,
    now: () => 5,
    model: async (id) => (id === model.identity.id ? ok(model) : fail('unknown_model', 'No such model.')),
    sealVerdict: pen.sealVerdict,
    secret: new Uint8Array(32).fill(5),
  });
  const claim = await claimOf({ executor, requester: requester.nodeId, capability: 'llm.chat@1', input, ...parts });
  unwrap(await handler(claim as CheckInput, context()));
  const opened = unwrap(await openSigned(verdictSchema, pen.last(), verifySignature, [validator.nodeId]));
  return { check: opened.check, verdict: opened.verdict, reason: opened.reason };
}

describe('check.rescore', () => {
  it('accepts an honest answer', async () => {
    expect(await checked({ output: await answerOf() })).toEqual({
      check: 'rescore',
      verdict: 'accepted',
      reason: 'ok',
    });
  });

  it('rejects an expert that forged one token', async () => {
    expect(await checked({ output: await answerOf({ forgedTokenAt: 3 }) })).toMatchObject({
      verdict: 'rejected',
      reason: 'token_mismatch',
    });
  });

  it('rejects an expert that swapped the text', async () => {
    const output = await answerOf({ swappedWords: { deadline: 'holiday' } });
    expect(output.text).toContain('holiday');
    expect(await checked({ output })).toMatchObject({ verdict: 'rejected', reason: 'text_mismatch' });
  });

  it('rejects a claim that is not an answer at all', async () => {
    expect(await checked({ output: { text: 'yes' } })).toMatchObject({
      verdict: 'rejected',
      reason: 'malformed_claim',
    });
    expect(await checked({ input: {}, output: await answerOf() })).toMatchObject({
      verdict: 'rejected',
      reason: 'malformed_claim',
    });
  });

  it('rejects an answer by another model than was asked for', async () => {
    expect(await checked({ input: { ...input, model: 'large-9' }, output: await answerOf() })).toMatchObject({
      reason: 'model_mismatch',
    });
  });

  it('cannot tell about a model that this node does not have, or has in another version', async () => {
    const output = await answerOf();
    const unknown = { ...output, model: { ...output.model, id: 'large-9' } };
    expect(await checked({ output: unknown })).toMatchObject({ verdict: 'undecided', reason: 'other_model' });
    const newer = { ...output, model: { ...output.model, hash: 'f'.repeat(64) } };
    expect(await checked({ output: newer })).toMatchObject({ verdict: 'undecided', reason: 'other_model' });
  });

  it('cannot tell about other work than answers', async () => {
    expect(await checked({ output: 'HI', capability: 'echo@1' })).toMatchObject({
      verdict: 'undecided',
      reason: 'unsupported',
    });
  });
});

describe('check.rescore of a summary', () => {
  const asked: SummarizeInput = {
    text: 'A receipt is a signed note that one job was done: who asked, who answered, who checked it, and what it counts.',
    maxWords: 8,
    maxTokens: 64,
  };
  const script = { [summarizeMessages(asked)[0]!.text]: 'A receipt proves one job.' };
  const modelWith = (lies?: Lies) =>
    createScriptedModel(lies === undefined ? { answers: script } : { answers: script, lies });
  const capability = 'text.summarize@1';

  async function summaryOf(lies?: Lies): Promise<SummarizeOutput> {
    return unwrap(await createSummarizeHandler({ model: async () => ok(modelWith(lies)) })(asked, context()));
  }

  it('accepts an honest one, and rejects a forged token, a swapped word and another model', async () => {
    const output = await summaryOf();
    expect(output.text).toBe('A receipt proves one job.');
    expect(await checked({ capability, input: asked, output }, modelWith())).toMatchObject({ reason: 'ok' });
    const forged = await summaryOf({ forgedTokenAt: 2 });
    expect(await checked({ capability, input: asked, output: forged }, modelWith())).toMatchObject({
      reason: 'token_mismatch',
    });
    const swapped = await summaryOf({ swappedWords: { proves: 'denies' } });
    expect(await checked({ capability, input: asked, output: swapped }, modelWith())).toMatchObject({
      reason: 'text_mismatch',
    });
    expect(await checked({ capability, input: { ...asked, model: 'large-9' }, output }, modelWith())).toMatchObject({
      reason: 'model_mismatch',
    });
  });

  it('rejects the summary of another text, and what is no summary at all', async () => {
    const output = await summaryOf();
    const other = { ...asked, text: `${asked.text} And more.` };
    expect(await checked({ capability, input: other, output }, modelWith())).toMatchObject({
      verdict: 'rejected',
      reason: 'prompt_mismatch',
    });
    for (const claim of [
      { input: asked, output: {} },
      { input: {}, output },
      { input: { ...asked, sampling: { temperaturePercent: 70 } }, output },
      { input: asked, output: { ...output, resumedTokens: 0 } },
    ])
      expect(await checked({ capability, ...claim }, modelWith())).toMatchObject({ reason: 'malformed_claim' });
  });
});
