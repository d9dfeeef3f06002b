import { createEmitter, type EventSource } from '#core/base/events';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { createBus, type Bus } from '#core/bus/bus';
import type { CapabilityId } from '#core/bus/capability';
import type { NodeCard } from '#core/bus/messages';
import { createRoster, type Roster } from '#core/bus/roster';
import type { LanguageModel, LanguageModelLoader, LoadProgress } from '#core/engines/language-model';
import type { Golden } from '#core/engines/model-manifest';
import type { SelfTestReport } from '#core/engines/self-test';
import type { WorkOutcome } from '#core/experts/pipeline';
import type { ExpertPapers } from '#core/experts/expert-card';
import type { RouteUpdate } from '#core/experts/route';
import type { PipelineDeps, WorkRequest } from '#core/experts/run';
import type { WorkKinds } from '#core/experts/work-kind';
import type { CheckCapability } from '#services/work-services';
import { createExecutor, type Executor } from '#core/jobs/executor';
import { openLedger, type Ledger } from '#core/ledger/ledger';
import type { NodeStorage } from '#core/storage/ports';
import { createLinks } from '#core/transport/links';
import type { Admit, Credential, IcePolicy, Links, Network } from '#core/transport/ports';
import { createBasicServices, createGivenVerdicts, type RegisteredService } from '#services/basic-services';

/** With fewer live links than this a node asks the rendezvous for more people. */
const ENOUGH_LINKS = 4;
/** A newcomer dials the sample it was given; the others wait this long before they dial it themselves. */
const LET_NEWCOMER_DIAL_MS = 1_500;
/** How long a model gets to generate its first tokens when it is warmed up. */
const WARM_UP_TOKENS = 2;

export interface NodeDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly storage: NodeStorage;
  readonly network: Network;
  /** The community's id; it is also the room's name. */
  readonly community: string;
  readonly credential: () => Credential;
  readonly admit: Admit;
  /** What the rendezvous wants to see before it lets this node into the room. */
  readonly joinProof: () => Promise<string | undefined>;
  readonly models: LanguageModelLoader;
  /** What this node answers with until `serve` names another. */
  readonly defaultModel: string;
  /** What this node says of the experts that it holds; absent: nothing. */
  readonly papers?: () => Promise<ExpertPapers>;
  /** Golden transcripts of a model, by which this device proves that it computes it; none known: an empty list. */
  readonly golden?: (modelId: string) => Promise<readonly Golden[]>;
  readonly device: NodeCard['device'];
  readonly version: string;
  /** Fetches the code of all services before the node starts, for runs on a virtual clock. */
  readonly preload?: boolean;
}

export type Work = AsyncGenerator<RouteUpdate, Result<WorkOutcome>>;
/** Gives back the same dependencies with somebody looking on. */
export type Watch = (deps: PipelineDeps) => PipelineDeps;

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
  contribute(on: boolean): Promise<Result<void>>;
  readonly contributing: boolean;
  /**
   * Answers with this model from now on, for this person and for others. It is loaded and tested first; on failure the one
   * before stays. A model that was served before is let go.
   */
  serve(modelId: string): Promise<Result<void>>;
  readonly servedModel: string;
  /** What the last self-test of the served model found; null before it ran. */
  readonly selfTest: SelfTestReport | null;
  readonly loading: LoadProgress | null;
  readonly loadedModels: readonly LanguageModel[];
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
  const opened = await openLedger({ store: deps.storage.log, signer, verify, clock });
  if (!opened.ok) return opened;
  const ledger = opened.value;

  const loadedModels: LanguageModel[] = [];
  let contributing = false;
  /** Counts the person's decisions, so that a slow load that was overtaken by a "no" offers nothing. */
  let decision = 0;
  let loading: LoadProgress | null = null;
  let tokensPerSecond: number | null = null;
  let checksGiven = 0;
  let servedModel = deps.defaultModel;
  let selfTestReport: SelfTestReport | null = null;

  const links = createLinks({
    network,
    signer,
    verify,
    clock,
    chance,
    admit: deps.admit,
    credential: deps.credential,
    community: deps.community,
  });
  const roster = createRoster(() => clock.monotonicMs());
  const bus = createBus({ self, links, roster, clock, chance, card: ownCard });

  const noteOf = ({ identity: { id, hash, name, engine } }: LanguageModel) => ({ id, hash, name, engine });

  function ownCard(): Omit<NodeCard, 'seq' | 'capabilities'> {
    return {
      contributing,
      models: contributing ? loadedModels.map(noteOf) : [],
      runningJobs: executor.running.length,
      // What this device is made of is nobody's business before the person contributes.
      device: contributing && deps.device ? { ...deps.device, tokensPerSecond } : null,
    };
  }

  async function model(id: string = servedModel): Promise<Result<LanguageModel>> {
    const held = loadedModels.find((one) => one.identity.id === id);
    if (held) return ok(held);
    const loaded = await deps.models.load(id, (progress) => {
      loading = progress;
      changed.emit('models');
    });
    loading = null;
    if (loaded.ok && !loadedModels.includes(loaded.value)) loadedModels.push(loaded.value);
    changed.emit('models');
    return loaded;
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
    async runService(capability, input, signal, onChunk, job) {
      const kind = (await work()).kinds.get(capability);
      if (!kind || !bus.has(capability))
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
      info: () => ({ version: deps.version, card: { ...ownCard(), capabilities: [...bus.offered] } }),
      stats: () => ({ ...bus.stats(), serving: bus.serving, links: links.all.length }),
    }),
  );

  /** Who only looks on needs no service that works: their table is fetched with the first work, once. */
  let working: Promise<{
    readonly kinds: WorkKinds;
    readonly checks: ReadonlyMap<CapabilityId, CheckCapability>;
  }> | null = null;
  function work() {
    working ??= import('#services/work-services').then(({ createWorkServices, workKinds, checkCapabilities }) => {
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
          model,
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

  /** The code of the pipeline is fetched with the first question. */
  let asking: Promise<(request: WorkRequest, watch?: Watch) => Work> | null = null;
  function pipeline() {
    asking ??= Promise.all([work(), import('#core/experts/pipeline'), import('./pipeline-deps')]).then(
      ([{ checks }, { runPipeline }, { createPipelineDeps }]) => {
        const pipelineDeps = createPipelineDeps({
          signer,
          verify,
          clock,
          chance,
          ledger: () => ledger,
          links,
          roster,
          bus,
          executor,
          checks,
          loadedModels,
          tokensPerSecond: () => tokensPerSecond,
        });
        return (request, watch) => runPipeline(watch?.(pipelineDeps) ?? pipelineDeps, request);
      },
    );
    return asking;
  }
  if (deps.preload) {
    await pipeline();
    await bus.preload();
  }

  function offer(when: 'contributing' | 'model-warm', on: boolean): void {
    for (const service of services) if (service.offered === when) bus.offer(service.definition.capability.id, on);
  }

  /**
   * Loads the model, lets it generate and score once (the first pass compiles, and nobody should wait for that), and tests
   * it against golden transcripts: a device that does not reproduce them may not serve the model.
   */
  async function warmUp(id = servedModel): Promise<Result<void>> {
    const loaded = await model(id);
    if (!loaded.ok) return loaded;
    const golden = (await deps.golden?.(id)) ?? [];
    if (golden.length > 0) {
      const { selfTest } = await import('#core/engines/self-test');
      const tested = await selfTest(loaded.value, golden);
      if (!tested.ok) return tested;
      selfTestReport = tested.value;
      changed.emit('models');
      if (!tested.value.passed)
        return fail(
          'self_test_failed',
          `This device does not compute ${loaded.value.identity.name} as others do (${tested.value.agreeing} of ${tested.value.positions} tokens agree), so it may not serve it; try another browser or a smaller model.`,
        );
    }
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

  async function lookForMore(): Promise<void> {
    const sample = await network.sample(deps.community);
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
      if (room !== deps.community || node === self) return;
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
      const joined = await network.join(deps.community, await deps.joinProof());
      if (!joined.ok) return joined;
      for (const node of joined.value) if (node !== self) links.want(node);
      return ok(undefined);
    },
    goPublic() {
      const policy: IcePolicy = 'configured';
      network.answerWith(policy);
      links.setIcePolicy(policy);
    },
    prepare: async () => void (await work()),
    async *work(request, watch) {
      return yield* (await pipeline())(request, watch);
    },
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
        offer('model-warm', false);
        offer('contributing', false);
        bus.announce();
        changed.emit('work');
        return ok(undefined);
      }
      offer('contributing', true);
      changed.emit('work');
      const warm = await warmUp();
      if (mine !== decision) return ok(undefined);
      if (warm.ok) offer('model-warm', true);
      bus.announce();
      changed.emit('work');
      return warm;
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
      if (contributing) offer('model-warm', true);
      bus.announce();
      changed.emit('models');
      changed.emit('work');
      return ok(undefined);
    },
    get servedModel() {
      return servedModel;
    },
    get selfTest() {
      return selfTestReport;
    },
    get contributing() {
      return contributing;
    },
    get loading() {
      return loading;
    },
    loadedModels,
    get tokensPerSecond() {
      return tokensPerSecond;
    },
    get checksGiven() {
      return checksGiven;
    },
    async stop() {
      decision += 1;
      for (const stop of stops) stop();
      bus.close();
      await links.close();
      network.quit(deps.community);
    },
  });
}
