import type { NodeStatus } from '#node/page-api';
import type {
  CommunityView,
  ContributionView,
  IdentityView,
  InvitationView,
  Notice,
  PeerDetail,
  Settings,
  TabNode,
  TabNodeChange,
  UnreachablePeer,
} from '#node/tab-node';
import { duty } from '../duty';
import { applyTheme } from '../theme';
import { sentenceOf } from '../words';
import { Conversation } from './conversation.svelte';
import { Installing } from './installing.svelte';
import { Updates } from './updates.svelte';

const NODE_CHANGES: readonly TabNodeChange[] = [
  'status',
  'election',
  'settings',
  'notice',
  'peers',
  'contribution',
  'community',
  'identity',
  'invitation',
  'ledger',
];

/**
 * What the interface knows: plain data read from the node, read again when the node says that it changed. Everything
 * but `status` and `settings` stays null or empty while this tab has no running node of its own.
 */
export class AppState {
  /** Null until the node's code has arrived and started. */
  node = $state.raw<TabNode | null>(null);
  status = $state.raw<NodeStatus | null>(null);
  waitingForTab = $state(false);
  /** False where the page has no secure context; known before the node starts. */
  secure = $state(true);
  /** Why the node could not start at all; null otherwise. */
  startFailure = $state.raw<string | null>(null);
  peers = $state.raw<readonly PeerDetail[]>([]);
  unreachable = $state.raw<readonly UnreachablePeer[]>([]);
  contribution = $state.raw<ContributionView | null>(null);
  communities = $state.raw<readonly CommunityView[]>([]);
  identity = $state.raw<IdentityView | null>(null);
  invitation = $state.raw<InvitationView | null>(null);
  settings = $state.raw<Settings | null>(null);
  notices = $state.raw<readonly Notice[]>([]);
  /** Grows when the ledger changed: a page that shows it reads it again. */
  ledgerTurn = $state(0);

  readonly duty = $derived(
    this.startFailure === null
      ? duty(this.status, this.contribution)
      : { word: 'Stopped', reason: this.startFailure, tone: 'trouble' as const },
  );
  /** True when this tab runs the node: commands reach it. */
  readonly running = $derived(
    this.node !== null && this.secure && !this.waitingForTab && this.status?.state !== 'failed',
  );

  /** Whether members of the community pay each other. */
  readonly pays = $derived(this.communities.some(({ current, economy }) => current && economy !== null));

  readonly conversation: Conversation;
  readonly updates: Updates;
  readonly installing: Installing;

  #resolveStarted!: (node: TabNode) => void;
  /** Resolves with the node once its code runs; never when it could not start. */
  readonly started = new Promise<TabNode>((resolve) => (this.#resolveStarted = resolve));
  #pending = new Set<TabNodeChange>();

  constructor() {
    this.conversation = new Conversation(() => this.started);
    this.updates = new Updates(async () => {
      this.conversation.keepNow();
      await this.node?.prepareForUpdate();
    });
    this.installing = new Installing();
  }

  /** Starts the node through `start`; a failure becomes a sentence. */
  async start(start: () => Promise<TabNode>): Promise<void> {
    try {
      this.attach(await start());
    } catch (error) {
      this.startFailure = `The node of this tab could not start: ${sentenceOf(error).message}`;
    }
  }

  attach(node: TabNode): void {
    this.node = node;
    this.#read(NODE_CHANGES);
    node.changed.on((change) => {
      // Several changes of one moment are read once.
      if (this.#pending.size === 0) {
        queueMicrotask(() => {
          const changes = [...this.#pending];
          this.#pending.clear();
          this.#read(changes);
        });
      }
      this.#pending.add(change);
    });
    this.#resolveStarted(node);
  }

  #read(changes: readonly TabNodeChange[]): void {
    const node = this.node;
    if (node === null) return;
    const wasRunning = this.running;
    this.secure = node.secureContext;
    this.waitingForTab = node.waitingForTab();
    this.status = node.status();
    const running = node.secureContext && !this.waitingForTab && this.status.state !== 'failed';
    // A tab that has just taken the node over reads everything.
    for (const change of running && !wasRunning ? NODE_CHANGES : changes) this.#readOne(node, change, running);
  }

  #readOne(node: TabNode, change: TabNodeChange, running: boolean): void {
    if (change === 'notice') this.notices = node.notices();
    else if (change === 'settings') {
      this.settings = node.settings();
      applyTheme(this.settings.theme);
    } else if (!running) return;
    else if (change === 'peers') {
      this.peers = node.peers();
      this.unreachable = node.unreachable();
    } else if (change === 'contribution') this.contribution = node.contribution();
    else if (change === 'community') this.communities = node.communities();
    else if (change === 'identity') this.identity = node.identity();
    else if (change === 'invitation') this.invitation = node.invitation();
    else if (change === 'ledger') this.ledgerTurn++;
  }

  /** The face and name of this node, once known. */
  readonly here = $derived(this.status === null || this.status.nodeId === '' ? null : this.status.nodeId);

  async saveSettings(change: Partial<Settings>): Promise<string | null> {
    if (change.theme !== undefined) applyTheme(change.theme);
    const saved = await (await this.started).saveSettings(change);
    return saved.ok ? null : saved.error.message;
  }
}
