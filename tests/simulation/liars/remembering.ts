import { hex } from '#core/base/bytes';
import { ok } from '#core/base/result';
import type { Generation, LanguageModel } from '#core/engines/language-model';
import type { Sampling } from '#core/engines/sampling';
import { posingAs } from '#tests/simulation/adversaries/posing-as';

/**
 * The model with a memory of what it answered: the same prompt under the same seeds is not computed twice, and a beginning
 * of a known answer is cut from it. The engine gives the same answer again, so nothing else changes.
 */
export interface Remembering {
  readonly model: LanguageModel;
  remember(promptIds: readonly number[], sampling: Sampling | undefined, known: Generation): void;
  recall(promptIds: readonly number[], sampling: Sampling | undefined): Generation | undefined;
}

const keyOf = (promptIds: readonly number[], sampling: Sampling | undefined): string =>
  `${promptIds.join()}/${sampling?.temperature ?? 0}/${sampling?.seeds.map(({ from, seed }) => `${from}:${hex(seed)}`).join() ?? ''}`;

export function remembering(inner: LanguageModel): Remembering {
  const answers = new Map<string, Generation>();
  const recall: Remembering['recall'] = (promptIds, sampling) => answers.get(keyOf(promptIds, sampling));
  const remember: Remembering['remember'] = (promptIds, sampling, known) => {
    const held = recall(promptIds, sampling);
    if (held === undefined || held.ids.length < known.ids.length) answers.set(keyOf(promptIds, sampling), known);
  };
  /** What is known of the answer after these ids, up to the limit; null where it must be computed. */
  function known({
    promptIds,
    prefixIds,
    maxTokens,
    sampling,
  }: Parameters<LanguageModel['generate']>[0]): Generation | null {
    const held = recall(promptIds, sampling);
    if (held === undefined || prefixIds.some((id, at) => id !== held.ids[at])) return null;
    const ended = held.finish === 'stop' && held.ids.length <= maxTokens;
    if (!ended && held.ids.length < maxTokens) return null;
    return { ids: held.ids.slice(prefixIds.length, maxTokens), finish: ended ? 'stop' : 'length' };
  }
  return {
    remember,
    recall,
    model: posingAs(inner, {
      async generate(request, onToken) {
        const found = known(request);
        if (found !== null) {
          for (const id of found.ids) onToken({ id, text: '' });
          return ok(found);
        }
        const run = await inner.generate(request, onToken);
        if (run.ok && run.value.finish !== 'cancelled' && request.prefixIds.length === 0)
          remember(request.promptIds, request.sampling, run.value);
        return run;
      },
    }),
  };
}
