import { describe, expect, it } from 'vitest';
import { policyOfScript } from './headers';

describe('the policy of a script', () => {
  it('lets nothing but the worker that stores models reach the model hub', () => {
    expect(policyOfScript('/build/_app/immutable/workers/store.worker-Ab1_-2.js')).toContain('https://huggingface.co');
    for (const path of [
      '/build/_app/immutable/workers/main-Ab12.js',
      '/build/_app/immutable/chunks/store.worker-Ab12.js',
      '/build/_app/immutable/workers/store.worker-x.js/other.js',
      '/build/service-worker.js',
    ])
      expect(policyOfScript(path), path).not.toContain('https://');
  });

  it('keeps code from elsewhere out of every script', () => {
    for (const path of ['/workers/store.worker-x.js', '/workers/main-x.js'])
      expect(policyOfScript(path)).toContain("script-src 'self' 'wasm-unsafe-eval'");
  });
});
