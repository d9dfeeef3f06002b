import { fail } from '#core/base/result';
import type { Sandbox } from '#core/engines/sandbox';

/** A sandbox whose code is fetched with its first run. Where that fails, so does the run, and the next one tries again. */
export function createLazySandbox(load: () => Promise<Sandbox>): Sandbox {
  let opened: Promise<Sandbox> | null = null;
  let disposed = false;
  return {
    async run(request, signal) {
      if (disposed) return fail('sandbox_failed', 'The sandbox was closed.');
      let sandbox: Sandbox;
      try {
        sandbox = await (opened ??= load());
      } catch {
        opened = null;
        return fail('sandbox_failed', 'The sandbox is not on this device yet, and there is no connection to load it.');
      }
      return sandbox.run(request, signal);
    },
    dispose() {
      disposed = true;
      void opened?.then(
        (sandbox) => sandbox.dispose(),
        () => undefined,
      );
    },
  };
}
