import type { NodeId } from '#core/base/ids';
import type { Clock, Signer, Verify } from '#core/base/ports';
import { err, fail, ok, type Failure, type Result } from '#core/base/result';
import { createTeacherPolicy, teacherPolicySchema } from '#core/ledger/cards/teacher-policy';
import type { EventOf } from '#core/ledger/events';
import {
  createContributionSet,
  type ContributionSet,
  type DeclaredContribution,
  type TermsRead,
} from '#core/ledger/growth/collect-contributions';
import { contributionIdOf, createContribution, type Contribution } from '#core/ledger/growth/contribution-receipt';
import { createFinding, findingSchema } from '#core/ledger/growth/finding';
import { MEASURING_RECEIPT, receiptsNeededBy } from '#core/ledger/growth/growth-fields';
import { encodeGrowthStatement, openGrowthStatement, type GrowthStatement } from '#core/ledger/growth/growth-statement';
import { faultOf, mintKeyOf, openContributionReceipt } from '#core/ledger/growth/open-contribution';
import { openTeachers } from '#core/ledger/growth/open-teachers';
import type { Ledger, LedgerEntry } from '#core/ledger/ledger';
import { openMintApproval, type MintApproval } from '#core/ledger/mint-approval';
import { giversOf, VERIFIERS_NEEDED } from '#core/ledger/rules/contribution-rules';
import { curatorsNeeded, MINT_RULES } from '#core/ledger/rules/mint-rules';
import { keepsAll } from '#core/ledger/rules/rule';
import { checkAgainst } from '#core/wire/gate';
import { idOfSigned, sign } from '#core/wire/signed';
import { createTurns } from '../economy/timers';
import type { MeshNode } from '../create-node';
import { createContributionFiles, type ContributionFiles } from './contribution-files';
import type { ContributionStage, GivenContribution, FoundDraft, GrowthDesk, GrowthView } from './growth-views';
import type { Running } from './lifecycle';
import { contributionFrom } from './contribution-from-draft';
import { createMarkedReading } from './marked-reading';
import { verifiedBefore } from '#core/ledger/verified-before';

/** Work to choose from: more than this nobody looks through. */
const MOST_SHOWN = 40;
/** Who is asked for a file, one after the other. */
const MOST_HOLDERS = 4;

export interface GrowthDeskDeps {
  readonly ledger: Ledger;
  readonly signer: Signer;
  /** The person behind this node, who signs what it gives; null where there is none. */
  readonly person: () => Promise<Result<Signer | null>>;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly files: ContributionFiles;
  /** What blocked nodes find is not heard. */
  readonly isBlocked: (node: string) => boolean;
}

/** The desk of a running node. */
export function openGrowthDesk(
  { nodeKey, person, communities, storage }: Pick<Running, 'nodeKey' | 'person' | 'communities' | 'storage'>,
  { ledger, bus }: Pick<MeshNode, 'ledger' | 'bus'>,
  { verify, clock }: Pick<GrowthDeskDeps, 'verify' | 'clock'>,
): GrowthDesk {
  return createGrowthDesk({
    ledger,
    signer: nodeKey.signer,
    person: person.signer,
    verify,
    clock,
    files: createContributionFiles({ records: storage.records, community: ledger.community.id, call: bus.call }),
    isBlocked: communities.isBlocked,
  });
}

export function createGrowthDesk(deps: GrowthDeskDeps): GrowthDesk {
  const { ledger, signer, person, verify, clock, files, isBlocked } = deps;
  const { author: self, community } = ledger;
  const policy = community.economy ?? null;
  const inTurn = createTurns();
  const isTrusted = (node: NodeId): boolean => node === self || (policy?.curators.includes(node) ?? false);
  let set: ContributionSet = createContributionSet({ isTrusted });
  let declared: readonly DeclaredContribution[] = [];
  let filesHere: ReadonlySet<string> = new Set();
  let terms: readonly TermsRead[] = [];

  const reading = createMarkedReading({
    ledger,
    clock,
    kinds: ['growth.stated', 'contribution.receipted'],
    startAnew: () => (set = createContributionSet({ isTrusted })),
    leavesOut: isBlocked,
    take,
  });

  /** What does not open, or speaks for others, is nothing that was said. */
  async function take({ id, author, seq, at, event }: LedgerEntry): Promise<boolean> {
    if (set.roomOf(author) === 0) return false;
    // Nothing is from the future, and nobody stands above all others for ever.
    const place = { id, author, seq, at: Math.min(at, clock.now()) };
    if (event.kind === 'growth.stated') {
      const opened = await openGrowthStatement(event.statement, author, verify);
      return opened.ok && set.add(place, opened.value);
    }
    if (event.kind !== 'contribution.receipted') return false;
    // The ledger took it as it is: everything that is signed in it was verified.
    const opened = await openContributionReceipt(event.receipt, verifiedBefore);
    return opened.ok && set.add(place, { kind: 'receipt', signed: event.receipt, opened: opened.value });
  }

  const mintedFor = ({ mintKey }: DeclaredContribution) => ledger.state.mintByKey.get(mintKey) ?? null;
  const approvedBy = ({ approvals, contribution }: DeclaredContribution) =>
    approvals.map(({ by }) => by).filter((by) => policy?.curators.includes(by) && by !== contribution.credit.account);
  /** What stands in a receipt may be the word of keys that no log holds: what was found in the logs must come to as much. */
  const borneOut = ({ receipt, fault, worthMicros }: DeclaredContribution): boolean =>
    receipt !== null && receipt.fault === null && fault === null && receipt.worthMicros <= worthMicros;

  function stageOf(one: DeclaredContribution): ContributionStage {
    const minted = mintedFor(one);
    if (minted !== null) return minted.to === one.contribution.credit.account ? 'minted' : 'elsewhere';
    if (!borneOut(one)) return one.fault === null ? 'found' : 'declared';
    return policy?.mint && approvedBy(one).length >= curatorsNeeded(policy) ? 'approved' : 'receipted';
  }

  function viewOf(one: DeclaredContribution): GivenContribution {
    const { id, contribution, teachers, at, findings, fault, worthMicros, receipt } = one;
    const minted = mintedFor(one);
    return {
      id,
      stage: stageOf(one),
      contribution,
      teachers,
      at,
      own: contribution.contributor.node === self,
      fileHere: filesHere.has(contribution.content.hash),
      needed: receiptsNeededBy(contribution.kind, 'skill' in contribution).map((needed) => ({
        receipt: needed,
        measures: needed === MEASURING_RECEIPT[contribution.kind],
        findings: findings.map(({ finding }) => finding).filter((found) => found.receipt === needed),
      })),
      verifiersNeeded: VERIFIERS_NEEDED,
      fault,
      worthMicros,
      receipt: receipt && {
        id: receipt.id,
        fault: receipt.fault,
        worthMicros: receipt.worthMicros,
        at: receipt.at,
        borneOut: borneOut(one),
      },
      approvedBy: approvedBy(one),
      minted: minted && { to: minted.to, amountMicros: minted.amountMicros, at: minted.at },
    };
  }

  const view = (): GrowthView => ({
    contributions: declared.map(viewOf),
    terms: terms.map(({ id, policy: read }) => ({ id, policy: read })),
    mint: policy?.mint ? { curators: policy.curators, needed: curatorsNeeded(policy) } : null,
    ownLogOnly: policy === null,
    statementsLeft: set.roomOf(self),
    leftOut: set.leftOut(),
    strayFiles: [...filesHere].filter(
      (hash) => !declared.some(({ contribution }) => contribution.content.hash === hash),
    ),
  });

  async function readNow(): Promise<Result<GrowthView>> {
    const changed = await reading.readOn();
    if (!changed.ok) return changed;
    const kept = await files.kept();
    if (!kept.ok) return kept;
    filesHere = kept.value;
    if (changed.value) {
      terms = set.terms();
      declared = set.contributions(community.id);
    }
    return ok(view());
  }

  /** Acts on what is known now, and shows what came of it. */
  const act = <T>(make: () => Promise<Result<T>>): Promise<Result<T>> =>
    inTurn(async () => {
      const read = await readNow();
      if (!read.ok) return read;
      const made = await make();
      if (!made.ok) return made;
      const after = await readNow();
      return after.ok ? made : after;
    });

  /** The same for what counts as so many statements of this node. */
  const say = <T>(make: () => Promise<Result<T>>, statements = 1): Promise<Result<T>> =>
    act(async () =>
      set.roomOf(self) >= statements
        ? make()
        : fail('author_full', 'This node said all about contributions that counts of one node.'),
    );

  async function state(statement: GrowthStatement): Promise<Result<void>> {
    const bytes = encodeGrowthStatement(statement);
    if (!bytes.ok) return bytes;
    const written = await ledger.append({ kind: 'growth.stated', statement: bytes.value });
    return written.ok ? ok(undefined) : written;
  }

  function find(id: string): Result<DeclaredContribution> {
    const found = declared.find((one) => one.id === id);
    return found === undefined
      ? fail('unknown_contribution', 'This contribution is not among those on this device.')
      : ok(found);
  }

  /** Own contributions alone. */
  function findOwn(id: string): Result<DeclaredContribution> {
    const found = find(id);
    return found.ok && found.value.contribution.contributor.node !== self
      ? fail('unknown_contribution', 'This is the contribution of somebody else.')
      : found;
  }

  const keepFile = async (
    { content }: Pick<Contribution, 'content'>,
    file: Uint8Array<ArrayBuffer>,
  ): Promise<Result<void>> =>
    content.redaction === 'private_commitment' ? filePrivate : files.keep(content.hash, file);

  /** Why nobody can approve this; null where a curator can. */
  function objectionToApproval(one: DeclaredContribution): Failure | null {
    const { receipt, contribution } = one;
    const because = (code: string, message: string): Failure => ({ code, message });
    if (!policy?.mint) return because('minting_off', 'This community mints no credit.');
    if (!policy.curators.includes(self)) return because('not_a_curator', 'Only curators of this community approve.');
    if (contribution.credit.account === self) return because('approves_own', 'Nobody approves what they gave.');
    if (receipt === null) return because('no_receipt', 'Its contributor has not written the receipt yet.');
    if (receipt.fault !== null) return receipt.fault;
    if (one.fault !== null) return one.fault;
    if (receipt.worthMicros > one.worthMicros)
      return because('more_than_found', 'The receipt says more than was found by those whom you hear.');
    if (receipt.worthMicros === 0) return because('worth_nothing', 'It comes to nothing, so there is nothing to mint.');
    if (mintedFor(one) !== null) return because('minted_twice', 'Credit was minted for this content already.');
    if (one.approvals.some(({ by }) => by === self)) return because('approved_already', 'You approved it already.');
    return null;
  }

  return {
    get view() {
      return view();
    },
    read: () => inTurn(readNow),
    declare: (draft, file) =>
      say(async () => {
        const made = await contributionFrom(draft, { ledger, person, verify, clock, terms });
        if (!made.ok) return made;
        const teachers = await openTeachers(made.value.source, verify);
        if (!teachers.ok) return teachers;
        // Nobody has looked yet; everything else must hold before anybody does.
        const id = contributionIdOf(made.value);
        const fault = faultOf({ id, contribution: made.value, teachers: teachers.value }, []);
        if (fault !== null && fault.code !== 'too_few_verifiers') return err(fault);
        const key = mintKeyOf(made.value);
        if (ledger.state.mintByKey.has(key)) return fail('minted_twice', 'Credit was minted for this content already.');
        // First, so that nobody asks in vain; what was not said leaves no file behind.
        const kept = file === null ? ok(undefined) : await keepFile(draft, file);
        if (!kept.ok) return kept;
        const said = await state({ type: 'contribution-declared', v: 1, contribution: made.value });
        if (said.ok) return ok(id);
        if (file !== null && !filesHere.has(draft.content.hash)) await files.letGo(draft.content.hash);
        return said;
      }),
    async fetchFile(id) {
      const about = find(id);
      if (!about.ok) return about;
      const { contributor, content } = about.value.contribution;
      if (content.redaction === 'private_commitment') return filePrivate;
      const holders = [contributor.node, ...about.value.findings.map(({ finding }) => finding.verifier)];
      const others = [...new Set(holders)].filter((node) => node !== self).slice(0, MOST_HOLDERS);
      // Others may take long, and nothing else waits for them.
      const fetched = await files.fetch(content.hash, content.sizeBytes, others);
      if (!fetched.ok) return fetched;
      const after = await inTurn(readNow);
      return after.ok ? fetched : after;
    },
    offerFile: (id, file) =>
      act(async () => {
        const own = findOwn(id);
        return own.ok ? keepFile(own.value.contribution, file) : own;
      }),
    letFileGo: (hash) => act(() => files.letGo(hash)),
    find: (id, found) =>
      say(async () => {
        const about = find(id);
        if (!about.ok) return about;
        const { contribution } = about.value;
        if (giversOf(contribution).includes(self))
          return fail('judges_own_contribution', 'Nobody judges what they gave themselves.');
        const needed = receiptsNeededBy(contribution.kind, 'skill' in contribution);
        const { measure, set: measuredOn } = contribution.evaluation.delta;
        const drafts = found.map((one: FoundDraft) => ({ contribution: id, ...one, at: clock.now() }));
        for (const draft of drafts) {
          const body = { type: 'contribution-finding', v: 1, ...draft, verifier: self };
          const checked = checkAgainst(findingSchema, body);
          if (!checked.ok) return checked;
          if (!needed.includes(draft.receipt))
            return fail('receipt_not_needed', 'This contribution does not need that receipt.');
          const measures = draft.receipt === MEASURING_RECEIPT[contribution.kind] && draft.verdict === 'accepted';
          const same = draft.delta?.measure === measure && draft.delta.set === measuredOn;
          if (measures && (!same || draft.qualityMilli === null))
            return fail('gain_not_measured', 'Whoever accepts it must have measured the same thing.');
        }
        for (const draft of drafts) {
          const finding = await createFinding(signer, draft);
          const said = await state({ type: 'contribution-found', v: 1, finding });
          if (!said.ok) return said;
        }
        return ok(undefined);
      }, found.length),
    receipt: (id) =>
      say(async () => {
        const own = findOwn(id);
        if (!own.ok) return own;
        const { contribution, fault, findings } = own.value;
        if (fault !== null) return err(fault);
        const behind = await person();
        if (!behind.ok) return behind;
        const named = contribution.contributor.person;
        if (named !== null && behind.value?.nodeId !== named)
          return fail('other_person', 'Another person stood behind this device when it was given.');
        const receipt = await createContribution(
          { node: signer, person: named === null ? null : behind.value },
          contribution,
          findings.map(({ signed }) => signed),
        );
        const written = await ledger.append({ kind: 'contribution.receipted', receipt });
        return written.ok ? ok(idOfSigned(receipt)) : written;
      }),
    approve: (id) =>
      say(async () => {
        const about = find(id);
        if (!about.ok) return about;
        const objection = objectionToApproval(about.value);
        if (objection !== null) return err(objection);
        const { receipt, contribution } = about.value;
        const body: MintApproval = {
          type: 'mint-approval',
          v: 1,
          community: community.id,
          receipt: receipt!.id,
          to: contribution.credit.account,
          amountMicros: receipt!.worthMicros,
        };
        return state({ type: 'mint-approved', v: 1, approval: await sign(signer, body) });
      }),
    mint: (id) =>
      act(async () => {
        const own = findOwn(id);
        if (!own.ok) return own;
        const { receipt, contribution, mintKey, approvals } = own.value;
        if (receipt === null) return fail('no_receipt', 'Write the receipt first.');
        const mint: EventOf<'credit.minted'> = {
          kind: 'credit.minted',
          contribution: receipt.signed,
          to: contribution.credit.account,
          amountMicros: receipt.worthMicros,
          approvals: approvals.filter(({ by }) => policy?.curators.includes(by)).map(({ signed }) => signed),
        };
        const opened = [];
        for (const signed of mint.approvals) {
          const approval = await openMintApproval(signed, verify);
          if (!approval.ok) return approval;
          opened.push(approval.value);
        }
        const kept = keepsAll(MINT_RULES, {
          community: community.id,
          policy,
          mint,
          contribution: {
            receipt: receipt.id,
            account: contribution.credit.account,
            mintKey,
            mintMicros: receipt.worthMicros,
            fault: receipt.fault,
          },
          approvals: opened,
          author: self,
          before: ledger.state.mintByKey.has(mintKey),
        });
        if (!kept.ok) return kept;
        const written = await ledger.append(mint);
        return written.ok ? ok(undefined) : written;
      }),
    readTerms: (draft) =>
      say(async () => {
        const at = clock.now();
        const body = { type: 'teacher-policy', v: 1, ...draft, at, author: self, expiresAt: at + 1 };
        const checked = checkAgainst(teacherPolicySchema, body);
        if (!checked.ok) return checked;
        const policySigned = await createTeacherPolicy(signer, { ...draft, at });
        const said = await state({ type: 'terms-read', v: 1, policy: policySigned });
        return said.ok ? ok(idOfSigned(policySigned)) : said;
      }),
    shownWork: () =>
      [...ledger.state.receiptsById.values()]
        .filter(({ executor, requester, verdict }) => executor === self && requester !== self && verdict === 'accepted')
        .reverse()
        .slice(0, MOST_SHOWN)
        .map(({ id, capability, requester, at }) => ({ id, capability, requester, at })),
  };
}

const filePrivate = fail('file_private', 'A file that stays private is not handed on.');
