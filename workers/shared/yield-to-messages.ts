/**
 * A function that lets the worker handle the messages that wait for it. Inference on WebAssembly keeps the thread busy
 * and promises alone never give it back; a timer would cost 4 ms each time, a message to oneself costs microseconds.
 */
export function createYield(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(null);
    });
}
