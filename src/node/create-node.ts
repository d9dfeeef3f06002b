import { createEmitter, type EventSource } from '#core/base/events';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Failure, type Result } from '#core/base/result';
import { createBus, type Bus } from '#core/bus/bus';
import type { CapabilityId } from '#core/bus/capability';
import { MAX_MODEL_NOTES, type NodeCard } from '#core/bus/messages';
import { createRoster, type Roster } from '#core/bus/roster';
import type { ServedTask } from '#core/engines/encoder-protocol';
import type { LanguageModel, LanguageModelLoader, LoadProgress, ModelIdentity } from '#core/engines/language-model';
import type { Golden } from '#core/engines/model-manifest';
import type { Sandbox } from '#core/engines/sandbox';
import type { SelfTestReport } from '#core/engines/self-test';
import type { MarginHistogram } from '#core/experts/margin-measurements';
import type { WorkOutcome } from '#core/experts/pipeline';
import type { ExpertPapers } from '#core/experts/expert-card';
import type { Stakes } from '#core/experts/job-class';
import type { RouteUpdate } from '#core/experts/route';
import type { WorkRequest } from '#core/experts/run';
import type { WorkKinds } from '#core/experts/work-kind';
import type { CheckCapability } from '#services/work-services';
import { createExecutor, type Executor } from '#core/jobs/executor';
import type { NodePapers } from '#core/ledger/cards/node-papers';
import { openLedger, type Ledger } from '#core/ledger/ledger';
import type { Community } from '#core/identity/community';
import type { NodeStorage } from '#core/storage/ports';
import { createLinks } from '#core/transport/links';
import type { Admit, Credential, IcePolicy, Links, Network } from '#core/transport/ports';
import type { Signed } from '#core/wire/signed';
import type { AskingDesk as Desk, Watch } from './asking-desk';
import type { EconomyDesk } from './economy/desk';
import type { KnownOffer } from './economy/payer';
import type { MarginHistograms } from './margin-histograms';
import type { SelfTestFinding, SelfTests } from './self-tests';
import {
  createBasicServices,
  createGivenVerdicts,
  type OfferedWhen,
  type RegisteredService,
} from '#services/basic-services';
import type { EncoderChoice, EncoderLoaders, EncoderModel, ServedEncoders } from './served-encoders';

/** With fewer live links than this a node asks the rendezvous for more people. */
const ENOUGH_LINKS = 4;
/** A newcomer dials the sample it was given; the others wait this long before they dial it themselves. */
const LET_NEWCOMER_DIAL_MS = 1_500;
/** How long a model gets to generate its first tokens when it is warmed up. */
const WARM_UP_TOKENS = 2;
const SERVED_TASKS = ['embed', 'rerank'] as const;

export interface NodeDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly storage: NodeStorage;
  readonly network: Network;
  /** Its id is also the room's name. */
  readonly community: Community;
  /** The community's manifest as its founder signed it. */
  readonly manifest: Signed;
  readonly credential: () => Credential;
  readonly admit: Admit;
  /** What the rendezvous wants to see before it lets this node into the room. */
  readonly joinProof: () => Promise<string | undefined>;
  readonly models: LanguageModelLoader;
  /** What this node answers with until `serve` names another. */
  readonly defaultModel: string;
  /** Models beside it, and which of them the person chose to serve; absent: none can be. */
  readonly encoders?: { readonly load: () => Promise<EncoderLoaders>; readonly chosen: Readonly<EncoderChoice> };
  /** Where code of others runs, fetched with the first run; absent: nowhere. */
  readonly loadSandbox?: () => Promise<Sandbox>;
  /** A model's family, for the card; null where it is not known. */
  readonly family?: (modelId: string) => Promise<string | null>;
  /** What this node says of the experts that it holds; absent: nothing. */
  readonly papers?: () => Promise<ExpertPapers>;
  /** The founder's invitation by which this node's own line came in; null for the founder and in open communities. */
  readonly branch: string | null;
  /** Which version of a model a request goes to, by its hash; absent or null: any. */
  readonly versionFor?: (modelId: string, traceId: string, stakes: Stakes) => string | null;
  /** What nodes ask for their work; absent: nobody is paid. */
  readonly offers?: Offers;
  /** A key that nobody saw before, for claims that are planted for validators; absent: none are planted. */
  readonly newSigner?: () => Promise<Signer>;
  /** What this node says of itself as a host; absent: nothing. */
  readonly hostPapers?: () => Promise<NodePapers>;
  /** Golden transcripts of a model, by which this device proves that it computes it; none known: an empty list. */
  readonly golden?: (modelId: string) => Promise<readonly Golden[]>;
  /** Name and version of what runs the models: with another one a device tests itself again. */
  readonly browser?: () => Promise<string>;
  readonly device: NodeCard['device'];
  readonly version: string;
  /** Fetches the code of all services before the node starts, for runs on a virtual clock. */
  readonly preload?: boolean;
}

/** Advertisements, by which work is priced. */
export interface Offers {
  /** What another node asks; null where it asks for nothing, or nothing valid is known. */
  of(node: NodeId): Promise<KnownOffer | null>;
  /** What this node asks, the newest first. */
  own(): Promise<readonly KnownOffer[]>;
}

export type Work = AsyncGenerator<RouteUpdate, Result<WorkOutcome>>;

/** What may have changed of a running node: read the part again. */
export type NodeChange = 'links' | 'roster' | 'network' | 'work' | 'ledger' | 'models';

/**
 * One node in one community: links, bus, services, pipeline and ledger, over whatever adapters it was given. Nothing is
 * offered to others before `contribute(true)`, and no link uses more than host candidates before `goPublic`.
 */
export interface MeshNode {
  readonly self: NodeId;
  readonly changed: EventSource<NodeChange>;
  readonly links: Links;
  readonly bus: Bus;
  readonly roster: Roster;
  readonly ledger: Ledger;
  readonly executor: Executor;
  /** Joins the community's room; resolves after the first attempt, failed or not. */
  start(): Promise<Result<void>>;
  /** The person sends something into the mesh or contributes: links may now use the configured ICE servers. */
  goPublic(): void;
  /** Fetches the table of services that work; afterwards this node's own calls find all of them. */
  prepare(): Promise<void>;
  /** Runs work through the pipeline. Asking again what was asked is a new run. `watch` may look on at what the pipeline is given. */
  work(request: WorkRequest, watch?: Watch): Work;
  /** This node's part in the economy of its community; null where members do not pay each other. */
  economy(): Promise<EconomyDesk | null>;
  /** How much devices differed in what this node had checked. */
  histograms(): Promise<readonly MarginHistogram[]>;
  contribute(on: boolean): Promise<Result<void>>;
  readonly contributing: boolean;
  /**
   * Answers with this model from now on, for this person and for others. It is loaded and tested first; on failure the one
   * before stays. A model that was served before is let go.
   */
  serve(modelId: string): Promise<Result<void>>;
  readonly servedModel: string;
  /**
   * Serves this model beside it, for this person and for others; null serves none. It is loaded and computes once first; on
   * failure the one before stays. Code `no_encoders` where none can be.
   */
  serveEncoder(task: ServedTask, modelId: string | null): Promise<Result<void>>;
  readonly servedEncoders: Readonly<EncoderChoice>;
  /** What the last self-test of the served model found; null before it ran. */
  readonly selfTest: SelfTestReport | null;
  /** What the last self-test of each model found that was tested here, the newest first; one of them may have failed to be served. */
  readonly selfTests: readonly SelfTestFinding[];
  /** Why this node, though it contributes, does not serve its model to others; null while it does, or need not. */
  readonly unserved: Failure | null;
  readonly loading: LoadProgress | null;
  readonly loadedModels: readonly LanguageModel[];
  readonly loadedEncoders: ReadonlyMap<ServedTask, EncoderModel>;
  /** Generated tokens per second as measured on this device; null before the first answer. */
  readonly tokensPerSecond: number | null;
  readonly checksGiven: number;
  stop(): Promise<void>;
}

/** Builds a node from its dependencies. Fails when its ledger cannot be opened. */
export async function createNode(deps: NodeDeps): Promise<Result<MeshNode>> {
  const { signer, verify, clock, chance, network } = deps;
  const self = signer.nodeId;
  const changed = createEmitter<NodeChange>();
  const { community, manifest } = deps;
  const opened = await openLedger({ storage: deps.storage, signer, verify, clock, community, manifest });
  if (!opened.ok) return opened;
  const ledger = opened.value;

  const loadedModels: LanguageModel[] = [];
  const servedEncoders: EncoderChoice = { embed: null, rerank: null, ...deps.encoders?.chosen };
  const loadedEncoders = new Map<ServedTask, EncoderModel>();
  const familyById = new Map<string, string>();
  let contributing = false;
  /** Counts the person's decisions, so that a slow load that was overtaken by a "no" offers nothing. */
  let decision = 0;
  let loading: LoadProgress | null = null;
  let tokensPerSecond: number | null = null;
  let checksGiven = 0;
  let servedModel = deps.defaultModel;
  let selfTestFindings: readonly SelfTestFinding[] = [];
  let unserved: Failure | null = null;

  const links = createLinks({
    network,
    signer,
    verify,
    clock,
    chance,
    admit: deps.admit,
    credential: deps.credential,
    community: community.id,
  });
  const roster = createRoster(() => clock.monotonicMs());
  const bus = createBus({ self, links, roster, clock, chance, card: ownCard });

  const noteOf = ({ id, hash, name, engine }: ModelIdentity, task?: ServedTask) => ({
    id,
    hash,
    name,
    engine,
    family: familyById.get(id),
    task,
  });
  const notes = () => [
    ...loadedModels.map(({ identity }) => noteOf(identity)),
    ...[...loadedEncoders].map(([task, { identity }]) => noteOf(identity, task)),
  ];

  function ownCard(): Omit<NodeCard, 'seq' | 'capabilities'> {
    return {
      contributing,
      models: contributing ? notes().slice(0, MAX_MODEL_NOTES) : [],
      runningJobs: executor.running.length,
      // What this device is made of is nobody's business before the person contributes.
      device: contributing && deps.device ? { ...deps.device, tokensPerSecond } : null,
    };
  }

  function showLoading(progress: LoadProgress | null): void {
    loading = progress;
    changed.emit('models');
  }

  async function noteFamily(id: string): Promise<void> {
    const family = await deps.family?.(id);
    if (family) familyById.set(id, family);
  }

  const held = (id: string) => loadedModels.find((one) => one.identity.id === id);

  async function model(id: string = servedModel): Promise<Result<LanguageModel>> {
    const already = held(id);
    if (already) return ok(already);
    const loaded = await deps.models.load(id, showLoading);
    if (loaded.ok) await noteFamily(id);
    if (loaded.ok && !loadedModels.includes(loaded.value)) loadedModels.push(loaded.value);
    showLoading(null);
    return loaded;
  }

  /** The code of the models beside it is fetched with the first of them. */
  let encoders: Promise<ServedEncoders> | null = null;
  async function openEncoders(): Promise<Result<ServedEncoders>> {
    const load = deps.encoders?.load;
    if (load === undefined) return fail('no_encoders', 'This node cannot serve models of that kind.');
    encoders ??= import('./served-encoders').then(({ createServedEncoders }) =>
      createServedEncoders({ load, chosen: servedEncoders, loaded: loadedEncoders, onProgress: showLoading }),
    );
    return ok(await encoders);
  }

  const executor = createExecutor({
    signer,
    ledger: () => ledger,
    clock,
    chance,
    onRunningChanged: () => {
      bus.announce();
      changed.emit('work');
    },
    payments: async () => (await economy())?.payee ?? null,
    async runService(capability, input, signal, onChunk, job) {
      const kind = (await work()).kinds.get(capability);
      // Work that is not offered is not done for others, whoever asks: this device may compute it wrongly.
      if (!kind || !bus.has(capability) || (job.requester !== self && !bus.offered.includes(capability)))
        return fail(
          'unsupported_job_type',
          `This node does not do ${capability}.`,
          `This node does not do ${capability}.`,
        );
      let firstMs: number | null = null;
      let tokens = 0;
      const result = await bus.call(kind.capability, input, {
        provider: self,
        signal,
        job,
        onChunk: (chunk) => {
          firstMs ??= clock.monotonicMs();
          tokens += kind.progress(chunk).ids.length;
          onChunk(chunk);
        },
      });
      if (result.ok && firstMs !== null && tokens > 8) {
        const seconds = (clock.monotonicMs() - firstMs) / 1000;
        if (seconds > 0) tokensPerSecond = Math.round(((tokens - 1) / seconds) * 10) / 10;
      }
      return result;
    },
  });

  /** The code of the economy is fetched when this person takes part in it, where there is one. */
  let taking: Promise<EconomyDesk | null> | null = null;
  function economy(): Promise<EconomyDesk | null> {
    if (community.economy === undefined) return Promise.resolve(null);
    taking ??= Promise.all([work(), import('./economy/desk')]).then(([{ kinds, checks }, { openEconomyDesk }]) =>
      openEconomyDesk({
        signer,
        verify,
        clock,
        chance,
        storage: deps.storage,
        ledger,
        bus,
        links,
        kinds,
        checks,
        loadModel: model,
        offerOf: async (node) => (await deps.offers?.of(node)) ?? null,
        ownOffers: async () => (await deps.offers?.own()) ?? [],
      }),
    );
    return taking;
  }

  const verdicts = createGivenVerdicts();
  const services: RegisteredService[] = [];
  const register = (more: readonly RegisteredService[]): void => {
    services.push(...more);
    for (const { definition, offered } of more) bus.register(definition, offered === 'always');
  };
  register(
    createBasicServices({
      signer,
      verify,
      clock,
      ledger: () => ledger,
      executor: () => executor,
      verdicts,
      onRejected: (modelHash) => void selfTests().then((tests) => tests.doubt(modelHash)),
      info: () => ({ version: deps.version, card: { ...ownCard(), capabilities: [...bus.offered] } }),
      stats: () => ({ ...bus.stats(), serving: bus.serving, links: links.all.length }),
    }),
  );

  let sandbox: Sandbox | null = null;
  /** Who only looks on needs no service that works: their table is fetched with the first work, once. */
  let working: Promise<{
    readonly kinds: WorkKinds;
    readonly checks: ReadonlyMap<CapabilityId, CheckCapability>;
  }> | null = null;
  function work() {
    const code = Promise.all([import('#services/work-services'), import('./lazy-sandbox')]);
    working ??= code.then(([{ createWorkServices, workKinds, checkCapabilities }, { createLazySandbox }]) => {
      sandbox = deps.loadSandbox === undefined ? null : createLazySandbox(deps.loadSandbox);
      register(
        createWorkServices({
          signer,
          verify,
          clock,
          chance,
          ledger: () => ledger,
          executor: () => executor,
          verdicts,
          papers: deps.papers ?? (async () => ({ cards: [], verifications: [] })),
          hostPapers: deps.hostPapers ?? (async () => ({ card: null, advertisements: [] })),
          model,
          heldModel: async (id) => {
            const one = held(id);
            return one ? ok(one) : fail('unknown_model', `The model ${id} is not loaded here.`);
          },
          embedder: async (id) => {
            const opened = await openEncoders();
            return opened.ok ? opened.value.embedder(id) : opened;
          },
          reranker: async (id) => {
            const opened = await openEncoders();
            return opened.ok ? opened.value.reranker(id) : opened;
          },
          sandbox,
          runHere(capability, input) {
            const kind = workKinds.get(capability);
            return kind
              ? bus.call(kind.capability, input, { provider: self })
              : Promise.resolve(fail('unsupported', 'This node does not do that work.'));
          },
          onVerdictGiven: () => {
            checksGiven += 1;
            changed.emit('work');
          },
        }),
      );
      return { kinds: workKinds, checks: checkCapabilities };
    });
    return working;
  }

  /** What was counted is read with the first question, or when somebody looks at it. */
  let counting: Promise<MarginHistograms> | null = null;
  function histograms(): Promise<MarginHistograms> {
    counting ??= import('./margin-histograms').then(({ createMarginHistograms }) =>
      createMarginHistograms(deps.storage.records, clock),
    );
    return counting;
  }

  /** The code of the pipeline is fetched with the first question. */
  let asking: Promise<Desk> | null = null;
  function pipeline() {
    asking ??= Promise.all([work(), economy(), histograms(), import('./asking-desk')]).then(
      ([{ kinds, checks }, desk, margins, { createAskingDesk }]) =>
        createAskingDesk({
          signer,
          verify,
          clock,
          chance,
          ledger: () => ledger,
          links,
          roster,
          bus,
          executor,
          kinds,
          checks,
          servedEncoders,
          histograms: margins,
          notes,
          tokensPerSecond: () => tokensPerSecond,
          branch: deps.branch,
          versionFor: deps.versionFor ?? (() => null),
          ownModel: (hash) => loadedModels.find(({ identity }) => identity.hash === hash),
          golden: deps.golden ?? (async () => []),
          newSigner: deps.newSigner ?? null,
          payments: desk?.payer ?? null,
        }),
    );
    return asking;
  }
  /** Fetched with the first model that is to serve others, or the first doubt about one that did. */
  let testing: Promise<SelfTests> | null = null;
  function selfTests(): Promise<SelfTests> {
    testing ??= import('./self-tests').then(({ createSelfTests }) =>
      createSelfTests({
        records: deps.storage.records,
        clock,
        browser: deps.browser ?? (async () => ''),
        golden: deps.golden ?? (async () => []),
        onReport(found) {
          selfTestFindings = [found, ...selfTestFindings.filter(({ model: { id } }) => id !== found.model.id)];
          changed.emit('models');
        },
      }),
    );
    return testing;
  }

  if (deps.preload) {
    await Promise.all([pipeline(), selfTests()]);
    await bus.preload();
  }

  function offer(when: OfferedWhen, on: boolean): void {
    for (const service of services) if (service.offered === when) bus.offer(service.definition.capability.id, on);
  }

  /** Others may ask for the model from now on, as long as this device computes it as they do. */
  async function serveToOthers(): Promise<void> {
    unserved = null;
    offer('model-warm', true);
    const model = held(servedModel);
    if (model === undefined) return;
    const tests = await selfTests();
    if (!contributing || held(servedModel) !== model) return;
    tests.watch(model, (why) => {
      unserved = why;
      offer('model-warm', false);
      bus.announce();
      changed.emit('models');
      changed.emit('work');
    });
  }

  /**
   * Loads the model, lets it generate and score once (the first pass compiles, and nobody should wait for that), and tests
   * it against golden transcripts: a device that does not reproduce them may not serve the model.
   */
  async function warmUp(id = servedModel): Promise<Result<void>> {
    const loaded = await model(id);
    if (!loaded.ok) return loaded;
    const tested = await (await selfTests()).hold(loaded.value);
    if (!tested.ok) return tested;
    const prompt = await loaded.value.encodePrompt([{ role: 'user', text: 'hello' }]);
    if (!prompt.ok) return prompt;
    const { signal } = new AbortController();
    const generated = await loaded.value.generate(
      { promptIds: prompt.value, prefixIds: [], maxTokens: WARM_UP_TOKENS, signal },
      () => {},
    );
    if (!generated.ok) return generated;
    const scored = await loaded.value.score(prompt.value, generated.value.ids);
    return scored.ok ? ok(undefined) : scored;
  }

  /** Those of the models beside it that the person chose; one that fails keeps no other from being offered. */
  async function warmUpEncoders(mine: number): Promise<Result<void>> {
    let outcome: Result<void> = ok(undefined);
    for (const task of SERVED_TASKS) {
      const id = servedEncoders[task];
      if (id === null) continue;
      const opened = await openEncoders();
      await noteFamily(id);
      const warm = opened.ok ? await opened.value.warmUp(task) : opened;
      if (mine !== decision) return ok(undefined);
      if (warm.ok) offer(`${task}-warm`, true);
      else outcome = warm;
    }
    return outcome;
  }

  async function lookForMore(): Promise<void> {
    const sample = await network.sample(community.id);
    if (sample.ok) for (const node of sample.value) if (node !== self) links.want(node);
  }

  const stops = [
    links.events.on((event) => {
      if (event.type === 'down' && links.all.length < ENOUGH_LINKS) void lookForMore();
      changed.emit('links');
    }),
    roster.changed.on(() => changed.emit('roster')),
    network.statusChanged.on(() => changed.emit('network')),
    ledger.changed.on(() => changed.emit('ledger')),
    network.presence.on(({ room, node, here }) => {
      if (room !== community.id || node === self) return;
      if (!here) links.forget(node);
      else clock.after(LET_NEWCOMER_DIAL_MS, () => links.want(node));
    }),
  ];

  return ok({
    self,
    changed,
    links,
    bus,
    roster,
    ledger,
    executor,
    async start() {
      await network.start();
      const joined = await network.join(community.id, await deps.joinProof());
      if (!joined.ok) return joined;
      for (const node of joined.value) if (node !== self) links.want(node);
      return ok(undefined);
    },
    goPublic() {
      const policy: IcePolicy = 'configured';
      network.answerWith(policy);
      links.setIcePolicy(policy);
      void economy();
    },
    economy,
    prepare: async () => void (await work()),
    async *work(request, watch) {
      return yield* (await pipeline()).work(request, watch);
    },
    histograms: async () => (await histograms()).all(),
    async contribute(on) {
      const mine = ++decision;
      if (on) await work();
      if (contributing !== on) {
        const written = await ledger.append({ kind: 'contribution.decided', on });
        if (!written.ok) return written;
      }
      if (mine !== decision) return ok(undefined);
      contributing = on;
      if (!on) {
        for (const when of ['model-warm', 'embed-warm', 'rerank-warm', 'contributing'] as const) offer(when, false);
        (await testing)?.unwatch();
        unserved = null;
        bus.announce();
        changed.emit('work');
        return ok(undefined);
      }
      offer('contributing', true);
      changed.emit('work');
      const warm = await warmUp();
      if (mine !== decision) return ok(undefined);
      if (warm.ok) void serveToOthers();
      else unserved = warm.error;
      bus.announce();
      changed.emit('work');
      const beside = await warmUpEncoders(mine);
      if (mine !== decision) return ok(undefined);
      bus.announce();
      changed.emit('work');
      return warm.ok ? beside : warm;
    },
    async serve(id) {
      if (id === servedModel) return ok(undefined);
      const before = servedModel;
      const mine = ++decision;
      const warm = await warmUp(id);
      if (!warm.ok) return warm;
      if (mine !== decision) return fail('overtaken', 'Another choice was made meanwhile.');
      servedModel = id;
      const at = loadedModels.findIndex(({ identity }) => identity.id === before);
      const [old] = at === -1 ? [] : loadedModels.splice(at, 1);
      await old?.dispose();
      if (contributing) void serveToOthers();
      bus.announce();
      changed.emit('models');
      changed.emit('work');
      return ok(undefined);
    },
    get servedModel() {
      return servedModel;
    },
    async serveEncoder(task, id) {
      const opened = await openEncoders();
      const served = opened.ok ? await opened.value.serve(task, id) : opened;
      if (!served.ok) return served;
      if (id !== null) await noteFamily(id);
      if (contributing) offer(`${task}-warm`, servedEncoders[task] !== null);
      bus.announce();
      changed.emit('models');
      changed.emit('work');
      return ok(undefined);
    },
    servedEncoders,
    get selfTest() {
      return selfTestFindings.find(({ model: { id } }) => id === servedModel)?.report ?? null;
    },
    get selfTests() {
      return selfTestFindings;
    },
    get unserved() {
      return unserved;
    },
    get contributing() {
      return contributing;
    },
    get loading() {
      return loading;
    },
    loadedModels,
    loadedEncoders,
    get tokensPerSecond() {
      return tokensPerSecond;
    },
    get checksGiven() {
      return checksGiven;
    },
    async stop() {
      decision += 1;
      for (const stop of stops) stop();
      (await testing)?.unwatch();
      (await taking)?.stop();
      sandbox?.dispose();
      bus.close();
      await links.close();
      network.quit(community.id);
    },
  });
}
