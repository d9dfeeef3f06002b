import type { LocalityBucket } from './card-fields';

/** By the first part of a zone's name in the IANA time zone database. Oceans and poles would name a handful of people. */
const BUCKET_OF_AREA: Readonly<Record<string, LocalityBucket>> = {
  Africa: 'africa',
  America: 'america',
  Asia: 'asia',
  Australia: 'oceania',
  Europe: 'europe',
  Pacific: 'oceania',
};

/** The continent of a time zone such as `Europe/Berlin`, and nothing finer; `unknown` where the zone tells none. */
export function localityBucketOf(timeZone: string | null): LocalityBucket {
  const area = timeZone?.split('/')[0] ?? '';
  return Object.hasOwn(BUCKET_OF_AREA, area) ? BUCKET_OF_AREA[area]! : 'unknown';
}
