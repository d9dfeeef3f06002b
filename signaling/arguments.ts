import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { fail, ok, type Result } from '#core/base/result';
import { hostNameOf, isInstanceName, MAX_INSTANCE_BYTES } from '#signaling/announce-records';
import { serverConfigSchema, type ServerConfig } from '#core/wire/signaling-messages';

export const DEFAULT_PORT = 7280;
export const DEFAULT_DATA_FOLDER = '.tabmesh';

export const USAGE = `npm start -- [options]

  --port N              port of the app, the signaling and STUN (${DEFAULT_PORT}; 0: any free one)
  --host ADDRESS        address to listen on (every address of this machine)
  --tls                 HTTPS with a local certificate authority, which other devices download and trust once
  --data FOLDER         where the community, invite uses and certificates are kept (${DEFAULT_DATA_FOLDER})
  --ice LIST            ICE servers for pages instead of this server's STUN: JSON as in RTCConfiguration, or URLs with commas
  --no-stun             answer no STUN requests
  --origin ORIGIN       another origin whose pages may connect, as https://example.org; may be given several times
  --models FILE         a catalogue of models that is offered besides the built-in one
  --announce            tell the local network, which then finds this server as ${hostNameOf(1)} (multicast DNS)
  --announce-name TEXT  what people read in a list of servers (Tabmesh on this machine)
  --dev                 serve the sources with reload instead of the built app
  --help
`;

export interface StartArguments {
  readonly port: number;
  readonly host?: string;
  readonly tls: boolean;
  readonly data: string;
  readonly iceServers?: ServerConfig['iceServers'];
  readonly stun: boolean;
  readonly origins: readonly string[];
  readonly models?: string;
  readonly announce: boolean;
  readonly announceName?: string;
  readonly dev: boolean;
  readonly help: boolean;
}

const ICE_URL = /^(?:stun|stuns|turn|turns):[^\s]{1,250}$/;

/** The command line of `npm start`. Code `bad_option`, with one sentence. */
export function parseStartArguments(words: readonly string[]): Result<StartArguments> {
  let values;
  try {
    values = parseArgs({
      args: [...words],
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        tls: { type: 'boolean' },
        data: { type: 'string' },
        ice: { type: 'string' },
        'no-stun': { type: 'boolean' },
        origin: { type: 'string', multiple: true },
        models: { type: 'string' },
        announce: { type: 'boolean' },
        'announce-name': { type: 'string' },
        dev: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      strict: true,
    }).values;
  } catch (error) {
    const sentence = (error as Error).message.split(/\. |\n/)[0]!.replace(/\.$/, '');
    return fail('bad_option', `${sentence}; --help lists the options.`);
  }

  const port = values.port === undefined ? DEFAULT_PORT : /^\d{1,5}$/.test(values.port) ? Number(values.port) : NaN;
  if (!(port >= 0 && port <= 65_535)) return fail('bad_option', '--port takes a number from 0 to 65535.');
  if (values.host !== undefined && !/^[A-Za-z0-9.:_-]{1,253}$/.test(values.host)) {
    return fail('bad_option', '--host takes an address or a name of this machine, without scheme and port.');
  }
  if (values.data?.trim() === '') return fail('bad_option', '--data takes the path of a folder.');
  if (values.models?.trim() === '') return fail('bad_option', '--models takes the path of a file.');
  const iceServers = values.ice === undefined ? ok(undefined) : parseIceServers(values.ice);
  if (!iceServers.ok) return iceServers;
  const origins: string[] = [];
  for (const origin of values.origin ?? []) {
    const url = URL.canParse(origin) ? new URL(origin) : null;
    if (
      url === null ||
      !/^https?:$/.test(url.protocol) ||
      url.pathname !== '/' ||
      url.search !== '' ||
      url.hash !== ''
    ) {
      return fail('bad_option', `--origin takes an origin such as https://example.org, not ${JSON.stringify(origin)}.`);
    }
    origins.push(url.origin);
  }

  const announceName = values['announce-name'];
  if (announceName !== undefined && values.announce !== true) {
    return fail('bad_option', '--announce-name names what --announce announces; give both.');
  }
  if (announceName !== undefined && !isInstanceName(announceName)) {
    return fail(
      'bad_option',
      `--announce-name takes a text of at most ${MAX_INSTANCE_BYTES} bytes, without dots and control characters.`,
    );
  }

  return ok({
    port,
    ...(values.host === undefined ? {} : { host: values.host }),
    tls: values.tls ?? false,
    data: values.data ?? DEFAULT_DATA_FOLDER,
    ...(iceServers.value === undefined ? {} : { iceServers: iceServers.value }),
    stun: !(values['no-stun'] ?? false),
    origins,
    ...(values.models === undefined ? {} : { models: values.models }),
    announce: values.announce ?? false,
    ...(announceName === undefined ? {} : { announceName }),
    dev: values.dev ?? false,
    help: values.help ?? false,
  });
}

function parseIceServers(text: string): Result<ServerConfig['iceServers']> {
  const wrong = () =>
    fail(
      'bad_option',
      '--ice takes URLs such as stun:host:3478 with commas between, or JSON as in RTCConfiguration.iceServers.',
    );
  let servers: unknown;
  if (/^\s*[[{]/.test(text)) {
    try {
      const json: unknown = JSON.parse(text);
      servers = Array.isArray(json) ? json : [json];
    } catch {
      return wrong();
    }
  } else {
    servers = text
      .split(',')
      .map((url) => url.trim())
      .filter((url) => url !== '')
      .map((url) => ({ urls: url }));
  }
  const parsed = v.safeParse(serverConfigSchema.entries.iceServers, servers);
  if (!parsed.success || parsed.output.some(({ urls }) => [urls].flat().some((url) => !ICE_URL.test(url))))
    return wrong();
  return ok(parsed.output);
}
