import type { Failure } from '#core/base/result';
import type { FromSandbox, ToSandbox } from '#workers/sandbox/messages';
import type { SandboxHandle } from './sandbox-handle';

/** Starts the Web Worker that holds the sandbox. Its script, and with it the interpreter, is first fetched here. */
export function spawnSandboxWorker(): SandboxHandle {
  const thread = new Worker(new URL('../../../workers/sandbox/sandbox.worker.ts', import.meta.url), {
    type: 'module',
    name: 'sandbox',
  });
  const broken = new Promise<Failure>((resolve) => {
    const tell = (why: string): void => resolve({ code: 'sandbox_failed', message: `The sandbox stopped: ${why}.` });
    thread.addEventListener('error', (event) => {
      event.preventDefault();
      tell(event.message || 'its script could not be loaded');
    });
    thread.addEventListener('messageerror', () => tell('a message could not be read'));
  });
  return {
    run: (request) =>
      new Promise((resolve) => {
        thread.addEventListener('message', ({ data }: MessageEvent<FromSandbox>) => resolve(data.result), {
          once: true,
        });
        thread.postMessage({ type: 'run', request } satisfies ToSandbox);
      }),
    broken,
    terminate: () => thread.terminate(),
  };
}
