import { pick } from '#core/base/chance';
import type { Chance } from '#core/base/ports';
import type { LanguageModel } from '#core/engines/language-model';
import { handIn, posingAs, quietly } from './posing-as';
import { bySeedOfOnesOwn } from './wrong-seed';

export interface Forgery {
  /** How many tokens of the answer. */
  readonly count: number;
  /** `any`: whichever of the vocabulary. `likely`: one that the model itself draws there under another seed. */
  readonly by: 'any' | 'likely';
  readonly vocabularySize: number;
}

/** Draws under other seeds until one gives another token; where the model is certain none does. */
const MOST_DRAWS = 8;

type Forge = (right: number, before: readonly number[]) => Promise<number | null>;

/** The honest answer with some tokens in it replaced, anywhere but at its end: a name, a number, a “not”. */
export const forgedIds = (
  claimed: LanguageModel,
  { count, by, vocabularySize }: Forgery,
  chance: Chance,
): LanguageModel =>
  posingAs(claimed, {
    async generate(request, onToken) {
      const others = Array.from({ length: vocabularySize }, (_, id) => id);
      const isOther = (id: number, right: number): boolean => id !== right && id !== claimed.endTokenId;
      const any: Forge = async (right) =>
        pick(
          chance,
          others.filter((id) => isOther(id, right)),
        ) ?? null;
      const likely: Forge = async (right, before) => {
        let drawn = { ...request, prefixIds: before, maxTokens: before.length + 1 };
        for (let draw = 0; draw < MOST_DRAWS; draw++) {
          drawn = { ...drawn, ...bySeedOfOnesOwn(drawn.sampling) };
          const run = await quietly(claimed, drawn);
          const id = run.ok ? run.value.ids[0] : undefined;
          if (id !== undefined && isOther(id, right)) return id;
        }
        return null;
      };
      const honest = await quietly(claimed, request);
      if (!honest.ok) return honest;
      const ids = [...honest.value.ids];
      const places = ids.map((_, at) => at).slice(0, -1);
      for (let forged = 0; forged < count && places.length > 0;) {
        const at = pick(chance, places)!;
        places.splice(places.indexOf(at), 1);
        const id = await (by === 'any' ? any : likely)(ids[at]!, ids.slice(0, at));
        if (id === null) continue;
        ids[at] = id;
        forged++;
      }
      return handIn(claimed, ids, honest.value.finish, onToken);
    },
  });
