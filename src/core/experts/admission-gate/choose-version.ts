import { utf8 } from '../../base/bytes';
import { sha256 } from '../../base/canonical';
import { compareVersions } from './expert-registry';
import { judgeCanary, LEAST_OLD_AUDITS, type AuditedCounts, type CanaryJudgement } from './judge-canary';

/** Of the requests that are not of high stakes: enough to gather audits within a day, little enough that a bad version harms few. */
export const CANARY_PERCENT = 5;

export interface VersionRecord extends AuditedCounts {
  readonly version: string;
  readonly modelHash: string;
}

/** `settled`: serves all. `canary`: is tried on a share. `rolled-back`: was found worse. */
export type Standing = 'settled' | 'canary' | 'rolled-back';

export interface RankedVersion extends VersionRecord {
  readonly standing: Standing;
  /** Why, where a version was compared with the one that serves. */
  readonly judgement: CanaryJudgement | null;
}

/**
 * Where each version of one expert stands, newest first. The one that serves is the one with the most audits here, once it has enough to
 * compare with; before that the one that the signed catalogue names, else the oldest: a newcomer cannot claim the place. Every other
 * version is judged against it by its audits, unless that was decided before: a sequential test ends with its first decision.
 */
export function standingsOf(
  versions: readonly VersionRecord[],
  namedHash: string | null,
  decided: ReadonlyMap<string, Exclude<Standing, 'canary'>>,
): readonly RankedVersion[] {
  const mayServe = (one: VersionRecord): boolean => decided.get(one.modelHash) !== 'rolled-back';
  const audits = ({ accepted, rejected }: AuditedCounts): number => accepted + rejected;
  const oldestFirst = [...versions].sort(compareVersions);
  const proven = oldestFirst
    .filter(mayServe)
    .reduce<VersionRecord | undefined>(
      (most, one) => (audits(one) >= LEAST_OLD_AUDITS && audits(one) > (most ? audits(most) : 0) ? one : most),
      undefined,
    );
  const serving =
    proven ?? oldestFirst.find((one) => one.modelHash === namedHash && mayServe(one)) ?? oldestFirst.find(mayServe);
  return oldestFirst.reverse().map((one): RankedVersion => {
    const before = decided.get(one.modelHash);
    if (before !== undefined && one !== serving) return { ...one, standing: before, judgement: null };
    if (one === serving || serving === undefined) return { ...one, standing: 'settled', judgement: null };
    const judgement = judgeCanary({ old: serving, fresh: one });
    const standing = { promote: 'settled', keep: 'canary', 'roll-back': 'rolled-back' } as const;
    return { ...one, standing: standing[judgement.decision], judgement };
  });
}

export type VersionStakes = 'ordinary' | 'high';

/**
 * Which version a request goes to. `CANARY_PERCENT` of the requests, told by a hash of their trace id, go to a version that is being
 * tried, all such versions together; everything else, and everything of high stakes, to the newest settled one. The same trace
 * always gives the same version. Null when nothing may serve.
 */
export function chooseVersion(
  versions: readonly RankedVersion[],
  traceId: string,
  stakes: VersionStakes,
): RankedVersion | null {
  const newestFirst = [...versions].sort((a, b) => compareVersions(b, a));
  const settled = newestFirst.find(({ standing }) => standing === 'settled') ?? null;
  const canaries = newestFirst.filter(({ standing }) => standing === 'canary');
  if (stakes === 'high' || canaries.length === 0) return settled;
  if (settled === null) return canaries[0]!;
  const draw = fractionOf(traceId) * 100;
  if (draw >= CANARY_PERCENT) return settled;
  return canaries[Math.floor((draw / CANARY_PERCENT) * canaries.length)]!;
}

/** A fraction in [0, 1) that follows from the trace id alone; the prefix keeps it apart from other draws by the same id. */
function fractionOf(traceId: string): number {
  const [a, b, c, d] = sha256(utf8(`canary ${traceId}`));
  return (((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0) / 0x1_0000_0000;
}
