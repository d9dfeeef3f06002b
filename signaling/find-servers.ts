import type { Clock } from '#core/base/ports';
import { SERVICE, serversIn, type DnsRecord, type FoundServer } from '#signaling/announce-records';
import type { LanInterface } from '#signaling/local-addresses';
import type { OpenLink } from '#signaling/multicast';

/** What is kept of what others say; a network with more servers than this shows some of them. */
const MAX_KEPT_RECORDS = 512;
const MAX_SERVERS = 16;
/** RFC 6762 section 5.2: again after a second, because what was said just before we came is not said again sooner. */
const REPEAT_MS = 1_000;

export interface FindParts {
  readonly timeoutMs: number;
  readonly interfaces: readonly LanInterface[];
  readonly open: OpenLink;
  readonly clock: Clock;
}

/**
 * The servers that announce themselves on these networks, this machine's own ones too, as they said within `timeoutMs`.
 * None where multicast is not possible. Whoever is on the network can announce anything: this is a hint, not a proof.
 */
export async function findServers({ timeoutMs, interfaces, open, clock }: FindParts): Promise<readonly FoundServer[]> {
  const kept: DnsRecord[] = [];
  const opened = await Promise.all(
    interfaces.map((lan) =>
      open(lan, ({ type, answers, additionals }) => {
        if (type !== 'response') return;
        kept.push(...[...answers, ...additionals].slice(0, MAX_KEPT_RECORDS - kept.length));
      }),
    ),
  );
  const links = opened.flatMap((link) => (link.ok ? [link.value] : []));
  const ask = () => {
    for (const link of links) void link.send({ type: 'query', questions: [{ name: SERVICE, type: 'PTR' }] });
  };
  if (links.length > 0) {
    ask();
    const stopAsking = clock.every(REPEAT_MS, ask);
    await new Promise<void>((resolve) => clock.after(timeoutMs, resolve));
    stopAsking();
  }
  await Promise.all(links.map((link) => link.close()));
  return serversIn(kept).slice(0, MAX_SERVERS);
}
