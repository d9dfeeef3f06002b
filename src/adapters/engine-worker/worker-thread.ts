import { wrap, type Remote } from 'comlink';
import type { Failure } from '#core/base/result';
import type { WorkerHandle } from './model-worker-handle';

/** A Web Worker as a handle: `callsOf` says how each of its calls crosses over, the ports in it transferred. */
export function handleOf<W extends object>(thread: Worker, callsOf: (remote: Remote<W>) => W): WorkerHandle<W> {
  const remote = wrap<W>(thread);
  const broken = new Promise<Failure>((resolve) => {
    const tell = (why: string): void =>
      resolve({ code: 'engine_failed', message: `The model's worker stopped: ${why}.` });
    thread.addEventListener('error', (event) => {
      event.preventDefault();
      tell(event.message || 'its script could not be loaded');
    });
    thread.addEventListener('messageerror', () => tell('a message could not be read'));
  });
  return { worker: callsOf(remote), broken, terminate: () => thread.terminate() };
}
