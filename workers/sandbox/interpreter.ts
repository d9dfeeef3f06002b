import quickjsVariant from '@jitl/quickjs-wasmfile-release-sync';
import { newQuickJSWASMModuleFromVariant, newVariant, type QuickJSWASMModule } from 'quickjs-emscripten-core';
import { SANDBOX_LIMITS } from '#core/engines/sandbox';

const PAGE_BYTES = 64 * 1024;
/** What the module asks for to begin with. */
const INITIAL_BYTES = 16 * 1024 * 1024;

/** A fresh instance of QuickJS, used for one run and dropped: nothing is left of one run in the next. */
export interface Interpreter {
  readonly quickjs: QuickJSWASMModule;
  /** True once it asked for more memory than it may have; it is unusable from then on. */
  outOfMemory(): boolean;
}

export type NewInterpreter = () => Promise<Interpreter>;

type Import = (...values: unknown[]) => unknown;

/** Length of C's `struct tm` in 32-bit words, the distance from UTC among them. */
const TM_WORDS = 11;

/** The one import that tells the guest the device's time zone, told by what it asks: imports have no names left. */
const tellsTheZone = (entry: Import): boolean => entry.length === 2 && /getTimezoneOffset/.test(String(entry));

/**
 * The module's imports as they are safe: local time is UTC on every device, and each leaves the interpreter at once when
 * `over` says so.
 */
function tamed(imports: WebAssembly.Imports, memory: WebAssembly.Memory, over: () => boolean): WebAssembly.Imports {
  let zones = 0;
  const leaving =
    (run: Import): Import =>
    (...values) => {
      const result = run(...values);
      if (over()) throw new Error('The sandbox has no memory left.');
      return result;
    };
  const utc: Import = (_seconds, address) => {
    const at = (address as number) / Int32Array.BYTES_PER_ELEMENT;
    new Int32Array(memory.buffer).fill(0, at, at + TM_WORDS);
  };
  const tame = (entry: unknown): unknown => {
    if (typeof entry !== 'function') return entry;
    if (!tellsTheZone(entry as Import)) return leaving(entry as Import);
    zones += 1;
    return utc;
  };
  const result = Object.fromEntries(
    Object.entries(imports).map(([module, entries]) => [
      module,
      Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, tame(entry)])),
    ]),
  );
  if (zones !== 1) throw new Error('This build of QuickJS asks for the time zone in another way.');
  return result as WebAssembly.Imports;
}

/**
 * Instances of the compiled module. QuickJS built for WebAssembly does not count the bytes that it allocates, so its own
 * limit holds nothing: the memory itself is what ends. A refused request for more leaves the interpreter at once, by an
 * exception through it, since code that catches its own failures would go on for minutes.
 */
export const interpretersOf = (compiled: WebAssembly.Module): NewInterpreter => {
  return async () => {
    const memory = new WebAssembly.Memory({
      initial: INITIAL_BYTES / PAGE_BYTES,
      maximum: SANDBOX_LIMITS.memoryBytes / PAGE_BYTES,
    });
    let refused = false;
    const grow = memory.grow.bind(memory);
    Object.defineProperty(memory, 'grow', {
      value(pages: number) {
        try {
          return grow(pages);
        } catch (error) {
          refused = true;
          throw error;
        }
      },
    });
    const quickjs = await newQuickJSWASMModuleFromVariant(
      newVariant(quickjsVariant, {
        wasmMemory: memory,
        emscriptenModule: {
          instantiateWasm(imports, onSuccess) {
            const instance = new WebAssembly.Instance(
              compiled,
              tamed(imports, memory, () => refused),
            );
            onSuccess(instance);
            return instance.exports;
          },
        },
      }),
    );
    return { quickjs, outOfMemory: () => refused };
  };
};
