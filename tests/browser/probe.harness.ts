import { createSystemClock } from '#adapters/clock-system/system-clock';
import { probeDevice, type ProbeOptions } from '#adapters/engine-probe/probe-device';
import { deviceMeasureSchema } from '#core/engines/device-measure';
import { checkAgainst } from '#core/wire/gate';

const harness = {
  /** Probes, and counts how often the page's own thread came to do something else meanwhile. */
  async probe(measureOn: NonNullable<ProbeOptions['measureOn']>) {
    let turns = 0;
    const beat = setInterval(() => turns++, 10);
    const result = await probeDevice({ clock: createSystemClock(), measureOn });
    clearInterval(beat);
    return { result, valid: result.ok && checkAgainst(deviceMeasureSchema, result.value).ok, turns };
  },
};

export type ProbeHarness = typeof harness;
Object.assign(window, { probeHarness: harness });
