import * as v from 'valibot';
import { createEmitter } from '#core/base/events';
import type { NodeId } from '#core/base/ids';
import type { Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Failure, type Result } from '#core/base/result';
import type { NodeCard } from '#core/bus/messages';
import { fitOf } from '#core/engines/fit';
import type { LanguageModel, LanguageModelLoader } from '#core/engines/language-model';
import { manifestHashOf, type ModelManifest } from '#core/engines/model-manifest';
import type { SelfTestReport } from '#core/engines/self-test';
import { auditsByModel, NO_AUDITS } from '#core/experts/admission-gate/audits';
import {
  CANARY_PERCENT,
  chooseVersion,
  standingsOf,
  type RankedVersion,
  type Standing,
  type VersionStakes,
} from '#core/experts/admission-gate/choose-version';
import { claimsOf } from '#core/experts/admission-gate/claims';
import { evaluationSetsSchema } from '#core/experts/admission-gate/evaluation-set';
import { examineExpert } from '#core/experts/admission-gate/examine';
import { expertsOf, holdingOf, type Expert, type Holding } from '#core/experts/admission-gate/expert-registry';
import type { AdmissionInput } from '#core/experts/admission-gate/gate';
import { measurePace } from '#core/experts/admission-gate/measure-pace';
import {
  comparedWith,
  openKeptEvaluation,
  scoreOf,
  type KeptEvaluation,
} from '#core/experts/admission-gate/kept-evaluation';
import {
  ADMISSION_GATES,
  passesAlone,
  runAdmissionGate,
  type AdmissionReport,
} from '#core/experts/admission-gate/run-admission-gate';
import { createVerification, openVerification, type Verification } from '#core/experts/admission-gate/verification';
import {
  createExpertCard,
  expertPapersSchema,
  openExpertCard,
  type ExpertPapers,
  type OpenedExpertCard,
} from '#core/experts/expert-card';
import { manifestToJson } from '#core/identity/community';
import type { ReceiptFact } from '#core/ledger/receipt-facts';
import type { KeyValueStore } from '#core/storage/ports';
import type { Admission } from '#core/transport/ports';
import { checkAgainst } from '#core/wire/gate';
import { llmChat } from '#services/llm-chat/contract';
import { openMeasuredCards, type SignedExpertCard } from './measured-cards';
import { versionView, type ExpertsDesk, type ExpertsView } from './expert-views';

export type { ExpertsDesk } from './expert-views';

/** Evaluations on disk, some 200 KB each. */
const MAX_KEPT = 8;
/** Views of a running evaluation per second: more than a person can read. */
const SHOW_EVERY_MS = 250;
const EVALUATION_KEY = 'experts/evaluation/';
const DECISIONS_KEY = 'experts/decisions';
/** A card with less time left than this is made anew: whoever was shown it goes on using it for a while. */
const LEAST_LEFT_MS = 2 * 60 * 60_000;
/** For models without golden transcripts. */
const PLAIN_QUESTION = 'What can you help me with?';

export interface OpenExpertsDesk extends ExpertsDesk {
  /** What this node shows to others. */
  papers(): ExpertPapers;
  /** Which version of an expert a request goes to; null when this node knows of none that may serve. */
  choose(expert: string, traceId: string, stakes: VersionStakes): RankedVersion | null;
  /** The served model as this node may offer it; null before it is in a catalogue and has a card that lasts for a while. */
  served(): Promise<ServedExpert | null>;
  /**
   * Measures how fast the served model reads and writes here, and signs a card of that alone: about 200 tokens, in its
   * worker. Codes `not_running`, `unknown_model`, `cancelled`, and those of the model.
   */
  measureServed(signal: AbortSignal): Promise<Result<void>>;
}

export interface ServedExpert {
  readonly card: OpenedExpertCard;
  readonly manifest: ModelManifest;
}

/** What the desk needs of the running node; read anew each time, since entering a community makes another mesh. */
export interface ExpertsRun {
  readonly storage: { readonly records: KeyValueStore };
  readonly nodeKey: { readonly signer: Signer };
  readonly loader: Pick<LanguageModelLoader, 'load'>;
  readonly person: {
    readonly view: { readonly identityId: string; readonly nodes: readonly { readonly nodeId: NodeId }[] };
  };
  readonly mesh: {
    readonly servedModel: string;
    readonly selfTest: SelfTestReport | null;
    readonly loadedModels: readonly Pick<LanguageModel, 'identity'>[];
    readonly roster: { entries(): readonly { readonly node: NodeId; readonly card: NodeCard | null }[] };
    readonly links: {
      to(node: NodeId): { readonly admission: Pick<Admission, 'identity' | 'trust'> } | null;
    };
    readonly ledger: {
      readonly state: {
        readonly receiptsById: ReadonlyMap<string, Pick<ReceiptFact, 'model' | 'verdict' | 'executor'>>;
      };
    };
  } | null;
}

/** A model as the signed catalogue names it, how it suits this device once that was measured, and who signed the catalogue. */
export interface NamedModel {
  readonly manifest: ModelManifest;
  readonly fit: AdmissionInput['fit'];
  readonly signedBy: NodeId | null;
}

export interface ExpertsHooks {
  readonly clock: Clock;
  readonly verify: Verify;
  /** What the browser tells of this device. */
  readonly device: () => Promise<NodeCard['device']>;
  /** Null when no catalogue here names it. */
  readonly manifestOf: (id: string) => Promise<NamedModel | null>;
  /** The evaluation sets of an expert, unchecked. Code `no_evaluation` when there are none. */
  readonly loadSets: (id: string) => Promise<Result<unknown>>;
  /** Asks a linked node for its papers; what comes is checked here. */
  readonly askPapers: (node: NodeId) => Promise<Result<unknown>>;
}

const decisionsSchema = v.record(v.string(), v.picklist(['settled', 'rolled-back']));

/** What a linked node shows, opened. */
interface Shown {
  readonly cards: readonly OpenedExpertCard[];
  readonly verifications: readonly Verification[];
}

/** Opens what this profile keeps of experts. Evaluations whose card has expired are forgotten. */
export async function openExpertsDesk(run: ExpertsRun, hooks: ExpertsHooks): Promise<Result<OpenExpertsDesk>> {
  const { clock, verify } = hooks;
  const { records } = run.storage;
  const { signer } = run.nodeKey;
  const self = signer.nodeId;
  const changed = createEmitter<void>();
  const keptByHash = new Map<string, KeptEvaluation>();
  const shownByNode = new Map<NodeId, Shown>();
  const namedById = new Map<string, NamedModel>();
  const decided = new Map<string, Exclude<Standing, 'canary'>>();
  /** Of each kept evaluation; emptied whenever something that a gate looks at was learned. */
  const reports = new Map<string, AdmissionReport>();
  let evaluating: ExpertsView['evaluating'] = null;
  let abort: AbortController | null = null;
  let problem = '';

  const keys = await records.keys(EVALUATION_KEY);
  if (!keys.ok) return keys;
  for (const key of keys.value) {
    const found = await records.get<unknown>(key);
    if (!found.ok) return found;
    const kept = await openKeptEvaluation(found.value, verify, clock.now());
    if (kept.ok) keptByHash.set(kept.value.opened.modelHash, kept.value);
    else await records.delete(key);
  }
  const openedMeasured = await openMeasuredCards(records, verify, clock);
  if (!openedMeasured.ok) return openedMeasured;
  const measuredCards = openedMeasured.value;
  const decisions = await records.get<unknown>(DECISIONS_KEY);
  const read = decisions.ok ? checkAgainst(decisionsSchema, decisions.value) : decisions;
  if (read.ok) for (const [hash, standing] of Object.entries(read.value)) decided.set(hash, standing);

  const tell = (failure: Failure | null): void => {
    problem = failure === null || failure.code === 'cancelled' ? '' : failure.message;
    changed.emit();
  };
  const notRunning = fail('not_running', 'The node does not run in this tab.');
  const timely = ({ expiresAt }: { readonly expiresAt: number }): boolean => expiresAt > clock.now();

  async function learnName(id: string): Promise<void> {
    const named = await hooks.manifestOf(id);
    if (named === null) return;
    namedById.set(id, { ...named, fit: named.fit ?? (await estimatedFit(named.manifest)) });
    reports.clear();
  }

  /** Before this device was measured: by memory and size alone, for what runs without a graphics card. */
  async function estimatedFit(manifest: ModelManifest): Promise<AdmissionInput['fit']> {
    const device = await hooks.device();
    if (device === null || manifest.engine !== 'transformers') return null;
    const facts = { graphics: null, phone: false, cores: device.cores, memoryHintGb: device.memoryGb };
    return fitOf(manifest, facts, null, { freeBytes: null });
  }

  /** The same node, both of this person, or both admitted under one identity. */
  function related(a: NodeId, b: NodeId): boolean {
    const { identityId, nodes } = run.person.view;
    const own = new Set([self, ...nodes.map(({ nodeId }) => nodeId)]);
    const personOf = (node: NodeId): string | null =>
      own.has(node) ? identityId || self : (run.mesh?.links.to(node)?.admission.identity ?? null);
    return a === b || (personOf(a) !== null && personOf(a) === personOf(b));
  }

  function holdings(): ReadonlyMap<NodeId, readonly Holding[]> {
    const { mesh } = run;
    const noted = (expert: string, modelHash: string, engine: string): Holding => ({
      expert,
      modelHash,
      engine,
      card: null,
    });
    const own = (mesh?.loadedModels ?? []).map(({ identity: { id, hash, engine } }) => noted(id, hash, engine));
    const byNode = new Map([[self, [...own, ...ownCards().map(({ opened }) => holdingOf(opened))]]]);
    for (const { node, card } of mesh?.roster.entries() ?? []) {
      if (card === null) continue;
      const notes = card.models.map(({ id, hash, engine }) => noted(id, hash, engine));
      byNode.set(node, [...notes, ...(shownByNode.get(node)?.cards ?? []).filter(timely).map(holdingOf)]);
    }
    return byNode;
  }

  const lasts = (opened: OpenedExpertCard): boolean => opened.expiresAt > clock.now() + LEAST_LEFT_MS;
  /** Of these weights: the card of an evaluation before that of a mere measurement, while it lasts. */
  function ownCard(modelHash: string): SignedExpertCard | null {
    const found = [keptByHash.get(modelHash), measuredCards.byHash.get(modelHash)]
      .filter((one) => one !== undefined)
      .filter(({ opened }) => timely(opened));
    return found.find(({ opened }) => lasts(opened)) ?? found[0] ?? null;
  }
  const ownCards = (): readonly SignedExpertCard[] =>
    [...new Set([...keptByHash.keys(), ...measuredCards.byHash.keys()])]
      .map((modelHash) => ownCard(modelHash))
      .filter((one) => one !== null);

  const audits = () => auditsByModel(run.mesh?.ledger.state.receiptsById.values() ?? [], self);

  /** Where the versions of an expert stand. The first decision about one is written down: a sequential test is not asked again. */
  function ranked({ expert, versions }: Expert, counts = audits()): readonly RankedVersion[] {
    const named = namedById.get(expert);
    const found = standingsOf(
      versions.map(({ version, modelHash }) => ({
        version,
        modelHash,
        ...(counts.get(modelHash) ?? NO_AUDITS),
      })),
      named === undefined ? null : manifestHashOf(named.manifest),
      decided,
    );
    let fresh = false;
    for (const { judgement, standing, modelHash } of found) {
      if (judgement === null || standing === 'canary') continue;
      decided.set(modelHash, standing);
      fresh = true;
    }
    if (fresh) void records.set(DECISIONS_KEY, Object.fromEntries(decided));
    return found;
  }

  function inputOf(one: Omit<KeptEvaluation, 'verification'>): AdmissionInput {
    const { opened, target, general, triggers, replay } = one;
    const named = namedById.get(opened.expert);
    return {
      card: opened,
      measured: { target, general, triggers, replay },
      ...comparedWith(one, keptByHash.values()),
      fit: named?.fit ?? null,
      manifest: named ?? null,
      verifications: [...shownByNode.values()].flatMap(({ verifications }) => verifications).filter(timely),
      related,
    };
  }

  function reportOf(kept: KeptEvaluation): AdmissionReport {
    const report = reports.get(kept.opened.modelHash) ?? runAdmissionGate(inputOf(kept));
    reports.set(kept.opened.modelHash, report);
    return report;
  }

  /** Only what a node signed itself counts: who passes on the word of strangers could make up any number of them. */
  async function learnPapers(node: NodeId, given: unknown): Promise<void> {
    const papers = checkAgainst(expertPapersSchema, given);
    if (!papers.ok) return;
    const cards: OpenedExpertCard[] = [];
    for (const signed of papers.value.cards) {
      const opened = await openExpertCard(signed, verify, clock.now());
      if (opened.ok && opened.value.author === node) cards.push(opened.value);
    }
    const verifications: Verification[] = [];
    for (const signed of papers.value.verifications) {
      const opened = await openVerification(signed, verify, clock.now());
      if (opened.ok && opened.value.verifier === node) verifications.push(opened.value);
    }
    shownByNode.set(node, { cards, verifications });
    reports.clear();
  }

  async function examine(id: string, signal: AbortSignal): Promise<Result<void>> {
    const loaded = await hooks.loadSets(id);
    if (!loaded.ok) return loaded;
    const sets = checkAgainst(evaluationSetsSchema, loaded.value);
    if (!sets.ok) return sets;
    await learnName(id);
    const manifest = namedById.get(id)?.manifest;
    if (manifest === undefined)
      return fail('unknown_model', 'No catalogue of models is here that names this one; it comes with a connection.');
    const model = await run.loader.load(id);
    if (!model.ok) return model;
    let shownMs = -Infinity;
    const examined = await examineExpert(model.value, sets.value, {
      clock,
      golden: manifest.golden ?? [],
      signal,
      onDone: (done, total) => {
        evaluating = { done, total };
        if (clock.monotonicMs() - shownMs < SHOW_EVERY_MS) return;
        shownMs = clock.monotonicMs();
        changed.emit();
      },
    });
    if (!examined.ok) return examined;
    const { pace, selfTest, ...measured } = examined.value;
    const { target, general, replay } = measured;
    const { hash, engine, contextTokens } = model.value.identity;
    const scores = [scoreOf(target), scoreOf(general)];
    const about = { expert: id, version: manifest.version, modelHash: hash, engine, scores, at: clock.now() };
    const { tasks, quantisation, memoryBytes } = manifest;
    const before = comparedWith({ opened: about }, keptByHash.values());
    const card = await createExpertCard(signer, {
      ...about,
      ...pace,
      ...claimsOf(id, measured, before),
      expertType: 'domain',
      domains: [target.set],
      licence: manifest.licence.name,
      capabilities: [llmChat.id],
      tasks,
      quantisation,
      memoryBytes,
      contextTokens,
      selfTest,
    });
    const opened = await openExpertCard(card, verify, clock.now());
    if (!opened.ok) return opened;
    const found = { v: 1 as const, card, opened: opened.value, ...measured };
    const verification = await createVerification(signer, {
      ...about,
      positions: replay.positions,
      agreeing: replay.agreeing,
      passed: passesAlone(inputOf(found)),
    });
    return keep({ ...found, verification });
  }

  async function measureServed(signal: AbortSignal): Promise<Result<void>> {
    const { mesh } = run;
    if (mesh === null) return notRunning;
    const { servedModel: id, selfTest } = mesh;
    await learnName(id);
    const manifest = namedById.get(id)?.manifest;
    if (manifest === undefined)
      return fail('unknown_model', 'No catalogue of models is here that names this one; it comes with a connection.');
    const model = await run.loader.load(id);
    if (!model.ok) return model;
    const pace = await measurePace(model.value, manifest.golden?.[0]?.question ?? PLAIN_QUESTION, clock, signal);
    if (!pace.ok) return pace;
    const { hash, engine, contextTokens } = model.value.identity;
    const { version, tasks, quantisation, memoryBytes, licence } = manifest;
    const card = await createExpertCard(signer, {
      expert: id,
      version,
      modelHash: hash,
      engine,
      ...pace.value,
      capabilities: [llmChat.id],
      tasks,
      quantisation,
      memoryBytes,
      contextTokens,
      selfTest,
      scores: [],
      licence: licence.name,
      at: clock.now(),
    });
    const kept = await measuredCards.keep(card);
    if (!kept.ok) return kept;
    changed.emit();
    return ok(undefined);
  }

  async function keep(kept: KeptEvaluation): Promise<Result<void>> {
    const { opened, ...plain } = kept;
    const written = await records.set(EVALUATION_KEY + opened.modelHash, plain);
    if (!written.ok) return written;
    keptByHash.set(opened.modelHash, kept);
    reports.clear();
    const newestFirst = [...keptByHash].sort(([, a], [, b]) => b.opened.at - a.opened.at);
    for (const [hash] of newestFirst.slice(MAX_KEPT)) {
      keptByHash.delete(hash);
      await records.delete(EVALUATION_KEY + hash);
    }
    return ok(undefined);
  }

  function view(): ExpertsView {
    const served = run.mesh?.servedModel ?? '';
    const counts = audits();
    return {
      experts: expertsOf(holdings()).map((expert) => ({
        id: expert.expert,
        name: namedById.get(expert.expert)?.manifest.name ?? expert.expert,
        tasks: namedById.get(expert.expert)?.manifest.tasks ?? expert.tasks,
        versions: ranked(expert, counts).map((one) => {
          const kept = keptByHash.get(one.modelHash);
          const evaluation = kept === undefined ? null : { report: reportOf(kept), at: kept.opened.at };
          return versionView(one, expert, self, evaluation);
        }),
      })),
      gates: ADMISSION_GATES.map(({ name, label, demand }) => ({ gate: name, label, demand })),
      served: { id: served, name: namedById.get(served)?.manifest.name ?? served },
      canaryPercent: CANARY_PERCENT,
      evaluating,
      problem,
    };
  }

  return ok({
    changed,
    get view() {
      return view();
    },
    async refresh() {
      const { mesh } = run;
      if (mesh === null) return tell(notRunning.error);
      const holders = mesh.roster
        .entries()
        .filter(({ node, card }) => card !== null && card.models.length > 0 && trusted(mesh.links.to(node)));
      await Promise.all(
        holders.map(async ({ node }) => {
          const given = await hooks.askPapers(node);
          if (given.ok) await learnPapers(node, given.value);
        }),
      );
      for (const id of new Set([mesh.servedModel, ...expertsOf(holdings()).map(({ expert }) => expert)]))
        await learnName(id);
      tell(null);
    },
    async evaluate() {
      if (abort !== null) return;
      const served = run.mesh?.servedModel;
      if (served === undefined) return tell(notRunning.error);
      abort = new AbortController();
      evaluating = { done: 0, total: 1 };
      tell(null);
      const examined = await examine(served, abort.signal);
      abort = null;
      evaluating = null;
      tell(examined.ok ? null : examined.error);
    },
    stop: () => abort?.abort(),
    evidence(modelHash) {
      const kept = keptByHash.get(modelHash);
      if (kept === undefined) return null;
      const { card, verification, target, general, triggers, replay } = kept;
      const signed = { card: manifestToJson(card), verification: manifestToJson(verification) };
      const all = { format: 'tabmesh-expert-evidence', v: 1, ...signed, report: reportOf(kept) };
      return `${JSON.stringify({ ...all, target, general, triggers, replay }, null, 1)}\n`;
    },
    papers() {
      const evaluated = [...keptByHash.values()].filter(({ opened }) => timely(opened));
      return {
        cards: ownCards().map(({ card }) => card),
        verifications: evaluated.map(({ verification }) => verification),
      };
    },
    choose(expert, traceId, stakes) {
      const found = expertsOf(holdings()).find((one) => one.expert === expert);
      return found === undefined ? null : chooseVersion(ranked(found), traceId, stakes);
    },
    measureServed,
    async served() {
      const id = run.mesh?.servedModel;
      const hash = run.mesh?.loadedModels.find(({ identity }) => identity.id === id)?.identity.hash;
      if (id === undefined || hash === undefined) return null;
      const own = ownCard(hash);
      if (own === null || !lasts(own.opened)) return null;
      if (!namedById.has(id)) await learnName(id);
      const manifest = namedById.get(id)?.manifest;
      return manifest === undefined ? null : { card: own.opened, manifest };
    },
  });
}

/** Who was demoted to somebody unknown vouches for nothing. */
const trusted = (link: { readonly admission: Pick<Admission, 'trust'> } | null): boolean =>
  link !== null && link.admission.trust !== 'unknown';
