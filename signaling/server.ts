import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { createServer as createNetServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-webcrypto';
import type { Chance, Clock, Verify } from '#core/base/ports';
import { fail, ok, unwrap, type Result } from '#core/base/result';
import { openRedemption as openRedemptionOfCore } from '#core/identity/invites';
import { ROOM_SAMPLE_SIZE, type ServerConfig } from '#core/wire/signaling-messages';
import { createAdmission, type OpenRedemption } from '#signaling/admission';
import { announce, type Announcement } from '#signaling/announce';
import { HOST_NAMES, MAX_INSTANCE_BYTES } from '#signaling/announce-records';
import { createAppFiles } from '#signaling/app-files';
import { AUTHORITY_FILE, openAuthority, type CertificateAuthority, type ServerCertificate } from '#signaling/authority';
import { createCounters } from '#signaling/counters';
import { openDataFolder } from '#signaling/data-folder';
import { startDevApp } from '#signaling/dev-app';
import { createMemoryExchange } from '#signaling/exchange';
import { eitherProtocol } from '#signaling/either-protocol';
import { COMMON_HEADERS, STRICT_TRANSPORT } from '#signaling/headers';
import { metricsOf, type Health } from '#signaling/health';
import { openInviteUses } from '#signaling/invite-uses';
import { DEFAULT_LIMITS, type SignalingLimits } from '#signaling/limits';
import {
  certificateNames,
  isLoopback,
  lanAddresses,
  lanInterfaces,
  machineName,
  urlHost,
  type LanInterface,
} from '#signaling/local-addresses';
import { openModelCatalogue } from '#signaling/model-catalogue';
import { openModelFiles, OWN_MODELS_PATH } from '#signaling/model-files';
import { MDNS_PORT, openMulticast } from '#signaling/multicast';
import { keepOpenCommunity } from '#signaling/open-community';
import { createSockets, refuseUpgrade } from '#signaling/sockets';
import { startStun } from '#signaling/stun';
import { systemChance } from '#signaling/system-chance';

export const SIGNALING_PATH = '/peerjs';
export const AUTHORITY_PATH = '/tabmesh-ca.crt';
const OPEN_COMMUNITY_NAME = 'Open mesh';

/** How often a TLS server looks whether this machine's addresses changed. */
const ADDRESS_CHECK_MS = 60_000;
/** How long a request may take to arrive; slower ones only hold sockets. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** How long answers that are on their way may take when the server closes. */
const HTTP_GRACE_MS = 500;

/** How the server tells the local network of itself (RFC 6762, RFC 6763). */
export interface AnnounceOptions {
  /** What people read in a list of servers, as `announce` takes it; absent: Tabmesh on this machine. */
  readonly instanceName?: string;
  /** One sentence when the name changes or is lost while the server runs. */
  readonly onChange?: (sentence: string) => void;
  /** Absent: the port of multicast DNS, and every network on which the server is reached. */
  readonly multicast?: { readonly port: number; readonly interfaces: () => readonly LanInterface[] };
}

/** What the server serves besides signaling. */
export type ServedApp =
  | { readonly kind: 'none' }
  /** The folder that `vite build` wrote. */
  | { readonly kind: 'files'; readonly folder: string }
  /** Vite's development server over the sources in the working folder. */
  | { readonly kind: 'dev' };

export interface ServerOptions {
  /** TCP, and UDP for STUN. 0: any free one. */
  readonly port: number;
  /** An address or name to listen on; absent: every address of this machine. */
  readonly host?: string;
  /** Where the community, invite uses and certificates are kept. Made when missing. */
  readonly dataFolder: string;
  readonly app: ServedApp;
  /** Served in `/api/config` and `/healthz`. */
  readonly version: string;
  readonly tls?: boolean;
  /** What pages are told instead of this server's own STUN. */
  readonly iceServers?: ServerConfig['iceServers'];
  /** False: no UDP socket, and no STUN server of ours in `/api/config`. */
  readonly stun?: boolean;
  /** Origins (`https://example.org`) whose pages may connect besides this server's own. */
  readonly allowedOrigins?: readonly string[];
  readonly communityName?: string;
  readonly limits?: Partial<SignalingLimits>;
  readonly clock?: Clock;
  readonly chance?: Chance;
  readonly verify?: Verify;
  readonly openRedemption?: OpenRedemption;
  /** Names for the server's certificate, asked again from time to time; absent: what this machine answers to. */
  readonly certificateNames?: () => readonly string[];
  /** Absent: nothing is sent to the local network. */
  readonly announce?: AnnounceOptions;
  /**
   * A catalogue of models whose entries are added to the built-in ones, or take their place. The files beside it are served
   * below OWN_MODELS_PATH: entries name them by the source `{ kind: 'app', folder: 'models/own/…' }`.
   */
  readonly modelsFile?: string;
}

export interface RunningServer {
  /** An address for a browser on this machine. */
  readonly url: string;
  /** Addresses for other devices; empty when the server listens on loopback only. */
  readonly lanUrls: readonly string[];
  readonly port: number;
  readonly stunPort: number | null;
  /** One sentence each: what is off and why. */
  readonly notices: readonly string[];
  readonly communityId: string;
  /** With `tls`: the authority's certificate and its SHA-256 fingerprint. */
  readonly authority: { readonly certificatePem: string; readonly fingerprint: string } | null;
  /** Under which names others on the local network find the server now; null when it is not announced. */
  announced: Announcement['current'];
  health(): Health;
  /** Drains and stops: resolves within three seconds, and nothing of the server is left. Calling again is harmless. */
  close(): Promise<void>;
}

/** `tryStartServer` for tests and benches: a failure to start is thrown. */
export const startServer = async (options: ServerOptions): Promise<RunningServer> =>
  unwrap(await tryStartServer(options));

/**
 * One process, one port: the app, the signaling WebSocket, the configuration and health pages, and STUN on the same
 * port over UDP. Codes: `port_in_use`, `port_unavailable`, `data_damaged`, `data_unreadable`, `data_unwritable`,
 * `bad_models`.
 */
export async function tryStartServer(options: ServerOptions): Promise<Result<RunningServer>> {
  const clock = options.clock ?? createSystemClock();
  const chance = options.chance ?? systemChance;
  const verify = options.verify ?? createVerify();
  const limits: SignalingLimits = { ...DEFAULT_LIMITS, ...options.limits };
  // All names that it may be announced under, so that it needs no new certificate when another server has the first.
  const namesNow = () => [
    ...(options.certificateNames ?? certificateNames)(),
    ...(options.announce === undefined ? [] : HOST_NAMES),
  ];
  const startedAt = clock.monotonicMs();

  const folder = await openDataFolder(options.dataFolder);
  if (!folder.ok) return folder;
  const kept = await keepOpenCommunity({
    folder: folder.value,
    name: options.communityName ?? OPEN_COMMUNITY_NAME,
    clock,
    chance,
    verify,
    seedSigner: createSeedSigner,
  });
  if (!kept.ok) return kept;
  const { community, manifest } = kept.value;
  const models = await openModelCatalogue(kept.value.signer, options.modelsFile);
  if (!models.ok) return models;
  const serveModels = models.value.serve;
  const ownModels = options.modelsFile === undefined ? null : await openModelFiles(dirname(options.modelsFile));
  if (ownModels?.ok === false) return ownModels;
  const serveOwnModels = ownModels?.value.serve ?? null;
  const uses = await openInviteUses(folder.value, clock.now());
  if (!uses.ok) return uses;
  const notices: string[] = [];
  let authority: CertificateAuthority | null = null;
  let certificate: ServerCertificate | null = null;
  if (options.tls === true) {
    const opened = await openAuthority({
      folder: folder.value,
      clock,
      chance,
      hostname: machineName(),
      addresses: lanAddresses(),
    });
    if (!opened.ok) return opened;
    authority = opened.value;
    const certified = await authority.certify(namesNow());
    if (!certified.ok) return certified;
    certificate = certified.value;
    for (const address of lanAddresses()) {
      if (!certificate.names.includes(address)) {
        notices.push(
          `The local authority does not certify the public address ${address}: delete ${AUTHORITY_FILE} in the data folder to make one that does.`,
        );
      }
    }
  }

  const refused = createCounters();
  const relayed = createCounters();
  const stunCounters = createCounters();
  const exchange = createMemoryExchange(chance, { ...limits, sampleSize: ROOM_SAMPLE_SIZE });
  const admission = createAdmission({
    uses: uses.value,
    openRedemption: options.openRedemption ?? openRedemptionOfCore,
    verify,
    clock,
  });
  const sockets = createSockets({
    exchange,
    admission,
    verify,
    clock,
    chance,
    limits,
    refused,
    relayed,
    allowedOrigins: options.allowedOrigins ?? [],
  });

  let draining = false;
  let port = options.port;
  let stunPort: number | null = null;
  let serveApp: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void = notFound;

  const health = (): Health => {
    const { nodes, rooms } = exchange.counts();
    return {
      status: draining ? 'draining' : 'ok',
      version: options.version,
      connections: nodes,
      sockets: sockets.count(),
      rooms,
      uptimeSeconds: Math.floor((clock.monotonicMs() - startedAt) / 1000),
      community: community.id,
      relayed: relayed.all(),
      refused: refused.all(),
      stun: stunPort === null ? null : stunCounters.all(),
    };
  };

  function configFor(request: IncomingMessage): ServerConfig {
    const own = stunPort === null ? [] : [{ urls: `stun:${hostOf(request)}:${stunPort}` }];
    return { version: options.version, community: manifest, iceServers: options.iceServers ?? own };
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(COMMON_HEADERS)) response.setHeader(name, value);
    if (authority !== null && mayAskForTls(hostOf(request))) {
      response.setHeader('Strict-Transport-Security', STRICT_TRANSPORT);
    }
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const readOnly = request.method === 'GET' || request.method === 'HEAD';
    if (path === '/healthz' && readOnly) return sendJson(request, response, draining ? 503 : 200, health());
    if (path === '/metrics' && readOnly) return sendText(response, metricsOf(health()));
    if (path === '/api/config' && readOnly) return sendJson(request, response, 200, configFor(request));
    if (path === '/api/models' && readOnly) return serveModels(request, response);
    if (path === AUTHORITY_PATH && readOnly && authority !== null) return sendAuthority(response, authority);
    if (path.startsWith('/api/')) return notFound(request, response);
    if (serveOwnModels !== null && path.startsWith(OWN_MODELS_PATH)) return void serveOwnModels(request, response);
    void serveApp(request, response);
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = (request.url ?? '').split('?', 1)[0]!;
    if (path === SIGNALING_PATH) return sockets.upgrade(request, socket, head);
    // Vite's own listener on the same server takes these.
    if (options.app.kind === 'dev' && /^vite-(?:hmr|ping)$/.test(request.headers['sec-websocket-protocol'] ?? ''))
      return;
    refuseUpgrade(socket, '404 Not Found');
  }

  const web: HttpServer | HttpsServer =
    certificate === null
      ? createHttpServer(handle)
      : createHttpsServer({ key: certificate.key, cert: certificate.cert }, handle);
  web.requestTimeout = REQUEST_TIMEOUT_MS;
  web.headersTimeout = HEADERS_TIMEOUT_MS;
  web.on('upgrade', upgrade);
  const redirect =
    authority === null ? null : createHttpServer((request, response) => redirectToTls(request, response, authority!));
  const listener: HttpServer | NetServer =
    redirect === null ? (web as HttpServer) : eitherProtocol(web as HttpsServer, redirect);
  const open = new Set<Socket>();
  listener.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });

  const listening = await listen(listener, options.port, options.host);
  if (!listening.ok) {
    await sockets.drain();
    return listening;
  }
  port = listening.value;

  const stun =
    options.stun === false ? null : await startStun({ host: options.host, port, clock, counters: stunCounters });
  if (stun?.ok) stunPort = stun.value.port;
  else if (stun !== null) notices.push(stun.error.message);

  let closeDevApp: () => Promise<void> = async () => undefined;
  if (options.app.kind === 'files') {
    const files = createAppFiles(options.app.folder, clock);
    serveApp = (request, response) => files.serve(request, response);
  } else if (options.app.kind === 'dev') {
    const dev = await startDevApp(web as HttpServer);
    serveApp = dev.serve;
    closeDevApp = dev.close;
  }

  const announcing = options.announce === undefined ? null : await announceServer(options.announce);
  if (announcing?.ok === false) notices.push(announcing.error.message);

  const stopRenewing =
    authority === null
      ? () => undefined
      : clock.every(ADDRESS_CHECK_MS, () => {
          void authority.certify(namesNow()).then((renewed) => {
            if (!renewed.ok || renewed.value.cert === certificate?.cert) return;
            certificate = renewed.value;
            (web as HttpsServer).setSecureContext({ key: renewed.value.key, cert: renewed.value.cert });
          });
        });

  function announceServer({ instanceName, onChange, multicast }: AnnounceOptions): Promise<Result<Announcement>> {
    const bound = (listener.address() as AddressInfo).address;
    return announce({
      instanceName: instanceName ?? defaultInstanceName(),
      port,
      tls: authority !== null,
      interfaces: multicast?.interfaces ?? (() => lanInterfaces(bound)),
      open: openMulticast(clock, multicast?.port),
      multicastPort: multicast?.port ?? MDNS_PORT,
      clock,
      chance,
      onChange: onChange ?? (() => undefined),
    });
  }

  async function stop(): Promise<void> {
    draining = true;
    stopRenewing();
    if (announcing?.ok) await announcing.value.stop();
    await sockets.drain();
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    if (stun?.ok) await stun.value.close();
    await closeDevApp();
    (web as HttpServer).closeIdleConnections();
    const cut = clock.after(HTTP_GRACE_MS, () => {
      for (const socket of open) socket.destroy();
    });
    await closed;
    cut();
  }

  let closing: Promise<void> | null = null;
  const scheme = authority === null ? 'http' : 'https';
  const here = options.host === undefined || /^(?:0\.0\.0\.0|::)$/.test(options.host) ? 'localhost' : options.host;
  const beyond = here === 'localhost' && options.host !== 'localhost' ? lanAddresses() : isLoopback(here) ? [] : [here];

  return ok({
    url: `${scheme}://${urlHost(here)}:${port}`,
    lanUrls: beyond.map((address) => `${scheme}://${urlHost(address)}:${port}`),
    port,
    stunPort,
    notices,
    communityId: community.id,
    authority:
      authority === null ? null : { certificatePem: authority.certificatePem, fingerprint: authority.fingerprint },
    announced: () => (announcing?.ok ? announcing.value.current() : null),
    health,
    close: () => (closing ??= stop()),
  });
}

/** Whether the server could listen there now: asked before work that would be in vain. Codes as of `tryStartServer`. */
export async function checkPort(port: number, host: string | undefined): Promise<Result<void>> {
  const probe = createNetServer();
  const listening = await listen(probe, port, host);
  if (!listening.ok) return listening;
  await new Promise((resolve) => probe.close(resolve));
  return ok(undefined);
}

function listen(server: HttpServer | NetServer, port: number, host: string | undefined): Promise<Result<number>> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(
        error.code === 'EADDRINUSE'
          ? fail('port_in_use', `Port ${port} is in use; stop what uses it, or choose another with --port.`)
          : fail(
              'port_unavailable',
              `The server cannot listen on ${host ?? 'this machine'} port ${port} (${error.code}).`,
            ),
      );
    });
    server.listen({ port, host }, () => {
      server.removeAllListeners('error');
      resolve(ok((server.address() as AddressInfo).port));
    });
  });
}

/** Plain HTTP on a TLS port: the authority's certificate, which a device needs first, and the way to everything else. */
function redirectToTls(request: IncomingMessage, response: ServerResponse, authority: CertificateAuthority): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Connection', 'close');
  if (request.url === AUTHORITY_PATH) return sendAuthority(response, authority);
  const host = request.headers.host ?? '';
  const target = (request.url ?? '/').startsWith('/') ? request.url : '/';
  if (!HOST.test(host)) response.writeHead(400).end();
  else response.writeHead(307, { Location: `https://${host}${target}` }).end();
}

/** A name, IPv4 address or bracketed IPv6 address, with or without a port. */
const HOST = /^([a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?|\[[0-9a-f:.]+\])(:\d{1,5})?$/i;

/**
 * Whether a browser may be told to use nothing but TLS for this host from now on: by name only (RFC 6797 section 8.1.1),
 * and never for names that others share, be it other programs here or the next server on this network.
 */
const mayAskForTls = (host: string): boolean =>
  /[a-z]$/i.test(host) && !isLoopback(host) && !HOST_NAMES.includes(host.toLowerCase());

/** Without the domain, whose dots would be labels of their own, and cut to what a label holds (`machineName` is ASCII). */
const defaultInstanceName = (): string => `Tabmesh on ${machineName().split('.')[0]!}`.slice(0, MAX_INSTANCE_BYTES);

/** The host that the request was made for, as URLs write it, or `localhost` when it is no host at all. */
const hostOf = (request: IncomingMessage): string => HOST.exec(request.headers.host ?? '')?.[1] ?? 'localhost';

function sendJson(request: IncomingMessage, response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'Access-Control-Allow-Origin': '*',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}

function sendText(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(text);
}

function sendAuthority(response: ServerResponse, authority: CertificateAuthority): void {
  response.writeHead(200, {
    'Content-Type': 'application/x-x509-ca-cert',
    'Content-Length': authority.certificateDer.length,
    'Content-Disposition': 'attachment; filename="tabmesh-ca.crt"',
    'Cache-Control': 'no-store',
  });
  response.end(authority.certificateDer);
}

function notFound(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end('There is nothing here.\n');
}
