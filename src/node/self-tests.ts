import * as v from 'valibot';
import { cidOf, encodeCanonical } from '#core/base/canonical';
import type { Clock } from '#core/base/ports';
import { fail, ok, type Failure, type Result } from '#core/base/result';
import type { LanguageModel, ModelIdentity } from '#core/engines/language-model';
import type { Golden } from '#core/engines/model-manifest';
import { selfTest, type SelfTestReport } from '#core/engines/self-test';
import {
  keptSelfTestSchema,
  selfTestDueAt,
  type KeptSelfTest,
  type SelfTestSubject,
} from '#core/engines/self-test-due';
import type { KeyValueStore } from '#core/storage/ports';
import { checkAgainst } from '#core/wire/gate';

const KEY = 'self-tests';
/** Models whose tests are remembered; the longest untouched are forgotten, and tested anew. */
const MAX_KEPT = 16;

const keptSchema = v.pipe(v.array(keptSelfTestSchema), v.maxLength(MAX_KEPT));

export interface SelfTestsDeps {
  readonly records: KeyValueStore;
  readonly clock: Clock;
  /** Name and version of what runs the models. */
  readonly browser: () => Promise<string>;
  readonly golden: (modelId: string) => Promise<readonly Golden[]>;
  /** What a test found of a model, or what an earlier one did that still holds. */
  readonly onReport: (found: SelfTestFinding) => void;
}

export interface SelfTestFinding {
  readonly model: Pick<ModelIdentity, 'id' | 'name'>;
  readonly report: SelfTestReport;
}

/** Whether this device may serve a model: what its tests found, remembered by browser and model, and tested again when due. */
export interface SelfTests {
  /**
   * Fails with `self_test_failed` where this device does not reproduce the model's transcripts, and with the codes of `score` where it
   * cannot be tested. A test that passed is not repeated before it is due. Without transcripts at hand nothing is tested; what
   * failed before goes on failing.
   */
  hold(model: LanguageModel): Promise<Result<void>>;
  /** Tests this model whenever it is due from now on, and no other; `withdraw` is called once, with the first failure. */
  watch(model: LanguageModel, withdraw: (why: Failure) => void): void;
  unwatch(): void;
  /** Others rejected what this device had computed with that model. */
  doubt(modelHash: string): Promise<void>;
}

export function createSelfTests({ records, clock, browser, golden, onReport }: SelfTestsDeps): SelfTests {
  let kept: readonly KeptSelfTest[] = [];
  const loaded = records.get<unknown>(KEY).then((read) => {
    // A record of another version is no record: the device is tested anew.
    const parsed = read.ok ? checkAgainst(keptSchema, read.value ?? []) : read;
    if (parsed.ok) kept = parsed.value;
  });
  let watched: { readonly model: LanguageModel; readonly withdraw: (why: Failure) => void } | null = null;
  let stopTimer = (): void => {};

  const keptOf = (modelHash: string, engine: string): KeptSelfTest | null =>
    kept.find((one) => one.modelHash === modelHash && one.engine === engine) ?? null;

  /** What cannot be written is remembered while this tab lives, and tested again in the next. */
  function remember(one: KeptSelfTest): void {
    const others = kept.filter(({ modelHash, engine }) => modelHash !== one.modelHash || engine !== one.engine);
    kept = [one, ...others].slice(0, MAX_KEPT);
    void records.set(KEY, kept);
  }

  async function subjectOf({ identity }: LanguageModel, transcripts: readonly Golden[]): Promise<SelfTestSubject> {
    return {
      modelHash: identity.hash,
      engine: identity.engine,
      browser: await browser(),
      golden: cidOf(encodeCanonical(transcripts)),
    };
  }

  function resultOf({ identity }: LanguageModel, report: SelfTestReport): Result<void> {
    onReport({ model: identity, report });
    if (report.passed) return ok(undefined);
    return fail(
      'self_test_failed',
      `This device does not compute ${identity.name} as others do (${report.agreeing} of ${report.positions} tokens agree), so it may not serve it; try another browser or a smaller model.`,
    );
  }

  async function hold(model: LanguageModel): Promise<Result<void>> {
    await loaded;
    const transcripts = await golden(model.identity.id);
    const subject = await subjectOf(model, transcripts);
    const before = keptOf(subject.modelHash, subject.engine);
    if (transcripts.length === 0) {
      const failed = before !== null && !before.report.passed && before.browser === subject.browser;
      return failed ? resultOf(model, before.report) : ok(undefined);
    }
    if (before !== null && selfTestDueAt(before, subject, clock.now()) > clock.now())
      return resultOf(model, before.report);
    const tested = await selfTest(model, transcripts);
    if (!tested.ok) return tested;
    remember({ ...subject, at: clock.now(), report: tested.value, doubtedAt: null });
    return resultOf(model, tested.value);
  }

  /** One timer, for the moment when the next test is due. */
  async function arm(): Promise<void> {
    const mine = watched;
    if (mine === null) return;
    const transcripts = await golden(mine.model.identity.id);
    const subject = await subjectOf(mine.model, transcripts);
    if (watched !== mine || transcripts.length === 0) return;
    const dueAt = selfTestDueAt(keptOf(subject.modelHash, subject.engine), subject, clock.now());
    stopTimer();
    stopTimer = clock.after(dueAt - clock.now(), () => void testAgain());
  }

  async function testAgain(): Promise<void> {
    const mine = watched;
    if (mine === null) return;
    const held = await hold(mine.model);
    if (watched !== mine) return;
    if (held.ok) return arm();
    unwatch();
    mine.withdraw(held.error);
  }

  function unwatch(): void {
    stopTimer();
    watched = null;
  }

  return {
    hold,
    watch(model, withdraw) {
      unwatch();
      watched = { model, withdraw };
      void arm();
    },
    unwatch,
    async doubt(modelHash) {
      await loaded;
      const doubted = kept.filter((one) => one.modelHash === modelHash);
      for (const one of doubted) remember({ ...one, doubtedAt: clock.now() });
      if (doubted.length > 0 && watched?.model.identity.hash === modelHash) await arm();
    },
  };
}
