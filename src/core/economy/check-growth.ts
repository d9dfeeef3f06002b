import type { Verify } from '../base/ports';
import { openDataShard, type DataShard } from '../ledger/growth/data-shard';
import { mintKeyOf, openContributionReceipt } from '../ledger/growth/open-contribution';
import { idOfSigned } from '../wire/signed';
import type { CheckedCards } from './check-cards';
import type { FaultList, Section } from './economy-report';
import { SECTION_OF_TYPE, type StatementFile } from './statement-files';

/** What receipts of growth came to, for what is held against them. */
export interface CheckedGrowth {
  /** Entries of the data ledger that hold, by content id. */
  readonly shards: ReadonlyMap<string, DataShard>;
  /** What may be minted once, and the file that says so. */
  readonly fileByMintKey: ReadonlyMap<string, string>;
  /** Work and reports that show a skill: whoever names them needs them in the set. */
  readonly shown: readonly {
    readonly section: Section;
    readonly file: string;
    readonly receipts: readonly string[];
    readonly reports: readonly string[];
  }[];
}

/** Every contribution, skill and data shard by all rules, and the terms of teachers that they carry beside the cards of the set. */
export async function checkGrowth(
  statements: readonly StatementFile[],
  { teachers, experts }: CheckedCards,
  verify: Verify,
  faults: FaultList,
): Promise<CheckedGrowth> {
  const shards = new Map<string, DataShard>();
  const fileByMintKey = new Map<string, string>();
  const shown: CheckedGrowth['shown'][number][] = [];

  for (const { file, type, id, signed } of statements) {
    const section = SECTION_OF_TYPE[type]!;
    const against = (code: string, sentence: string): void => faults.against(section, file, { code, sentence });
    faults.checked(section);
    const source =
      type === 'data-shard' ? await openDataShard(signed, verify) : await openContributionReceipt(signed, verify);
    if (!source.ok) {
      against(source.error.code, source.error.message);
      continue;
    }
    const opened = source.value;
    if (opened.fault !== null) against(opened.fault.code, opened.fault.message);
    const { teacherPolicies } = 'shard' in opened ? opened.shard.source : opened.contribution.source;
    if (!teacherPolicies.every((policy) => teachers.has(idOfSigned(policy))))
      against('teacher_policy_missing', 'A teacher policy that it rests on is not in the set, or does not hold.');
    if ('shard' in opened) {
      if (opened.fault === null) shards.set(id, opened.shard);
      continue;
    }
    const key = mintKeyOf(opened.contribution);
    const before = fileByMintKey.get(key);
    if (before !== undefined) against('contributed_twice', `The same is contributed in ${before}.`);
    else fileByMintKey.set(key, file);
    const { execution } = opened.contribution;
    if (execution !== null)
      shown.push({ section, file, receipts: execution.receipts, reports: execution.verifierReports });
  }
  for (const { file, card } of experts) {
    const known = [...shards.values()].filter(({ usedBy }) => usedBy.some((one) => one.modelHash === card.modelHash));
    if (!(card.dataHashes ?? []).every((hash) => known.some(({ content }) => content.hash === hash)))
      faults.against('cards', file, {
        code: 'shard_missing',
        sentence: `Data that ${card.expert} was trained on has no entry in the data ledger that says so.`,
      });
  }
  return { shards, fileByMintKey, shown };
}
