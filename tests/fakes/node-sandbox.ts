import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { spawnInProcess } from '#adapters/engine-sandbox/spawn-in-process';
import { createSupervisedSandbox } from '#adapters/engine-sandbox/supervised-sandbox';
import type { Sandbox } from '#core/engines/sandbox';
import { createVirtualClock } from './virtual-clock';

const wasm = createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm');

/** The real sandbox in this process, with deadlines that never pass. */
export const createNodeSandbox = (): Sandbox =>
  createSupervisedSandbox({
    clock: createVirtualClock(),
    spawn: spawnInProcess(new WebAssembly.Module(readFileSync(wasm))),
  });
