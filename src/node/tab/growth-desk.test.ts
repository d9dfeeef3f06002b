import { beforeEach, describe, expect, test } from 'vitest';
import { createNodeSigner } from '#adapters/signer-node';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createVerify } from '#adapters/verify-node';
import type { Signer } from '#core/base/ports';
import { hex, utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import { fail, ok, unwrap, type Result } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import { defaultEconomyPolicy } from '#core/identity/economy-policy';
import { createTeacherPolicy } from '#core/ledger/cards/teacher-policy';
import { equivocationOf, openEntry } from '#core/ledger/chain';
import { ledgerEventSchema } from '#core/ledger/events';
import {
  MAX_GROWTH_STATEMENTS_PER_AUTHOR,
  MAX_TRUSTED_STATEMENTS_PER_AUTHOR,
} from '#core/ledger/growth/collect-contributions';
import { createContribution, contributionIdOf } from '#core/ledger/growth/contribution-receipt';
import { createFinding } from '#core/ledger/growth/finding';
import { CONTRIBUTION_KINDS, MEASURING_RECEIPT, type ContributionKind } from '#core/ledger/growth/growth-fields';
import { encodeGrowthStatement, type GrowthStatement } from '#core/ledger/growth/growth-statement';
import type { Ledger } from '#core/ledger/ledger';
import type { MintApproval } from '#core/ledger/mint-approval';
import type { KeyValueStore } from '#core/storage/ports';
import { sign } from '#core/wire/signed';
import {
  contributionFileKey,
  MAX_CONTRIBUTION_FILE_BYTES,
  type ContributionFileInput,
} from '#services/contribution-file/contract';
import { createContributionFileHandler } from '#services/contribution-file/handler';
import { contributionOf, findingsOf, hashOf, openTerms, ownSource } from '#tests/fakes/contributions';
import { foundCommunity, openTestLedger, type TestCommunity } from '#tests/fakes/test-community';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createContributionFiles, forgetFiles, MAX_KEPT_FILES } from './contribution-files';
import { createGrowthDesk } from './growth-desk';
import type { ContributionDraft, FoundDraft, GrowthDesk } from './growth-views';

interface Member {
  readonly signer: Signer;
  readonly ledger: Ledger;
  readonly desk: GrowthDesk;
  readonly blocked: Set<string>;
  readonly records: KeyValueStore;
}

/** Who is here, by node: what a call reaches. */
const here = new Map<string, Member>();
/** As the bus calls it, over the handler that a node offers. */
const call = (async (_, input: ContributionFileInput, { provider }: { provider: string }) => {
  const member = here.get(provider);
  if (member === undefined) return fail('nobody_offers', 'Nobody is here.');
  const { records, ledger } = member;
  const handler = createContributionFileHandler({ records, community: ledger.community.id });
  return handler(input, {
    caller: 'c'.repeat(64),
    local: false,
    callId: 'call-1',
    signal: new AbortController().signal,
    emit: () => {},
  });
}) as Bus['call'];

/** The keys of `test-community`, by Node's own library: these tests sign a lot. */
const signerNamed = (name: string): Signer => createNodeSigner(sha256(utf8(`test/${name}`)));
const verify = createVerify();
const NOW = 1_800_000_000_000;
const person = signerNamed('person');
const personless = async (): Promise<Result<null>> => ok(null);

let community: TestCommunity;
let [ada, bob, cem, founder]: Member[] = [];

async function member(
  name: string,
  behind: () => Promise<Result<Signer | null>> = personless,
  of = community,
): Promise<Member> {
  const signer = signerNamed(name);
  const clock = createVirtualClock(NOW);
  const storage = await openMemoryStorage();
  const { records } = storage;
  const ledger = await openTestLedger(signer, { in: of, clock, storage, verify });
  const files = createContributionFiles({ records, community: of.community.id, call });
  const blocked = new Set<string>();
  const isBlocked = (node: string) => blocked.has(node);
  const desk = createGrowthDesk({ ledger, signer, person: behind, verify, clock, files, isBlocked });
  const made = { signer, ledger, desk, blocked, records };
  here.set(signer.nodeId, made);
  return made;
}

/** What the exchange does: everything that each holds of its own comes to all others. */
async function exchange(...members: readonly Member[]): Promise<void> {
  for (const { ledger: from } of members)
    for (const { ledger: to } of members) {
      if (from === to) continue;
      const held = to.heads().find(({ author }) => author === from.author)?.length ?? 0;
      const entries = unwrap(await from.bytesOf(from.author, held, 500));
      if (entries.length > 0) unwrap(await to.receive(from.author, held, entries));
    }
  for (const { desk } of members) unwrap(await desk.read());
}

const draftOf = (kind: ContributionKind, change: Partial<ContributionDraft> = {}): ContributionDraft => {
  const { title, content, use, evaluation } = contributionOf(kind);
  const { teacherPolicies: _, ...source } = ownSource;
  return {
    kind,
    title,
    content,
    source,
    terms: [],
    use,
    baseMicros: 1_000,
    adoptionCriterion: 'more right answers',
    killCriterion: 'fewer right answers',
    delta: evaluation.delta,
    undistilled: true,
    executions: [],
    skill: null,
    ...change,
  };
};

/** What somebody finds who finds all of it true, and half better than was to be expected. */
const truly = ({ desk }: Member, id: string): FoundDraft[] => {
  const { needed, contribution } = desk.view.contributions.find((one) => one.id === id)!;
  return needed.map(({ receipt, measures }) => ({
    receipt,
    verdict: 'accepted',
    delta: measures ? contribution.evaluation.delta : null,
    qualityMilli: measures ? 1_500 : null,
    evidence: contribution.content.hash,
  }));
};
const foundBy = async (who: Member, id: string): Promise<void> => unwrap(await who.desk.find(id, truly(who, id)));
const stated = (by: Member, statement: GrowthStatement) =>
  by.ledger.append({ kind: 'growth.stated', statement: unwrap(encodeGrowthStatement(statement)) });
const seen = ({ desk }: Member, id: string) => desk.view.contributions.find((one) => one.id === id);

beforeEach(async () => {
  here.clear();
  const curators = ['bob', 'cem', 'founder'].map((name) => signerNamed(name).nodeId);
  community = await foundCommunity({
    ...defaultEconomyPolicy(signerNamed('founder').nodeId),
    mint: true,
    curators,
  });
  ada = await member('ada', async () => ok(person));
  bob = await member('bob');
  cem = await member('cem');
  founder = await member('founder');
});

describe('a contribution', () => {
  test.each(CONTRIBUTION_KINDS.filter((kind) => kind !== 'skill'))(
    'of the kind %s is given, found true, receipted, approved and minted, and all see the same',
    async (kind) => {
      const all = [ada!, bob!, cem!, founder!];
      const id = unwrap(await ada!.desk.declare(draftOf(kind), null));
      await exchange(...all);
      expect(seen(bob!, id)).toMatchObject({
        stage: 'declared',
        own: false,
        fault: { code: 'too_few_verifiers' },
        contribution: { contributor: { node: ada!.signer.nodeId, person: person.nodeId } },
      });
      await foundBy(bob!, id);
      await exchange(...all);
      expect(await ada!.desk.receipt(id)).toMatchObject({ ok: false, error: { code: 'too_few_verifiers' } });
      await foundBy(cem!, id);
      await exchange(...all);
      expect(seen(ada!, id)).toMatchObject({ stage: 'found', fault: null, worthMicros: 1_500 });

      unwrap(await ada!.desk.receipt(id));
      await exchange(...all);
      expect(seen(bob!, id)).toMatchObject({ stage: 'receipted', receipt: { fault: null, worthMicros: 1_500 } });
      unwrap(await bob!.desk.approve(id));
      await exchange(...all);
      expect(await ada!.desk.mint(id)).toMatchObject({ ok: false, error: { code: 'too_few_curators' } });
      unwrap(await founder!.desk.approve(id));
      await exchange(...all);
      expect(seen(ada!, id)).toMatchObject({ stage: 'approved' });
      expect(ada!.ledger.state.supplyMicros).toBe(0);

      unwrap(await ada!.desk.mint(id));
      await exchange(...all);
      for (const { ledger, desk } of all) {
        expect(seen({ desk } as Member, id)).toMatchObject({
          stage: 'minted',
          minted: { to: ada!.signer.nodeId, amountMicros: 1_500 },
        });
        expect(ledger.state.balanceOf(ada!.signer.nodeId).confirmedMicros).toBe(1_500);
        expect(ledger.state.supplyMicros).toBe(1_500);
        expect(ledger.state.refusals).toEqual([]);
      }
      expect(await ada!.desk.mint(id)).toMatchObject({ ok: false, error: { code: 'minted_twice' } });
      expect(await cem!.desk.approve(id)).toMatchObject({ ok: false, error: { code: 'minted_twice' } });
      // Somebody else gives the same and writes it down by hand: the credit stays whose it is.
      const copied = { ...contributionOf(kind), contributor: { node: bob!.signer.nodeId, person: null } };
      unwrap(await stated(bob!, { type: 'contribution-declared', v: 1, contribution: copied }));
      await exchange(...all);
      expect(seen(ada!, contributionIdOf(copied))).toMatchObject({
        stage: 'elsewhere',
        minted: { to: ada!.signer.nodeId },
      });
      expect(await bob!.desk.declare(draftOf(kind), null)).toMatchObject({
        ok: false,
        error: { code: 'minted_twice' },
      });
    },
  );

  test('of a skill shows it by work that others accepted, and says what the skill is', async () => {
    const receipt = {
      type: 'receipt' as const,
      v: 1 as const,
      jobId: 'job-1',
      traceId: 'trace-1',
      capability: 'echo@1',
      requester: bob!.signer.nodeId,
      executor: ada!.signer.nodeId,
      validators: [cem!.signer.nodeId],
      model: null,
      commitment: null,
      verdicts: [contributionIdOf(contributionOf('skill'))],
      verdict: 'accepted' as const,
      check: 'redo' as const,
      units: 1,
      tokens: null,
      at: NOW,
    };
    unwrap(await ada!.ledger.append({ kind: 'receipt.recorded', receipt: await sign(ada!.signer, receipt) }));
    const [work] = ada!.desk.shownWork();
    expect(work).toMatchObject({ capability: 'echo@1', requester: bob!.signer.nodeId });
    expect(await ada!.desk.declare(draftOf('skill'), null)).toMatchObject({
      ok: false,
      error: { code: 'no_executions' },
    });
    const skill = {
      id: 'patch-one-file',
      version: '1',
      type: 'patching',
      input: 'a file',
      operation: 'changes it',
      output: 'a patch',
      tools: [],
      constraints: [],
      determinism: 'seeded' as const,
    };
    const id = unwrap(await ada!.desk.declare(draftOf('skill', { executions: [work!.id], skill }), null));
    await exchange(ada!, bob!, cem!);
    expect(seen(bob!, id)!.needed.map(({ receipt: needed }) => needed)).toEqual([
      'provenance_receipt',
      'skill_execution_receipt',
      'skill_delta_eval_receipt',
      'operator_reality_gate_receipt',
    ]);
    expect(seen(bob!, id)!.contribution.execution).toEqual({
      demoJobs: ['job-1'],
      receipts: [work!.id],
      verifierReports: receipt.verdicts,
    });
    await foundBy(bob!, id);
    await foundBy(cem!, id);
    await exchange(ada!, bob!, cem!);
    unwrap(await ada!.desk.receipt(id));
    await exchange(ada!, bob!);
    expect(seen(bob!, id)).toMatchObject({ stage: 'receipted', receipt: { fault: null } });
  });

  test('that holds outputs of another model needs terms that somebody else read', async () => {
    const taught = { source: { ...draftOf('knowledge').source, thirdPartyModelOutputs: true, termsVerified: true } };
    expect(await ada!.desk.declare(draftOf('knowledge', taught), null)).toMatchObject({
      error: { code: 'terms_not_verified' },
    });
    const { at: _, ...terms } = openTerms;
    const own = unwrap(await ada!.desk.readTerms(terms));
    expect(await ada!.desk.declare(draftOf('knowledge', { ...taught, terms: [own] }), null)).toMatchObject({
      error: { code: 'own_word_on_terms' },
    });
    const read = unwrap(await bob!.desk.readTerms(terms));
    await exchange(ada!, bob!);
    expect(ada!.desk.view.terms.map(({ id }) => id).sort()).toEqual([own, read].sort());
    const id = unwrap(await ada!.desk.declare(draftOf('knowledge', { ...taught, terms: [read] }), null));
    expect(seen(ada!, id)!.teachers).toMatchObject([{ teacher: terms.teacher, author: bob!.signer.nodeId }]);
  });
});

describe('what others find', () => {
  let id = '';
  beforeEach(async () => {
    id = unwrap(await ada!.desk.declare(draftOf('knowledge'), null));
    await exchange(ada!, bob!, cem!, founder!);
  });

  test('may change: the latest of each counts, and one who rejects stands in the way until then', async () => {
    await foundBy(bob!, id);
    await foundBy(cem!, id);
    const { evidence } = truly(founder!, id)[0]!;
    const objects: FoundDraft = {
      receipt: 'provenance_receipt',
      verdict: 'rejected',
      delta: null,
      qualityMilli: null,
      evidence,
    };
    unwrap(await founder!.desk.find(id, [objects]));
    await exchange(ada!, bob!, cem!, founder!);
    expect(seen(ada!, id)!.fault).toMatchObject({ code: 'found_wrong' });
    expect(await ada!.desk.receipt(id)).toMatchObject({ ok: false, error: { code: 'found_wrong' } });
    unwrap(await founder!.desk.find(id, [{ ...objects, verdict: 'undecided' }]));
    await exchange(ada!, founder!);
    expect(seen(ada!, id)!.fault).toBeNull();
  });

  test('is not heard of somebody whom this person blocked, nor is what they give shown', async () => {
    const theirs = unwrap(await cem!.desk.declare(draftOf('operator'), null));

    await foundBy(bob!, id);
    await foundBy(cem!, id);
    await exchange(ada!, bob!, cem!);
    expect(seen(ada!, id)!.fault).toBeNull();
    expect(seen(ada!, theirs)).toBeDefined();
    ada!.blocked.add(cem!.signer.nodeId);
    unwrap(await ada!.desk.read());
    expect(seen(ada!, id)!.fault).toMatchObject({ code: 'too_few_verifiers' });
    expect(seen(ada!, theirs)).toBeUndefined();
    ada!.blocked.clear();
    unwrap(await ada!.desk.read());
    expect(seen(ada!, id)!.fault).toBeNull();
  });

  test('is refused where it would not count, and nothing is written', async () => {
    const measuring = MEASURING_RECEIPT.knowledge;
    const all = truly(bob!, id);
    const withMeasured = (change: Partial<FoundDraft>): FoundDraft[] =>
      all.map((one) => (one.receipt === measuring ? { ...one, ...change } : one));
    const { delta } = all.find(({ receipt }) => receipt === measuring)!;
    const before = bob!.ledger.head.length;
    for (const [found, code] of [
      [withMeasured({ delta: null }), 'gain_not_measured'],
      [withMeasured({ qualityMilli: null }), 'gain_not_measured'],
      [withMeasured({ delta: { ...delta!, set: hashOf('another set') } }), 'gain_not_measured'],
      [withMeasured({ delta: { ...delta!, samples: 0 } }), 'malformed'],
      [[{ ...all[0]!, receipt: 'data_quality_receipt' }], 'receipt_not_needed'],
    ] as const)
      expect(await bob!.desk.find(id, found)).toMatchObject({ ok: false, error: { code } });
    expect(await bob!.desk.find(contributionIdOf(contributionOf('operator')), all)).toMatchObject({
      error: { code: 'unknown_contribution' },
    });
    expect(bob!.ledger.head.length).toBe(before);
    expect(await ada!.desk.find(id, all)).toMatchObject({ error: { code: 'judges_own_contribution' } });
  });

  test('counts only out of the log of who found it, about what it needs and measured as it was', async () => {
    const contribution = seen(bob!, id)!.contribution;
    for (const draft of findingsOf(contribution)) {
      const theirs = await createFinding(cem!.signer, draft);
      unwrap(await stated(bob!, { type: 'contribution-found', v: 1, finding: theirs }));
      const forged = { ...theirs, signatures: [{ ...theirs.signatures[0]!, keyId: bob!.signer.nodeId }] };
      unwrap(await stated(bob!, { type: 'contribution-found', v: 1, finding: forged }));
      const elsewhere = draft.delta === null ? draft : { ...draft, delta: { ...draft.delta, set: hashOf('another') } };
      if (draft.delta !== null) {
        const finding = await createFinding(founder!.signer, elsewhere);
        unwrap(await stated(founder!, { type: 'contribution-found', v: 1, finding }));
      }
    }
    const own = await createFinding(ada!.signer, findingsOf(contribution)[0]!);
    unwrap(await stated(ada!, { type: 'contribution-found', v: 1, finding: own }));
    await exchange(ada!, bob!, cem!, founder!);
    for (const who of [ada!, bob!, cem!])
      expect(seen(who, id)!.needed.map(({ findings }) => findings)).toEqual([[], []]);
  });

  test('is void from where its author signed twice', async () => {
    await foundBy(bob!, id);
    await foundBy(cem!, id);
    await exchange(ada!, bob!, cem!);
    expect(seen(ada!, id)!.fault).toBeNull();
    const other = await member('cem');
    unwrap(await other.ledger.append({ kind: 'contribution.decided', on: true }));
    const entryOf = async ({ ledger }: Member) => {
      const [bytes] = unwrap(await ledger.bytesOf(ledger.author, 0, 1));
      return { id: unwrap(await openEntry(ledgerEventSchema, bytes!, verify)).id, bytes: bytes! };
    };
    const [a, b] = [await entryOf(cem!), await entryOf(other)];
    unwrap(await ada!.ledger.receiveProof(equivocationOf(a, b)));
    unwrap(await ada!.desk.read());
    expect(seen(ada!, id)!.fault).toMatchObject({ code: 'too_few_verifiers' });
  });
});

describe('who may not', () => {
  test('gives nothing that breaks a rule before anybody looked', async () => {
    const source = draftOf('knowledge').source;
    const delta = draftOf('knowledge').delta;
    for (const [change, code] of [
      [{ source: { ...source, rights: 'none' } }, 'not_owned'],
      [{ source: { ...source, rights: 'licensed' } }, 'permission_missing'],
      [{ source: { ...source, allowedForTraining: false } }, 'training_forbidden'],
      [{ undistilled: false }, 'competitor_distillation'],
      [{ delta: { ...delta, afterMilli: delta.beforeMilli } }, 'no_gain'],
      [{ delta: { ...delta, afterMilli: delta.beforeMilli - 1 } }, 'worse_than_before'],
      [{ title: '' }, 'malformed'],
      [{ baseMicros: 0.5 }, 'malformed'],
      [{ killCriterion: '' }, 'malformed'],
      [{ terms: [contributionIdOf(contributionOf('skill'))] }, 'unknown_terms'],
      [{ kind: 'skill', executions: [contributionIdOf(contributionOf('skill'))] }, 'unknown_receipt'],
    ] as [Partial<ContributionDraft>, string][])
      expect(await ada!.desk.declare(draftOf('knowledge', change), null), code).toMatchObject({ error: { code } });
    expect(ada!.ledger.head.length).toBe(0);
  });

  test('gives nothing in the name of another, nor receipts of it', async () => {
    const contribution = { ...contributionOf('knowledge'), contributor: { node: ada!.signer.nodeId, person: null } };
    unwrap(await stated(bob!, { type: 'contribution-declared', v: 1, contribution }));
    const receipt = await createContribution({ node: ada!.signer, person: null }, contribution, []);
    unwrap(await bob!.ledger.append({ kind: 'contribution.receipted', receipt }));
    await exchange(ada!, bob!);
    for (const { desk } of [ada!, bob!]) expect(desk.view.contributions).toEqual([]);
  });

  test('approves and mints only what a curator may, once', async () => {
    const id = unwrap(await ada!.desk.declare(draftOf('knowledge'), null));
    await exchange(ada!, bob!, cem!, founder!);
    const dan = await member('dan');
    const refused = async (who: Member, code: string) =>
      expect(await who.desk.approve(id), code).toMatchObject({ ok: false, error: { code } });
    await refused(bob!, 'no_receipt');
    await foundBy(bob!, id);
    await foundBy(cem!, id);
    await exchange(ada!, bob!, cem!, founder!);
    unwrap(await ada!.desk.receipt(id));
    await exchange(ada!, bob!, cem!, founder!, dan);
    await refused(dan, 'not_a_curator');
    unwrap(await bob!.desk.approve(id));
    await refused(bob!, 'approved_already');
    expect(await bob!.desk.mint(id)).toMatchObject({ error: { code: 'unknown_contribution' } });
    // Somebody who is no curator approves all the same, and a curator approves another sum.
    const approval: MintApproval = {
      type: 'mint-approval',
      v: 1,
      community: community.community.id,
      receipt: seen(bob!, id)!.receipt!.id,
      to: ada!.signer.nodeId,
      amountMicros: 1_500,
    };
    unwrap(await stated(dan, { type: 'mint-approved', v: 1, approval: await sign(dan.signer, approval) }));
    const dearer: MintApproval = { ...approval, amountMicros: 1_501 };
    const more = await sign(cem!.signer, dearer);
    unwrap(await stated(cem!, { type: 'mint-approved', v: 1, approval: more }));
    await exchange(ada!, bob!, cem!, dan);
    expect(seen(ada!, id)).toMatchObject({ stage: 'receipted', approvedBy: [bob!.signer.nodeId] });
    expect(await ada!.desk.mint(id)).toMatchObject({ error: { code: 'too_few_curators' } });
  });

  test('is not heard beyond what counts of one node, unless it is a curator', async () => {
    const { at: _, ...terms } = openTerms;
    const dan = await member('dan');
    for (const who of [dan, bob!])
      for (let at = 0; at <= MAX_GROWTH_STATEMENTS_PER_AUTHOR; at++)
        unwrap(
          await stated(who, {
            type: 'terms-read',
            v: 1,
            policy: await createTeacherPolicy(who.signer, { ...terms, termsVersion: `version ${at}`, at: NOW }),
          }),
        );
    await exchange(ada!, bob!, dan);
    const by = ({ signer }: Member) => ada!.desk.view.terms.filter(({ policy }) => policy.author === signer.nodeId);
    expect([by(dan).length, by(bob!).length]).toEqual([
      MAX_GROWTH_STATEMENTS_PER_AUTHOR,
      MAX_GROWTH_STATEMENTS_PER_AUTHOR + 1,
    ]);
    expect(dan.desk.view.statementsLeft).toBe(MAX_TRUSTED_STATEMENTS_PER_AUTHOR - MAX_GROWTH_STATEMENTS_PER_AUTHOR - 1);
  });

  test('cannot have a receipt approved that rests on keys which no log holds, whatever it says', async () => {
    const given = contributionOf('knowledge');
    const contribution = {
      ...given,
      contributor: { node: ada!.signer.nodeId, person: null },
      credit: { ...given.credit, account: ada!.signer.nodeId, multiplierCapMilli: 100_000 },
    };
    const id = contributionIdOf(contribution);
    const madeUp = ['friend-1', 'friend-2'].map(signerNamed);
    const findings = await Promise.all(
      madeUp.flatMap((friend) =>
        findingsOf(contribution).map((draft) =>
          createFinding(friend, { ...draft, qualityMilli: draft.qualityMilli && 100_000 }),
        ),
      ),
    );
    const receipt = await createContribution({ node: ada!.signer, person: null }, contribution, findings);
    unwrap(await ada!.ledger.append({ kind: 'contribution.receipted', receipt }));
    await exchange(ada!, bob!, cem!, founder!);
    expect(seen(bob!, id)).toMatchObject({ stage: 'declared', receipt: { fault: null, borneOut: false } });
    expect(await bob!.desk.approve(id)).toMatchObject({ error: { code: 'too_few_verifiers' } });
    // Two honest findings of half the worth do not carry it either.
    await foundBy(cem!, id);
    await foundBy(founder!, id);
    await exchange(ada!, bob!, cem!, founder!);
    expect(seen(bob!, id)).toMatchObject({ stage: 'found', fault: null, receipt: { borneOut: false } });
    expect(await bob!.desk.approve(id)).toMatchObject({ error: { code: 'more_than_found' } });
  });

  test('is shown with a date that there is, and its terms once, whatever it writes', async () => {
    const { at: _, ...terms } = openTerms;
    const policy = await createTeacherPolicy(bob!.signer, { ...terms, at: NOW });
    const clock = createVirtualClock(Number.MAX_SAFE_INTEGER);
    const late = await openTestLedger(bob!.signer, { in: community, clock });
    const contribution = { ...contributionOf('knowledge'), contributor: { node: late.author, person: null } };
    for (const statement of [
      { type: 'contribution-declared', v: 1, contribution },
      { type: 'terms-read', v: 1, policy },
      { type: 'terms-read', v: 1, policy },
    ] as const)
      unwrap(await late.append({ kind: 'growth.stated', statement: unwrap(encodeGrowthStatement(statement)) }));
    await exchange(ada!, { ...bob!, ledger: late });
    const { contributions, terms: read } = unwrap(await ada!.desk.read());
    expect(contributions.map(({ at }) => at)).toEqual([NOW]);
    expect(read).toHaveLength(1);
  });

  test('says what is longer than an entry holds', async () => {
    const { at: _, ...terms } = openTerms;
    const long = { dataPolicy: 'x'.repeat(1_000), notes: 'ä'.repeat(1_000) };
    const read = [];
    for (const version of ['1', '2', '3', '4'])
      read.push(unwrap(await bob!.desk.readTerms({ ...terms, ...long, termsVersion: version })));
    await exchange(ada!, bob!);
    const source = { ...draftOf('knowledge').source, thirdPartyModelOutputs: true, termsVerified: true };
    expect(await ada!.desk.declare(draftOf('knowledge', { source, terms: read }), null)).toMatchObject({
      error: { code: 'statement_too_long' },
    });
  });
});

describe('its file', () => {
  const file = utf8('# Bread\n\n' + 'Flour, water, salt, time. '.repeat(10_000));
  const withFile = (bytes: Uint8Array, change: Partial<ContributionDraft['content']> = {}): ContributionDraft =>
    draftOf('knowledge', {
      content: {
        hash: hex(sha256(bytes)),
        format: 'text/markdown',
        sizeBytes: bytes.length,
        redaction: 'public',
        ...change,
      },
    });

  test('is fetched by who looks at it, and by others from them when its giver is gone, until they let it go', async () => {
    const id = unwrap(await ada!.desk.declare(withFile(file), file));
    expect(seen(ada!, id)!.fileHere).toBe(true);
    await exchange(ada!, bob!, cem!);
    expect(seen(bob!, id)!.fileHere).toBe(false);
    expect(unwrap(await bob!.desk.fetchFile(id))).toEqual(file);
    expect(seen(bob!, id)!.fileHere).toBe(true);
    here.delete(ada!.signer.nodeId);
    expect(await cem!.desk.fetchFile(id)).toMatchObject({ error: { code: 'file_not_here' } });
    await foundBy(bob!, id);
    await exchange(bob!, cem!);
    expect(unwrap(await cem!.desk.fetchFile(id))).toEqual(file);
    for (const who of [cem!, bob!]) unwrap(await who.desk.letFileGo(hex(sha256(file))));
    expect(seen(bob!, id)!.fileHere).toBe(false);
    expect(await cem!.desk.fetchFile(id)).toMatchObject({ error: { code: 'file_not_here' } });
  });

  test('may be offered again, and is not left behind where its contribution is not shown any more', async () => {
    const id = unwrap(await ada!.desk.declare(withFile(file), null));
    expect(await ada!.desk.offerFile(id, utf8('another'))).toMatchObject({ error: { code: 'wrong_file' } });
    unwrap(await ada!.desk.offerFile(id, file));
    await exchange(ada!, bob!);
    expect(unwrap(await bob!.desk.fetchFile(id))).toEqual(file);
    expect(await bob!.desk.offerFile(id, file)).toMatchObject({ error: { code: 'unknown_contribution' } });
    expect(bob!.desk.view.strayFiles).toEqual([]);
    bob!.blocked.add(ada!.signer.nodeId);
    expect(unwrap(await bob!.desk.read()).strayFiles).toEqual([hex(sha256(file))]);
    unwrap(await bob!.desk.letFileGo(hex(sha256(file))));
    expect(bob!.desk.view.strayFiles).toEqual([]);
  });

  test('is forgotten with its community, and with no other', async () => {
    const id = unwrap(await ada!.desk.declare(withFile(file), file));
    unwrap(await forgetFiles(ada!.records, 'another'));
    unwrap(await ada!.desk.read());
    expect(seen(ada!, id)!.fileHere).toBe(true);
    unwrap(await forgetFiles(ada!.records, community.community.id));
    unwrap(await ada!.desk.read());
    expect(seen(ada!, id)!.fileHere).toBe(false);
  });

  test('is not taken from who gives another one, a longer one or a part of it', async () => {
    const id = unwrap(await ada!.desk.declare(withFile(file), null));
    await exchange(ada!, bob!);
    const key = contributionFileKey(community.community.id, hex(sha256(file)));
    for (const wrong of [
      file.map((one, at) => (at === 77 ? one ^ 1 : one)),
      new Uint8Array([...file, 0]),
      file.slice(1),
    ]) {
      unwrap(await ada!.records.set(key, wrong));
      expect(await bob!.desk.fetchFile(id)).toMatchObject({ error: { code: 'file_not_here' } });
      expect(unwrap(await bob!.records.keys('contribution-file/'))).toEqual([]);
    }
  });

  test('is not kept where it is another one, stays private, is too large or one too many, and then nothing was given', async () => {
    const large = new Uint8Array(MAX_CONTRIBUTION_FILE_BYTES + 1);
    for (const [draft, bytes, code] of [
      [withFile(file), utf8('something else'), 'wrong_file'],
      [withFile(file, { redaction: 'private_commitment' }), file, 'file_private'],
      [withFile(large), large, 'file_too_large'],
    ] as const)
      expect(await ada!.desk.declare(draft, bytes), code).toMatchObject({ error: { code } });
    const id = unwrap(await bob!.desk.declare(withFile(large), null));
    await exchange(ada!, bob!);
    expect(await ada!.desk.fetchFile(id)).toMatchObject({ error: { code: 'file_too_large' } });
    for (let at = 0; at < MAX_KEPT_FILES; at++) {
      const one = utf8(`file ${at}`);
      unwrap(await ada!.records.set(contributionFileKey(community.community.id, hex(sha256(one))), one));
    }
    expect(await ada!.desk.declare(withFile(file), file)).toMatchObject({ error: { code: 'too_many_files' } });
    expect(ada!.ledger.head.length).toBe(0);
  });
});

test('where members do not pay each other it says so, and curators there are none', async () => {
  const plain = await foundCommunity(undefined, 'Plain');
  const alone = await member('ada', personless, plain);
  const id = unwrap(await alone.desk.declare(draftOf('knowledge'), null));
  expect(alone.desk.view).toMatchObject({ ownLogOnly: true, mint: null });
  expect(seen(alone, id)).toMatchObject({ stage: 'declared', contribution: { contributor: { person: null } } });
  expect(await alone.desk.approve(id)).toMatchObject({ error: { code: 'minting_off' } });
});
