import type { Chance, Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import {
  answerTo,
  compareClaims,
  hostNameOf,
  instanceOf,
  MAX_NUMBER,
  recordsOf,
  relationTo,
  sameName,
  type Answer,
  type DnsRecord,
  type HeardPacket,
  type OwnRecords,
} from '#signaling/announce-records';
import type { LanInterface } from '#signaling/local-addresses';
import type { MulticastLink, OpenLink, PacketSource } from '#signaling/multicast';

/** RFC 6762 section 8.1. */
const PROBES = 3;
const PROBE_PERIOD_MS = 250;
/** RFC 6762 section 8.2: who loses to someone who probes at the same time looks again after this. */
const LOST_PAUSE_MS = 1_000;
/** Losing more often to someone who then never answers is somebody's game: that name is taken. */
const MAX_LOST = 3;
/** RFC 6762 section 8.1: after so many conflicts, so long between attempts. */
const MAX_QUICK_CONFLICTS = 15;
const CONFLICT_PAUSE_MS = 5_000;
/** RFC 6762 section 8.3: a second announcement for who missed the first. */
const SECOND_ANNOUNCEMENT_MS = 1_000;
/** RFC 6762 section 6: how soon one record may be multicast again, and again for one who probes. */
const REPEAT_MS = 1_000;
const REPEAT_TO_PROBE_MS = 250;
/** RFC 6762 section 6: an answer that others may give too waits this long, by chance. */
const SHARED_DELAY_MS = 20;
const SHARED_SPREAD_MS = 100;
/** RFC 6762 section 10.1: what someone took back is forgotten after a second, unless it is said again before. */
const RESCUE_DELAY_MS = 250;
/** RFC 6762 section 6.7: for who is no full participant and so hears no change. */
const LEGACY_TTL_SECONDS = 10;
/** How often the announcer looks whether this machine's networks changed. */
const NETWORK_CHECK_MS = 60_000;

export interface AnnounceParts {
  /** What `isInstanceName` lets through. */
  readonly instanceName: string;
  readonly port: number;
  readonly tls: boolean;
  /** Asked again from time to time. */
  readonly interfaces: () => readonly LanInterface[];
  readonly open: OpenLink;
  /** The port of multicast DNS: who asks from another one is answered alone. */
  readonly multicastPort: number;
  readonly clock: Clock;
  readonly chance: Chance;
  /** One sentence when the name changed, or was lost for good, after it was announced. */
  readonly onChange: (sentence: string) => void;
}

export interface Announcement {
  /** What this server is called now; null once it lost every name. */
  readonly current: () => { readonly hostName: string; readonly instance: string; readonly url: string } | null;
  /** Takes back what was announced and leaves the group. Calling again is harmless. */
  stop(): Promise<void>;
}

interface Network {
  readonly link: MulticastLink;
  own: OwnRecords;
  /** When each record was last multicast here, in monotonic milliseconds. */
  sentMs: Map<DnsRecord, number>;
  /** What is to be said together, soon. */
  waiting: { answers: Set<DnsRecord>; additionals: Set<DnsRecord>; readonly cancel: () => void } | null;
}

/** Whose name is not ours: because someone has it, or because someone who probes too comes first. */
interface Loss {
  readonly name: 'host' | 'instance';
  readonly to: 'holder' | 'prober';
}

/**
 * Finds a name that nobody else has (probing, RFC 6762 section 8), announces the server under it on every network and
 * answers questions about it until it is stopped. Resolves when the first announcement is out. Codes: `no_network`,
 * `multicast_unavailable`, `names_taken`.
 */
export async function announce(parts: AnnounceParts): Promise<Result<Announcement>> {
  const { clock, chance } = parts;
  let networks: readonly Network[] = [];
  let interfaces: readonly LanInterface[] = [];
  let hostNumber = 1;
  let instanceNumber = 1;
  let conflicts = 0;
  let phase: 'probing' | 'announced' | 'off' = 'probing';
  let stopped = false;
  let loss: Loss | null = null;
  let wake: () => void = () => undefined;
  let cancelSecond: () => void = () => undefined;
  let told = '';

  const hostName = () => hostNameOf(hostNumber);
  const instance = () => instanceOf(parts.instanceName, instanceNumber);
  const url = () => `${parts.tls ? 'https' : 'http'}://${hostName()}:${parts.port}`;
  /** Ours on any network: what this machine says on one of them is heard on another when both are bridged. */
  const unique = () => networks.flatMap(({ own }) => own.unique);
  const randomMs = (spread: number) => (chance.bytes(1)[0]! / 256) * spread;

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve);
      wake = () => (cancel(), resolve());
    });

  function lose(name: string, to: Loss['to']): void {
    if (phase !== 'probing' || loss !== null) return;
    loss = { name: sameName(name, hostName()) ? 'host' : 'instance', to };
    wake();
  }

  function rename(): void {
    const claim = { hostName: hostName(), instance: instance(), port: parts.port, tls: parts.tls };
    for (const network of networks) {
      network.waiting?.cancel();
      network.waiting = null;
      network.own = recordsOf(claim, network.link.lan.addresses);
      network.sentMs = new Map();
    }
  }

  /** Null when nobody objected. */
  async function probe(): Promise<Result<Loss | null>> {
    loss = null;
    await pause(randomMs(PROBE_PERIOD_MS));
    for (let i = 0; i < PROBES && loss === null && !stopped; i++) {
      const sent = await Promise.all(
        networks.map(({ link, own }) =>
          link.send({
            type: 'query',
            questions: [...new Set(own.unique.map(({ name }) => name))].map((name) => ({ name, type: 'ANY' })),
            authorities: own.unique,
          }),
        ),
      );
      const failed = sent.find((result) => !result.ok);
      if (failed?.ok === false && sent.every((result) => !result.ok)) return failed;
      if (loss === null) await pause(PROBE_PERIOD_MS);
    }
    return ok(loss);
  }

  /** Ends with names that are ours, or with the reason why there are none. */
  async function claim(): Promise<Result<void>> {
    phase = 'probing';
    cancelSecond();
    for (let lost = 0; !stopped && networks.length > 0;) {
      if (hostNumber > MAX_NUMBER || instanceNumber > MAX_NUMBER) {
        phase = 'off';
        return fail(
          'names_taken',
          hostNumber > MAX_NUMBER
            ? `Every name from ${hostNameOf(1)} to ${hostNameOf(MAX_NUMBER)} is taken on this network, so this server is not announced; open it by its address.`
            : `Too many servers on this network are called “${parts.instanceName}”, so this one is not announced; give it another name with --announce-name.`,
        );
      }
      if (conflicts > MAX_QUICK_CONFLICTS) await pause(CONFLICT_PAUSE_MS);
      rename();
      const probed = await probe();
      if (!probed.ok) {
        phase = 'off';
        return probed;
      }
      if (stopped) break;
      if (probed.value === null) {
        phase = 'announced';
        await sayAll();
        cancelSecond = clock.after(SECOND_ANNOUNCEMENT_MS, () => void sayAll());
        break;
      }
      conflicts++;
      if (probed.value.to === 'prober' && ++lost < MAX_LOST) {
        await pause(LOST_PAUSE_MS);
        continue;
      }
      lost = 0;
      if (probed.value.name === 'host') hostNumber++;
      else instanceNumber++;
    }
    return ok(undefined);
  }

  const sayAll = () =>
    Promise.all(networks.map((network) => multicast(network, { answers: network.own.announced, additionals: [] })));

  async function multicast({ link, sentMs }: Network, { answers, additionals }: Answer): Promise<void> {
    for (const record of [...answers, ...additionals]) sentMs.set(record, clock.monotonicMs());
    await link.send({ type: 'response', answers, additionals });
  }

  /** Says it together with what else is about to be said, and nothing that was just said. */
  function sayLater(network: Network, answer: Answer, delayMs: number, repeatMs: number): void {
    const now = clock.monotonicMs();
    const isDue = (record: DnsRecord) => (network.sentMs.get(record) ?? -Infinity) + repeatMs <= now;
    const answers = answer.answers.filter(isDue);
    if (answers.length === 0) return;
    if (delayMs === 0) {
      void multicast(network, { answers, additionals: answer.additionals.filter(isDue) });
      return;
    }
    network.waiting ??= {
      answers: new Set(),
      additionals: new Set(),
      cancel: clock.after(delayMs, () => {
        const { answers, additionals } = network.waiting!;
        network.waiting = null;
        for (const record of answers) additionals.delete(record);
        void multicast(network, { answers: [...answers], additionals: [...additionals] });
      }),
    };
    for (const record of answers) network.waiting.answers.add(record);
    for (const record of answer.additionals) if (isDue(record)) network.waiting.additionals.add(record);
  }

  function heard(network: Network, packet: HeardPacket, from: PacketSource): void {
    if (packet.type === 'response') hearResponse(network, packet);
    else if (phase === 'probing') hearProbe(network, packet);
    else if (phase === 'announced') answerQuery(network, packet, from);
  }

  /** Someone else probes for a name while we do. */
  function hearProbe(network: Network, packet: HeardPacket): void {
    const all = unique();
    for (const name of new Set(network.own.unique.map((record) => record.name))) {
      const theirs = packet.authorities.filter((record) => sameName(record.name, name));
      if (theirs.every((record) => relationTo(all, record) !== 'foreign')) continue;
      const ours = network.own.unique.filter((record) => record.name === name);
      if (compareClaims(theirs, ours) > 0) lose(name, 'prober');
    }
  }

  function hearResponse(network: Network, packet: HeardPacket): void {
    const all = unique();
    for (const record of [...packet.answers, ...packet.additionals]) {
      const relation = relationTo(all, record);
      if (relation === 'foreign' && record.ttl > 0) {
        if (phase === 'announced') {
          // RFC 6762 section 9: back to probing; who has the name then defends it, and the other takes the next.
          conflicts++;
          phase = 'probing';
          enqueue(reclaim);
          return;
        }
        lose(record.name, 'holder');
      } else if (relation === 'ours' && phase === 'announced') {
        // Another server on this machine takes back an address that we share with it (RFC 6762 section 10.1).
        const own = network.own.unique.filter((mine) => relationTo([mine], record) === 'ours');
        const fading = own.filter((mine) => record.ttl * 2 < mine.ttl);
        sayLater(network, { answers: fading, additionals: [] }, RESCUE_DELAY_MS, 0);
      }
    }
  }

  function answerQuery(network: Network, packet: HeardPacket, from: PacketSource): void {
    const answer = answerTo(network.own, packet.questions, packet.answers);
    if (answer.answers.length === 0) return;
    if (from.port !== parts.multicastPort) {
      const plain = (record: DnsRecord): DnsRecord => ({
        ...record,
        flush: false,
        ttl: Math.min(record.ttl, LEGACY_TTL_SECONDS),
      });
      void network.link.send(
        {
          type: 'response',
          id: packet.id,
          questions: packet.questions.map(({ name, type }) => ({ name, type })),
          answers: answer.answers.map(plain),
          additionals: answer.additionals.map(plain),
        },
        from,
      );
      return;
    }
    const isProbe = packet.authorities.length > 0;
    const isShared = answer.answers.some(({ flush }) => !flush);
    sayLater(
      network,
      answer,
      isShared && !isProbe ? SHARED_DELAY_MS + randomMs(SHARED_SPREAD_MS) : 0,
      isProbe ? REPEAT_TO_PROBE_MS : REPEAT_MS,
    );
  }

  async function leave(): Promise<void> {
    cancelSecond();
    for (const network of networks) network.waiting?.cancel();
    await Promise.all(networks.map(({ link }) => link.close()));
    networks = [];
  }

  /** Opens what this machine is connected to now. A network without multicast is left out as long as another has it. */
  async function join(): Promise<Result<void>> {
    interfaces = parts.interfaces();
    const opened = await Promise.all(
      interfaces.map(async (lan): Promise<Result<Network>> => {
        let network: Network | null = null;
        const link = await parts.open(lan, (packet, from) => {
          if (network !== null && networks.includes(network)) heard(network, packet, from);
        });
        if (!link.ok) return link;
        network = {
          link: link.value,
          own: { unique: [], announced: [], goodbye: [], only: [] },
          sentMs: new Map(),
          waiting: null,
        };
        return ok(network);
      }),
    );
    networks = opened.flatMap((result) => (result.ok ? [result.value] : []));
    const failed = opened.find((result) => !result.ok);
    return networks.length === 0 && failed?.ok === false ? failed : ok(undefined);
  }

  /** Claims again after the name was announced, and says what came of it. */
  async function reclaim(): Promise<void> {
    const claimed = await claim();
    if (stopped) return;
    if (!claimed.ok) parts.onChange(claimed.error.message);
    else if (phase === 'announced' && told !== url()) {
      parts.onChange(`Another device has the name that this server had; it is ${url()} now.`);
      told = url();
    }
  }

  async function rejoin(): Promise<void> {
    if (phase === 'off' || JSON.stringify(parts.interfaces()) === JSON.stringify(interfaces)) return;
    await leave();
    const joined = await join();
    if (joined.ok) await reclaim();
    // Tried again at the next look: multicast may come up after the address.
    else interfaces = [];
  }

  let work: Promise<void> = Promise.resolve();
  function enqueue(step: () => Promise<void>): void {
    // A step that breaks (a system may refuse to list its networks) ends nothing else: the next look begins again.
    work = work.then(() => (stopped ? undefined : step())).catch(() => void (interfaces = []));
  }

  const joined = await join();
  if (!joined.ok) return joined;
  if (networks.length === 0) {
    return fail('no_network', 'This server is reached from this machine only, so there is nobody to announce it to.');
  }
  const claimed = await claim();
  if (!claimed.ok) {
    await leave();
    return claimed;
  }
  told = url();
  const stopChecking = clock.every(NETWORK_CHECK_MS, () => enqueue(rejoin));

  async function stop(): Promise<void> {
    stopped = true;
    stopChecking();
    wake();
    await work;
    const wasAnnounced = phase === 'announced';
    phase = 'off';
    if (wasAnnounced) {
      await Promise.all(networks.map(({ link, own }) => link.send({ type: 'response', answers: own.goodbye })));
    }
    await leave();
  }

  let stopping: Promise<void> | null = null;
  return ok({
    current: () => (phase === 'off' ? null : { hostName: hostName(), instance: instance(), url: url() }),
    stop: () => (stopping ??= stop()),
  });
}
