import { interpretersOf } from '#workers/sandbox/interpreter';
import { runTests } from '#workers/sandbox/run-tests';
import type { SpawnSandbox } from './sandbox-handle';

/**
 * The same sandbox on the caller's own thread, for the command line and for tests, from the compiled module of QuickJS.
 * Steps and memory are bounded as everywhere; a single long operation (a search through a huge text) is not, since
 * nothing can end it from outside.
 */
export const spawnInProcess = (compiled: WebAssembly.Module): SpawnSandbox => {
  const newInterpreter = interpretersOf(compiled);
  return () => ({
    run: (request) => runTests(newInterpreter, request),
    broken: new Promise(() => {}),
    terminate: () => {},
  });
};
