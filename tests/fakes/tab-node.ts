import { createEmitter } from '#core/base/events';
import { nodeName } from '#core/base/node-name';
import { fail, ok, type Result } from '#core/base/result';
import { createStream } from '#core/base/stream';
import type { Answer, RouteUpdate, Verdict } from '#core/experts/route';
import type { AskOptions, AskRun, LedgerView, NodeStatus, PageApi } from '#node/page-api';
import type {
  CommunityView,
  ContributionView,
  InvitationView,
  Notice,
  PeerDetail,
  ReceiptDetail,
  Settings,
  TabNode,
  TabNodeChange,
} from '#node/tab-node';

/**
 * A node that only pretends, for looking at the interface and for its tests. What it plays is named by words, joined by commas:
 * `alone`, `offline`, `insecure`, `waiting`, `failed`, `contributing`, `working`, `paused`, `loading`, `rejected`, `disputed`,
 * `unchecked`, `replaced`, `error`, `slow`, `notice`, `empty`, `consented`, `invited`, `slow-start`.
 */
export type FakeScene = ReadonlySet<string>;

const NOW = Date.UTC(2026, 10, 20, 11, 0, 0);
const ids = Array.from({ length: 8 }, (_, index) => (index * 37 + 11).toString(16).padStart(2, '0').repeat(32));
const [HERE, HERON, FINCH, CEDAR, BLOCKED, GONE, FAR] = ids as [string, string, string, string, string, string, string];
const cid = (seed: number): string => `bafyrei${String.fromCharCode(97 + (seed % 26)).repeat(30)}${'q'.repeat(22)}`;

const TEXT =
  'A receipt is a small signed note that proves one job. It says who asked, who answered, who checked, what was done and how many units it counted, and carries the signatures of both sides, so neither can deny it or change it later. It holds fingerprints of the question and the answer, not the words themselves.';

const JOBS = ['echo@1', 'text_stats@1', 'keyword_extract@1', 'text_chunk@1', 'text_embed@1', 'text_retrieve@1'];

function peer(nodeId: string, change: Partial<PeerDetail> = {}): PeerDetail {
  return {
    nodeId,
    name: nodeName(nodeId),
    state: 'available',
    capabilities: ['llm.chat@1', 'check.rescore@1', 'check.redo@1', ...JOBS],
    rttMs: 24,
    trust: 'member',
    contributing: true,
    models: ['spark-1'],
    runningJobs: 0,
    answered: 12,
    checksPassed: 98,
    checksFailed: 0,
    device: { webgpu: true, cores: 8, memoryGb: 8, tokensPerSecond: 41 },
    heartbeats: 412,
    assignedJobs: 17,
    units: 230,
    blocked: false,
    ...change,
  };
}

export function createFakeTabNode(scene: FakeScene): TabNode {
  const has = (word: string): boolean => scene.has(word);
  const changed = createEmitter<TabNodeChange>();
  let settings: Settings = {
    theme: 'system',
    askWhere: 'mesh',
    meshConsentAt: has('consented') ? NOW : null,
    contributeConsentAt: null,
    pauseOnBattery: true,
    pauseOnMetered: true,
    hours: null,
    research: false,
  };
  let waiting = has('waiting');
  let on = ['contributing', 'working', 'paused', 'loading'].some(has);
  let paused: number | null = has('paused') ? Infinity : null;
  let notices: Notice[] = has('notice')
    ? [
        {
          id: 'disk',
          code: 'storage_full',
          message: 'The disk of this device is full, so no new receipts can be kept.',
          action: { label: 'Open storage', href: '/settings' },
        },
      ]
    : [];
  let peers: PeerDetail[] =
    has('alone') || has('offline')
      ? []
      : [
          peer(HERON),
          peer(FINCH, { rttMs: 61, state: 'busy', runningJobs: 2, checksPassed: 40, checksFailed: 1, units: 75 }),
          peer(CEDAR, {
            rttMs: 180,
            models: [],
            capabilities: ['check.redo@1', ...JOBS],
            trust: 'trusted',
            checksPassed: 0,
          }),
          peer(BLOCKED, { rttMs: 90, blocked: true, checksPassed: 2, checksFailed: 9 }),
          peer(GONE, {
            rttMs: null,
            state: 'offline',
            capabilities: [],
            models: [],
            contributing: false,
            checksPassed: 0,
          }),
          peer(FAR, {
            rttMs: 420,
            capabilities: ['ping@1'],
            models: [],
            contributing: false,
            checksPassed: 0,
            heartbeats: 3,
            assignedJobs: 0,
            units: 0,
          }),
        ];
  let communities: CommunityView[] = [
    {
      id: 'open',
      name: 'Maple Street',
      open: true,
      current: true,
      founder: FAR,
      facts: [
        { label: 'Who may join', value: 'Anyone who opens this address' },
        { label: 'Checks', value: 'One other node checks each answer' },
        { label: 'Question', value: 'At most 4,000 characters' },
      ],
    },
    {
      id: 'book',
      name: 'Book club',
      open: false,
      current: false,
      founder: HERE,
      facts: [{ label: 'Who may join', value: 'People with a link' }],
    },
  ];
  let invitation: InvitationView | null = has('invited')
    ? {
        communityId: 'book',
        communityName: 'Book club',
        invitedBy: HERON,
        expiresAt: NOW + 5 * 86_400_000,
        state: has('offline') ? 'waiting' : 'joined',
        reason: has('offline') ? 'You are offline: this joins by itself when the connection is back.' : 'Admitted.',
      }
    : null;

  const receipts: ReceiptDetail[] = has('empty')
    ? []
    : (['accepted', 'unchecked', 'rejected', 'disputed', 'accepted', 'accepted'] as const).map((verdict, index) => ({
        id: cid(index),
        at: NOW - index * 5_400_000 - 120_000,
        capability: index === 4 ? 'text_stats@1' : 'llm.chat@1',
        model: index === 4 ? null : 'spark-1',
        requester: index === 5 ? FINCH : HERE,
        executor: index === 5 ? HERE : index === 1 ? HERE : HERON,
        validators: verdict === 'unchecked' ? [] : [FINCH],
        verdict,
        units: verdict === 'accepted' ? 3 + index : 0,
        tokens: index === 4 ? null : 78,
        signers: verdict === 'unchecked' ? [HERE] : [HERE, HERON],
        verified: true,
      }));

  const status = (): NodeStatus => {
    const base = {
      nodeId: HERE,
      name: nodeName(HERE),
      community: { id: 'open', name: 'Maple Street', open: true },
      peers: peers.filter((entry) => entry.state !== 'offline' && !entry.blocked).length,
      models: on ? ['spark-1'] : [],
      contributing: on,
    };
    if (has('insecure'))
      return { ...base, nodeId: '', name: '', state: 'insecure', reason: 'Over plain HTTP the browser gives no keys.' };
    if (has('failed'))
      return { ...base, state: 'failed', reason: 'The browser refused to open the storage of this site.' };
    if (waiting) return { ...base, state: 'waiting', reason: 'Another tab of this browser runs the node.' };
    if (has('offline')) return { ...base, state: 'offline', reason: 'The community server cannot be reached.' };
    return { ...base, state: 'online', reason: 'Connected to the community server.' };
  };

  const contribution = (): ContributionView => ({
    on,
    phase: !on ? 'off' : paused !== null ? 'paused' : has('loading') ? 'loading' : has('working') ? 'working' : 'idle',
    reason: !on
      ? 'Nothing runs for others on this device.'
      : paused !== null
        ? 'Paused by you: no new jobs.'
        : has('loading')
          ? 'The model is loading: 3 of 8 MB.'
          : has('working')
            ? 'Answering one question just now.'
            : 'Idle: nobody needs this device just now. 3 answers and 11 checks today.',
    pausedUntil: paused,
    load: has('loading') && on ? { loadedBytes: 3_100_000, totalBytes: 8_000_000 } : null,
    running:
      has('working') && on
        ? [
            { jobId: 'j1', capability: 'llm.chat@1', for: FINCH, tokens: 34 },
            { jobId: 'j2', capability: 'check.rescore@1', for: CEDAR, tokens: 0 },
          ]
        : [],
    totals: { answers: 3, checks: 11, jobs: 2, tokens: 240 },
  });

  function ask(_text: string, options: AskOptions = {}): AskRun {
    const updates = createStream<RouteUpdate>();
    const self = options.provider === 'self' || peers.length === 0;
    const expert = self ? HERE : HERON;
    const verdict: Verdict = has('rejected')
      ? 'rejected'
      : has('disputed')
        ? 'disputed'
        : has('unchecked') || self
          ? 'unchecked'
          : 'accepted';
    const words = TEXT.split(/(?<=\s)/);
    let cancelled = false;
    const pause = (ms: number): Promise<void> =>
      new Promise((resolve) => setTimeout(resolve, has('slow') ? ms * 6 : ms));
    async function play(): Promise<Answer> {
      const begun = performance.now();
      const at = (): number => performance.now() - begun;
      try {
        await pause(20);
        if (has('error'))
          throw Object.assign(new Error('No node here answers questions just now.'), { code: 'nobody_offers' });
        updates.push({ type: 'admitted', traceId: 't1', capability: 'llm.chat@1', at: at() });
        updates.push({
          type: 'chosen',
          expert,
          reasons: self
            ? [{ text: 'this device', value: null }]
            : [
                { text: 'has the model warm', value: 1 },
                { text: '24 ms away', value: 24 },
                { text: '98 of 98 checks passed', value: 98 },
              ],
          at: at(),
        });
        updates.push({ type: 'started', expert, jobId: 'j1', at: at() });
        await pause(120);
        for (const [index, word] of words.entries()) {
          if (cancelled) throw Object.assign(new Error('Stopped.'), { code: 'cancelled' });
          if (has('replaced') && index === 12)
            updates.push({
              type: 'replaced',
              from: HERON,
              to: FINCH,
              atToken: 12,
              reason: 'It fell silent for 3 seconds.',
              at: at(),
            });
          updates.push({ type: 'token', expert, ids: [index], text: word, at: at() });
          await pause(15);
        }
        const checks = verdict === 'unchecked' ? [] : [FINCH];
        await pause(150);
        for (const validator of checks) {
          updates.push({
            type: 'checked',
            validator,
            verdict: verdict === 'rejected' ? 'rejected' : 'accepted',
            reason: verdict === 'rejected' ? 'token_mismatch' : 'ok',
            at: at(),
          });
        }
        updates.push({ type: 'combined', verdict, check: checks.length > 0 ? 'rescore' : 'none', at: at() });
        updates.push({ type: 'sealed', traceId: 't1', sealId: cid(7), at: at() });
        updates.push({ type: 'recorded', receiptId: cid(0), at: at() });
        return {
          text: TEXT,
          model: 'spark-1',
          experts: has('replaced') ? [HERON, FINCH] : [expert],
          validators: checks,
          verdict,
          check: checks.length > 0 ? 'rescore' : 'none',
          receiptId: cid(0),
          receiptIds: [cid(0)],
          traceId: 't1',
          usage: {
            promptTokens: 9,
            completionTokens: words.length,
            firstTokenMs: 140,
            totalMs: at(),
            tokensPerSecond: 41.2,
          },
        };
      } finally {
        updates.end();
      }
    }
    const answer = play();
    answer.catch(() => {});
    return { updates, answer, cancel: () => (cancelled = true) };
  }

  const ledgerView: LedgerView = {
    head: has('empty') ? null : cid(9),
    entries: receipts.map((receipt, index) => ({
      seq: index,
      id: receipt.id,
      type: 'job.settled',
      at: receipt.at,
      receiptId: receipt.id,
    })),
    unitsByNode: has('empty') ? {} : { [HERON]: 17, [HERE]: 8, [FINCH]: 4 },
  };
  const done = async (...changes: TabNodeChange[]): Promise<Result<void>> => {
    for (const change of changes) changed.emit(change);
    return ok(undefined);
  };

  const page: PageApi = {
    ready: Promise.resolve(),
    version: '0.1.0',
    status,
    peers: () => peers,
    contribute: async (next) => void (on = next),
    invite: async () => 'https://tabmesh.example/join#i=x',
    call: async () => null,
    ask,
    ledger: async () => ledgerView,
    receipt: async () => null,
  };

  return {
    page,
    changed,
    status,
    secureContext: !has('insecure'),
    waitingForTab: () => waiting,
    useHere: async () => {
      waiting = false;
      return done('election', 'status');
    },
    peers: () => peers,
    unreachable: () =>
      has('alone')
        ? []
        : [{ nodeId: ids[7]!, name: nodeName(ids[7]!), reason: 'No direct way was found between your networks.' }],
    block: async (nodeId, blocked) => {
      peers = peers.map((entry) => (entry.nodeId === nodeId ? { ...entry, blocked } : entry));
      return done('peers', 'status');
    },
    ask,
    contribution,
    contribute: async (next) => {
      on = next;
      paused = null;
      return done('contribution', 'status');
    },
    pause: async (choice) => {
      paused = choice === 'resume' ? null : choice === 'manual' ? Infinity : NOW + 3_600_000;
      return done('contribution');
    },
    communities: () => communities,
    createCommunity: async (name) => {
      const community: CommunityView = { id: name, name, open: false, current: false, founder: HERE, facts: [] };
      communities = [...communities, community];
      await done('community');
      return ok(community);
    },
    switchCommunity: async (id) => {
      communities = communities.map((entry) => ({ ...entry, current: entry.id === id }));
      return done('community');
    },
    leaveCommunity: async (id) => {
      communities = communities.filter((entry) => entry.id !== id);
      return done('community');
    },
    invite: async ({ days = 7, uses = 25 } = {}) =>
      ok({
        url: `https://tabmesh.example:7280/join#i=${'k7Zq0aX9'.repeat(38)}`,
        communityName: 'Maple Street',
        expiresAt: NOW + days * 86_400_000,
        uses,
      }),
    acceptInvitation: async (link) => {
      if (link.endsWith('broken')) return fail('invite_expired', 'This invitation has expired.');
      invitation = {
        communityId: 'book',
        communityName: 'Book club',
        invitedBy: HERON,
        expiresAt: NOW + 5 * 86_400_000,
        state: has('offline') ? 'waiting' : 'joined',
        reason: has('offline') ? 'You are offline: this joins by itself when the connection is back.' : 'Admitted.',
      };
      await done('invitation');
      return ok(invitation);
    },
    invitation: () => invitation,
    dismissInvitation: async () => {
      invitation = null;
      await done('invitation');
    },
    identity: () => ({
      nodeId: HERE,
      name: nodeName(HERE),
      identityId: cid(3),
      keptAs: 'webcrypto',
      backedUpAt: null,
      nodes: [
        { nodeId: HERE, name: nodeName(HERE), certifiedAt: NOW - 86_400_000, here: true },
        { nodeId: GONE, name: nodeName(GONE), certifiedAt: NOW - 9 * 86_400_000, here: false },
      ],
    }),
    exportIdentity: async () => ok('{}'),
    importIdentity: async () => fail('wrong_passphrase', 'This passphrase does not open the file.'),
    ledger: async () => ledgerView,
    receipt: async (id) => ({
      id,
      payload: 'oWR0eXBlZ3JlY2VpcHQ=',
      signatures: [{ keyId: HERE, signature: 'AA==' }],
      verified: true,
    }),
    receipts: async (limit) => receipts.slice(0, limit),
    exportLedger: async () => ok('{}'),
    importLedger: async () => fail('not_a_ledger', 'This file is no ledger of Tabmesh; nothing was changed.'),
    settings: () => settings,
    saveSettings: async (change) => {
      settings = { ...settings, ...change };
      return done('settings');
    },
    storage: async () => ({
      usedBytes: 24_300_000,
      quotaBytes: 12_000_000_000,
      persisted: false,
      ledgerEntries: receipts.length,
    }),
    persistStorage: async () => false,
    deleteEverything: async () => ok(undefined),
    notices: () => notices,
    dismissNotice: (id) => {
      notices = notices.filter((notice) => notice.id !== id);
      changed.emit('notice');
    },
    runBatch: (manifestText) => {
      const progress = createStream<{ done: number; total: number; jobId: string; reason: string }>();
      let jobs: { job_id: string }[] = [];
      try {
        jobs = (JSON.parse(manifestText) as { jobs: { job_id: string }[] }).jobs;
      } catch {
        progress.end();
        return {
          progress,
          artefacts: Promise.resolve(fail('bad_manifest', 'The manifest is not JSON: line 1 ends too early.')),
          cancel: () => {},
        };
      }
      const play = async () => {
        for (const [index, job] of jobs.entries()) {
          progress.push({ done: index, total: jobs.length, jobId: job.job_id, reason: 'asked' });
          await new Promise((resolve) => setTimeout(resolve, 60));
        }
        progress.end();
        return ok({
          assignments: [],
          messages: [],
          results: jobs.map((job, index) => ({
            job_id: job.job_id,
            node_id: index % 2 === 0 ? HERON : 'node-c',
            status: index === 3 ? 'failed' : 'completed',
            output: null,
            error: index === 3 ? 'payload has no text' : null,
            contribution_units: index === 3 ? 0 : 2,
          })),
          validations: jobs.map((job, index) => ({
            job_id: job.job_id,
            result_job_id: job.job_id,
            valid: index !== 3,
            reason: index === 3 ? 'missing_payload_text' : 'ok',
          })),
          validation_summary: {},
          summaries: [],
          totals: {
            nodes: 3,
            jobs: jobs.length,
            results: jobs.length,
            completed_jobs: jobs.length - 1,
            failed_jobs: 1,
            valid_results: 5,
            invalid_results: 1,
            unsupported_results: 0,
            contribution_units: 10,
          },
          node_roster: [],
        });
      };
      return { progress, artefacts: play(), cancel: () => {} };
    },
    prepareForUpdate: async () => {},
    stop: async () => {},
  };
}

/** What the address or the tab's memory names, for instance `?fake=alone,slow`. */
export async function startFakeTabNode(): Promise<TabNode> {
  const scene = new Set(
    (new URLSearchParams(location.search).get('fake') ?? sessionStorage.getItem('fake') ?? '').split(','),
  );
  if (scene.has('slow-start')) await new Promise(() => {});
  return createFakeTabNode(scene);
}
