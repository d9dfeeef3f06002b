import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createVirtualClock } from '#adapters/clock-virtual';
import { spawnInProcess } from '#adapters/engine-sandbox/spawn-in-process';
import { createSupervisedSandbox } from '#adapters/engine-sandbox/supervised-sandbox';
import type { Sandbox } from '#core/engines/sandbox';

const wasm = createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm');

/** The sandbox in this process. Its deadlines never pass: on its own thread nothing could end a run. */
export const openSandbox = (): Sandbox =>
  createSupervisedSandbox({
    clock: createVirtualClock(),
    spawn: spawnInProcess(new WebAssembly.Module(readFileSync(wasm))),
  });
