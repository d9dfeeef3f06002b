import { createEmitter, type Emitter } from '#core/base/events';
import { nodeName } from '#core/base/node-name';
import { fail, ok, type Failure, type Result } from '#core/base/result';
import { createAdmit, createTally, encodeCredential, type SeenRedemption } from '#core/identity/admission';
import { manifestFromJson } from '#core/identity/community';
import { MAX_CERTIFICATES } from '#core/identity/memberships';
import type { LanguageModelLoader } from '#core/engines/language-model';
import type { ModelManifest } from '#core/engines/model-manifest';
import type { NodeKey } from '#core/identity/ports';
import type { NodeStorage } from '#core/storage/ports';
import type { Network } from '#core/transport/ports';
import type { Signed } from '#core/wire/signed';
import { createNode, type MeshNode } from '../create-node';
import type { NodeStateWord, NodeStatus } from '../page-api';
import type { EncoderLoaders } from '../served-encoders';
import type { Notice, Settings, TabNodeChange } from '../tab-node';
import { branchOf, membersOf, openCommunities, type Communities, type Held } from './communities';
import { openContribution, type Contribution } from './contribution';
import type { ModelSourceOf, TabNodeDeps } from './deps';
import type { OpenEvidenceDesk } from './evidence';
import type { OpenExpertsDesk } from './expert-report';
import type { OpenHostsDesk } from './host-cards';
import type { OpenModelsDesk } from './models';
import type { OpenPairingDesk } from './pairing';
import { openPerson, type Person } from './person';
import { BUILT_IN_MODEL, DEFAULT_SETTINGS, loadSettings, storeSettings } from './settings';

/** Running jobs get this long to end before an update or a hand-over takes the node away; others take over what is left. */
const DRAIN_MS = 5_000;
/** The identity is made when the first moments are over: nothing a visitor does at once needs it. */
const ESTABLISH_AFTER_MS = 5_000;

/** Everything that exists only while this tab runs the node. */
export interface Running {
  readonly storage: NodeStorage;
  readonly nodeKey: NodeKey;
  readonly network: Network;
  readonly person: Person;
  readonly communities: Communities;
  readonly contribution: Contribution;
  readonly stops: (() => void)[];
  /** The start has gone as far as to enter a community: what becomes current after that is entered by whoever changes it. */
  entered: boolean;
  /** The server's open community is known, or cannot be: until then nothing that its founder signed can be judged. */
  met: Promise<void>;
  mesh: MeshNode | null;
  /** Made when somebody pairs. */
  pairing: OpenPairingDesk | null;
  /** Made when somebody chooses among models, or one is tested. */
  models: Promise<Result<OpenModelsDesk>> | null;
  /** Made when somebody looks at experts, or another node asks for cards. */
  experts: Promise<Result<OpenExpertsDesk>> | null;
  /** The same once it is there, for whoever cannot wait. */
  expertsNow: OpenExpertsDesk | null;
  /** Made when somebody looks at cards of hosts, or this node becomes one. */
  hosts: Promise<Result<OpenHostsDesk>> | null;
  /** Made with the first question, or when somebody seals an answer. */
  evidence: Promise<Result<OpenEvidenceDesk>> | null;
  readonly loader: LanguageModelLoader;
  /** Of models beside the one that answers; one for all communities that this tab enters. */
  readonly encoders: (() => Promise<EncoderLoaders>) | null;
}

export const NOT_RUNNING = fail('not_running', 'The node does not run in this tab.');

/** From opening the page to leaving it: when this tab runs the node, in which community, and how that ends. */
export interface TabLifecycle {
  readonly changed: Emitter<TabNodeChange>;
  /** Resolves when the node runs and its first attempt to join has ended, or when it is known that it cannot run. */
  readonly ready: Promise<void>;
  readonly running: Running | null;
  readonly settings: Settings;
  readonly notices: readonly Notice[];
  dismissNotice(id: string): void;
  status(): NodeStatus;
  saveSettings(change: Partial<Settings>): Promise<Result<void>>;
  /** Leaves the community that this node is in and enters another. */
  enter(run: Running, held: Held): Promise<Result<void>>;
  withRunning<T>(work: (run: Running) => Promise<Result<T>>): Promise<Result<T>>;
  whenRunning<T>(work: (run: Running) => Promise<Result<T>>): Promise<Result<T>>;
  begin(): Promise<void>;
  drain(run: Running): Promise<void>;
  openModels(run: Running): Promise<Result<OpenModelsDesk>>;
  openExperts(run: Running): Promise<Result<OpenExpertsDesk>>;
  openHosts(run: Running): Promise<Result<OpenHostsDesk>>;
  openEvidence(run: Running): Promise<Result<OpenEvidenceDesk>>;
  /** Stops and closes; with `destroy` everything that was stored is deleted. */
  end(destroy: boolean): Promise<Result<void>>;
}

export function createTabLifecycle(deps: TabNodeDeps): TabLifecycle {
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
    const peers = mesh.links.all.length;
    const name = communities.current?.community.name ?? 'this community';
    const linked = `Linked with ${peers} ${peers === 1 ? 'node' : 'nodes'} in ${name}`;
    if (network.status.state === 'offline') {
      const away = network.status.reason || 'The meeting point cannot be reached.';
      return {
        state: 'offline',
        reason: peers === 0 ? away : `${linked}; who is not linked yet is not found: ${away}`,
      };
    }
    if (network.status.state === 'connecting') return { state: 'starting', reason: 'Looking for others.' };
    if (joining) return { state: 'offline', reason: joining.message };
    return { state: 'online', reason: peers === 0 ? `You are alone in ${name} right now.` : `${linked}.` };
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
      models: [...(running?.mesh?.loadedModels ?? []), ...(running?.mesh?.loadedEncoders.values() ?? [])].map(
        ({ identity }) => identity.id,
      ),
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
      community: held.community,
      manifest: held.manifest,
      credential: () =>
        encodeCredential({
          memberships: held.memberships,
          certificates: certificatesFor(run, held),
        }),
      admit,
      joinProof: async () => run.communities.joinProof(held),
      models: run.loader,
      defaultModel: settings.model,
      branch: branchOf(held),
      // Until somebody asked the mesh for something nobody needs to know which version is on trial.
      versionFor: (modelId, traceId, stakes) =>
        run.expertsNow?.choose(modelId, traceId, stakes === 'ordinary' ? 'ordinary' : 'high')?.modelHash ?? null,
      newSigner: async () => (await deps.loadSeedSigner())(chance.bytes(32)),
      ...(run.encoders && {
        encoders: { load: run.encoders, chosen: { embed: settings.embedModel, rerank: settings.rerankModel } },
      }),
      ...(deps.loadSandbox && { loadSandbox: deps.loadSandbox }),
      browser: () => surroundings.browser(),
      golden: async (id) => (await manifestOf(run, id))?.golden ?? [],
      // Built in and known without any catalogue.
      family: async (id) => (id === BUILT_IN_MODEL ? id : ((await manifestOf(run, id))?.family ?? null)),
      async papers() {
        const desk = await openExperts(run);
        return desk.ok ? desk.value.papers() : { cards: [], verifications: [] };
      },
      async hostPapers() {
        const desk = run.mesh?.contributing ? await openHosts(run) : null;
        return desk?.ok ? desk.value.papers() : { card: null, advertisements: [] };
      },
      offers: {
        async of(node) {
          const desk = await openHosts(run);
          return desk.ok ? desk.value.offerOf(node) : null;
        },
        async own() {
          const desk = await openHosts(run);
          return desk.ok ? desk.value.ownOffers() : [];
        },
      },
      device,
      version: deps.version,
    });
    if (!made.ok) return made;
    const mesh = made.value;
    run.mesh = mesh;
    let tallied = tally.seen().length;
    let toldUnserved: Failure | null = null;
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
      if (change === 'models' && mesh.unserved !== toldUnserved) {
        toldUnserved = mesh.unserved;
        if (toldUnserved !== null) notifyUnserved(toldUnserved);
      }
      if (change === 'links' || change === 'roster') changed.emit('peers');
      if (change === 'models' || change === 'work') {
        changed.emit('contribution');
        if (mesh.contributing || run.hosts !== null) void reviewHosts(run);
      }
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

  /** The log says once when this node joined the community, and again after it had left. */
  async function noteJoined({ ledger }: MeshNode, community: string): Promise<void> {
    if (!ledger.state.isHere(ledger.author)) await ledger.append({ kind: 'community.joined', community });
  }

  /** The model is not served to others, though the person contributes. */
  function notifyUnserved({ code, message }: Failure): void {
    const failedTest = code === 'self_test_failed';
    notify({
      id: 'contribute',
      code,
      message: failedTest
        ? message
        : `This device does small jobs for others, but its model could not be started: ${message}`,
      action: failedTest
        ? { label: 'Choose another model', href: '/models' }
        : { label: 'See what runs', href: '/contribute' },
    });
  }

  async function applyContribution(run: Running, working: boolean): Promise<Result<void>> {
    const { mesh } = run;
    if (!mesh) return ok(undefined);
    if (working) mesh.goPublic();
    const done = await mesh.contribute(working);
    if (!done.ok) notifyUnserved(done.error);
    changed.emit('contribution');
    changed.emit('status');
    return done;
  }

  /** The models of this profile; opened when somebody chooses among them, or one is to be tested. */
  function openModels(run: Running): Promise<Result<OpenModelsDesk>> {
    run.models ??= import('./models').then(({ openModelsDesk }) =>
      openModelsDesk(deps, run, {
        founder: () => run.communities.offeredFounder,
        met: () => run.met,
        remember: saveSettings,
      }),
    );
    return run.models;
  }

  /** The experts that this node knows; opened when somebody looks at them, or another node asks for cards. */
  function openExperts(run: Running): Promise<Result<OpenExpertsDesk>> {
    run.experts ??= Promise.all([import('./expert-report'), import('#services/expert-cards/contract')]).then(
      ([{ openExpertsDesk }, { expertCards }]) =>
        openExpertsDesk(run, {
          clock,
          verify,
          device: () => surroundings.device(),
          loadSets: (id) => deps.loadEvaluationSets(id),
          async manifestOf(id) {
            const desk = await openModels(run);
            if (!desk.ok) return null;
            if (desk.value.view.models.length === 0) await desk.value.learn();
            const manifest = desk.value.manifestOf(id);
            if (manifest === undefined) return null;
            const fit = desk.value.view.models.find((one) => one.id === id)?.fit ?? null;
            return { manifest, fit, signedBy: run.communities.offeredFounder };
          },
          askPapers: async (node) => (await run.mesh?.bus.call(expertCards, {}, { provider: node })) ?? NOT_RUNNING,
        }),
    );
    void run.experts.then((desk) => {
      if (desk.ok) run.expertsNow = desk.value;
    });
    return run.experts;
  }

  /** Cards of hosts: what others see of this node, and what they show. */
  function openHosts(run: Running): Promise<Result<OpenHostsDesk>> {
    run.hosts ??= openExperts(run).then(async (experts) => {
      if (!experts.ok) return experts;
      const { createHostsDesk } = await import('./create-hosts-desk');
      return ok(
        createHostsDesk(deps, run, { experts: experts.value, settings: () => settings, models: () => openModels(run) }),
      );
    });
    return run.hosts;
  }

  async function reviewHosts(run: Running): Promise<void> {
    const desk = await openHosts(run);
    if (desk.ok && running === run) await desk.value.review();
  }

  /** What is kept of this person's own questions; opened with the first one, or when an answer is sealed. */
  function openEvidence(run: Running): Promise<Result<OpenEvidenceDesk>> {
    run.evidence ??= import('./evidence').then(({ openEvidenceDesk }) => openEvidenceDesk(run, { clock, verify }));
    return run.evidence;
  }

  /** A model whose catalogue cannot be had is not tested: who contributes without a network has to be served too. */
  async function manifestOf(run: Running, id: string): Promise<ModelManifest | undefined> {
    const desk = await openModels(run);
    if (!desk.ok) return undefined;
    if (desk.value.manifestOf(id) === undefined) await desk.value.learn();
    return desk.value.manifestOf(id);
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
      loadSeal: deps.loadSeal,
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
    const sourceOf: ModelSourceOf = async (id) => {
      const desk = await openModels(run);
      return desk.ok ? desk.value.sourceOf(id) : desk;
    };
    const { loadEncoders } = deps;
    let encoders: Promise<EncoderLoaders> | null = null;
    const run: Running = {
      storage,
      nodeKey: nodeKey.value,
      network,
      person: person.value,
      communities: communities.value,
      contribution,
      entered: false,
      met: Promise.resolve(),
      mesh: null,
      pairing: null,
      models: null,
      experts: null,
      expertsNow: null,
      hosts: null,
      loader: deps.createModels(sourceOf),
      encoders: loadEncoders ? () => (encoders ??= loadEncoders(sourceOf)) : null,
      evidence: null,
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
    run.met = meetServer(run);
    running = run;
    for (const change of ['settings', 'identity', 'community', 'invitation', 'election', 'status'] as const)
      changed.emit(change);
    await contribution.review();
    await run.met;
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
      await (run.met = meetServer(run));
      const { current } = run.communities;
      const waits = run.communities.invitation?.state === 'waiting';
      if (running === run && current && (current.community.id !== before || joining || waits))
        await enter(run, current);
    } finally {
      arriving = false;
    }
  }

  async function end(destroy: boolean): Promise<Result<void>> {
    turn += 1;
    const run = running;
    running = null;
    if (!run) return ok(undefined);
    for (const stop of run.stops) stop();
    run.pairing?.close();
    await run.mesh?.stop();
    await run.network.stop();
    if (destroy) return run.storage.destroy();
    run.storage.close();
    changed.emit('status');
    return ok(undefined);
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

  return {
    changed,
    ready,
    get running() {
      return running;
    },
    get settings() {
      return settings;
    },
    get notices() {
      return notices;
    },
    dismissNotice(id) {
      notices = notices.filter((one) => one.id !== id);
      changed.emit('notice');
    },
    status,
    saveSettings,
    enter,
    withRunning,
    whenRunning,
    drain,
    openModels,
    openExperts,
    openHosts,
    openEvidence,
    end,
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
          await end(false);
          changed.emit('election');
        },
      });
      changed.emit('election');
      changed.emit('status');
    },
  };
}
