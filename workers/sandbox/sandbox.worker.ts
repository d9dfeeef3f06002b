import wasmUrl from '@jitl/quickjs-wasmfile-release-sync/wasm?url';
import { fail, type Result } from '#core/base/result';
import type { SandboxReport, SandboxRequest } from '#core/engines/sandbox';
import { interpretersOf, type NewInterpreter } from './interpreter';
import type { FromSandbox, ToSandbox } from './messages';
import { runTests } from './run-tests';

/** Code from outside runs here: a thread of its own, which the page can end whatever runs in it. */
async function compile(): Promise<NewInterpreter> {
  const response = await fetch(wasmUrl);
  if (!response.ok) throw new Error(`its engine was not found (${response.status})`);
  return interpretersOf(await WebAssembly.compile(await response.arrayBuffer()));
}
const ready = compile();

async function run(request: SandboxRequest): Promise<Result<SandboxReport>> {
  let newInterpreter: NewInterpreter;
  try {
    newInterpreter = await ready;
  } catch (error) {
    return fail('sandbox_failed', `The sandbox could not be loaded: ${String(error)}.`);
  }
  return runTests(newInterpreter, request);
}

self.addEventListener('message', ({ data }: MessageEvent<ToSandbox>) => {
  void run(data.request).then((result) => self.postMessage({ type: 'ended', result } satisfies FromSandbox));
});
