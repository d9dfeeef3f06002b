import type { Clock } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import type { KeyValueStore } from '#core/storage/ports';
import type { Settings } from '../tab-node';

const KEY = 'contribution';
const HOUR_MS = 60 * 60 * 1000;
/** How often the hours in which a person lends this device are looked at; nothing announces the passing of an hour. */
const HOURS_CHECK_MS = 60_000;

/** What the device says of its power and its network; null where the browser does not tell. */
export interface DeviceCondition {
  readonly onBattery: boolean | null;
  readonly metered: boolean | null;
}

export interface ContributionState {
  /** The person's yes. */
  readonly on: boolean;
  readonly pausedUntil: number | null;
  /** Why nothing is done for others although the person said yes; null when it is. */
  readonly pauseReason: string | null;
}

export interface ContributionDeps {
  readonly records: KeyValueStore;
  readonly clock: Clock;
  readonly settings: () => Settings;
  readonly condition: () => DeviceCondition;
  /** Called whenever the answer to "may this device work for others now?" changed. */
  readonly onChange: (working: boolean) => Promise<Result<void>>;
}

/** The person's yes, their pauses and limits, and what follows from them at any moment. */
export interface Contribution {
  readonly state: ContributionState;
  readonly working: boolean;
  decide(on: boolean): Promise<Result<void>>;
  pause(until: 'hour' | 'tomorrow' | 'manual' | 'resume'): Promise<Result<void>>;
  /** Looks again: the device's condition or the settings changed. */
  review(): Promise<Result<void>>;
  close(): void;
}

/** True when `hour` lies in the span; a span may cross midnight. */
export const withinHours = (span: { from: number; to: number } | null, hour: number): boolean =>
  span === null ||
  span.from === span.to ||
  (span.from < span.to ? hour >= span.from && hour < span.to : hour >= span.from || hour < span.to);

export async function openContribution(deps: ContributionDeps): Promise<Contribution> {
  const { records, clock } = deps;
  const stored = await records.get<{ on?: unknown; pausedUntil?: unknown }>(KEY);
  const kept = stored.ok ? stored.value : undefined;
  let on = kept?.on === true;
  let pausedUntil = typeof kept?.pausedUntil === 'number' ? kept.pausedUntil : null;
  let working = false;
  let stopTimer = () => {};
  const stopHours = clock.every(HOURS_CHECK_MS, () => void review());

  function pauseReason(): string | null {
    if (!on) return null;
    if (pausedUntil !== null && pausedUntil > clock.now()) {
      return pausedUntil === Infinity
        ? 'Paused until you resume.'
        : `Paused until ${new Date(pausedUntil).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}.`;
    }
    const settings = deps.settings();
    const { onBattery, metered } = deps.condition();
    if (settings.pauseOnBattery && onBattery === true) return 'Paused while this device runs on its battery.';
    if (settings.pauseOnMetered && metered === true) return 'Paused while this network is metered.';
    if (!withinHours(settings.hours, new Date(clock.now()).getHours()))
      return 'Paused outside the hours that you chose.';
    return null;
  }

  async function write(next: { on: boolean; pausedUntil: number | null }): Promise<Result<void>> {
    const written = await records.set(KEY, next);
    if (!written.ok) return written;
    ({ on, pausedUntil } = next);
    return review();
  }

  async function review(): Promise<Result<void>> {
    stopTimer();
    if (pausedUntil !== null && pausedUntil !== Infinity && pausedUntil > clock.now()) {
      stopTimer = clock.after(pausedUntil - clock.now() + 1, () => void review());
    }
    const now = on && pauseReason() === null;
    if (now === working) return ok(undefined);
    working = now;
    return deps.onChange(now);
  }

  return {
    get state() {
      return {
        on,
        pausedUntil: pausedUntil !== null && pausedUntil > clock.now() ? pausedUntil : null,
        pauseReason: pauseReason(),
      };
    },
    get working() {
      return working;
    },
    decide: (next) => write({ on: next, pausedUntil: null }),
    async pause(until) {
      const tomorrow = new Date(clock.now());
      tomorrow.setHours(24, 0, 0, 0);
      const next =
        until === 'resume'
          ? null
          : until === 'hour'
            ? clock.now() + HOUR_MS
            : until === 'tomorrow'
              ? tomorrow.getTime()
              : Infinity;
      return write({ on, pausedUntil: next });
    },
    review,
    close() {
      stopTimer();
      stopHours();
    },
  };
}
