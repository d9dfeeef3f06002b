import type { MeasuredSpeed } from '#core/engines/device-measure';
import { findAdapter, measureGraphics, readGraphics } from './graphics';
import type { ProbeAnswer, ProbeRequest } from './messages';
import { measureProcessor } from './processor';

/** Off the page thread: compiling and waiting for a GPU would make the page stutter. */
self.addEventListener('message', ({ data }: MessageEvent<ProbeRequest>) => {
  void probe(data).then((answer) => self.postMessage(answer));
});

async function probe({ phone, measureOn, budgetMs }: ProbeRequest): Promise<ProbeAnswer> {
  const adapter = await findAdapter();
  const graphics = adapter === null ? null : readGraphics(adapter);
  const extras = navigator as { deviceMemory?: number };
  let measured: MeasuredSpeed | null = null;
  if (measureOn !== 'nothing') {
    if (adapter !== null && (measureOn === 'webgpu' || graphics?.software === false)) {
      measured = await measureGraphics(adapter, budgetMs).catch(() => null);
    }
    measured ??= await measureProcessor(budgetMs).catch(() => null);
  }
  return {
    v: 1,
    device: {
      graphics,
      phone,
      cores: navigator.hardwareConcurrency || null,
      memoryHintGb: extras.deviceMemory ?? null,
    },
    measured,
  };
}
