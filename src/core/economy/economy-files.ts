import * as v from 'valibot';
import { hex } from '../base/bytes';
import { sha256 } from '../base/canonical';
import { cidSchema } from '../base/ids';
import { jsonText } from '../base/json-text';
import type { Signer, Verify } from '../base/ports';
import { fail, ok, unwrap, type Result } from '../base/result';
import { instantSchema, soleSigner } from '../identity/community';
import type { NodeId } from '../base/ids';
import { reportOf, type LedgerReplay, type ReplayedLogs } from '../ledger/replay';
import { checkAgainst } from '../wire/gate';
import { idOfSigned, openSigned, sign, type Signed } from '../wire/signed';
import { readable } from '../wire/signed-text';

/** Files by their path below the folder of a set, with `/` between. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** The signed list of all other files. */
export const INDEX_FILE = 'index.json';
export const COMMUNITY_FILE = 'community.json';
export const BRICKS_FILE = 'bricks.json';
/** The logs as any member exports them; the same for reading; and what they come to. */
export const LEDGER_FILE = 'ledger/ledger.json';
export const LEDGER_VIEW_FILE = 'ledger/entries.json';
export const OUTCOME_FILE = 'ledger/outcome.json';

/** As many as one signed list holds. */
export const MAX_SET_FILES = 160;

const pathSchema = v.pipe(v.string(), v.maxLength(128), v.regex(/^[a-z0-9-]+(\/[a-z0-9-]+)*\.json$/, 'not a path'));

/** Which files a community says that its economy comes to at one time: signed by its founder. */
export const economySetSchema = v.strictObject({
  type: v.literal('economy-set'),
  v: v.literal(1),
  community: cidSchema,
  /** When: cards and offers are held against this time. */
  at: instantSchema,
  files: v.pipe(
    v.array(
      v.strictObject({
        path: pathSchema,
        sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
        sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a SHA-256')),
      }),
    ),
    v.minLength(1),
    v.maxLength(MAX_SET_FILES),
    v.check((files) => new Set(files.map(({ path }) => path)).size === files.length, 'a path twice'),
  ),
});

export type EconomySet = v.InferOutput<typeof economySetSchema>;

const listedOf = (path: string, bytes: Uint8Array) => ({ path, sizeBytes: bytes.length, sha256: hex(sha256(bytes)) });

/** The list of these files, ascending by path. A path that the schema refuses is our own bug and throws. */
export function createEconomySet(
  signer: Signer,
  { community, at, files }: { readonly community: string; readonly at: number; readonly files: Files },
): Promise<Signed> {
  const paths = [...files.keys()].sort();
  const listed = paths.map((path) => listedOf(path, files.get(path)!));
  return sign(
    signer,
    unwrap(checkAgainst(economySetSchema, { type: 'economy-set', v: 1, community, at, files: listed })),
  );
}

/** A list from outside, and who signed it. Codes of the gate and of `openSigned`, `signer_missing`. */
export async function openEconomySet(
  signed: Signed,
  verify: Verify,
): Promise<Result<{ readonly id: string; readonly by: NodeId; readonly set: EconomySet }>> {
  const opened = await openSigned(economySetSchema, signed, verify);
  if (!opened.ok) return opened;
  const by = soleSigner(signed);
  if (by === null) return fail('signer_missing', 'The list of files is signed by more than one.');
  return ok({ id: idOfSigned(signed), by, set: opened.value });
}

/** What is wrong with a file that is listed, or null. */
export function faultOfListed(
  listed: EconomySet['files'][number],
  bytes: Uint8Array | undefined,
): { readonly code: string; readonly sentence: string } | null {
  if (bytes === undefined) return { code: 'file_missing', sentence: `${listed.path} is listed and not there.` };
  const found = listedOf(listed.path, bytes);
  if (found.sizeBytes !== listed.sizeBytes)
    return {
      code: 'file_changed',
      sentence: `${listed.path} has ${found.sizeBytes} bytes instead of ${listed.sizeBytes}.`,
    };
  return found.sha256 === listed.sha256
    ? null
    : { code: 'file_changed', sentence: `${listed.path} was changed: its SHA-256 is another one.` };
}

const document = (value: unknown): string => `${jsonText(value, { indent: 2, sortKeys: true })}\n`;

/** Every entry of the logs for reading, in the order of the ledger file. */
export const renderLedgerView = ({ entries }: Pick<ReplayedLogs, 'entries'>): string =>
  document({
    format: 'tabmesh-ledger-entries',
    v: 1,
    entries: entries.map(({ author, seq, id, lamport, at, refs, event }) => ({
      author,
      seq,
      id,
      lamport,
      at,
      refs,
      event: readable(event),
    })),
  });

/** What the logs come to, as `ledger replay` prints it. */
export const renderOutcome = (replay: LedgerReplay): string => document(replay);

/** Both documents that a ledger file gives. */
export const ledgerDocuments = (replayed: ReplayedLogs): { readonly view: string; readonly outcome: string } => ({
  view: renderLedgerView(replayed),
  outcome: renderOutcome(reportOf(replayed)),
});
