import type { Result } from '#core/base/result';
import type { BatchLab, FlowFilesView, FlowView, LabRun } from '#node/tab-node';
import { sentenceOf } from '../words';

/** One flow at a time: made here or opened, audited, and what was found. */
export class FlowBench {
  /** Where the flow on the bench comes from: made here, or opened. */
  origin = $state<'made' | 'opened'>('made');
  /** What goes on: `making` or `auditing` a flow; null when nothing does. */
  doing = $state<'making' | 'auditing' | null>(null);
  progress = $state.raw<{ readonly done: number; readonly total: number } | null>(null);
  view = $state.raw<FlowView | null>(null);
  /** Why there is no flow to show: what did not hold, or that it was stopped. */
  problem = $state.raw<{ readonly code: string; readonly message: string } | null>(null);
  stopped = $state(false);

  readonly #lab: () => Promise<BatchLab>;
  #run: LabRun<unknown> | null = null;

  constructor(lab: () => Promise<BatchLab>) {
    this.#lab = lab;
  }

  /** Makes a flow and audits it. */
  async make(manifestText: string, options: { transport: boolean; peerLog: string | null }): Promise<void> {
    this.origin = 'made';
    const made = await this.#do('making', (lab) => lab.runFlow(manifestText, options));
    if (made !== null) await this.#audit(made);
  }

  /** Audits files that were opened. */
  async open(files: FlowFilesView): Promise<void> {
    this.origin = 'opened';
    await this.#audit(files);
  }

  stop(): void {
    this.stopped = true;
    this.#run?.cancel();
  }

  /** What was opened is no flow at all. */
  refuse(problem: { readonly code: string; readonly message: string }): void {
    this.origin = 'opened';
    this.view = null;
    this.problem = problem;
    this.stopped = false;
  }

  async #audit(files: FlowFilesView): Promise<void> {
    this.view = await this.#do('auditing', (lab) => lab.auditFlow(files));
  }

  async #do<T>(what: 'making' | 'auditing', start: (lab: BatchLab) => LabRun<T>): Promise<T | null> {
    this.doing = what;
    this.progress = null;
    this.view = null;
    this.problem = null;
    this.stopped = false;
    try {
      const run = start(await this.#lab());
      this.#run = run;
      // Stopped while the code was still on its way.
      if (this.stopped) run.cancel();
      run.outcome.catch(() => {});
      for await (const step of run.progress) this.progress = step;
      const outcome: Result<T> = await run.outcome;
      if (outcome.ok) return outcome.value;
      this.problem = outcome.error;
    } catch (error) {
      this.problem = sentenceOf(error);
    } finally {
      this.#run = null;
      this.doing = null;
    }
    return null;
  }
}
