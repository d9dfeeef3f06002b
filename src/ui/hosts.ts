import { nodeName } from '#core/base/node-name';
import type { HostView, OfferView } from '#node/tab/host-views';
import { capabilityWords } from './capability-words';
import { count, counted, list, moment, rate, relative } from './words';

/** Cards and offers of hosts as a person reads them. Money comes in micros of a credit. */

interface Fact {
  readonly label: string;
  readonly value: string;
}

const MICROS_PER_CREDIT = 1_000_000;
const creditFigure = new Intl.NumberFormat('en', { maximumFractionDigits: 6 });

/** `0.017 credits`, `1 credit`, `nothing`. */
export function credits(micros: number): string {
  if (micros === 0) return 'nothing';
  return `${creditFigure.format(micros / MICROS_PER_CREDIT)} ${micros === MICROS_PER_CREDIT ? 'credit' : 'credits'}`;
}

/** Micros per token as the price of a thousand, which is a figure that people can compare. */
export const pricePerThousand = (rateMicros: number): string =>
  rateMicros === 0 ? 'free' : `${credits(rateMicros * 1_000)} per 1,000 tokens`;

/** What stands in a field for credits, and back: an empty field is null, and so is what is no price. */
export const inCredits = (micros: number): string => String(micros / MICROS_PER_CREDIT);
export function microsOf(field: string): number | null {
  const value = Number(field);
  return field.trim() === '' || !Number.isFinite(value) || value < 0 ? null : Math.round(value * MICROS_PER_CREDIT);
}

const ROLE_WORDS = { inference: 'answers', training: 'training', verification: 'checks' } as const;
const ROLE_LABELS = { inference: 'An answer', training: 'Training', verification: 'A check' } as const;

const DEVICE_WORDS: Readonly<Record<HostView['capacity']['deviceClass'], string>> = {
  phone: 'phone or tablet',
  'cpu-only': 'computer without a graphics card for pages',
  '12-gb': 'computer with a graphics card of up to 12 GB',
  '16-gb': 'computer with a graphics card of about 16 GB',
  '24-gb': 'computer with a graphics card of 24 GB or more',
  unmeasured: 'not measured',
};

const LOCALITY_WORDS: Readonly<Record<HostView['locality'], string>> = {
  africa: 'Africa',
  america: 'America',
  asia: 'Asia',
  europe: 'Europe',
  oceania: 'Oceania',
  unknown: 'not told',
};

const PROMPT_WORDS: Readonly<Record<HostView['promptPrivacy'], string>> = {
  public: 'Public ones only',
  redacted: 'Public ones, or with names taken out',
  private_prohibited: 'Nothing private: whoever answers can read it',
};

const receiptWords = (names: readonly string[]): string => list(names.map((name) => name.replaceAll('_', ' ')));
const until = (at: number, now: number): string => `${moment(at)}, ${relative(at, now)}`;

function deviceWords({ deviceClass, gpuMemoryMib, memoryGb }: HostView['capacity']): string {
  const parts = [
    DEVICE_WORDS[deviceClass],
    gpuMemoryMib === 0 ? null : `at least ${count(gpuMemoryMib)} MiB of graphics memory`,
    memoryGb === null ? null : `${memoryGb} GB of memory or more`,
  ];
  return parts.filter((part) => part !== null).join('; ');
}

function ownerWords(owner: HostView['owner']): string {
  if (owner === null) return 'Names nobody';
  return owner.proven
    ? `Certified by ${nodeName(owner.id)}`
    : `Says ${nodeName(owner.id)}; no certificate was shown for that`;
}

/** What a node card says, ready to show. */
export function hostFacts(host: HostView, now: number): readonly Fact[] {
  const { roles, capacity } = host;
  const earning = roles.filter(({ earns }) => earns).map(({ role }) => ROLE_WORDS[role]);
  const line = capacity.bandwidthMbps;
  return [
    { label: 'Roles', value: `Earns with ${list(earning)}` },
    { label: 'Work', value: host.taskClasses.length === 0 ? 'None' : list(host.taskClasses.map(capabilityWords)) },
    { label: 'Device', value: deviceWords(capacity) },
    {
      label: 'Speed',
      value:
        capacity.decodeMilliTokensPerS === null
          ? 'not measured'
          : `writes ${rate(capacity.decodeMilliTokensPerS / 1_000)}`,
    },
    {
      label: 'At once',
      value: `${counted(capacity.maxConcurrentJobs, 'job')}, ${counted(capacity.uptimeWindowHours, 'hour')} a day${line === null ? '' : `; a line of about ${count(line)} Mbit/s`}`,
    },
    { label: 'Where', value: LOCALITY_WORDS[host.locality] },
    { label: 'Prompts', value: PROMPT_WORDS[host.promptPrivacy] },
    { label: 'Receipts it requires', value: receiptWords(host.receipts) },
    { label: 'Whose', value: ownerWords(host.owner) },
    { label: 'Signed by', value: `${nodeName(host.nodeId)}, ${relative(host.signedAt, now)}` },
    { label: 'Valid until', value: until(host.validUntil, now) },
  ];
}

/** What an offer says, ready to show. */
export function offerFacts(offer: OfferView, now: number): readonly Fact[] {
  const { expertCard } = offer;
  return [
    ...offer.rates.map(({ role, rateMicros }) => ({ label: ROLE_LABELS[role], value: pricePerThousand(rateMicros) })),
    { label: 'A job at least', value: credits(offer.minimumJobMicros) },
    { label: 'Work', value: list(offer.taskClasses.map(capabilityWords)) },
    {
      label: 'Expert card',
      value:
        expertCard === null
          ? 'Named, but not shown'
          : `writes ${rate(expertCard.writesPerS)}; ${expertCard.evaluated ? 'evaluated' : 'not evaluated yet'}${expertCard.licence === null ? '' : `; ${expertCard.licence}`}`,
    },
    { label: 'Receipts it leaves', value: receiptWords(offer.receipts) },
    { label: 'Valid until', value: until(offer.validUntil, now) },
  ];
}
