import type { Result } from '#core/base/result';
import type { BatchLab, BatchSteps, FlowFilesView, StepFolderView, Stepped } from '#node/tab-node';
import { count, counted, sentenceOf } from '../words';

const NO_FILES: FlowFilesView = new Map();

/** One folder in which a batch is done step by step, and what the last step did. A step that fails leaves the folder as it was. */
export class StepBench {
  folder = $state.raw<StepFolderView | null>(null);
  /** The node that works next; one that has an inbox, or none. */
  nodeId = $state('');
  /** What the last step did, in one sentence. */
  said = $state('');
  problem = $state.raw<{ readonly code: string; readonly message: string } | null>(null);

  readonly #lab: () => Promise<BatchLab>;
  #busy = false;

  constructor(lab: () => Promise<BatchLab>) {
    this.#lab = lab;
  }

  open = (files: FlowFilesView): Promise<void> =>
    this.#do(
      (steps) => steps.open(files),
      ({ folder }) => `Opened a folder with ${counted(folder.files.size, 'file')}.`,
    );

  giveOut = (manifestText: string): Promise<void> =>
    this.#do(
      (steps, files) => steps.dispatch(files, manifestText),
      ({ jobs, nodes }) => `Gave ${counted(jobs, 'job')} to ${counted(nodes, 'node')}; nobody works yet.`,
    );

  makeInboxes = (): Promise<void> =>
    this.#do(
      (steps, files) => steps.materialise(files),
      ({ inboxes, messages }) =>
        `Made ${counted(inboxes, 'inbox', 'inboxes')} with ${counted(messages, 'message')} in all.`,
    );

  work = (): Promise<void> => this.#work([this.nodeId], this.nodeId, 'it');

  workOfAll = (): Promise<void> => {
    const nodes = this.folder?.nodes ?? [];
    return this.#work(nodes, counted(nodes.length, 'node'), 'they');
  };

  collect = (): Promise<void> =>
    this.#do(
      (steps, files) => steps.collect(files),
      ({ outboxes, messages }) =>
        `Collected ${counted(messages, 'message')} out of ${counted(outboxes, 'outbox', 'outboxes')}.`,
    );

  importLedger = (text: string): Promise<void> =>
    this.#do(
      (steps, files) => steps.importLedger(files, text),
      ({ records }) => `Took over a ledger of ${counted(records, 'record')}.`,
    );

  /** What was opened cannot be read at all. */
  refuse(problem: { readonly code: string; readonly message: string }): void {
    this.said = '';
    this.problem = problem;
  }

  empty(): void {
    this.folder = null;
    this.nodeId = '';
    this.problem = null;
    this.said = 'The folder is empty.';
  }

  #work(nodes: readonly string[], who: string, they: string): Promise<void> {
    return this.#do(
      (steps, files) => steps.process(files, nodes),
      ({ done, skipped, valid, units }) => {
        const did = `${who} did ${counted(done, 'job')} (${count(valid)} valid, ${counted(units, 'unit')})`;
        if (skipped === 0) return done === 0 ? `${who} had nothing to do.` : `${did}.`;
        const before = `skipped ${count(skipped)} that ${they} had done before`;
        return done === 0 ? `${who} ${before}.` : `${did} and ${before}.`;
      },
    );
  }

  /** A step that is asked for while another one goes on is not done; one during which the folder is emptied leaves nothing. */
  async #do<Did>(
    step: (steps: BatchSteps, files: FlowFilesView) => Result<Stepped<Did>> | Promise<Result<Stepped<Did>>>,
    say: (did: Stepped<Did>) => string,
  ): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const before = this.folder;
    try {
      const { steps } = await this.#lab();
      const stepped = await step(steps, before?.files ?? NO_FILES);
      if (this.folder !== before) return;
      if (!stepped.ok) return this.refuse(stepped.error);
      const { folder } = stepped.value;
      this.folder = folder;
      if (!folder.nodes.includes(this.nodeId)) this.nodeId = folder.nodes[0] ?? '';
      this.problem = folder.fault;
      this.said = say(stepped.value);
    } catch (error) {
      this.refuse(sentenceOf(error));
    } finally {
      this.#busy = false;
    }
  }
}
