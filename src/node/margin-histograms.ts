import type { Clock } from '#core/base/ports';
import { MARGIN_BUCKETS, MAX_MARGIN_PAIRS, type MarginHistogram } from '#core/experts/margin-measurements';
import type { CheckEvidence } from '#core/experts/route';
import type { KeyValueStore } from '#core/storage/ports';

/** Counts are written this long after the first change: what a crash loses are a few answers of statistics. */
const SAVE_AFTER_MS = 5_000;
const KEY = 'margin-histograms';

/**
 * How much honest devices differ: the ground for thresholds of classes that nobody measured yet, above all of graphics processors,
 * where misses are recorded and nobody is punished.
 */
export interface MarginHistograms {
  note(executorClass: string, validatorClass: string, evidence: Pick<CheckEvidence, 'engine' | 'margins'>): void;
  all(): Promise<readonly MarginHistogram[]>;
}

export function createMarginHistograms(records: KeyValueStore, clock: Clock): MarginHistograms {
  const pairs = new Map<string, { histogram: Omit<MarginHistogram, 'counts'>; counts: number[] }>();
  let saving = false;

  const loaded = records.get<readonly MarginHistogram[]>(KEY).then((kept) => {
    for (const { engine, executorClass, validatorClass, counts } of (kept.ok && kept.value) || []) {
      const pair = pairOf(engine, executorClass, validatorClass);
      counts.forEach((count, at) => {
        if (pair && at < MARGIN_BUCKETS && Number.isSafeInteger(count)) pair.counts[at]! += count;
      });
    }
  });

  function pairOf(engine: string, executorClass: string, validatorClass: string) {
    const key = JSON.stringify([engine, executorClass, validatorClass]);
    const known = pairs.get(key);
    if (known || pairs.size >= MAX_MARGIN_PAIRS) return known ?? null;
    const fresh = {
      histogram: { engine, executorClass, validatorClass },
      counts: new Array<number>(MARGIN_BUCKETS).fill(0),
    };
    pairs.set(key, fresh);
    return fresh;
  }

  const list = (): MarginHistogram[] => [...pairs.values()].map(({ histogram, counts }) => ({ ...histogram, counts }));

  function saveSoon(): void {
    if (saving) return;
    saving = true;
    clock.after(SAVE_AFTER_MS, () => {
      saving = false;
      void records.set(KEY, list());
    });
  }

  return {
    note(executorClass, validatorClass, { engine, margins }) {
      if (margins.length === 0) return;
      void loaded.then(() => {
        const pair = pairOf(engine, executorClass, validatorClass);
        if (!pair) return;
        for (const [, hundredths] of margins) pair.counts[Math.min(MARGIN_BUCKETS - 1, hundredths)]! += 1;
        saveSoon();
      });
    },
    async all() {
      await loaded;
      return list();
    },
  };
}
