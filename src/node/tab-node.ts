import type { EventSource } from '#core/base/events';
import type { Failure, Result } from '#core/base/result';
import type {
  AskOptions,
  AskRun,
  InviteOptions,
  LedgerView,
  NodeStatus,
  PageApi,
  PeerView,
  ReceiptView,
  WorkOptions,
  WorkRun,
} from './page-api';
import type { EvidenceDesk } from './tab/evidence-views';
import type { ExpertsDesk } from './tab/expert-views';
import type { GraphDesk } from './tab/graph-views';
import type { GrowthDesk } from './tab/growth-views';
import type { HostsDesk } from './tab/host-views';
import type { LedgerDesk } from './tab/ledger-desk-views';
import type { MarginsView } from './tab/margin-views';

/** What the person decided about lending this device. */
export interface ContributionView {
  readonly on: boolean;
  /** `off`, `loading`, `idle`, `working` or `paused`; `reason` is one sentence for the person. */
  readonly phase: 'off' | 'loading' | 'idle' | 'working' | 'paused';
  readonly reason: string;
  /** Epoch milliseconds, `Infinity` for "until I resume", null when not paused. */
  readonly pausedUntil: number | null;
  readonly load: { readonly loadedBytes: number; readonly totalBytes: number } | null;
  readonly running: readonly {
    readonly jobId: string;
    readonly capability: string;
    readonly for: string;
    readonly tokens: number;
  }[];
  readonly totals: {
    readonly answers: number;
    readonly checks: number;
    readonly jobs: number;
    readonly tokens: number;
  };
}

/** A peer as the Mesh place shows it. */
export interface PeerDetail extends PeerView {
  readonly trust: 'unknown' | 'member' | 'trusted' | 'anchor';
  readonly contributing: boolean;
  readonly models: readonly string[];
  readonly runningJobs: number;
  readonly answered: number;
  readonly checksPassed: number;
  readonly checksFailed: number;
  readonly device: {
    readonly webgpu: boolean;
    readonly cores: number | null;
    readonly memoryGb: number | null;
    readonly tokensPerSecond: number | null;
  } | null;
  readonly heartbeats: number;
  readonly assignedJobs: number;
  readonly units: number;
  readonly blocked: boolean;
}

export interface UnreachablePeer {
  readonly nodeId: string;
  readonly name: string;
  readonly reason: string;
}

export interface CommunityView {
  readonly id: string;
  readonly name: string;
  readonly open: boolean;
  readonly current: boolean;
  /** The founder's node id. */
  readonly founder: string;
  /** Policy and limits, ready to show: label and value. */
  readonly facts: readonly { readonly label: string; readonly value: string }[];
  /** Null where members do not pay each other. Limits in millionths of a credit; who approves what is minted, where anything is. */
  readonly economy: {
    readonly founderLimitMicros: number;
    readonly newcomerLimitMicros: number;
    readonly mint: boolean;
    readonly curators: readonly string[];
  } | null;
}

/** What a founder chooses of how members pay each other; everything else is as `defaultEconomyPolicy` says. */
export interface EconomyWish {
  readonly founderLimitMicros?: number;
  readonly newcomerLimitMicros?: number;
  /** How long work can be challenged before it is paid, whatever it costs; by its price when absent. */
  readonly windowSeconds?: number;
  /** Who approves, beside the founder, that an accepted contribution brings new credit; nothing is ever minted when absent. */
  readonly curators?: readonly string[];
}

/** What those who answer ask for one answer, in millionths of a credit; `free` where somebody answers for nothing. */
export interface PriceRange {
  readonly fromMicros: number;
  readonly toMicros: number;
  readonly free: boolean;
}

export interface InviteLink {
  readonly url: string;
  readonly communityName: string;
  readonly expiresAt: number;
  readonly uses: number;
}

/** An invitation as it was read from a link, before or after it was taken up. */
export interface InvitationView {
  readonly communityId: string;
  readonly communityName: string;
  /** Node id of who made the link. */
  readonly invitedBy: string;
  readonly expiresAt: number;
  /** `waiting` while offline or before admission; kept across reload, install and update until then. */
  readonly state: 'waiting' | 'joined' | 'refused';
  readonly reason: string;
}

export interface IdentityView {
  readonly nodeId: string;
  readonly name: string;
  readonly identityId: string;
  /** How the node key is kept: `webcrypto` (not extractable) or `wrapped-seed`. */
  readonly keptAs: 'webcrypto' | 'wrapped-seed' | 'memory';
  readonly backedUpAt: number | null;
  readonly nodes: readonly {
    readonly nodeId: string;
    readonly name: string;
    readonly certifiedAt: number;
    readonly here: boolean;
  }[];
}

export interface Settings {
  readonly theme: 'system' | 'light' | 'dark';
  /** Where a question goes when the person chose nothing else. */
  readonly askWhere: 'mesh' | 'self';
  /** The person read who will read questions sent into the mesh. */
  readonly meshConsentAt: number | null;
  readonly contributeConsentAt: number | null;
  readonly pauseOnBattery: boolean;
  readonly pauseOnMetered: boolean;
  /** Local hours in which this device contributes; null for always. */
  readonly hours: { readonly from: number; readonly to: number } | null;
  readonly research: boolean;
  /** Claims about evidence are read out of the logs and can be made; off: nothing of it is loaded. */
  readonly evidenceGraph: boolean;
  /** Keep the traces of the person's own questions on this device, so that an answer can be sealed later. */
  readonly keepTraces: boolean;
  /** The model that this device answers with. */
  readonly model: string;
  /** What others pay for a token that this device reads or writes for them, in micros of a credit; null: by the size of the model. */
  readonly rateMicros: number | null;
  /** What a job costs at least. */
  readonly minimumJobMicros: number;
  /** What one answer may cost at most where members pay each other; 0: only ask for what costs nothing. */
  readonly payAtMostMicros: number;
  /** Those that it serves beside it: what turns texts into vectors, what ranks passages. */
  readonly embedModel: string | null;
  readonly rerankModel: string | null;
}

export interface StorageView {
  readonly usedBytes: number | null;
  readonly quotaBytes: number | null;
  readonly persisted: boolean;
  readonly ledgerEntries: number;
}

export type PauseChoice = 'hour' | 'tomorrow' | 'manual';

/** A model as the Models place shows it. */
export interface ModelView {
  readonly id: string;
  readonly name: string;
  readonly engine: 'transformers' | 'web-llm';
  readonly quantisation: string;
  readonly parameters: number;
  readonly tasks: readonly string[];
  readonly licence: { readonly name: string; readonly url: string | null };
  /** Null while the size of a file is not known. */
  readonly sizeBytes: number | null;
  readonly memoryBytes: number;
  readonly contextTokens: number;
  /** The host that the bytes come from; empty for this app's own server. */
  readonly from: string;
  readonly state: 'built-in' | 'absent' | 'downloading' | 'paused' | 'stored';
  /** False while a file's content is only what its first download happened to be. */
  readonly pinned: boolean;
  /** It answers here, or is served beside the one that does. */
  readonly serving: boolean;
  /** Null before this device was measured. */
  readonly fit: {
    readonly grade: 'comfortable' | 'tight' | 'will-not-fit';
    readonly reasons: readonly string[];
  } | null;
  readonly progress: {
    readonly doneBytes: number;
    readonly totalBytes: number | null;
    readonly bytesPerSecond: number | null;
    readonly secondsLeft: number | null;
  } | null;
  /** Why the last try came to nothing, one sentence; empty otherwise. */
  readonly problem: string;
}

export interface ModelsView {
  readonly models: readonly ModelView[];
  /** What this device is and what suits it; null before it was measured. */
  readonly device: {
    readonly summary: string;
    readonly roles: readonly { readonly role: string; readonly suits: boolean; readonly sentence: string }[];
  } | null;
  /** What the self-tests of this visit found, one of each model, the newest first. */
  readonly selfTests: readonly {
    readonly modelId: string;
    readonly name: string;
    readonly passed: boolean;
    readonly positions: number;
    readonly agreeing: number;
  }[];
  readonly freeBytes: number | null;
  /** What goes on: `measuring`, `choosing` (a model is loaded and tested), or nothing. */
  readonly busy: 'measuring' | 'choosing' | null;
  readonly problem: string;
}

/** The models of this device: which there are, which fit, which lie here, which one answers. What fails is told in the view. */
export interface ModelsDesk {
  readonly view: ModelsView;
  readonly changed: EventSource<void>;
  refresh(): Promise<void>;
  /** Looks at the graphics adapter and computes for three seconds. */
  measure(): Promise<void>;
  /** The person saw size, licence and host, and said yes. */
  download(id: string): Promise<void>;
  pause(id: string): void;
  remove(id: string): Promise<void>;
  importFiles(id: string, files: readonly File[]): Promise<void>;
  /** Answers with this model, or serves it beside the one that answers, from now on, for this person and for others. */
  use(id: string): Promise<void>;
  /** Serves this model no longer; the one that answers is only ever replaced. */
  letGo(id: string): Promise<void>;
}

/** How far two devices are in pairing without a server. */
export interface PairingView {
  /** `offered`: a code is shown and waits for its answer; `answered`: the answer is shown; `linking`: the channel opens. */
  readonly phase: 'idle' | 'preparing' | 'offered' | 'answered' | 'linking' | 'linked';
  /** What the other device needs: the code, and the same as a link to scan; empty where there is nothing to show. */
  readonly code: string;
  readonly link: string;
  /** Node id of the other side, once known. */
  readonly peer: string | null;
  /** Epoch milliseconds; null when nothing waits. */
  readonly expiresAt: number | null;
  /** Why the last try came to nothing, one sentence; empty otherwise. */
  readonly problem: string;
}

/** Pairing with one device at a time. What fails is told in the view. */
export interface PairingDesk {
  readonly view: PairingView;
  readonly changed: EventSource<void>;
  /** Makes a code to show; an earlier one is given up. */
  offer(): Promise<void>;
  /** Takes a code or its link: answers an offer, or completes this side's own with its answer. */
  take(text: string): Promise<void>;
  cancel(): void;
}

/** What a batch run leaves, as plain data to show. */
export type BatchArtefacts = Readonly<Record<string, unknown>>;

/** A finished batch: the data, and the very text that the command line prints for it, whole and by artefact. */
export interface BatchOutcome {
  readonly artefacts: BatchArtefacts;
  readonly text: string;
  readonly textByName: Readonly<Record<string, string>>;
}

export interface BatchRun {
  readonly progress: AsyncIterable<{
    readonly done: number;
    readonly total: number;
    readonly jobId: string;
    readonly reason: string;
  }>;
  readonly outcome: Promise<Result<BatchOutcome>>;
  cancel(): void;
}

/** The files of a flow by path, `/` between: what the command line writes into a folder. */
export type FlowFilesView = ReadonlyMap<string, string>;

/** What was found in the files of a finished flow, or why they do not hold; and what a clean audit allows to be made of them. */
export interface FlowView {
  readonly files: FlowFilesView;
  readonly listed: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  readonly transport: boolean;
  readonly peerDerived: boolean;
  readonly checked: Readonly<Record<string, number>>;
  readonly totals: Readonly<Record<string, number>>;
  readonly results: readonly {
    readonly jobId: string;
    readonly node: string;
    readonly valid: boolean;
    readonly reason: string;
    readonly units: number;
  }[];
  /** The very texts that the command line prints. */
  readonly auditText: string;
  readonly aggregateText: string;
}

/** Work of the Lab that takes a while: how far it is, what comes of it, and a way to stop it. */
export interface LabRun<T> {
  readonly progress: AsyncIterable<{ readonly done: number; readonly total: number }>;
  readonly outcome: Promise<Result<T>>;
  cancel(): void;
}

/** A folder in which a batch is done step by step, as it stands in memory. */
export interface StepFolderView {
  /** By path, in code point order. */
  readonly files: FlowFilesView;
  readonly listed: FlowView['listed'];
  /** Whether the jobs were given out: there is a log to make inboxes from. */
  readonly dispatched: boolean;
  /** Nodes that have an inbox. */
  readonly nodes: readonly string[];
  /** What each node contributed, and the very text that the command line prints; null without a ledger. */
  readonly ledger: {
    readonly text: string;
    readonly nodes: readonly {
      readonly node: string;
      readonly results: number;
      readonly completed: number;
      readonly failed: number;
      readonly units: number;
    }[];
  } | null;
  /** The first inbox or ledger that cannot be read; everything else can be used. */
  readonly fault: Failure | null;
}

/** What a step did, and the folder afterwards. */
export type Stepped<Did = object> = Did & { readonly folder: StepFolderView };

/**
 * The single steps of a batch over a folder of files in memory, by the code of the command line: the same files as it
 * writes, at the paths that docs/guides/batch-flows.md uses. Each step gives a new folder; one that fails changes nothing,
 * and where a file is at fault its sentence begins with the file's path.
 */
export interface BatchSteps {
  /** Files that a person opened, as they lie or one level down. Code `no_batch_files`. */
  open(files: FlowFilesView): Result<Stepped>;
  /** Gives the jobs of a manifest out without doing any. */
  dispatch(
    files: FlowFilesView,
    manifestText: string,
  ): Result<Stepped<{ readonly jobs: number; readonly nodes: number }>>;
  /** An inbox for each node that the log is addressed to. */
  materialise(files: FlowFilesView): Promise<Result<Stepped<{ readonly inboxes: number; readonly messages: number }>>>;
  /** Nodes do, one after the other, what their inboxes assign and their states do not hold; sums over all of them. */
  process(
    files: FlowFilesView,
    nodeIds: readonly string[],
  ): Promise<
    Result<
      Stepped<{
        readonly done: number;
        readonly skipped: number;
        readonly valid: number;
        readonly units: number;
      }>
    >
  >;
  /** One log of what all outboxes say; without any a log of 0 messages. */
  collect(files: FlowFilesView): Promise<Result<Stepped<{ readonly outboxes: number; readonly messages: number }>>>;
  /** Puts a ledger in place of the folder's. */
  importLedger(files: FlowFilesView, ledgerText: string): Result<Stepped<{ readonly records: number }>>;
}

/** Batch flows in this tab, by the code of the command line; nothing of it goes to other nodes. */
export interface BatchLab {
  readonly steps: BatchSteps;
  /** The files of a flow with all of its nodes simulated here. `peerLog`: a message log whose heartbeats are the roster. */
  runFlow(
    manifestText: string,
    options: { readonly transport: boolean; readonly peerLog: string | null },
  ): LabRun<FlowFilesView>;
  /** Files of a finished flow, as they lie or one level down. */
  auditFlow(files: FlowFilesView): LabRun<FlowView>;
  /** Who was heard in a message log. */
  summarisePeers(logText: string): Result<{
    readonly text: string;
    readonly peers: readonly {
      readonly node: string;
      readonly status: 'available' | 'offline';
      readonly capabilities: readonly string[];
      readonly heartbeats: number;
    }[];
  }>;
  /** Every verdict anew from an assignment log and a result log. */
  validateResults(
    assignmentsText: string,
    resultsText: string,
  ): Result<{ readonly text: string; readonly results: FlowView['results'] }>;
}

/** Anything the interface shows may have changed: read the part again. */
export type TabNodeChange =
  | 'status'
  | 'peers'
  | 'contribution'
  | 'community'
  | 'identity'
  | 'settings'
  | 'ledger'
  | 'invitation'
  | 'election'
  | 'notice';

/** One sentence and one action for the person. */
export interface Notice {
  readonly id: string;
  readonly code: string;
  readonly message: string;
  readonly action: { readonly label: string; readonly href: string } | null;
}

/**
 * The running node as the interface sees it: plain data out, commands in. `page` is what `window.tabmesh` is. Every
 * command that can fail returns a Result with a sentence for the person.
 */
export interface TabNode {
  readonly page: PageApi;
  readonly changed: EventSource<TabNodeChange>;
  status(): NodeStatus;
  /** False where the page has no secure context: no Web Crypto, no node. */
  readonly secureContext: boolean;
  /** True while another tab of this profile runs the node. */
  waitingForTab(): boolean;
  /** Takes the node over from the other tab. */
  useHere(): Promise<Result<void>>;

  peers(): readonly PeerDetail[];
  unreachable(): readonly UnreachablePeer[];
  block(nodeId: string, blocked: boolean): Promise<Result<void>>;

  ask(text: string, options?: AskOptions): AskRun;
  /** Work of any kind that can be checked: see `PageApi.work`. */
  work(capability: string, input: unknown, options?: WorkOptions): WorkRun;

  contribution(): ContributionView;
  contribute(on: boolean): Promise<Result<void>>;
  pause(choice: PauseChoice | 'resume'): Promise<Result<void>>;

  communities(): readonly CommunityView[];
  /** `economy`: members pay each other in credits; see `EconomyWish`. */
  createCommunity(name: string, economy?: EconomyWish | null): Promise<Result<CommunityView>>;
  switchCommunity(id: string): Promise<Result<void>>;
  leaveCommunity(id: string): Promise<Result<void>>;
  invite(options?: InviteOptions): Promise<Result<InviteLink>>;
  /** Reads an invite link or its fragment, keeps it, and joins as soon as it can. */
  acceptInvitation(link: string): Promise<Result<InvitationView>>;
  invitation(): InvitationView | null;
  dismissInvitation(): Promise<void>;

  models(): Promise<Result<ModelsDesk>>;
  /** The experts that this node knows of, and how the one that it holds stands before the admission gate. */
  experts(): Promise<Result<ExpertsDesk>>;
  /** Signed cards and offers: what others see of this node as a host, and what they show. */
  hosts(): Promise<Result<HostsDesk>>;
  /** Links with one other device by codes that people carry over, without any server. */
  pairing(): Promise<Result<PairingDesk>>;
  /** This tab waits while another one runs the node: the pairing code that it was opened with goes there. */
  passOnPairing(text: string): void;

  identity(): IdentityView;
  /** An encrypted backup of the identity, as file text. Code `weak_passphrase` when it is shorter than 10 characters. */
  exportIdentity(passphrase: string): Promise<Result<string>>;
  importIdentity(fileText: string, passphrase: string): Promise<Result<IdentityView>>;

  ledger(): Promise<LedgerView>;
  receipt(id: string): Promise<ReceiptView | null>;
  /** Receipts, balances, what was earned and spent, and checking all of it anew. */
  ledgerDesk(): Promise<Result<LedgerDesk>>;
  /** What members say of evidence. Code `graph_off` while the setting is off. */
  graph(): Promise<Result<GraphDesk>>;
  /** What members give besides work, what others found about it, and what is minted for it. */
  growth(): Promise<Result<GrowthDesk>>;
  /** What a question would cost at those who offer answers now, in millionths of a credit at most: the least and the most. Null: nothing, or nobody is paid. */
  priceRange(text: string): Promise<PriceRange | null>;
  /** How much the devices of others differed in what this node had checked. Code `not_running`. */
  margins(): Promise<Result<MarginsView>>;
  /** The traces that this device keeps, and sealing one of them for others. */
  evidence(): Promise<Result<EvidenceDesk>>;
  exportLedger(): Promise<Result<string>>;
  importLedger(fileText: string): Promise<Result<{ readonly added: number; readonly known: number }>>;

  settings(): Settings;
  saveSettings(change: Partial<Settings>): Promise<Result<void>>;
  storage(): Promise<StorageView>;
  persistStorage(): Promise<boolean>;
  deleteEverything(): Promise<Result<void>>;
  notices(): readonly Notice[];
  dismissNotice(id: string): void;

  runBatch(manifestText: string, where: 'mesh' | 'tab'): BatchRun;
  /** Works without a running node. */
  batchLab(): Promise<BatchLab>;

  /**
   * Resolves when this person's questions are answered, and running jobs ended or were handed back: before an update
   * switches. Waits for neither without end.
   */
  prepareForUpdate(): Promise<void>;
  stop(): Promise<void>;
}

export interface ReceiptDetail {
  readonly id: string;
  readonly at: number;
  readonly capability: string;
  readonly model: string | null;
  readonly requester: string;
  readonly executor: string;
  readonly validators: readonly string[];
  readonly verdict: 'unchecked' | 'accepted' | 'rejected' | 'disputed';
  /** A panel found the work wrong afterwards: it earns no units. */
  readonly foundWrong: boolean;
  readonly units: number;
  readonly tokens: number | null;
  readonly signers: readonly string[];
  readonly verified: boolean;
}
