import { afterEach, describe, expect, test, vi } from 'vitest';
import type { DeviceMeasure } from '#core/engines/device-measure';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import type { ProbeRequest } from '#workers/probe/messages';
import { probeDevice, PROBE_TIMEOUT_MS } from './probe-device';

const answer: DeviceMeasure = {
  v: 1,
  device: { graphics: null, phone: false, cores: 4, memoryHintGb: 8 },
  measured: { on: 'wasm', gflops: 10, gigabytesPerSecond: 8 },
};

class FakeWorker extends EventTarget {
  readonly requests: ProbeRequest[] = [];
  terminated = false;
  postMessage(request: ProbeRequest): void {
    this.requests.push(request);
  }
  terminate(): void {
    this.terminated = true;
  }
}

function start(userAgent = 'Mozilla/5.0 (X11; Linux x86_64)', maxTouchPoints = 0) {
  vi.stubGlobal('navigator', { userAgent, maxTouchPoints });
  const clock = createVirtualClock();
  const worker = new FakeWorker();
  const result = probeDevice({ clock, createWorker: () => worker as unknown as Worker });
  return { clock, worker, result };
}
afterEach(() => vi.unstubAllGlobals());

describe('a probe', () => {
  test('gives what its worker found, and leaves neither worker nor timer', async () => {
    const { clock, worker, result } = start();
    worker.dispatchEvent(new MessageEvent('message', { data: answer }));
    expect(await result).toEqual({ ok: true, value: answer });
    expect(worker.terminated).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  test('whose worker breaks is told as one, and the worker ends', async () => {
    const { clock, worker, result } = start();
    worker.dispatchEvent(new Event('error'));
    expect(await result).toMatchObject({ error: { code: 'probe_failed' } });
    expect(worker.terminated).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  test('whose driver hangs is ended', async () => {
    const { clock, worker, result } = start();
    await clock.advance(PROBE_TIMEOUT_MS);
    expect(await result).toMatchObject({ error: { code: 'probe_timeout' } });
    expect(worker.terminated).toBe(true);
  });

  test('in a browser without workers fails with a sentence', async () => {
    const result = probeDevice({
      clock: createVirtualClock(),
      createWorker() {
        throw new Error('no workers');
      },
    });
    expect(await result).toMatchObject({ error: { code: 'probe_failed' } });
  });

  test.each([
    ['Mozilla/5.0 (Linux; Android 15; Pixel 9) Mobile Safari/537.36', 5, true],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X)', 5, true],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/26.0 Safari/605', 5, true],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/26.0 Safari/605', 0, false],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/156.0', 10, false],
  ])('tells phones and tablets from computers: %s', (userAgent, touchPoints, phone) => {
    expect(start(userAgent, touchPoints).worker.requests[0]).toMatchObject({ phone, measureOn: 'auto' });
  });
});
