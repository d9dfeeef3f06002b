import { readFileSync } from 'node:fs';
import { parseJsonText } from '#core/base/json-text';
import { unwrap } from '#core/base/result';

/** A vector file beside this one, with whole floats kept apart from integers. */
export const readVectors = <T>(name: string): T =>
  unwrap(parseJsonText(readFileSync(new URL(name, import.meta.url), 'utf8'))) as T;
