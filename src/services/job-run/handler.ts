import type { Handler } from '#core/bus/capability';
import type { Executor } from '#core/jobs/executor';
import type { JobInput, JobOutput } from './contract';

export const createJobRunHandler =
  (executor: Executor): Handler<JobInput, JobOutput, unknown> =>
  (input, context) =>
    executor.run(input, context.caller, context.signal, (chunk) => context.emit(chunk));
