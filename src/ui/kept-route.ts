import type { RouteUpdate } from '#core/experts/route';
import type { RouteStep } from './conversation';
import type { Routed } from './route-lines';

/** The route of an answer from the steps of its kept trace: what was streamed is counted, as when it came. */
export function keptRoute(updates: readonly RouteUpdate[]): Routed {
  const steps: RouteStep[] = [];
  const pieces: string[] = [];
  let firstTokenAt: number | null = null;
  for (const update of updates) {
    if (update.type === 'token') {
      pieces.push(update.text);
      firstTokenAt ??= update.at;
      continue;
    }
    if (update.type === 'replaced') pieces.length = Math.min(pieces.length, update.atToken);
    steps.push(update);
  }
  return { state: 'done', steps, pieces, firstTokenAt, answer: null };
}
