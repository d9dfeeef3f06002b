import type { AskOptions, AskRun } from '#node/page-api';
import type { TabNode } from '#node/tab-node';
import {
  askedAgain,
  askedNew,
  fromStored,
  isRunning,
  showBranch,
  toStored,
  traceIdsOf,
  withAnswer,
  withFailure,
  withUpdate,
  type AskWhere,
  type Thread,
} from '../conversation';
import { keep, readKept } from '../kept';
import { nowMs } from '../time';
import { sentenceOf } from '../words';

/** The questions and answers of this device. They go on while the person looks at other places, and survive a reload. */
export class Conversation {
  thread = $state.raw<Thread>([]);
  draft = $state('');
  /** Stakes and price of questions to the mesh, where members pay each other; what is absent is as the person set it. */
  terms = $state.raw<Pick<AskOptions, 'stakes' | 'payAtMostMicros'>>({});
  readonly running = $derived(isRunning(this.thread));

  #runs = new Map<string, AskRun>();
  #stopped = new Set<string>();
  #startedNode: () => Promise<TabNode>;

  constructor(startedNode: () => Promise<TabNode>) {
    this.#startedNode = startedNode;
    this.thread = fromStored(readKept('conversation'));
    this.draft = readKept('draft') ?? '';
  }

  setDraft(text: string): void {
    this.draft = text;
    keep('draft', text === '' ? null : text);
  }

  ask(question: string, where: AskWhere): void {
    const { thread, attemptId } = askedNew(this.thread, question, where, nowMs());
    this.#change(thread);
    void this.#follow(attemptId, question, where);
  }

  askAgain(turnId: string, where: AskWhere): void {
    const question = this.thread.find((turn) => turn.id === turnId)?.question;
    const again = askedAgain(this.thread, turnId, where, nowMs());
    if (again === null || question === undefined) return;
    this.#change(again.thread);
    void this.#follow(again.attemptId, question, where);
  }

  stop(attemptId: string): void {
    this.#stopped.add(attemptId);
    this.#runs.get(attemptId)?.cancel();
  }

  show(turnId: string, index: number): void {
    this.#change(showBranch(this.thread, turnId, index));
  }

  /** Its words go from this device: the kept traces of its answers hold them too. */
  clear(): void {
    for (const run of this.#runs.values()) run.cancel();
    void this.#forgetTraces(traceIdsOf(this.thread));
    this.#change([]);
  }

  /** Writes everything down at once: before the page goes. */
  keepNow(): void {
    keep('conversation', this.thread.length === 0 ? null : toStored(this.thread));
  }

  async #forgetTraces(traceIds: readonly string[]): Promise<void> {
    if (traceIds.length === 0) return;
    const desk = await (await this.#startedNode()).evidence();
    if (desk.ok) await desk.value.forget(traceIds);
  }

  #change(thread: Thread): void {
    this.thread = thread;
    this.keepNow();
  }

  async #follow(attemptId: string, question: string, where: AskWhere): Promise<void> {
    try {
      const node = await this.#startedNode();
      if (this.#stopped.has(attemptId)) throw new Error('Stopped before it was asked.');
      const run = node.ask(question, where === 'self' ? { provider: 'self' } : this.terms);
      this.#runs.set(attemptId, run);
      // The answer may fail while updates are still read: its failure is handled below, not as an unhandled rejection.
      run.answer.catch(() => {});
      for await (const update of run.updates) this.thread = withUpdate(this.thread, attemptId, update);
      this.#change(withAnswer(this.thread, attemptId, await run.answer));
    } catch (error) {
      this.#change(withFailure(this.thread, attemptId, sentenceOf(error), this.#stopped.has(attemptId)));
    } finally {
      this.#runs.delete(attemptId);
      this.#stopped.delete(attemptId);
    }
  }
}
