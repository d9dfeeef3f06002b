/** What hangs on an answer, as the person says. */
export type Stakes = 'ordinary' | 'raised' | 'high';

/** How many executors an answer takes, and how many of them must agree. */
export interface JobClass {
  readonly name: 'one' | 'two-of-three' | 'three-of-five';
  /** As many are asked at once, and as many must agree. */
  readonly agree: number;
  /** Further ones are asked one by one until enough agree or so many answered. */
  readonly most: number;
  /** Whether models of two families look at what the answer says, besides the check of how it was made. */
  readonly audited: boolean;
}

/**
 * One answer, checked by others, is enough for most questions: with an audit behind it lying does not pay. Two of three stop one wrong
 * answer, three of five two. Independent errors of 10 % pass in 2.8 % and 0.9 % of cases then; replicas that all err alike are no help.
 */
const CLASSES: Readonly<Record<Stakes, JobClass>> = {
  ordinary: { name: 'one', agree: 1, most: 1, audited: false },
  raised: { name: 'two-of-three', agree: 2, most: 3, audited: false },
  high: { name: 'three-of-five', agree: 3, most: 5, audited: true },
};

/** Work whose results cannot be combined is given to one executor, whatever is at stake. */
export function jobClassOf(stakes: Stakes | undefined, canCombine: boolean): JobClass {
  const wanted = CLASSES[stakes ?? 'ordinary'];
  return canCombine ? wanted : { ...CLASSES.ordinary, audited: wanted.audited };
}
