import { describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import { utf8 } from '../../base/bytes';
import { decodeCanonical, sha256 } from '../../base/canonical';
import { unwrap } from '../../base/result';
import { sign } from '../../wire/signed';
import {
  createTaskPacket,
  MAX_TASK_PROMPT_CHARACTERS,
  openTaskPacket,
  TASK_PACKET_LIFE_MS,
  type TaskPacket,
  type TaskPacketDraft,
} from './task-packet';

const verify = createVerify();
const requester = createSeedSigner(sha256(utf8('requester')));
const NOW = 1_800_000_000_000;

const patch: TaskPacketDraft = {
  taskId: 'task-1',
  taskType: 'code_patch',
  prompt: 'Make add return the sum.',
  requiredCapabilities: ['code.patch@1'],
  budget: { maxChargeMicros: 5_000, maxTokens: 400 },
  constraints: {
    objectiveVerifier: 'unit_tests',
    output: 'unified_diff',
    patchBackend: 'stdlib_one_file',
    testCommand: ['python', '-m', 'unittest'],
    allowedFiles: ['calc.py'],
    blockedPrefixes: ['.git/', 'secrets/'],
    maxPatchBytes: 4_096,
    maxChangedFiles: 1,
  },
  at: NOW,
  expiresAt: NOW + 60_000,
};
const packet = unwrap(await createTaskPacket(requester, patch));
const body = unwrap(decodeCanonical(packet.payload)) as TaskPacket;
const changedBy = async (change: object) => openTaskPacket(await sign(requester, { ...body, ...change }), verify, NOW);

describe('a task packet', () => {
  test('opens as what its requester wants, public unless said otherwise', async () => {
    const opened = unwrap(await openTaskPacket(packet, verify, NOW));
    expect(opened).toMatchObject({ ...patch, requester: requester.nodeId, privacyLevel: 'public' });
  });

  test('needs no more than an id, a kind, a prompt and an end', async () => {
    const plain = {
      taskId: 't',
      taskType: 'llm.chat@1',
      prompt: 'Hello',
      at: NOW,
      expiresAt: NOW + 1,
      budget: undefined,
    };
    const opened = unwrap(await openTaskPacket(unwrap(await createTaskPacket(requester, plain)), verify, NOW));
    expect(opened).not.toHaveProperty('budget');
  });

  test('is signed by its requester, and over when its time is', async () => {
    const stranger = createSeedSigner(sha256(utf8('stranger')));
    expect(await openTaskPacket(await sign(stranger, body), verify, NOW)).toMatchObject({
      error: { code: 'signer_missing' },
    });
    expect(await openTaskPacket(packet, verify, NOW + 60_000)).toMatchObject({ error: { code: 'expired' } });
  });

  test.each<[string, object]>([
    ['a life longer than an hour', { expiresAt: NOW + TASK_PACKET_LIFE_MS + 1 }],
    ['an unknown wish', { budget: { maxChargeMicros: 1, euros: 1 } }],
    ['an unknown constraint', { constraints: { verifier: 'mine' } }],
    ['a list that is a text', { constraints: { allowedFiles: 'calc.py' } }],
    ['a figure that is a text', { constraints: { maxPatchBytes: '4096' } }],
    ['a way out of the workspace', { constraints: { allowedFiles: ['../calc.py'] } }],
    ['an empty prompt', { prompt: '' }],
    ['an unknown privacy level', { privacyLevel: 'secret' }],
  ])('with %s is refused', async (_, change) => {
    expect(await changedBy(change)).toMatchObject({ error: { code: 'malformed' } });
  });

  test('that is too large to be sent is not made', async () => {
    const prompt = '€'.repeat(MAX_TASK_PROMPT_CHARACTERS);
    expect(await createTaskPacket(requester, { ...patch, prompt })).toMatchObject({ ok: true });
    const testCommand = Array.from({ length: 32 }, () => '€'.repeat(256));
    const large = { ...patch, prompt, constraints: { testCommand } };
    expect(await createTaskPacket(requester, large)).toMatchObject({ error: { code: 'too_large' } });
    expect(await createTaskPacket(requester, { ...patch, prompt: `${prompt}!` })).toMatchObject({
      error: { code: 'malformed' },
    });
  });
});
