import type { Handler } from '#core/bus/capability';
import type { Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { ChatMessage, LanguageModel } from '#core/engines/language-model';
import type { Sandbox } from '#core/engines/sandbox';
import { judgePatch, runBefore } from '#core/experts/objective/code-check';
import { withSigns, type WorkSign } from '#core/experts/objective/work-sign';
import type { CodePatchInput, CodePatchOutput } from './contract';
import { readPatch } from './read-answer';

/** Patches tried before giving up, the failure of each told to the model. */
const MAX_ATTEMPTS = 3;

export interface CodePatchHandlerOptions {
  readonly clock: Clock;
  readonly sandbox: Sandbox;
  /** The loaded model, by id; without an id whichever this node has. */
  readonly model: (id?: string) => Promise<Result<LanguageModel>>;
}

function promptOf({ instruction, brief }: CodePatchInput): string {
  const { files, tests, policy } = brief;
  const shown = files.map(({ path, text }) => `File ${path}:\n\`\`\`js\n${text}\`\`\``).join('\n\n');
  const names = tests.chosen.map((name) => `- ${name}`).join('\n');
  return `${instruction}\n\nThese tests must pass:\n${names}\n\n${shown}\n\nYou may change: ${policy.changeable.join(', ')}. Do not change the tests.\nAnswer with one unified diff in a \`\`\`diff block, with --- a/path and +++ b/path lines.`;
}

/**
 * `code.patch@1` over a loaded model: asks for a diff, applies it, runs the tests, and tells the model what failed. Only a
 * patch that passes here is delivered. Codes: `bad_input` (a chosen test passes already), those of the model and of the
 * sandbox, `no_patch_found`, `cancelled`.
 */
export const createCodePatchHandler =
  ({ clock, sandbox, model: findModel }: CodePatchHandlerOptions): Handler<CodePatchInput, CodePatchOutput, WorkSign> =>
  (input, { signal, emit }) =>
    withSigns(clock, emit, async () => {
      const { brief, maxTokens } = input;
      const before = await runBefore(brief, sandbox, signal);
      if (!before.ok) {
        const { code, message } = before.error;
        return code === 'nothing_to_fix' ? fail('bad_input', message, message) : before;
      }
      const found = await findModel(input.model);
      if (!found.ok) return found;
      const model = found.value;
      const { id, hash, engine } = model.identity;
      const messages: ChatMessage[] = [{ role: 'user', text: promptOf(input) }];
      let why = '';
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const prompt = await model.encodePrompt(messages);
        if (!prompt.ok) {
          // What was said so far no longer fits: the last patch was the last one.
          if (attempt > 0 && prompt.error.code === 'prompt_too_long') break;
          return prompt;
        }
        const run = await model.generate({ promptIds: prompt.value, prefixIds: [], maxTokens, signal }, () => {});
        if (!run.ok) return run;
        if (run.value.finish === 'cancelled' || signal.aborted) return fail('cancelled', 'The work was stopped.');
        const said = await model.decode(run.value.ids);
        if (!said.ok) return said;
        const diff = readPatch(brief.files, said.value);
        if (diff.ok) {
          const judged = await judgePatch(brief, before.value, diff.value, sandbox, signal);
          if (!judged.ok) return judged;
          if (judged.value.accepted) return ok({ model: { id, hash, engine }, diff: diff.value });
          why = judged.value.note;
        } else why = diff.error.message;
        messages.push(
          { role: 'assistant', text: said.value },
          { role: 'user', text: `That did not work: ${why} Answer again with one whole diff against the files above.` },
        );
      }
      return fail('no_patch_found', `The model found no patch that passes: ${why}`);
    });
