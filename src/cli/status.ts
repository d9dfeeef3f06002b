import { fail, ok, type Result } from '#core/base/result';
import type { Command, CommandInput } from './command';

const DEFAULT_URL = 'http://127.0.0.1:7280';
/** A running server answers in milliseconds; one that does not within this is as good as away. */
const TIMEOUT_MS = 5_000;

/** Asks a running server how it is. */
export const status: Command = {
  name: 'status',
  usage: '[--url URL]',
  summary: `print the health of a running server (${DEFAULT_URL} unless told)`,
  positionals: 0,
  options: { url: { type: 'string' } },
  run: askHealth,
};

async function askHealth(input: CommandInput): Promise<Result<string>> {
  const given = typeof input.options['url'] === 'string' ? input.options['url'] : DEFAULT_URL;
  const base = URL.canParse(given) ? new URL(given) : null;
  if (!base || !/^https?:$/.test(base.protocol)) return fail('usage', `${given} is not an http or https address.`);
  const url = new URL(base.pathname.endsWith('/') ? 'healthz' : `${base.pathname}/healthz`, base);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
    const body = await response.text();
    if (!response.ok) return fail('unhealthy', `The server at ${base.origin} answered with status ${response.status}.`);
    return ok(JSON.stringify(JSON.parse(body), null, 2) + '\n');
  } catch (error) {
    if (error instanceof SyntaxError)
      return fail('not_tabmesh', `What answers at ${base.origin} is not a Tabmesh server.`);
    return fail('unreachable', `No server could be reached at ${base.origin}.`);
  }
}
