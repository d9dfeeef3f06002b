import * as v from 'valibot';
import { contentIdSchema } from './entries';

const wholeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What the stores of several tabs say to each other. */
export const tabMessageSchema = v.variant('type', [
  /** How far the download is that this tab runs. */
  v.strictObject({
    type: v.literal('progress'),
    id: contentIdSchema,
    storedBytes: wholeSchema,
    totalBytes: v.nullable(wholeSchema),
  }),
  /** Whoever downloads this says how far it is. */
  v.strictObject({ type: v.literal('ask'), id: contentIdSchema }),
  /** Whoever downloads this stops, because it is to be deleted or comes from elsewhere. */
  v.strictObject({ type: v.literal('stop'), id: contentIdSchema }),
]);

export type TabMessage = v.InferOutput<typeof tabMessageSchema>;

/** The other tabs of this origin. Nothing that is posted comes back to the one that posted it. */
export interface Tabs {
  post(message: TabMessage): void;
  on(listener: (message: unknown) => void): void;
}

/** Locks that hold among all tabs of this origin and end with the tab or worker that holds them. */
export interface Locks {
  /** Runs `run` alone among all who hold `name`; rejects when the signal aborts while it waits. */
  hold<T>(name: string, signal: AbortSignal, run: () => Promise<T>): Promise<T>;
  /** Runs `run` only when nobody holds `name` now. */
  holdIfFree(name: string, run: () => Promise<void>): Promise<void>;
}
