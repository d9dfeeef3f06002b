import type { Failure, Result } from '#core/base/result';
import type { SandboxReport, SandboxRequest } from '#core/engines/sandbox';

/** A place that runs one request at a time. */
export interface SandboxHandle {
  run(request: SandboxRequest): Promise<Result<SandboxReport>>;
  /** Settles when it broke outside a run: its script did not load, it was killed. */
  readonly broken: Promise<Failure>;
  /** Ends it in the middle of whatever it does; a run that was under way never settles. */
  terminate(): void;
}

export type SpawnSandbox = () => SandboxHandle;
