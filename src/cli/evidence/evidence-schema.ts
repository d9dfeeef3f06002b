import { toJsonSchema } from '@valibot/to-json-schema';
import { ok } from '#core/base/result';
import { documentText } from '#core/evidence/documents';
import { traceSchema } from '#core/evidence/trace';
import type { Command } from '../command';

/** The JSON Schema of one trace (numbers in JSON are finite anyway), as it is published in docs/spec/trace.schema.json. */
export const evidenceSchema: Command = {
  name: 'evidence schema',
  usage: '',
  summary: 'print the JSON Schema of one trace',
  positionals: 0,
  options: {},
  run: async () => ok(documentText(toJsonSchema(traceSchema, { ignoreActions: ['finite'] }))),
};
