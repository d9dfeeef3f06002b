import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { openManifest } from '../identity/community';
import { reportOf } from '../ledger/replay';
import { openBricks, countsOf } from './bricks';
import { checkCards } from './check-cards';
import { checkGrowth } from './check-growth';
import { checkLedger, checkMints } from './check-ledger';
import { checkWork } from './check-work';
import {
  BRICKS_FILE,
  COMMUNITY_FILE,
  faultOfListed,
  INDEX_FILE,
  LEDGER_FILE,
  LEDGER_VIEW_FILE,
  openEconomySet,
  OUTCOME_FILE,
  type EconomySet,
  type Files,
} from './economy-files';
import { createFaultList, SECTIONS, type EconomyReport, type FaultList, type Section } from './economy-report';
import { readStatementFile, SECTION_OF_TYPE, textOf, type StatementFile } from './statement-files';

/** Files that are no statement of a card or a receipt. */
const OTHER_FILES: ReadonlySet<string> = new Set([
  INDEX_FILE,
  COMMUNITY_FILE,
  BRICKS_FILE,
  LEDGER_FILE,
  LEDGER_VIEW_FILE,
  OUTCOME_FILE,
]);

/**
 * Holds a community's economy against itself, from its files alone: the signed list of them, the bricks, cards, receipts of growth and
 * of work, and the ledger, replayed from nothing; then each against the others. Everything is checked, whatever else was
 * wrong, and every fault names its file. The same files give the same report. Code `nothing_to_check`: there is no list, or it lists
 * nothing of some section.
 */
export async function checkEconomy(files: Files, verify: Verify): Promise<Result<EconomyReport>> {
  const index = files.get(INDEX_FILE);
  if (index === undefined)
    return fail('nothing_to_check', `There is nothing to check: a set has a list of its files, ${INDEX_FILE}.`);
  const faults = createFaultList();
  const listed = await checkList(files, index, verify, faults);
  if (listed === null)
    return ok({ ok: false, set: null, sections: faults.sections, bricks: null, ledger: null, faults: faults.faults });

  const bySection = readStatements(files, faults);
  const bricks = checkBricks(files, faults);
  const { at, community } = listed.set;
  const cards = await checkCards(bySection.get('cards') ?? [], { verify, at }, faults);
  const contributed = [...(bySection.get('growth') ?? []), ...(bySection.get('skills') ?? [])];
  const growth = await checkGrowth(contributed, cards, verify, faults);
  const replayed = await checkLedger(files, community, verify, faults);
  if (replayed !== null) checkMints(replayed, growth, faults);
  await checkWork(bySection.get('work') ?? [], { verify, community, cards, growth, replayed }, faults);

  const empty = faults.sections.filter(({ checked }) => checked === 0);
  // What is missing because it could not be read is told as that.
  if (empty.length > 0 && faults.ok) {
    const names = empty.map(({ section }) => section).join(', ');
    return fail('nothing_to_check', `There is nothing to check of: ${names}.`);
  }
  return ok({
    ok: faults.ok,
    set: { id: listed.id, signedBy: listed.by, community, at, files: listed.set.files.length },
    sections: faults.sections,
    bricks,
    ledger: replayed === null ? null : reportOf(replayed),
    faults: [...faults.faults].sort((a, b) => SECTIONS.indexOf(a.section) - SECTIONS.indexOf(b.section)),
  });
}

/** The list, by whom it must be, and every file that it names; null where it cannot be read. */
async function checkList(
  files: Files,
  index: Uint8Array,
  verify: Verify,
  faults: FaultList,
): Promise<{ readonly id: string; readonly by: string; readonly set: EconomySet } | null> {
  const against = (file: string, fault: { code: string; sentence: string }): void =>
    faults.against('list', file, fault);
  const read = readStatementFile(INDEX_FILE, index);
  const opened = read.ok ? await openEconomySet(read.value.signed, verify) : read;
  if (!opened.ok) {
    against(INDEX_FILE, { code: opened.error.code, sentence: opened.error.message });
    return null;
  }
  const { set, by } = opened.value;
  const listedPaths = new Set(set.files.map(({ path }) => path));
  for (const file of set.files) {
    faults.checked('list');
    const fault = faultOfListed(file, files.get(file.path));
    if (fault !== null) against(file.path, fault);
  }
  for (const path of files.keys())
    if (path !== INDEX_FILE && !listedPaths.has(path))
      against(path, { code: 'not_listed', sentence: `${path} is not in the list.` });

  const founded = await communityOf(files, verify);
  if (!founded.ok) against(COMMUNITY_FILE, { code: founded.error.code, sentence: founded.error.message });
  else if (founded.value.id !== set.community)
    against(COMMUNITY_FILE, { code: 'wrong_community', sentence: 'The list belongs to another community.' });
  else if (founded.value.founder !== by)
    against(INDEX_FILE, {
      code: 'signer_missing',
      sentence: 'The list is not signed by the founder of the community.',
    });
  return opened.value;
}

async function communityOf(files: Files, verify: Verify) {
  const bytes = files.get(COMMUNITY_FILE);
  if (bytes === undefined) return fail('file_missing', `${COMMUNITY_FILE} is not there.`);
  const read = readStatementFile(COMMUNITY_FILE, bytes);
  return read.ok ? openManifest(read.value.signed, verify) : read;
}

/** Every statement by its section, ascending by path. One that cannot be read is a fault of the section of the list: nobody knows what it is. */
function readStatements(files: Files, faults: FaultList): ReadonlyMap<Section, readonly StatementFile[]> {
  const bySection = new Map<Section, StatementFile[]>();
  for (const path of [...files.keys()].sort()) {
    if (OTHER_FILES.has(path)) continue;
    const read = readStatementFile(path, files.get(path)!);
    const section = read.ok ? SECTION_OF_TYPE[read.value.type] : undefined;
    if (!read.ok) faults.against('list', path, { code: read.error.code, sentence: read.error.message });
    else if (section === undefined)
      faults.against('list', path, {
        code: 'unknown_statement',
        sentence: `Nobody knows statements called ${JSON.stringify(read.value.type).slice(0, 60)}.`,
      });
    else bySection.set(section, [...(bySection.get(section) ?? []), read.value]);
  }
  return bySection;
}

function checkBricks(files: Files, faults: FaultList): EconomyReport['bricks'] {
  const bytes = files.get(BRICKS_FILE);
  if (bytes === undefined) return null;
  faults.checked('bricks');
  const text = textOf(bytes);
  const opened = text.ok ? openBricks(text.value) : text;
  if (!opened.ok) {
    faults.against('bricks', BRICKS_FILE, { code: opened.error.code, sentence: opened.error.message });
    return null;
  }
  for (const fault of opened.value.faults) faults.against('bricks', BRICKS_FILE, fault);
  return countsOf(opened.value.bricks.bricks);
}
