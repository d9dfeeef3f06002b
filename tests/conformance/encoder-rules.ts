import { unwrap, type Result } from '#core/base/result';
import { MAX_BATCH_TEXTS, MAX_TEXT_CHARACTERS } from '#core/engines/text-batch';
import { expect, failsWith, same } from './language-model-runs';

/** What the models share that read texts whole: one call, over a list of texts, with one result per text. */
export interface EncoderUnderTest<T> {
  run(texts: readonly string[], signal: AbortSignal): Promise<Result<readonly T[]>>;
  dispose(): Promise<void>;
}

export interface EncoderSubject<M> {
  /** A fresh instance each time; the suite disposes it. */
  model(): Promise<M>;
  /** At least three texts that the model finds different. */
  readonly texts: readonly string[];
  /** A text that is longer than the model holds. */
  readonly longText: string;
}

export interface EncoderCase<M> {
  readonly name: string;
  run(subject: EncoderSubject<M>): Promise<void>;
}

/** Between a text alone and the same text padded among others, sums differ in their last bits. */
export const ROUNDING = 1e-4;

export const never = new AbortController().signal;

type Check<M> = (model: M, subject: EncoderSubject<M>) => Promise<void>;

export const encoderRule = <M extends { dispose(): Promise<void> }>(name: string, check: Check<M>): EncoderCase<M> => ({
  name,
  async run(subject) {
    const model = await subject.model();
    try {
      await check(model, subject);
    } finally {
      await model.dispose();
    }
  },
});

/**
 * The rules that hold for each of these models. `asEncoder` gives the model's call in the shared form, `numbersOf` what
 * of a result is compared within rounding.
 */
export function sharedEncoderCases<M extends { dispose(): Promise<void> }, T extends { readonly truncated: boolean }>(
  asEncoder: (model: M) => EncoderUnderTest<T>['run'],
  numbersOf: (result: T) => readonly number[],
): readonly EncoderCase<M>[] {
  const alike = (a: T, b: T, what: string): void => {
    const [x, y] = [numbersOf(a), numbersOf(b)];
    const furthest = x.reduce((most, value, at) => Math.max(most, Math.abs(value - (y[at] ?? NaN))), 0);
    expect(x.length === y.length && furthest <= ROUNDING, `${what}: ${furthest} apart`);
  };
  const rule = (name: string, check: Check<M>) => encoderRule(name, check);
  return [
    rule('there is one result per text, in their order, whatever comes with them', async (model, { texts }) => {
      const run = asEncoder(model);
      const many = Array.from({ length: 3 }, () => texts).flat();
      const all = unwrap(await run(many, never));
      same(all.length, many.length, 'results');
      for (const [index, text] of texts.entries()) {
        const [alone] = unwrap(await run([text], never));
        for (let at = index; at < many.length; at += texts.length) alike(all[at]!, alone!, `text ${at}`);
      }
      same(unwrap(await run([], never)), [], 'no texts');
    }),

    rule('a text that is too long is cut and says so, and the others are not', async (model, { texts, longText }) => {
      const results = unwrap(await asEncoder(model)([...texts, longText], never));
      same(
        results.map(({ truncated }) => truncated),
        [...texts.map(() => false), true],
        'cut',
      );
    }),

    rule('too many texts and endless ones are refused, and do no harm', async (model, { texts }) => {
      const run = asEncoder(model);
      failsWith(await run(new Array<string>(MAX_BATCH_TEXTS + 1).fill('a'), never), 'too_many_texts');
      failsWith(await run(['a'.repeat(MAX_TEXT_CHARACTERS + 1)], never), 'text_too_long');
      same(unwrap(await run(texts, never)).length, texts.length, 'results afterwards');
    }),

    rule('whatever is written in a text, the model reads it', async (model) => {
      const odd = ['[CLS] [SEP] [PAD]', '\u0000\ud800', '日本語 🙂', 'a'.repeat(2_000), '   '];
      const results = unwrap(await asEncoder(model)(odd, never));
      same(results.length, odd.length, 'results');
      expect(
        results.every((result) => numbersOf(result).every(Number.isFinite)),
        'a number is none',
      );
    }),

    rule(
      'what was stopped before it began does not run, and a stop leaves the model usable',
      async (model, { texts }) => {
        const run = asEncoder(model);
        const controller = new AbortController();
        const running = run(new Array<string>(MAX_BATCH_TEXTS).fill(texts[0]!), controller.signal);
        controller.abort();
        failsWith(await running, 'cancelled');
        failsWith(await run(texts, controller.signal), 'cancelled');
        same(unwrap(await run(texts, never)).length, texts.length, 'results afterwards');
      },
    ),

    rule('calls that come together are all answered', async (model, { texts }) => {
      const run = asEncoder(model);
      const together = await Promise.all(texts.map((text) => run([text], never)));
      const [first] = unwrap(await run([texts[0]!], never));
      alike(unwrap(together[0]!)[0]!, first!, 'the first');
      same(together.filter(({ ok }) => ok).length, texts.length, 'answered');
    }),

    rule('after dispose every call fails with engine_gone', async (model, { texts }) => {
      const run = asEncoder(model);
      await model.dispose();
      failsWith(await run(texts, never), 'engine_gone');
      failsWith(await run([], never), 'engine_gone');
    }),
  ];
}
