import { createEmitter, type EventSource } from '#core/base/events';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { createBus, type Bus } from '#core/bus/bus';
import type { CapabilityId } from '#core/bus/capability';
import type { NodeCard } from '#core/bus/messages';
import { createRoster, type Roster } from '#core/bus/roster';
import type { LanguageModel, LanguageModelLoader, LoadProgress } from '#core/engines/language-model';
import type { WorkOutcome } from '#core/experts/pipeline';
import type { RouteUpdate } from '#core/experts/route';
import type { PipelineDeps, WorkRequest } from '#core/experts/run';
import type { Candidate } from '#core/experts/work-kind';
import { createExecutor, type Executor, type JobResult } from '#core/jobs/executor';
import { openLedger, type Ledger } from '#core/ledger/ledger';
import type { NodeStorage } from '#core/storage/ports';
import { createLinks } from '#core/transport/links';
import type { Admit, Credential, IcePolicy, Links, Network } from '#core/transport/ports';
import type { CheckInput, CheckOutput } from '#services/check-redo/contract';
import { checkRedo } from '#services/check-redo/contract';
import { checkRescore } from '#services/check-rescore/contract';
import { jobRun } from '#services/job-run/contract';
import { receiptKeep } from '#services/receipt-keep/contract';
import { receiptSign } from '#services/receipt-sign/contract';
import { createServices, workKinds } from '#services/registry';
import type { Capability } from '#core/bus/capability';

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
  readonly defaultModel: string;
  readonly device: NodeCard['device'];
  readonly version: string;
  /** Fetches the code of all services before the node starts, for runs on a virtual clock. */
  readonly preload?: boolean;
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
  /** Runs work through the pipeline. Asking again what was asked is a new run. */
  work(request: WorkRequest): Work;
  contribute(on: boolean): Promise<Result<void>>;
  readonly contributing: boolean;
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

  function ownCard(): Omit<NodeCard, 'seq' | 'capabilities'> {
    return {
      contributing,
      models: contributing
        ? loadedModels.map(({ identity }) => ({ id: identity.id, hash: identity.hash, name: identity.name }))
        : [],
      runningJobs: executor.running.length,
      // What this device is made of is nobody's business before the person contributes.
      device: contributing && deps.device ? { ...deps.device, tokensPerSecond } : null,
    };
  }

  async function model(id: string = deps.defaultModel): Promise<Result<LanguageModel>> {
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
    async runService(capability, input, signal, onChunk) {
      const kind = workKinds.get(capability);
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

  const services = createServices({
    signer,
    verify,
    clock,
    ledger: () => ledger,
    executor: () => executor,
    model,
    runHere(capability, input) {
      const kind = workKinds.get(capability);
      return kind
        ? bus.call(kind.capability, input, { provider: self })
        : Promise.resolve(fail('unsupported', 'This node does not do that work.'));
    },
    info: () => ({ version: deps.version, card: { ...ownCard(), capabilities: [...bus.offered] } }),
    stats: () => ({ ...bus.stats(), serving: bus.serving, links: links.all.length }),
    onVerdictGiven: () => {
      checksGiven += 1;
      changed.emit('work');
    },
  });
  for (const { definition, offered } of services) bus.register(definition, offered === 'always');

  /** The code of the pipeline is fetched with the first question. */
  const loadPipeline = () => import('#core/experts/pipeline');
  let pipeline: Awaited<ReturnType<typeof loadPipeline>> | null = null;
  if (deps.preload) {
    await bus.preload();
    pipeline = await loadPipeline();
  }

  function offer(when: 'contributing' | 'model-warm', on: boolean): void {
    for (const service of services) if (service.offered === when) bus.offer(service.definition.capability.id, on);
  }

  /** Loads the model and lets it generate and score once: the first pass compiles, and nobody should wait for that. */
  async function warmUp(): Promise<Result<void>> {
    const loaded = await model();
    if (!loaded.ok) return loaded;
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

  /** Who was demoted to somebody unknown may be talked to, but gets no work and judges none. */
  const isMember = (node: NodeId): boolean => (links.to(node)?.admission.trust ?? 'unknown') !== 'unknown';

  const ownRecord = { completed: 0, failed: 0, accepted: 0, rejected: 0 };
  const notesOf = (models: readonly LanguageModel[]) =>
    models.map(({ identity }) => ({ id: identity.id, hash: identity.hash }));
  const checkCapabilities = new Map<CapabilityId, Capability<CheckInput, CheckOutput>>([
    [checkRedo.id, checkRedo],
    [checkRescore.id, checkRescore],
  ]);

  const pipelineDeps: PipelineDeps = {
    signer,
    verify,
    clock,
    chance,
    ledger: () => ledger,
    candidates: (capability) =>
      roster
        .offering(capability)
        .filter((entry) => isMember(entry.node) && entry.card!.capabilities.includes(jobRun.id))
        .map((entry): Candidate => ({
          node: entry.node,
          local: false,
          rttMs: entry.rttMs,
          runningJobs: entry.card!.runningJobs,
          tokensPerSecond: entry.card!.device?.tokensPerSecond ?? null,
          models: entry.card!.models,
          record: entry.record,
        })),
    self: (capability) =>
      bus.has(capability)
        ? {
            node: self,
            local: true,
            rttMs: 0,
            runningJobs: executor.running.length,
            tokensPerSecond,
            models: notesOf(loadedModels),
            record: ownRecord,
          }
        : null,
    validators: (check, modelHash) =>
      roster
        .offering(check)
        .filter((entry) => isMember(entry.node))
        .filter((entry) => modelHash === null || entry.card!.models.some((held) => held.hash === modelHash))
        .map((entry) => entry.node),
    giveJob: (provider, order, signal, onChunk) =>
      provider === self
        ? executor.run(order, self, signal, onChunk)
        : (bus.call(jobRun, order, { provider, signal, onChunk }) as Promise<Result<JobResult>>),
    async askCheck(validator, check, claim, timeoutMs) {
      const capability = checkCapabilities.get(check);
      if (!capability) return fail('nobody_offers', `Nobody knows the check ${check}.`);
      const answered = await bus.call(capability, claim, { provider: validator, timeoutMs });
      return answered.ok ? ok(answered.value.verdict) : answered;
    },
    async askSignature(node, receipt) {
      const answered = await bus.call(receiptSign, { receipt }, { provider: node });
      return answered.ok ? ok(answered.value.signature) : answered;
    },
    handReceipt: (node, receipt) => bus.call(receiptKeep, { receipt }, { provider: node }),
    nodeChanged: roster.changed,
    sameOwner(a, b) {
      const owner = links.to(a)?.admission.identity ?? null;
      return owner !== null && owner === links.to(b)?.admission.identity;
    },
    lost(node) {
      if (node === self) return false;
      const entry = roster.get(node);
      return entry === null || entry.state === 'offline';
    },
    assigned: (node) => roster.assigned(node),
    outcome(node, outcome) {
      if (node !== self) roster.outcome(node, outcome, clock.monotonicMs());
    },
  };

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
    async *work(request) {
      pipeline ??= await loadPipeline();
      return yield* pipeline.runPipeline(pipelineDeps, request);
    },
    async contribute(on) {
      const mine = ++decision;
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
