import type { RouteUpdate } from '#core/experts/route';
import { grownBy, newAttempt, type Attempt } from './conversation';

/** The route of an answer from the steps of its kept trace: it grows as it did when the answer came. */
export const keptRoute = (updates: readonly RouteUpdate[]): Attempt => ({
  ...updates.reduce(grownBy, newAttempt('kept', 'mesh', 0)),
  state: 'done',
});
