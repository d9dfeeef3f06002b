import { readFileBytes, writeFiles } from '#adapters/storage-fs-files/write-files';
import { fail, ok, type Result } from '#core/base/result';
import { MAX_ARTEFACT_BYTES } from '#core/evidence/bundle-file';
import { documentText } from '#core/evidence/documents';
import { rewriteTraces } from '#core/evidence/trace-file';
import type { Command, CommandInput } from '../command';

/** A file of traces in its canonical rows, with a manifest of the rewrite beside it. */
export const tracesRewrite: Command = {
  name: 'evidence traces rewrite',
  usage: 'FILE --output FILE',
  summary: 'write a file of traces in canonical rows, and OUTPUT.manifest.json beside it; a bad row writes nothing',
  positionals: 1,
  options: { output: { type: 'string' } },
  run: rewrite,
};

async function rewrite({ positionals, options, resolvePath }: CommandInput): Promise<Result<string>> {
  const named = positionals[0]!;
  const output = options['output'];
  if (typeof output !== 'string') return fail('usage', 'Say where to write: --output FILE.');
  const [from, to] = [resolvePath(named), resolvePath(output)];
  if (from === to) return fail('usage', 'Source and output must be different files.');
  const source = await readFileBytes(from, MAX_ARTEFACT_BYTES);
  if (!source.ok) return source;
  if (source.value === null) return fail('no_traces', `There are no traces at ${from}.`);
  const rewritten = rewriteTraces(source.value, named, output);
  if (!rewritten.ok) return fail(rewritten.error.code, `${from}: ${rewritten.error.message}`);
  const manifest = documentText(rewritten.value.manifest);
  const written = await writeFiles([
    { path: to, text: rewritten.value.text },
    { path: `${to}.manifest.json`, text: manifest },
  ]);
  return written.ok ? ok(manifest) : written;
}
