import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { SAMPLE_AT } from '#cli/economy/sample-cards';
import { sampleEconomy } from '#cli/economy/sample-economy';
import { createSamplePeople } from '#cli/economy/sample-people';
import { createVerify } from '#adapters/verify-node';
import { rememberingVerify } from '#tests/fakes/remembering-verify';
import { signerNamed } from '#tests/fakes/test-community';
import { utf8, utf8Decode } from '../base/bytes';
import { decodeCanonical } from '../base/canonical';
import type { Signer } from '../base/ports';
import { unwrap } from '../base/result';
import { createManifest } from '../identity/community';
import { EMPTY_HEAD, equivocationOf, openEntry, signEntry } from '../ledger/chain';
import { contributionIdOf, type Contribution } from '../ledger/growth/contribution-receipt';
import { createFinding, type Finding } from '../ledger/growth/finding';
import { ledgerEventSchema } from '../ledger/events';
import { parseLedgerFile, renderLedgerFile, type LedgerFile } from '../ledger/ledger-file';
import { addSignature, idOfSigned, sign, type Signed, type SignedBody } from '../wire/signed';
import { signedFromText, signedText } from '../wire/signed-text';
import type { Bricks } from './bricks';
import { checkEconomy } from './check-economy';
import {
  BRICKS_FILE,
  COMMUNITY_FILE,
  createEconomySet,
  INDEX_FILE,
  LEDGER_FILE,
  LEDGER_VIEW_FILE,
  OUTCOME_FILE,
  type Files,
} from './economy-files';
import { SECTIONS, type EconomyReport } from './economy-report';

const people = createSamplePeople();
const verify = rememberingVerify(createVerify());
/** Bricks in small: a check of the whole looks at all of it each time. */
const bricks: Bricks = {
  format: 'tabmesh-bricks',
  v: 1,
  bricks: (['stable', 'missing'] as const).map((status, at) => ({
    id: `brick_${at}`,
    name: 'Brick',
    purpose: 'Holds something up.',
    status: status === 'stable' ? 'closed_poc' : 'research_packet',
    input: 'in',
    operation: 'does',
    output: 'out',
    measure: 'more',
    parts: [{ id: 'part', does: 'Something.', status, tests: status === 'stable' ? ['a.test.ts'] : [] }],
    closure: {
      status: status === 'stable' ? 'closed' : 'open',
      stable: status === 'stable' ? ['part'] : [],
      proto: [],
      missing: status === 'missing' ? ['part'] : [],
    },
    kill: ['It falls.'],
    next: 'Build it.',
  })),
  counts: {
    bricks: 2,
    status: { closed_poc: 1, proto_brick: 0, research_packet: 1 },
    closure: { closed: 1, partially_closed: 0, open: 1 },
  },
  missing: ['brick_1.part'],
};

let sample: ReadonlyMap<string, Uint8Array>;
beforeAll(async () => {
  sample = await sampleEconomy(`${JSON.stringify(bricks, null, 2)}\n`);
});

const textIn = (files: Files, path: string): string => utf8Decode(files.get(path)!);
const reportOf = async (files: Files): Promise<EconomyReport> => unwrap(await checkEconomy(files, verify));
const codesOf = async (files: Files): Promise<string[]> =>
  (await reportOf(files)).faults.map(({ file, code }) => `${file} ${code}`);

/** The set with files replaced (null: taken away), and its list made anew by whoever founded the community. */
async function listedAnew(
  change: Readonly<Record<string, string | Signed | null>>,
  at = SAMPLE_AT + 45 * 60_000,
  founder: Signer = people.founder,
): Promise<Files> {
  const files = new Map(sample);
  files.delete(INDEX_FILE);
  for (const [path, given] of Object.entries(change)) {
    if (given === null) files.delete(path);
    else files.set(path, utf8(typeof given === 'string' ? given : signedText(given)));
  }
  const community = idOfSigned(signedIn(COMMUNITY_FILE));
  const index = await createEconomySet(founder, { community, at, files });
  return files.set(INDEX_FILE, utf8(signedText(index)));
}

const signedIn = (path: string): Signed => unwrap(signedFromText(textIn(sample, path)));
const bodyOf = <T>(path: string): T => unwrap(decodeCanonical(signedIn(path).payload)) as T;

/** What a file says with something else in it, signed again by those who must. */
async function resigned(path: string, signers: readonly Signer[], change: object): Promise<Signed> {
  let signed = await sign(signers[0]!, { ...bodyOf<SignedBody>(path), ...change });
  for (const signer of signers.slice(1)) signed = await addSignature(signer, signed);
  return signed;
}

/** Every value of a JSON document, by its path. */
function leavesOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** The document with one value another one of the same type. */
function withAnother(text: string, path: readonly (string | number)[]): string {
  const document = JSON.parse(text) as unknown;
  let holder = document as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>;
  const [last, value] = [path.at(-1)!, holder[path.at(-1)!]];
  holder[last] =
    typeof value === 'number'
      ? value + 1
      : typeof value === 'boolean'
        ? !value
        : typeof value === 'string'
          ? `${value.startsWith('a') ? 'b' : 'a'}${value.slice(1)}`
          : 0;
  return `${JSON.stringify(document, null, text.startsWith('{\n  ') ? 2 : 1)}\n`;
}

let whole: EconomyReport;
beforeAll(async () => {
  whole = await reportOf(sample);
});

describe('the sample', () => {
  test('holds in every section', () => {
    expect(whole).toMatchObject({ ok: true, faults: [], set: { signedBy: people.founder.nodeId } });
    expect(whole.sections.map(({ section }) => section)).toEqual([...SECTIONS]);
    expect(whole.sections.filter(({ checked, faults }) => checked === 0 || faults > 0)).toEqual([]);
    expect(whole.bricks).toEqual({ counts: bricks.counts, missing: bricks.missing });
  });

  test('comes to what was worked and contributed: an answer, a training, and one mint', () => {
    const { ledger } = whole;
    const balanceOf = ({ nodeId }: Signer) =>
      ledger!.accounts.find(({ account }) => account === nodeId)!.confirmedMicros;
    // 20 tokens at 150, 20,000 at 40; a fifth to both who checked; a million times 1.2 for the contribution.
    expect(balanceOf(people.asker)).toBe(-(3_000 + 800_000));
    expect(balanceOf(people.host)).toBe(((3_000 + 800_000) * 4) / 5);
    for (const checker of people.checkers) expect(balanceOf(checker)).toBe((3_000 + 800_000) / 10);
    expect(balanceOf(people.author)).toBe(1_200_000);
    expect(ledger).toMatchObject({ supplyMicros: 1_200_000, balanced: true, refusals: [], forgers: [] });
  });
});

/** Each run reads, verifies and replays the whole set: few runs, over different files and places each time. */
describe('one changed value', () => {
  test('in any file is found, and the file named', async () => {
    const paths = [...sample.keys()];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.nat(), async (path, chosen) => {
        const of = leavesOf(JSON.parse(textIn(sample, path)));
        const files = new Map(sample).set(path, utf8(withAnother(textIn(sample, path), of[chosen % of.length]!)));
        const { ok, faults } = await reportOf(files);
        expect(ok).toBe(false);
        expect(faults.filter(({ file, sentence }) => file === path && sentence.endsWith('.'))).not.toEqual([]);
      }),
      { numRuns: 8 },
    );
  });

  test('is found in any byte', async () => {
    const paths = [...sample.keys()];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (path, chosen, flip) => {
          const bytes = Uint8Array.from(sample.get(path)!);
          bytes[chosen % bytes.length]! ^= flip;
          const { ok, faults } = await reportOf(new Map(sample).set(path, bytes));
          expect(ok).toBe(false);
          expect(faults.map(({ file }) => file)).toContain(path);
        },
      ),
      { numRuns: 4 },
    );
  });

  test('in every signed file is found although the founder lists it anew: it is no longer what was signed', async () => {
    const paths = [...sample.keys()].filter((path) => /^(cards|growth|skills|work)[/]/.test(path));
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (chosen) => {
        const change = paths.map((path, at) => {
          const leaves = leavesOf(JSON.parse(textIn(sample, path)));
          return [path, withAnother(textIn(sample, path), leaves[(chosen + at * 7_919) % leaves.length]!)] as const;
        });
        const { faults } = await reportOf(await listedAnew(Object.fromEntries(change)));
        // Of what is signed and of who signed it, each in its own way: but of every file something is found.
        expect(faults.map(({ file }) => file)).toEqual(expect.arrayContaining(paths));
      }),
      { numRuns: 4 },
    );
  });

  test('in logs and in what they come to is found although the founder lists it anew', async () => {
    for (const path of [LEDGER_FILE, LEDGER_VIEW_FILE, OUTCOME_FILE, COMMUNITY_FILE]) {
      const leaves = leavesOf(JSON.parse(textIn(sample, path)));
      const changed = withAnother(textIn(sample, path), leaves[Math.floor(leaves.length / 2)]!);
      const { ok, faults } = await reportOf(await listedAnew({ [path]: changed }));
      expect([path, ok]).toEqual([path, false]);
      expect(faults.map(({ file }) => file)).toContain(path);
    }
  });
});

describe('the list', () => {
  test('must be there, by the founder, of everything and of nothing else', async () => {
    expect(await checkEconomy(new Map(), verify)).toMatchObject({ ok: false, error: { code: 'nothing_to_check' } });
    const without = new Map(sample).set('more.json', sample.get('work/answer.json')!);
    without.delete('work/answer.json');
    const found = await codesOf(without);
    expect(found).toContain('work/answer.json file_missing');
    expect(found).toContain('more.json not_listed');
    expect(await codesOf(await listedAnew({}, undefined, people.asker))).toEqual(['index.json signer_missing']);
  });

  test('of a set that lacks a section is nothing to check', async () => {
    const none = await checkEconomy(await listedAnew({ [BRICKS_FILE]: null }), verify);
    expect(none).toMatchObject({
      ok: false,
      error: { code: 'nothing_to_check', message: expect.stringMatching(/bricks/) },
    });
  });

  test('holds no statement that nobody knows, and the bricks in it what they come to', async () => {
    const unknown = await sign(people.founder, { type: 'wish', v: 1 });
    const wrong = JSON.stringify({ ...bricks, missing: [] });
    expect(await codesOf(await listedAnew({ 'wish.json': unknown, [BRICKS_FILE]: wrong }))).toEqual([
      'wish.json unknown_statement',
      'bricks.json wrong_gaps',
    ]);
  });
});

describe('cards', () => {
  const offered = (path: string, offer: object): Promise<Signed> =>
    resigned(path, [people.host], { offer: { ...bodyOf<{ offer: object }>(path).offer, ...offer } });

  test('are held against each other: an offer against the card of its host', async () => {
    const [answers, training] = ['cards/offer-answers.json', 'cards/offer-training.json'] as const;
    const found = await codesOf(
      await listedAnew({
        // Below what the host's own card says.
        [answers]: await offered(answers, { rateMicros: { inference: 0, training: null, verification: null } }),
        [training]: await offered(training, { rateMicros: { inference: 150, training: 40, verification: null } }),
      }),
    );
    expect(found).toContain(`${answers} rate_below_minimum`);
    expect(found).toContain(`${training} rate_and_role_differ`);
    const other = await resigned(answers, [people.host], { expert: 'unknown-1' });
    expect(await codesOf(await listedAnew({ [answers]: other }))).toContain(`${answers} expert_not_listed`);
  });

  test('that are missing or past their time leave what stands on them without ground', async () => {
    const noCard = await codesOf(await listedAnew({ 'cards/node.json': null }));
    expect(noCard).toContain('cards/offer-answers.json node_card_missing');
    expect(noCard).toContain('work/answer.json offer_missing');
    const less = await codesOf(await listedAnew({ 'cards/expert.json': null, 'cards/teacher-policy.json': null }));
    expect(less).toContain('cards/node.json expert_card_missing');
    expect(less).toContain('growth/data.json teacher_policy_missing');
    const without = await codesOf(await listedAnew({ 'growth/data-shard.json': null }));
    expect(without).toEqual(['cards/expert.json shard_missing', 'work/training-receipt.json shard_missing']);
    const late = await codesOf(await listedAnew({}, SAMPLE_AT + 60 * 60_000));
    expect(late).toContain('cards/offer-training.json expired');
  });
});

describe('growth', () => {
  /** A contribution with something else in its contribution, and verifiers who find that true. */
  async function claimed(path: string, change: (contribution: Contribution) => Partial<Contribution>) {
    const body = bodyOf<{ contribution: Contribution; findings: readonly Signed[] }>(path);
    const contribution = { ...body.contribution, ...change(body.contribution) };
    const findings = await Promise.all(
      body.findings.map((signed) => {
        const { receipt, verifier, verdict, delta, qualityMilli, evidence, at } = unwrap(
          decodeCanonical(signed.payload),
        ) as Finding;
        const by = people.verifiers.find(({ nodeId }) => nodeId === verifier)!;
        const measured = delta && contribution.evaluation.delta;
        return createFinding(by, {
          contribution: contributionIdOf(contribution),
          receipt,
          verdict,
          delta: measured,
          qualityMilli,
          evidence,
          at,
        });
      }),
    );
    return resigned(path, [people.author, people.person], { contribution, findings });
  }

  test('is held against every rule, and the same contribution stands in the set once', async () => {
    const { content } = bodyOf<{ contribution: Contribution }>('growth/knowledge.json').contribution;
    const found = await codesOf(
      await listedAnew({
        'skills/patch-one-file.json': await claimed('skills/patch-one-file.json', ({ evaluation }) => ({
          evaluation: {
            ...evaluation,
            delta: { ...evaluation.delta, afterMilli: evaluation.delta.beforeMilli },
          },
        })),
        'growth/data.json': await claimed('growth/data.json', ({ source }) => ({
          source: { ...source, termsVerified: false },
        })),
        'growth/operator.json': await claimed('growth/operator.json', ({ source }) => ({
          source: { ...source, rights: 'none' },
        })),
        'growth/more-knowledge.json': await claimed('growth/knowledge.json', () => ({ content, title: 'Again' })),
      }),
    );
    expect(found).toEqual([
      'growth/data.json terms_not_verified',
      'growth/more-knowledge.json contributed_twice',
      'growth/operator.json not_owned',
      'skills/patch-one-file.json no_gain',
    ]);
  });

  test('for which credit was minted must be there, and so must the work that shows a skill', async () => {
    const found = await codesOf(
      await listedAnew({
        'growth/knowledge.json': null,
        'work/answer.json': null,
        'work/answer-checked-1.json': null,
      }),
    );
    expect(found.sort()).toEqual([
      'growth/skill-use.json execution_missing',
      'growth/skill-use.json report_missing',
      'ledger/ledger.json contribution_missing',
      'ledger/ledger.json receipt_missing',
      'skills/patch-one-file.json execution_missing',
      'skills/patch-one-file.json report_missing',
    ]);
  });
});

describe('receipts of work', () => {
  const [answer, training] = ['work/answer.json', 'work/training-receipt.json'] as const;
  const both = [people.host, people.asker];
  const checked = (job: string, by: 1 | 2, change: object): Promise<Signed> =>
    resigned(`work/${job}-checked-${by}.json`, [people.checkers[by - 1]!], change);

  test('must say what the ledger paid', async () => {
    const { verdict } = bodyOf<{ verdict: string }>('work/answer-checked-2.json');
    const found = await codesOf(
      await listedAnew({
        [answer]: await resigned(answer, both, { chargeMicros: 3_001 }),
        [training]: await resigned(training, both, { chargeMicros: 800_001, jobId: 'answer-1' }),
        'work/answer-checked-1.json': await checked('answer', 1, { paidMicros: 301 }),
        'work/answer-checked-2.json': await checked('answer', 2, { settlement: verdict }),
        'work/training-checked-1.json': await checked('training', 1, { jobId: 'answer-1' }),
      }),
    );
    for (const fault of [
      `${answer} other_receipt`,
      `${answer} wrong_charge`,
      `${training} wrong_charge`,
      `${training} ids_do_not_match`,
      'work/answer-checked-1.json wrong_payment',
      'work/answer-checked-2.json not_settled',
      'work/training-checked-1.json ids_do_not_match',
      'ledger/ledger.json receipt_missing',
    ]) {
      expect(found).toContain(fault);
    }
  });

  test('count only with the payer’s signature, under the offer and the class that they name, of data that is there', async () => {
    const { policy } = bodyOf<{ policy: object }>(answer);
    for (const [path, change, code] of [
      [answer, { policy: { ...policy, privacyClass: 'private_prohibited' } }, 'too_private'],
      [answer, { expert: { id: 'sample-1', hash: 'f'.repeat(64) } }, 'other_expert'],
      [training, { dataShards: [idOfSigned(signedIn(answer))] }, 'shard_missing'],
      [training, { dataShards: [] }, 'no_data'],
    ] as const) {
      const other = path === answer ? training : answer;
      const found = await codesOf(
        await listedAnew({
          [path]: await resigned(path, both, change),
          [other]: await resigned(other, [people.host], {}),
        }),
      );
      expect(found).toContain(`${path} ${code}`);
      expect(found).toContain(`${other} not_acknowledged`);
    }
  });
});

describe('the ledger', () => {
  const fileOf = (): LedgerFile => {
    const parsed = unwrap(parseLedgerFile(textIn(sample, LEDGER_FILE)));
    if (parsed.v !== 2) throw new Error('not a ledger of this version');
    return parsed.file;
  };
  const withLedger = async (change: Partial<LedgerFile>): Promise<string[]> =>
    codesOf(await listedAnew({ [LEDGER_FILE]: renderLedgerFile({ ...fileOf(), ...change }) }));

  test('and every other document without end is one named fault of its file, and nothing is built of it', async () => {
    const deep = `{"v":2,"logs":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    const wide = `{"v":2${',"a":0'.repeat(200_000)}}`;
    for (const [text, code] of [
      [deep, 'too_deep'],
      [wide, 'too_large'],
    ] as const) {
      expect(await codesOf(await listedAnew({ [LEDGER_FILE]: text }))).toContain(`ledger/ledger.json ${code}`);
      const found = await reportOf(await listedAnew({ [OUTCOME_FILE]: text, [LEDGER_VIEW_FILE]: text }));
      expect(found.faults.map(({ file, code: fault }) => `${file} ${fault}`)).toEqual([
        'ledger/entries.json not_what_it_comes_to',
        'ledger/outcome.json not_what_it_comes_to',
      ]);
      expect(found.faults[0]!.sentence).toMatch(/larger or nested deeper/);
    }
    expect(await codesOf(await listedAnew({ [COMMUNITY_FILE]: deep }))).toContain('community.json too_deep');
  });

  test('is replayed from nothing: what breaks a rule in it is told by name', async () => {
    const file = fileOf();
    const own = file.logs.find(({ author }) => author === people.asker.nodeId)!;
    const last = unwrap(await openEntry(ledgerEventSchema, own.entries.at(-1)!, verify));
    const head = { id: last.id, length: own.entries.length, lamport: last.lamport };
    const greedy = await signEntry(people.asker, head, {
      community: last.community,
      at: SAMPLE_AT,
      event: { kind: 'credit.granted', to: people.host.nodeId, amountMicros: 999_000_000, invite: null },
    });
    const logs = file.logs.map((log) => (log === own ? { ...log, entries: [...log.entries, greedy.bytes] } : log));
    const found = await withLedger({ logs });
    expect(found).toContain('ledger/ledger.json limit_exceeded');
    expect(found).toContain('ledger/outcome.json not_what_it_comes_to');
    expect(found).toContain('ledger/entries.json not_what_it_comes_to');
  });

  test('with a log missing, a log cut short or a forger in it does not hold', async () => {
    const { logs } = fileOf();
    const without = (signer: Signer) => logs.filter(({ author }) => author !== signer.nodeId);
    expect(await withLedger({ logs: without(people.founder) })).toContain('ledger/ledger.json entry_missing');
    const cut = logs.map((log) =>
      log.author === people.host.nodeId ? { ...log, entries: log.entries.slice(0, 3) } : log,
    );
    expect(await withLedger({ logs: cut })).toContain('ledger/outcome.json not_what_it_comes_to');

    const first = logs.find(({ author }) => author === people.asker.nodeId)!.entries[0]!;
    const known = unwrap(await openEntry(ledgerEventSchema, first, verify));
    const other = await signEntry(people.asker, EMPTY_HEAD, {
      community: known.community,
      at: 0,
      event: { kind: 'community.left', community: known.community },
    });
    const proof = equivocationOf({ id: known.id, bytes: first }, { id: other.entry.id, bytes: other.bytes });
    expect(await withLedger({ proofs: [proof] })).toContain('ledger/ledger.json forged');
  });

  test('of another community is none of this one', async () => {
    const elsewhere = await createManifest(signerNamed('founder'), { name: 'Elsewhere', open: true, createdAt: 1 });
    expect(await withLedger({ manifest: elsewhere, logs: [] })).toContain('ledger/ledger.json wrong_community');
  });
});
