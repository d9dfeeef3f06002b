import { nodeName } from '#core/base/node-name';
import { fail, ok, type Result } from '#core/base/result';
import { CAPABILITY_PATTERN, type CapabilityId } from '#core/bus/capability';
import type { Provider, WorkRequest } from '#core/experts/run';
import type { WorkKind, WorkKinds } from '#core/experts/work-kind';
import { communityFacts } from '#core/identity/community';
import { NONCE_BYTES } from '#core/engines/sampling-limits';
import type { MeshNode } from './create-node';
import type { AskOptions, AskRun, PageApi, WorkOptions, WorkRun } from './page-api';
import { orThrow, startRun } from './tab/ask-run';
import type { Held } from './tab/communities';
import { contributionView } from './tab/contribution-view';
import type { TabNodeDeps } from './tab/deps';
import type { OpenEvidenceDesk } from './tab/evidence';
import type { KeptClaim } from '#core/evidence/kept-claim';
import type { GraphDesk } from './tab/graph-views';
import type { GrowthDesk } from './tab/growth-views';
import type { LedgerDesk } from './tab/ledger-desk-views';
import { createTabLifecycle, NOT_RUNNING, type Running } from './tab/lifecycle';
import { peerDetail, peerView } from './tab/views';
import type { BatchRun, TabNode } from './tab-node';

/** An update waits this long for what the person asked; a model that takes longer is asked again after it. */
const OWN_ANSWERS_MS = 20_000;
/** Spark's answers have at most 120 tokens; this leaves room and stays inside its context. */
const DEFAULT_MAX_TOKENS = 160;

/** The capability of questions; its contract comes with the first one. */
const CHAT = 'llm.chat@1';

/** Fetched when somebody reads the ledger. */
const ledgerViews = () => import('./tab/ledger-views');

/**
 * The node of one tab: waits for its turn, opens what the profile keeps, joins the current community, and is what the
 * interface and `window.tabmesh` talk to. Imports no adapter; `browser.ts` hands them in.
 */
export function createTabNode(deps: TabNodeDeps): TabNode & { begin(): Promise<void> } {
  const { clock, verify, surroundings } = deps;
  const life = createTabLifecycle(deps);
  const { changed, status, enter, withRunning, whenRunning } = life;

  const mesh = (): MeshNode | null => life.running?.mesh ?? null;

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

  /** That of the ledger in use. */
  let desk: { readonly ledger: MeshNode['ledger']; readonly desk: LedgerDesk } | null = null;

  let graph: { readonly ledger: MeshNode['ledger']; readonly desk: GraphDesk } | null = null;
  let growth: { readonly ledger: MeshNode['ledger']; readonly desk: GrowthDesk } | null = null;

  /** The person's own questions and tasks that are still under way. */
  const underWay = new Set<Promise<unknown>>();

  /** Starts work for the person: what `request` makes of the kinds there are. */
  function begin(
    provider: AskOptions['provider'],
    request: (kinds: WorkKinds) => Result<Omit<WorkRequest, 'provider' | 'signal'>>,
  ): WorkRun {
    const run = startRun(async (signal) => {
      const node = mesh();
      if (!node) return NOT_RUNNING;
      const to = providerOf(provider, node.self);
      const [{ workKinds }, desk] = await Promise.all([import('#services/work-services'), keepingDesk()]);
      const asked = request(workKinds);
      if (!asked.ok) return asked;
      if (to !== 'self') {
        node.goPublic();
        if (life.running) void life.openExperts(life.running);
      }
      const whole = { ...asked.value, provider: to, signal };
      return ok(desk?.work(node, whole) ?? node.work(whole));
    });
    const ended = run.result.then(
      () => undefined,
      () => undefined,
    );
    underWay.add(ended);
    void ended.then(() => underWay.delete(ended));
    return run;
  }

  /** Where traces of the person's own work are kept; null when they are not wanted or cannot be kept: then work goes its way without. */
  async function keepingDesk(): Promise<OpenEvidenceDesk | null> {
    const { running, settings } = life;
    if (!running || !settings.keepTraces) return null;
    const desk = await life.openEvidence(running).catch(() => null);
    return desk?.ok ? desk.value : null;
  }

  /** The words behind a commitment, where they were kept. */
  async function claimOf(receiptId: string, commitment: string): Promise<Result<KeptClaim | null>> {
    if (!life.running) return NOT_RUNNING;
    const desk = await life.openEvidence(life.running);
    return desk.ok ? desk.value.claimOf(receiptId, commitment) : desk;
  }

  const chatInput = (text: string, maxTokens = DEFAULT_MAX_TOKENS) => ({
    messages: [{ role: 'user' as const, text }],
    maxTokens,
  });

  function ask(text: string, options: AskOptions = {}): AskRun {
    const model = options.model === undefined ? {} : { model: options.model };
    const { updates, result, cancel } = begin(options.provider, (kinds) =>
      typeof text !== 'string' || text.trim() === ''
        ? fail('empty_question', 'Write a question first.')
        : ok({
            kind: kinds.get(CHAT) as WorkKind,
            input: { ...chatInput(text, options.maxTokens), ...model, ...samplingOf(options.temperature) },
            ...model,
            ...(options.stakes === undefined ? {} : { stakes: options.stakes }),
            payAtMostMicros: options.payAtMostMicros ?? life.settings.payAtMostMicros,
          }),
    );
    const answer = result.then((done) => done.answer);
    answer.catch(() => undefined);
    return { updates, answer, cancel };
  }

  function work(capability: string, input: unknown, options: WorkOptions = {}): WorkRun {
    return begin(options.provider, (kinds) => {
      const kind = kinds.get(capability as CapabilityId);
      if (kind === undefined)
        return fail('unknown_capability', `There is no work called ${capability} that can be checked.`);
      const model = (input as { readonly model?: unknown } | null)?.model;
      return ok({
        kind,
        input,
        ...(typeof model === 'string' ? { model } : {}),
        ...(options.stakes === undefined ? {} : { stakes: options.stakes }),
        payAtMostMicros: options.payAtMostMicros ?? life.settings.payAtMostMicros,
      });
    });
  }

  /** What a request says about the draw: its own chance comes before anybody knows who answers. */
  function samplingOf(temperature = 0) {
    const temperaturePercent = Math.round(temperature * 100);
    return temperaturePercent === 0 ? {} : { sampling: { temperaturePercent, nonce: deps.chance.bytes(NONCE_BYTES) } };
  }

  async function decideContribution(on: boolean): Promise<Result<void>> {
    if (!life.running) return NOT_RUNNING;
    if (on && life.settings.contributeConsentAt === null) {
      const saved = await life.saveSettings({ contributeConsentAt: clock.now() });
      if (!saved.ok) return saved;
    }
    const decided = await life.running.contribution.decide(on);
    changed.emit('contribution');
    return decided;
  }

  const communityView = (run: Running, { community }: Held) => ({
    id: community.id,
    name: community.name,
    open: community.open,
    current: community.id === run.communities.current?.community.id,
    founder: community.founder,
    facts: communityFacts(community),
    economy: community.economy ?? null,
  });

  const page: PageApi = {
    ready: life.ready,
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
      const { contractOf } = await import('./tab/contracts');
      await node.prepare();
      return orThrow(
        await node.bus.call(contractOf(capability as CapabilityId), input, {
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
          ...(provider === undefined ? {} : { provider }),
        }),
      );
    },
    ask,
    work,
    async ledger() {
      const node = mesh();
      // Whoever looks holds the logs of all from then on.
      void node?.economy();
      return orThrow(node ? await (await ledgerViews()).ledgerView(node.ledger) : NOT_RUNNING);
    },
    async receipt(id) {
      const node = mesh();
      return orThrow(node ? await (await ledgerViews()).receiptView(node.ledger, id, verify) : NOT_RUNNING);
    },
  };

  return {
    page,
    changed,
    status,
    secureContext: surroundings.secureContext,
    waitingForTab: () => deps.election.waiting,
    begin: () => life.begin(),
    async useHere() {
      const taken = await deps.election.takeOver();
      changed.emit('election');
      return taken;
    },
    peers: () => {
      const node = mesh();
      const run = life.running;
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
    work,
    contribution: () => contributionView(life.running),
    contribute: decideContribution,
    pause: (choice) =>
      withRunning(async (run) => {
        const paused = await run.contribution.pause(choice);
        changed.emit('contribution');
        return paused;
      }),
    communities: () => life.running?.communities.all.map((held) => communityView(life.running!, held)) ?? [],
    createCommunity: (name, economy = null) =>
      withRunning(async (run) => {
        const created = await run.communities.create(name, economy);
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
        const { forgetFiles } = await import('./tab/contribution-files');
        const forgotten = await forgetFiles(run.storage.records, id);
        if (!forgotten.ok) return forgotten;
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
    invitation: () => life.running?.communities.invitation ?? null,
    async dismissInvitation() {
      await life.running?.communities.dismissInvitation();
      changed.emit('invitation');
    },
    pairing: () =>
      whenRunning(async (run) => {
        run.pairing ??= (await import('./tab/pairing')).createPairingDesk(deps, run, () => life.settings);
        return ok(run.pairing);
      }),
    models: () => whenRunning((run) => life.openModels(run)),
    experts: () => whenRunning((run) => life.openExperts(run)),
    hosts: () => whenRunning((run) => life.openHosts(run)),
    evidence: () => whenRunning((run) => life.openEvidence(run)),
    passOnPairing: (text) => surroundings.passOn(text),
    identity: () =>
      life.running?.person.view ?? {
        nodeId: '',
        name: '',
        identityId: '',
        keptAs: 'memory',
        backedUpAt: null,
        nodes: [],
      },
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
      void node?.economy();
      const view = node && (await (await ledgerViews()).ledgerView(node.ledger));
      return view?.ok
        ? view.value
        : { head: null, entries: [], unitsByNode: {}, balances: {}, supplyMicros: 0, forgers: [] };
    },
    async receipt(id) {
      const node = mesh();
      const view = node && (await (await ledgerViews()).receiptView(node.ledger, id, verify));
      return view?.ok ? view.value : null;
    },
    async ledgerDesk() {
      const node = mesh();
      if (!node) return NOT_RUNNING;
      // Whoever looks holds the logs of all from then on.
      void node.economy();
      const { createLedgerDesk } = await import('./tab/ledger-desk');
      if (desk?.ledger !== node.ledger) {
        const { ledger, links } = node;
        const disputes = async () => (await node.economy())?.disputes ?? null;
        desk = { ledger, desk: createLedgerDesk({ ledger, verify, clock, links, disputes, claimOf }) };
      }
      return ok(desk.desk);
    },
    async margins() {
      const node = mesh();
      return node ? ok(await (await import('./tab/margins')).marginsView(node)) : NOT_RUNNING;
    },
    async graph() {
      const node = mesh();
      if (!node) return NOT_RUNNING;
      if (!life.settings.evidenceGraph) return fail('graph_off', 'The evidence graph is switched off in the settings.');
      void node.economy();
      const { createGraphDesk } = await import('./tab/graph-desk');
      if (graph?.ledger !== node.ledger)
        graph = { ledger: node.ledger, desk: createGraphDesk({ ledger: node.ledger, clock }) };
      return ok(graph.desk);
    },
    async growth() {
      const node = mesh();
      if (!node || !life.running) return NOT_RUNNING;
      void node.economy();
      const { openGrowthDesk } = await import('./tab/growth-desk');
      // It may have ended, or be another one, since the code was asked for.
      if (mesh() !== node || !life.running) return NOT_RUNNING;
      if (growth?.ledger !== node.ledger)
        growth = { ledger: node.ledger, desk: openGrowthDesk(life.running, node, { verify, clock }) };
      return ok(growth.desk);
    },
    async priceRange(text) {
      const node = mesh();
      return node && (await import('./tab/price-range')).priceRange(node, chatInput(text));
    },
    exportLedger: async () => (await mesh()?.ledger.export()) ?? NOT_RUNNING,
    importLedger: async (fileText) => (await mesh()?.ledger.import(fileText)) ?? NOT_RUNNING,
    settings: () => life.settings,
    async saveSettings(change) {
      const saved = await life.saveSettings(change);
      if (saved.ok && change.meshConsentAt) mesh()?.goPublic();
      return saved;
    },
    async storage() {
      return { ...(await surroundings.estimate()), ledgerEntries: mesh()?.ledger.head.length ?? 0 };
    },
    persistStorage: () => surroundings.persist(),
    async deleteEverything() {
      if (!life.running) return NOT_RUNNING;
      const ended = await life.end(true);
      if (ended.ok) await surroundings.deleteTheRest();
      return ended;
    },
    notices: () => life.notices,
    dismissNotice: (id) => life.dismissNotice(id),
    runBatch: (manifestText, where) => laterBatch(import('./tab/mesh-batch'), manifestText, where),
    batchLab: async () => (await import('./tab/batch-lab')).createBatchLab(deps),
    async prepareForUpdate() {
      if (!life.running) return;
      const patience = new Promise<void>((resolve) => clock.after(OWN_ANSWERS_MS, resolve));
      await Promise.all([life.drain(life.running), Promise.race([Promise.all(underWay), patience])]);
    },
    async stop() {
      await life.end(false);
      await deps.election.stop();
    },
  };
}
