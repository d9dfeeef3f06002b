import type { Failure, Result } from '#core/base/result';
import type { TabNode } from '#node/tab-node';
import { after, nowMs } from '../time';
import type { AppState } from './app.svelte';

/** A ledger that goes on is read again at most so often. */
const READ_EVERY_MS = 500;

interface Desk<View> {
  read(): Promise<Result<View>>;
}

export interface LogsReadingOptions<Opened> {
  readonly open: (node: TabNode) => Promise<Result<Opened>>;
  /** Read like a derived value; nothing is read while it is false. */
  readonly isOn: () => boolean;
}

/** What a place shows out of the logs, read again as they grow. Made while its component is. */
export class LogsReading<View, Opened extends Desk<View>> {
  desk = $state.raw<Opened | null>(null);
  view = $state.raw<View | null>(null);
  problem = $state.raw<Failure | null>(null);

  constructor(app: AppState, { open, isOn }: LogsReadingOptions<Opened>) {
    let readAt = 0;
    $effect(() => {
      void app.ledgerTurn;
      const { node, running } = app;
      if (node === null || !running || !isOn()) return;
      return after(Math.max(0, readAt + READ_EVERY_MS - nowMs()), () => {
        readAt = nowMs();
        void (async () => {
          const opened = await open(node);
          if (!opened.ok) return;
          const read = await opened.value.read();
          // Logs may go on coming all the time: what was read is shown, as long as it is of the node that is here.
          if (app.node !== node) return;
          this.desk = opened.value;
          if (read.ok) this.view = read.value;
          this.problem = read.ok ? null : read.error;
        })();
      });
    });
  }

  /** After something was said here. */
  async reread(): Promise<void> {
    const read = await this.desk?.read();
    if (read?.ok) this.view = read.value;
  }
}
