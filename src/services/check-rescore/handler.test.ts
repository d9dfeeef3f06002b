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
