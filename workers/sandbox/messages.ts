import type { Result } from '#core/base/result';
import type { SandboxReport, SandboxRequest } from '#core/engines/sandbox';

/** What the page and the sandbox's worker say to each other: one request, one answer, before the next request. */
export interface ToSandbox {
  readonly type: 'run';
  readonly request: SandboxRequest;
}

export interface FromSandbox {
  readonly type: 'ended';
  readonly result: Result<SandboxReport>;
}
