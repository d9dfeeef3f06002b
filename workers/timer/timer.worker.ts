import type { FromTimer, ToTimer } from './messages';

/** Timers off the page thread: a hidden tab's clamp to one second and more does not reach a dedicated worker. */
const timers = new Map<number, () => void>();

const tell = (message: FromTimer): void => self.postMessage(message);

self.addEventListener('message', ({ data }: MessageEvent<ToTimer>) => {
  if (data.type === 'after') {
    const handle = setTimeout(() => {
      timers.delete(data.id);
      tell({ type: 'fired', id: data.id });
    }, data.delayMs);
    timers.set(data.id, () => clearTimeout(handle));
  } else if (data.type === 'every') {
    const handle = setInterval(() => tell({ type: 'fired', id: data.id }), data.periodMs);
    timers.set(data.id, () => clearInterval(handle));
  } else {
    timers.get(data.id)?.();
    timers.delete(data.id);
  }
});

tell({ type: 'ready' });
