import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderUnicodeCompact } from 'uqr';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import type { FoundServer } from '#signaling/announce-records';
import { buildApp, needsBuild } from '#signaling/app-build';
import { parseStartArguments, USAGE, type StartArguments } from '#signaling/arguments';
import { findServers } from '#signaling/find-servers';
import { lanInterfaces } from '#signaling/local-addresses';
import { openMulticast } from '#signaling/multicast';
import { AUTHORITY_PATH, checkPort, tryStartServer, type RunningServer } from '#signaling/server';

const root = fileURLToPath(new URL('..', import.meta.url));
/** How long the start listens for other servers; its own announcement takes about as long. */
const FIND_MS = 1_200;
/** After this the process ends whatever is still open. */
const MAX_STOP_MS = 3_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  const parsed = parseStartArguments(words);
  if (!parsed.ok) {
    complain(parsed.error.message);
    return 1;
  }
  const options = parsed.value;
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }

  const free = await checkPort(options.port, options.host);
  if (!free.ok) {
    complain(free.error.message);
    return 1;
  }
  if (!options.dev && (await needsBuild(root))) {
    say('Building the app …');
    const built = await buildApp(root);
    if (!built.ok) {
      complain(built.error.message);
      return 1;
    }
  }

  const clock = createSystemClock();
  const finding = options.announce
    ? findServers({
        timeoutMs: FIND_MS,
        interfaces: lanInterfaces(options.host ?? '::'),
        open: openMulticast(clock),
        clock,
      })
    : Promise.resolve([]);
  const started = await tryStartServer({
    port: options.port,
    ...(options.host === undefined ? {} : { host: options.host }),
    dataFolder: resolve(options.data),
    app: options.dev ? { kind: 'dev' } : { kind: 'files', folder: join(root, 'build') },
    version: await versionOfPackage(),
    tls: options.tls,
    ...(options.iceServers === undefined ? {} : { iceServers: options.iceServers }),
    stun: options.stun,
    allowedOrigins: options.origins,
    ...(options.models === undefined ? {} : { modelsFile: resolve(options.models) }),
    ...(options.announce
      ? {
          announce: {
            onChange: say,
            ...(options.announceName === undefined ? {} : { instanceName: options.announceName }),
          },
        }
      : {}),
  });
  if (!started.ok) {
    complain(started.error.message);
    return 1;
  }
  greet(started.value, options, await finding);
  return untilStopped(started.value);
}

function greet(server: RunningServer, options: StartArguments, found: readonly FoundServer[]): void {
  const lan = server.lanUrls[0];
  const own = server.announced();
  say(`Tabmesh runs at ${server.url}`);
  for (const url of server.lanUrls) say(`On your network: ${url}`);
  if (own !== null) say(`By name on your network: ${own.url}, announced as “${own.instance}”`);
  for (const { instance, url } of found) {
    if (instance !== own?.instance) say(`Another server on your network: ${url}, announced as “${instance}”`);
  }
  for (const notice of server.notices) say(notice);
  if (lan !== undefined) say(`\n${renderUnicodeCompact(lan)}\n`);
  if (server.authority !== null) {
    // Over plain HTTP, which the same port leads on: a device that does not trust the authority yet gets no warning page.
    const download = `${lan ?? server.url}${AUTHORITY_PATH}`.replace(/^https/, 'http');
    say(`Other devices trust this server once they install ${download}`);
    say(`Its SHA-256 fingerprint: ${server.authority.fingerprint}`);
  } else if (lan !== undefined && !options.tls) {
    say('Over plain HTTP other devices get no GPU and no cryptography: start with --tls for them.');
  }
  say('Stop with Ctrl+C.');
}

/** Resolves with the exit code once a signal came and the server stopped; a second signal ends at once. */
function untilStopped(server: RunningServer): Promise<number> {
  return new Promise((done) => {
    let stopping = false;
    const stop = () => {
      if (stopping) process.exit(1);
      stopping = true;
      say('Stopping …');
      setTimeout(() => process.exit(1), MAX_STOP_MS).unref();
      void server.close().then(() => done(0));
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

async function versionOfPackage(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string };
  return version;
}
