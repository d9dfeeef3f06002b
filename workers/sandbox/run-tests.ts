import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from 'quickjs-emscripten-core';
import * as v from 'valibot';
import { fail, ok, type Result } from '#core/base/result';
import { SANDBOX_LIMITS, type SandboxReport, type SandboxRequest, type TestReport } from '#core/engines/sandbox';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import { GUEST_SOURCE, TEST_MODULE } from './guest';
import type { Interpreter, NewInterpreter } from './interpreter';

const ENTRY_MODULE = 'tabmesh:entry';
const REFUSED = 'tabmesh:refused ';
/** Reactions that are run before it is looked again whether what is waited for has settled. */
const REACTIONS_PER_TURN = 64;
/** What the guest tells the host: names and texts, each capped by the guest itself. */
const MAX_TOLD_CHARACTERS = 1024 * 1024;

const { stepsPerPart, steps: stepsOfRun, reactionsPerPart } = SANDBOX_LIMITS;
const OUT_OF_STEPS = 'It took too many steps.';
const OUT_OF_MEMORY = 'It took too much memory.';
const NEVER_SETTLED = 'It never finished: nothing is left that could go on.';

const declaredSchema = v.strictObject({
  names: v.pipe(v.array(v.string()), v.maxLength(SANDBOX_LIMITS.tests)),
  output: v.pipe(v.string(), v.maxLength(SANDBOX_LIMITS.outputCharacters)),
});
const takenSchema = v.strictObject({
  error: v.pipe(v.string(), v.maxLength(SANDBOX_LIMITS.errorCharacters)),
  output: v.pipe(v.string(), v.maxLength(SANDBOX_LIMITS.outputCharacters)),
});

/** Where an import leads: a path of the workspace, or why nowhere. */
function resolve(request: SandboxRequest, from: string, name: string): Result<string> {
  if (from === ENTRY_MODULE) return ok(name);
  if (name === TEST_MODULE) {
    return request.testFiles.includes(from) ? ok(name) : fail('refused', `Only test files import ${TEST_MODULE}.`);
  }
  if (!/^\.\.?\//.test(name)) return fail('refused', `Only files of the workspace are imported, not ${name}.`);
  const segments = from.split('/').slice(0, -1);
  for (const segment of name.split('/')) {
    if (segment === '..') {
      if (segments.pop() === undefined) return fail('refused', `${name} lies outside the workspace.`);
    } else if (segment !== '.') segments.push(segment);
  }
  return ok(segments.join('/'));
}

type Part = { readonly done: true } | { readonly done: false; readonly error: string };

/** One run's interpreter, with its budget. */
function openGuest({ quickjs }: Interpreter, request: SandboxRequest) {
  const textByPath = new Map(request.files.map(({ path, text }) => [path, text]));
  let steps = 0;
  let partSteps = 0;
  let reactions = 0;
  const runtime: QuickJSRuntime = quickjs.newRuntime({ maxStackSizeBytes: SANDBOX_LIMITS.stackBytes });
  runtime.setInterruptHandler(() => {
    steps += 1;
    partSteps += 1;
    return steps > stepsOfRun || partSteps > stepsPerPart;
  });
  runtime.setModuleLoader(
    (path) =>
      textByPath.get(path) ?? {
        error: new Error(path.startsWith(REFUSED) ? path.slice(REFUSED.length) : `There is no file ${path}.`),
      },
    (from, name) => {
      const found = resolve(request, from, name);
      // A failure here would lose its reason on the way: no file has a name like this.
      return found.ok ? found.value : `${REFUSED}${found.error.message}`;
    },
  );
  const context: QuickJSContext = runtime.newContext();
  const exhausted = (): boolean => steps > stepsOfRun || partSteps > stepsPerPart || reactions > reactionsPerPart;

  const evaluate = (source: string, name: string) => context.evalCode(source, name, { type: 'module' });
  const settings = JSON.stringify({ ...SANDBOX_LIMITS, seed: request.seed });
  const guest = context.unwrapResult(evaluate(`const SETTINGS = ${settings};${GUEST_SOURCE}`, TEST_MODULE));
  const state = context.getPromiseState(guest);
  if (state.type !== 'fulfilled') throw new Error('The sandbox did not start.');
  const host = context.getProp(state.value, 'host');

  /** Calls into our own code inside; a fault there is ours, unless the guest ran out of what it may use. */
  function call(method: string, ...values: readonly QuickJSHandle[]): ReturnType<QuickJSContext['callFunction']> {
    return context.callFunction(context.getProp(host, method), host, ...values);
  }
  function told(method: string, ...values: readonly QuickJSHandle[]): string {
    return context.getString(context.unwrapResult(call(method, ...values)));
  }
  function textOf(error: QuickJSHandle): string {
    if (exhausted()) return OUT_OF_STEPS;
    const text = call('errorText', error);
    return text.error ? 'An error that cannot be shown.' : context.getString(text.value);
  }

  /** Runs what waits until `promise` has settled. */
  function settle(promise: QuickJSHandle): Part {
    for (;;) {
      const now = context.getPromiseState(promise);
      if (now.type === 'fulfilled') return { done: true };
      if (now.type === 'rejected') return { done: false, error: textOf(now.error) };
      if (exhausted()) return { done: false, error: OUT_OF_STEPS };
      const ran = runtime.executePendingJobs(REACTIONS_PER_TURN);
      if (ran.error) return { done: false, error: textOf(ran.error) };
      if (ran.value === 0) return { done: false, error: NEVER_SETTLED };
      reactions += ran.value;
    }
  }
  function part(begin: () => ReturnType<QuickJSContext['callFunction']>): Part {
    partSteps = 0;
    reactions = 0;
    const begun = begin();
    return begun.error ? { done: false, error: textOf(begun.error) } : settle(begun.value);
  }
  /** Our own words to the guest are never cut short by what it used up. */
  function unmetered<T>(run: () => T): T {
    const used = [steps, partSteps] as const;
    steps = partSteps = 0;
    const value = run();
    [steps, partSteps] = used;
    return value;
  }

  return {
    get usedUp() {
      return steps > stepsOfRun;
    },
    load(path: string): Part {
      unmetered(() => told('begin'));
      const loaded = part(() => evaluate(`import ${JSON.stringify(path)};`, ENTRY_MODULE));
      unmetered(() => told('end', loaded.done ? context.true : context.false));
      return loaded;
    },
    declared: () => unmetered(() => readTold(declaredSchema, told('declared'))),
    run(index: number): { error: string; output: string } {
      const ran = part(() => call('run', context.newNumber(index)));
      return unmetered(() =>
        readTold(takenSchema, told('taken', context.newNumber(index), context.newString(ran.done ? '' : ran.error))),
      );
    },
  };
}

function readTold<T>(schema: v.GenericSchema<unknown, T>, text: string): T {
  const read = parseJsonThrough(schema, text, MAX_TOLD_CHARACTERS);
  if (!read.ok) throw new Error(`The sandbox said what it cannot say: ${read.error.message}`);
  return read.value;
}

/**
 * Loads the test files and runs every test in an interpreter of its own, within `SANDBOX_LIMITS`. Nothing outlives the
 * run. Code: `sandbox_failed` when the interpreter broke, which depends on the device (its own stack ended first).
 */
export async function runTests(
  newInterpreter: NewInterpreter,
  request: SandboxRequest,
): Promise<Result<SandboxReport>> {
  const tests: TestReport[] = [];
  const unloaded: { path: string; error: string }[] = [];
  let names: readonly string[] = [];
  let output = '';
  /** What is being loaded or run. */
  let part: { readonly path: string } | { readonly name: string } | null = null;
  const report = (ended: SandboxReport['ended']): SandboxReport => ({
    tests: [
      ...tests,
      ...names
        .slice(tests.length)
        .map((name): TestReport => ({ name, outcome: 'not_run', error: 'The run ended before it.', output: '' })),
    ],
    unloaded,
    output,
    ended,
  });

  let interpreter: Interpreter | null = null;
  try {
    interpreter = await newInterpreter();
    const guest = openGuest(interpreter, request);
    for (const path of request.testFiles) {
      part = { path };
      const loaded = guest.load(path);
      if (!loaded.done) unloaded.push({ path, error: loaded.error });
      if (guest.usedUp) return ok(report('out_of_steps'));
    }
    ({ names, output } = guest.declared());
    for (const [index, name] of names.entries()) {
      part = { name };
      const { error, output: printed } = guest.run(index);
      tests.push({ name, outcome: error === '' ? 'passed' : 'failed', error, output: printed });
      if (guest.usedUp) return ok(report('out_of_steps'));
    }
    return ok(report('completed'));
  } catch (error) {
    if (interpreter?.outOfMemory() === true && part !== null) {
      if ('path' in part) unloaded.push({ path: part.path, error: OUT_OF_MEMORY });
      else tests.push({ name: part.name, outcome: 'failed', error: OUT_OF_MEMORY, output: '' });
      return ok(report('out_of_memory'));
    }
    return fail('sandbox_failed', `The sandbox broke: ${error instanceof Error ? error.message : String(error)}.`);
  }
}
