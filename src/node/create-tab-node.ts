import { createEmitter } from '#core/base/events';
import { nodeName } from '#core/base/node-name';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Failure, type Result } from '#core/base/result';
import { CAPABILITY_PATTERN, type CapabilityId } from '#core/bus/capability';
import type { NodeCard } from '#core/bus/messages';
import type { LanguageModelLoader } from '#core/engines/language-model';
import type { Provider } from '#core/experts/run';
import type { WorkKind } from '#core/experts/work-kind';
import { createAdmit, createTally, encodeCredential, type SeenRedemption } from '#core/identity/admission';
import { communityFacts, manifestFromJson } from '#core/identity/community';
import type { IdentitySeedStore, NodeKey, PassphraseSeal, SeedSigner } from '#core/identity/ports';
import { MAX_CERTIFICATES } from '#core/identity/memberships';
import type { NodeStorage } from '#core/storage/ports';
import type { Network } from '#core/transport/ports';
import type { Signed } from '#core/wire/signed';
import type { ServerConfig } from '#core/wire/signaling-messages';
import { llmChat } from '#services/llm-chat/contract';
import { workKinds } from '#services/registry';
import { createNode, type MeshNode } from './create-node';
import type { AskOptions, AskRun, NodeStateWord, NodeStatus, PageApi } from './page-api';
import { orThrow, startRun } from './tab/ask-run';
import { membersOf, openCommunities, type Communities, type Held } from './tab/communities';
import { contractOf } from './tab/contracts';
import { openContribution, type Contribution, type DeviceCondition } from './tab/contribution';
import { openPerson, type Person } from './tab/person';
import { DEFAULT_SETTINGS, loadSettings, storeSettings } from './tab/settings';
import { contributionTotals, ledgerView, peerDetail, peerView, receiptDetail, receiptView } from './tab/views';
import type { BatchRun, Notice, Settings, TabNode, TabNodeChange } from './tab-node';

/** The built-in model's id. */
export const DEFAULT_MODEL = 'spark-1';
/** Spark's answers have at most 120 tokens; this leaves room and stays inside its context. */
const DEFAULT_MAX_TOKENS = 160;
/** Running jobs get this long to end before an update or a hand-over takes the node away; others take over what is left. */
const DRAIN_MS = 5_000;

/** The identity is made when the first moments are over: nothing a visitor does at once needs it. */
const ESTABLISH_AFTER_MS = 5_000;

/** Which tab of the profile runs the node. */
export interface Election {
  /** Resolves when it is known whether this tab runs the node or waits. */
  start(on: { elected: () => void; lost: () => Promise<void> }): Promise<void>;
  readonly waiting: boolean;
  takeOver(): Promise<Result<void>>;
  stop(): Promise<void>;
}

/** The device and the browser around the page. */
export interface Surroundings {
  readonly secureContext: boolean;
  readonly origin: string;
  condition(): DeviceCondition;
  onConditionChanged(run: () => void): () => void;
  /** What the device offers, as far as the browser tells; asks for no adapter before the person contributes. */
  device(): Promise<NodeCard['device']>;
  estimate(): Promise<{ usedBytes: number | null; quotaBytes: number | null; persisted: boolean }>;
  persist(): Promise<boolean>;
  /** Deletes what lies outside the node's storage: caches, the service worker, session data. */
  deleteTheRest(): Promise<void>;
}

export interface TabNodeDeps {
  readonly version: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly verify: Verify;
  /** Signs with seeds (identities, invites): fetched when it is first needed. */
  readonly loadSeedSigner: () => Promise<SeedSigner>;
  readonly seal: PassphraseSeal;
  readonly election: Election;
  readonly surroundings: Surroundings;
  readonly openStorage: (onLost: (reason: Failure) => void) => Promise<Result<NodeStorage>>;
  readonly openNodeKey: () => Promise<Result<NodeKey>>;
  readonly createSeedStore: (storage: NodeStorage) => IdentitySeedStore;
  readonly createNetwork: (signer: Signer) => Network;
  readonly fetchConfig: () => Promise<Result<ServerConfig>>;
  readonly models: LanguageModelLoader;
}

/** Everything that exists only while this tab runs the node. */
interface Running {
  readonly storage: NodeStorage;
  readonly nodeKey: NodeKey;
  readonly network: Network;
  readonly person: Person;
  readonly communities: Communities;
  readonly contribution: Contribution;
  readonly stops: (() => void)[];
  /** The start has gone as far as to enter a community: what becomes current after that is entered by whoever changes it. */
  entered: boolean;
  mesh: MeshNode | null;
}

const NOT_RUNNING = fail('not_running', 'The node does not run in this tab.');

/**
 * The node of one tab: waits for its turn, opens what the profile keeps, joins the current community, and is what the
 * interface and `window.tabmesh` talk to. Imports no adapter; `browser.ts` hands them in.
 */
export function createTabNode(deps: TabNodeDeps): TabNode & { begin(): Promise<void> } {
  const { clock, chance, verify, surroundings } = deps;
  const changed = createEmitter<TabNodeChange>();
  let running: Running | null = null;
  let settings: Settings = DEFAULT_SETTINGS;
  let trouble: Failure | null = null;
  let joining: Failure | null = null;
  let notices: Notice[] = [];
  /** Counts starts, so that what an earlier one still had under way changes nothing. */
  let turn = 0;
  let becomeReady: () => void = () => {};
  const ready = new Promise<void>((resolve) => (becomeReady = resolve));

  function notify(notice: Notice): void {
    notices = [...notices.filter((one) => one.id !== notice.id), notice];
    changed.emit('notice');
  }

  function state(): { state: NodeStateWord; reason: string } {
    if (!surroundings.secureContext) {
      return {
        state: 'insecure',
        reason: 'This page was opened over plain HTTP, so the browser allows it neither keys nor a graphics processor.',
      };
    }
    if (trouble) return { state: 'failed', reason: trouble.message };
    if (deps.election.waiting) return { state: 'waiting', reason: 'Tabmesh runs in another tab of this browser.' };
    if (!running?.mesh) return { state: 'starting', reason: 'Opening what this browser keeps.' };
    const { network, mesh, communities } = running;
    if (network.status.state === 'offline')
      return { state: 'offline', reason: network.status.reason || 'The meeting point cannot be reached.' };
    if (network.status.state === 'connecting') return { state: 'starting', reason: 'Looking for others.' };
    if (joining) return { state: 'offline', reason: joining.message };
    const peers = mesh.links.all.length;
    const name = communities.current?.community.name ?? 'this community';
    if (peers === 0) return { state: 'online', reason: `You are alone in ${name} right now.` };
    return { state: 'online', reason: `Linked with ${peers} ${peers === 1 ? 'node' : 'nodes'} in ${name}.` };
  }

  function status(): NodeStatus {
    const community = running?.communities.current?.community;
    const nodeId = running?.nodeKey.signer.nodeId ?? '';
    return {
      nodeId,
      name: nodeId === '' ? '' : nodeName(nodeId),
      community: community
        ? { id: community.id, name: community.name, open: community.open }
        : { id: '', name: '', open: true },
      ...state(),
      peers: running?.mesh?.links.all.length ?? 0,
      models: running?.mesh?.loadedModels.map((model) => model.identity.id) ?? [],
      contributing: running?.mesh?.contributing ?? false,
    };
  }

  let entering = 0;
  let lastEntry: Promise<unknown> = Promise.resolve();
  /**
   * A mesh and its tally of redemptions belong to one community; switching builds both anew on the same network, one
   * after the other: two at once would both answer on it.
   */
  async function enter(run: Running, held: Held): Promise<Result<void>> {
    run.entered = true;
    entering += 1;
    const entry = lastEntry.then(() => (running === run ? build(run, held) : ok(undefined)));
    lastEntry = entry.catch(() => undefined);
    try {
      return await entry;
    } finally {
      entering -= 1;
    }
  }

  async function build(run: Running, held: Held): Promise<Result<void>> {
    const before = run.mesh;
    run.mesh = null;
    await before?.stop();
    joining = null;
    const tallyKey = `tally/${held.community.id}`;
    const seen = await run.storage.records.get<readonly SeenRedemption[]>(tallyKey);
    const tally = createTally(held.community.limits, (seen.ok && seen.value) || []);
    const admit = createAdmit({
      manifest: held.community,
      verify,
      now: () => clock.now(),
      isBlocked: (id) => run.communities.isBlocked(id),
      tally,
    });
    const device = await surroundings.device();
    const made = await createNode({
      signer: run.nodeKey.signer,
      verify,
      clock,
      chance,
      storage: run.storage,
      network: run.network,
      community: held.community.id,
      credential: () =>
        encodeCredential({
          memberships: held.memberships,
          certificates: certificatesFor(run, held),
        }),
      admit,
      joinProof: async () => run.communities.joinProof(held),
      models: deps.models,
      defaultModel: DEFAULT_MODEL,
      device,
      version: deps.version,
    });
    if (!made.ok) return made;
    const mesh = made.value;
    run.mesh = mesh;
    let tallied = tally.seen().length;
    mesh.links.events.on((event) => {
      if (event.type !== 'up' || tally.seen().length === tallied) return;
      tallied = tally.seen().length;
      void run.storage.records.set(tallyKey, tally.seen());
    });
    // Whoever turned out to be one guest too many is let in again as somebody unknown.
    tally.changed.on(({ peer }) => mesh.links.to(peer)?.close('standing changed'));
    mesh.changed.on((change) => {
      if (running !== run || run.mesh !== mesh) return;
      if (change === 'ledger') changed.emit('ledger');
      if (change === 'links' || change === 'roster') changed.emit('peers');
      if (change === 'models' || change === 'work') changed.emit('contribution');
      if (change !== 'ledger' && change !== 'roster') changed.emit('status');
    });
    if (settings.meshConsentAt !== null || settings.contributeConsentAt !== null) mesh.goPublic();
    changed.emit('community');
    changed.emit('ledger');
    changed.emit('status');
    const joined = await mesh.start();
    if (run.mesh !== mesh) return ok(undefined);
    joining = joined.ok || joined.error.code === 'offline' ? null : joined.error;
    if (joined.ok) await noteJoined(mesh, held.community.id);
    const invitation = run.communities.invitation;
    if (invitation?.communityId === held.community.id && invitation.state === 'waiting') {
      if (joined.ok) await run.communities.settleInvitation('joined', `You are a member of ${held.community.name}.`);
      else if (joining) await run.communities.settleInvitation('refused', joining.message);
      changed.emit('invitation');
    }
    changed.emit('status');
    if (run.contribution.working) void applyContribution(run, true);
    return ok(undefined);
  }

  /** This node's own certificate, and only those that tie it to the node that founded or was invited. */
  function certificatesFor(run: Running, held: Held): readonly Signed[] {
    const { person, nodeKey } = run;
    const own = person.certificatesOf([nodeKey.signer.nodeId]);
    if (held.community.open) return own;
    const others = [held.community.founder, ...membersOf(held)].filter((node) => node !== nodeKey.signer.nodeId);
    return [...own, ...person.certificatesOf(others), ...held.certificates].slice(0, MAX_CERTIFICATES);
  }

  /** The log says once when this node joined a community, and again after it had left. */
  async function noteJoined(mesh: MeshNode, community: string): Promise<void> {
    const last = mesh.ledger.entries.findLast(
      ({ event }) =>
        (event.kind === 'community.joined' || event.kind === 'community.left') && event.community === community,
    );
    if (last?.event.kind !== 'community.joined') await mesh.ledger.append({ kind: 'community.joined', community });
  }

  async function applyContribution(run: Running, working: boolean): Promise<Result<void>> {
    const { mesh } = run;
    if (!mesh) return ok(undefined);
    if (working) mesh.goPublic();
    const done = await mesh.contribute(working);
    if (!done.ok) {
      notify({
        id: 'contribute',
        code: done.error.code,
        message: `This device does small jobs for others, but its model could not be started: ${done.error.message}`,
        action: { label: 'See what runs', href: '/contribute' },
      });
    }
    changed.emit('contribution');
    changed.emit('status');
    return done;
  }

  /** The server's open community, fetched now or kept from the last visit. */
  async function meetServer(run: Running): Promise<void> {
    const config = await deps.fetchConfig();
    if (!config.ok) return;
    const manifest = manifestFromJson(config.value.community);
    if (manifest.ok) await run.communities.offer(manifest.value);
  }

  async function startRunning(): Promise<void> {
    const mine = ++turn;
    trouble = null;
    changed.emit('status');
    const started = await tryStart(mine);
    if (mine !== turn) return;
    if (!started.ok) {
      trouble = started.error;
      changed.emit('status');
      becomeReady();
    }
  }

  async function tryStart(mine: number): Promise<Result<void>> {
    const nodeKey = await deps.openNodeKey();
    if (!nodeKey.ok) return nodeKey;
    const opened = await deps.openStorage((reason) => {
      trouble = reason;
      changed.emit('status');
    });
    if (!opened.ok) return opened;
    const storage = opened.value;
    const { records } = storage;
    const loaded = await loadSettings(records);
    if (!loaded.ok) return loaded;
    settings = loaded.value;
    const { signer } = nodeKey.value;
    const person = await openPerson({
      records,
      nodeKey: nodeKey.value,
      seedStore: deps.createSeedStore(storage),
      loadSeedSigner: deps.loadSeedSigner,
      seal: deps.seal,
      verify,
      chance,
      clock,
    });
    if (!person.ok) return person;
    const communities = await openCommunities({
      records,
      signer,
      loadSeedSigner: deps.loadSeedSigner,
      verify,
      chance,
      clock,
      origin: surroundings.origin,
      certificates: () => person.value.certificates,
    });
    if (!communities.ok) return communities;
    const contribution = await openContribution({
      records,
      clock,
      settings: () => settings,
      condition: () => surroundings.condition(),
      onChange: (working) => (running ? applyContribution(running, working) : Promise.resolve(ok(undefined))),
    });
    if (mine !== turn) return ok(undefined);
    const network = deps.createNetwork(signer);
    const run: Running = {
      storage,
      nodeKey: nodeKey.value,
      network,
      person: person.value,
      communities: communities.value,
      contribution,
      entered: false,
      mesh: null,
      stops: [
        surroundings.onConditionChanged(() => void contribution.review()),
        () => contribution.close(),
        network.statusChanged.on((now) => {
          changed.emit('status');
          // The server is back, perhaps another one with another open community, or an invitation can be taken up now.
          if (now.state === 'online') void arrive(run);
        }),
      ],
    };
    running = run;
    for (const change of ['settings', 'identity', 'community', 'invitation', 'election', 'status'] as const)
      changed.emit(change);
    await contribution.review();
    await meetServer(run);
    if (mine !== turn) return ok(undefined);
    const { current } = run.communities;
    if (!current) {
      return fail(
        'no_community',
        'The server cannot be reached and this browser knows no community yet. Connect once, then it works offline.',
      );
    }
    const entered = await enter(run, current);
    if (!entered.ok) return entered;
    becomeReady();
    // The identity is for backups and communities of one's own: nobody waits for it.
    run.stops.push(
      clock.after(ESTABLISH_AFTER_MS, () => void run.person.establish().then(() => changed.emit('identity'))),
    );
    return ok(undefined);
  }

  let arriving = false;
  async function arrive(run: Running): Promise<void> {
    if (arriving || entering > 0 || running !== run || !run.mesh) return;
    arriving = true;
    try {
      const before = run.communities.current?.community.id;
      await meetServer(run);
      const { current } = run.communities;
      const waits = run.communities.invitation?.state === 'waiting';
      if (running === run && current && (current.community.id !== before || joining || waits))
        await enter(run, current);
    } finally {
      arriving = false;
    }
  }

  async function stopRunning(): Promise<void> {
    turn += 1;
    const run = running;
    running = null;
    if (!run) return;
    for (const stop of run.stops) stop();
    await run.mesh?.stop();
    await run.network.stop();
    run.storage.close();
    changed.emit('status');
  }

  /** Lets running jobs end, for a while, and takes no new ones. */
  async function drain(run: Running): Promise<void> {
    const { mesh } = run;
    if (!mesh) return;
    await mesh.contribute(false);
    if (mesh.executor.running.length === 0) return;
    await new Promise<void>((resolve) => {
      const stopTimer = clock.after(DRAIN_MS, finish);
      const stopListening = mesh.changed.on(() => mesh.executor.running.length === 0 && finish());
      function finish(): void {
        stopTimer();
        stopListening();
        resolve();
      }
    });
  }

  const mesh = (): MeshNode | null => running?.mesh ?? null;

  /** A batch whose code is still on its way. */
  function laterBatch(
    code: Promise<typeof import('./tab/mesh-batch')>,
    manifest: string,
    where: 'mesh' | 'tab',
  ): BatchRun {
    let cancelled = false;
    const started = code.then(({ startBatch }) => {
      const run = startBatch(manifest, where, mesh);
      if (cancelled) run.cancel();
      return run;
    });
    return {
      progress: {
        async *[Symbol.asyncIterator]() {
          yield* (await started).progress;
        },
      },
      outcome: started.then((run) => run.outcome),
      cancel() {
        cancelled = true;
        void started.then((run) => run.cancel());
      },
    };
  }

  function providerOf(wish: AskOptions['provider'], self: string): Provider {
    if (wish === undefined) return 'auto';
    if (wish === 'mesh') return 'mesh';
    return wish === 'self' || wish === self ? 'self' : { node: wish };
  }

  function ask(text: string, options: AskOptions = {}): AskRun {
    return startRun(async (signal) => {
      const node = mesh();
      if (!node) return NOT_RUNNING;
      if (typeof text !== 'string' || text.trim() === '') return fail('empty_question', 'Write a question first.');
      const provider = providerOf(options.provider, node.self);
      if (provider !== 'self') node.goPublic();
      return ok(
        node.work({
          kind: workKinds.get(llmChat.id) as WorkKind,
          input: {
            messages: [{ role: 'user', text }],
            maxTokens: options.maxTokens ?? DEFAULT_MAX_TOKENS,
            ...(options.model === undefined ? {} : { model: options.model }),
          },
          provider,
          ...(options.model === undefined ? {} : { model: options.model }),
          signal,
        }),
      );
    });
  }

  async function decideContribution(on: boolean): Promise<Result<void>> {
    if (!running) return NOT_RUNNING;
    if (on && settings.contributeConsentAt === null) {
      const saved = await saveSettings({ contributeConsentAt: clock.now() });
      if (!saved.ok) return saved;
    }
    const decided = await running.contribution.decide(on);
    changed.emit('contribution');
    return decided;
  }

  async function saveSettings(change: Partial<Settings>): Promise<Result<void>> {
    if (!running) return NOT_RUNNING;
    const saved = await storeSettings(running.storage.records, settings, change);
    if (!saved.ok) return saved;
    settings = saved.value;
    changed.emit('settings');
    await running.contribution.review();
    return ok(undefined);
  }

  async function withRunning<T>(work: (run: Running) => Promise<Result<T>>): Promise<Result<T>> {
    return running ? work(running) : NOT_RUNNING;
  }

  /** A link is opened together with the page: what it brings waits until the start has read what this browser keeps. */
  async function whenRunning<T>(work: (run: Running) => Promise<Result<T>>): Promise<Result<T>> {
    const decided = (): boolean =>
      running !== null || trouble !== null || deps.election.waiting || !surroundings.secureContext;
    if (!decided()) {
      await new Promise<void>((resolve) => {
        const stop = changed.on(() => {
          if (!decided()) return;
          stop();
          resolve();
        });
      });
    }
    return withRunning(work);
  }

  const communityView = (run: Running, { community }: Held) => ({
    id: community.id,
    name: community.name,
    open: community.open,
    current: community.id === run.communities.current?.community.id,
    founder: community.founder,
    facts: communityFacts(community),
  });

  const page: PageApi = {
    ready,
    version: deps.version,
    status,
    peers: () => mesh()?.roster.entries().map(peerView) ?? [],
    contribute: async (on) => orThrow(await decideContribution(on === true)),
    invite: async (options = {}) => orThrow(await withRunning((run) => run.communities.invite(options))).url,
    async call(capability, input, { timeoutMs, provider } = {}) {
      const node = mesh();
      if (!node) return orThrow(NOT_RUNNING);
      if (!CAPABILITY_PATTERN.test(capability))
        return orThrow(fail('bad_capability', 'A capability is written name@version.'));
      return orThrow(
        await node.bus.call(contractOf(capability as CapabilityId), input, {
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
          ...(provider === undefined ? {} : { provider }),
        }),
      );
    },
    ask,
    async ledger() {
      const node = mesh();
      return node ? ledgerView(node.ledger) : orThrow(NOT_RUNNING);
    },
    async receipt(id) {
      const node = mesh();
      return node ? receiptView(node.ledger, id, verify) : orThrow(NOT_RUNNING);
    },
  };

  return {
    page,
    changed,
    status,
    secureContext: surroundings.secureContext,
    waitingForTab: () => deps.election.waiting,
    async begin() {
      if (!surroundings.secureContext) {
        becomeReady();
        changed.emit('status');
        return;
      }
      await deps.election.start({
        elected: () => {
          changed.emit('election');
          void startRunning();
        },
        lost: async () => {
          await stopRunning();
          changed.emit('election');
        },
      });
      changed.emit('election');
      changed.emit('status');
    },
    async useHere() {
      const taken = await deps.election.takeOver();
      changed.emit('election');
      return taken;
    },
    peers: () => {
      const node = mesh();
      const run = running;
      if (!node || !run) return [];
      return node.roster.entries().map((entry) => peerDetail(node, entry, run.communities.isBlocked(entry.node)));
    },
    unreachable: () =>
      mesh()?.links.unreachable.map(({ peer, message }) => ({ nodeId: peer, name: nodeName(peer), reason: message })) ??
      [],
    block: (nodeId, blocked) =>
      withRunning(async (run) => {
        const set = await run.communities.setBlocked(nodeId, blocked);
        if (!set.ok) return set;
        const node = run.mesh;
        if (blocked) {
          node?.links.forget(nodeId);
          node?.links.to(nodeId)?.close('blocked');
        } else node?.links.want(nodeId);
        changed.emit('peers');
        return ok(undefined);
      }),
    ask,
    contribution() {
      const run = running;
      const node = run?.mesh;
      const decided = run?.contribution.state ?? { on: false, pausedUntil: null, pauseReason: null };
      const jobs = node?.executor.running.filter((job) => job.requester !== node.self) ?? [];
      const warm = node?.bus.offered.includes(llmChat.id) ?? false;
      const phase = !decided.on
        ? ('off' as const)
        : decided.pauseReason !== null
          ? ('paused' as const)
          : jobs.length > 0
            ? ('working' as const)
            : warm || notices.some((one) => one.id === 'contribute')
              ? ('idle' as const)
              : ('loading' as const);
      const reasons = {
        off: 'Nothing runs here for others.',
        paused: decided.pauseReason ?? '',
        working:
          jobs.length === 1 ? 'Working on a job for another node.' : `Working on ${jobs.length} jobs for other nodes.`,
        idle: 'Nobody needs this device just now.',
        loading: 'Getting the model ready.',
      };
      return {
        on: decided.on,
        phase,
        reason: reasons[phase],
        pausedUntil: decided.pausedUntil,
        load: node?.loading ?? null,
        running: jobs.map((job) => ({
          jobId: job.jobId,
          capability: job.capability,
          for: job.requester,
          tokens: job.tokens,
        })),
        totals: node ? contributionTotals(node) : { answers: 0, checks: 0, jobs: 0, tokens: 0 },
      };
    },
    contribute: decideContribution,
    pause: (choice) =>
      withRunning(async (run) => {
        const paused = await run.contribution.pause(choice);
        changed.emit('contribution');
        return paused;
      }),
    communities: () => running?.communities.all.map((held) => communityView(running!, held)) ?? [],
    createCommunity: (name) =>
      withRunning(async (run) => {
        const created = await run.communities.create(name);
        if (!created.ok) return created;
        const entered = await enter(run, created.value);
        if (!entered.ok) return entered;
        return ok(communityView(run, created.value));
      }),
    switchCommunity: (id) =>
      withRunning(async (run) => {
        if (run.communities.current?.community.id === id) return ok(undefined);
        const switched = await run.communities.switchTo(id);
        return switched.ok ? enter(run, run.communities.current!) : switched;
      }),
    leaveCommunity: (id) =>
      withRunning(async (run) => {
        const wasCurrent = run.communities.current?.community.id === id;
        if (run.communities.all.length === 1)
          return fail('last_community', 'This is your only community: join or create another before you leave it.');
        const noted = await run.mesh?.ledger.append({ kind: 'community.left', community: id });
        if (noted && !noted.ok) return noted;
        const leftIt = await run.communities.leave(id);
        if (!leftIt.ok) return leftIt;
        changed.emit('community');
        return wasCurrent ? enter(run, run.communities.current!) : ok(undefined);
      }),
    invite: (options = {}) => withRunning((run) => run.communities.invite(options)),
    acceptInvitation: (link) =>
      whenRunning(async (run) => {
        const before = run.communities.current?.community.id;
        const accepted = await run.communities.accept(link);
        changed.emit('invitation');
        if (!accepted.ok) return accepted;
        const { current } = run.communities;
        if (run.entered && current && (current.community.id !== before || accepted.value.state === 'waiting')) {
          const entered = await enter(run, current);
          if (!entered.ok) return entered;
        }
        return ok(run.communities.invitation ?? accepted.value);
      }),
    invitation: () => running?.communities.invitation ?? null,
    async dismissInvitation() {
      await running?.communities.dismissInvitation();
      changed.emit('invitation');
    },
    identity: () =>
      running?.person.view ?? { nodeId: '', name: '', identityId: '', keptAs: 'memory', backedUpAt: null, nodes: [] },
    exportIdentity: (passphrase) =>
      withRunning(async (run) => {
        const kept = run.communities.all.map(({ manifest, memberships, certificates }) => ({
          manifest,
          memberships,
          certificates,
        }));
        const made = await run.person.backup(passphrase, kept);
        changed.emit('identity');
        return made;
      }),
    importIdentity: (fileText, passphrase) =>
      withRunning(async (run) => {
        const restored = await run.person.restore(fileText, passphrase);
        if (!restored.ok) return restored;
        const communities = await run.communities.restore(restored.value.communities);
        if (!communities.ok) return communities;
        changed.emit('identity');
        changed.emit('community');
        return ok(run.person.view);
      }),
    async ledger() {
      const node = mesh();
      return node ? ledgerView(node.ledger) : { head: null, entries: [], unitsByNode: {} };
    },
    async receipt(id) {
      const node = mesh();
      return node ? receiptView(node.ledger, id, verify) : null;
    },
    async receipts(limit) {
      const node = mesh();
      if (!node) return [];
      return [...node.ledger.state.receiptsById.values()].reverse().slice(0, limit).map(receiptDetail);
    },
    exportLedger: async () => (await mesh()?.ledger.export()) ?? NOT_RUNNING,
    importLedger: async (fileText) => (await mesh()?.ledger.import(fileText)) ?? NOT_RUNNING,
    settings: () => settings,
    async saveSettings(change) {
      const saved = await saveSettings(change);
      if (saved.ok && change.meshConsentAt) mesh()?.goPublic();
      return saved;
    },
    async storage() {
      return { ...(await surroundings.estimate()), ledgerEntries: mesh()?.ledger.head.length ?? 0 };
    },
    persistStorage: () => surroundings.persist(),
    deleteEverything: () =>
      withRunning(async (run) => {
        turn += 1;
        running = null;
        for (const stop of run.stops) stop();
        await run.mesh?.stop();
        await run.network.stop();
        const destroyed = await run.storage.destroy();
        if (destroyed.ok) await surroundings.deleteTheRest();
        return destroyed;
      }),
    notices: () => notices,
    dismissNotice(id) {
      notices = notices.filter((one) => one.id !== id);
      changed.emit('notice');
    },
    runBatch: (manifestText, where) => laterBatch(import('./tab/mesh-batch'), manifestText, where),
    async prepareForUpdate() {
      if (running) await drain(running);
    },
    async stop() {
      await stopRunning();
      await deps.election.stop();
    },
  };
}
