import type { Answer, RouteUpdate } from '#core/experts/route';

export type NodeStateWord = 'starting' | 'online' | 'offline' | 'waiting' | 'insecure' | 'failed';

export interface NodeStatus {
  readonly nodeId: string;
  /** Two words and four characters made from the key, for instance `amber-otter 7f3a`. */
  readonly name: string;
  readonly community: { readonly id: string; readonly name: string; readonly open: boolean };
  /** `waiting`: another tab of this profile runs the node. */
  readonly state: NodeStateWord;
  /** One sentence why, never empty. */
  readonly reason: string;
  /** Number of peers with a live link. */
  readonly peers: number;
  /** Models that are loaded on this node. */
  readonly models: readonly string[];
  readonly contributing: boolean;
}

export interface PeerView {
  readonly nodeId: string;
  readonly name: string;
  readonly state: 'available' | 'busy' | 'offline';
  readonly capabilities: readonly string[];
  readonly rttMs: number | null;
}

export interface AskOptions {
  readonly model?: string;
  readonly maxTokens?: number;
  /** `raised`: two of three answers must agree, `high`: three of five, and models of two families audit what they say. Free texts agree when they were not rejected: of them the best is shown. */
  readonly stakes?: 'ordinary' | 'raised' | 'high';
  /** What one executor may be paid at most, in millionths of a credit; absent: as the person set it. 0 asks for a favour. */
  readonly payAtMostMicros?: number;
  /** 0 to 2 in steps of 0.01; absent or 0: always the most likely token. */
  readonly temperature?: number;
  /** `mesh` never answers itself, `self` never leaves this device, a node id asks just that node; absent: the mesh when someone offers, else this node. */
  readonly provider?: 'mesh' | 'self' | (string & {});
}

export interface WorkOptions {
  /** These as for `ask`; of kinds whose results cannot be combined one node answers, whatever is at stake. */
  readonly provider?: AskOptions['provider'];
  readonly stakes?: AskOptions['stakes'];
  readonly payAtMostMicros?: number;
}

export interface WorkRun<Output = unknown> {
  readonly updates: AsyncIterable<RouteUpdate>;
  /** Rejects as `AskRun.answer` does. */
  readonly result: Promise<{ readonly output: Output; readonly answer: Answer }>;
  cancel(): void;
}

export interface AskRun {
  readonly updates: AsyncIterable<RouteUpdate>;
  /** Rejects with an Error whose message is one sentence and whose `code` is stable. */
  readonly answer: Promise<Answer>;
  cancel(): void;
}

export interface InviteOptions {
  readonly communityId?: string;
  readonly days?: number;
  readonly uses?: number;
}

export interface LedgerEntryView {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly at: number;
  readonly receiptId: string | null;
}

/** What a node has where members pay each other, in micros of a credit. */
export interface BalanceView {
  readonly confirmedMicros: number;
  readonly pendingMicros: number;
  readonly reservedMicros: number;
  /** What it may owe. */
  readonly limitMicros: number;
  readonly availableMicros: number;
}

export interface LedgerView {
  /** Content id of the newest entry of this node's own log, null for an empty one. */
  readonly head: string | null;
  readonly entries: readonly LedgerEntryView[];
  readonly unitsByNode: Readonly<Record<string, number>>;
  /** Of every node that ever had anything to do with credit. */
  readonly balances: Readonly<Record<string, BalanceView>>;
  /** Everything that was ever minted: what all confirmed balances come to. */
  readonly supplyMicros: number;
  /** Nodes that are proved to have signed two histories. */
  readonly forgers: readonly string[];
}

/** A receipt as anyone can verify it: `payload` and signatures in base64; each signature is Ed25519 by `keyId` over the payload bytes. */
export interface ReceiptView {
  readonly id: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyId: string; readonly signature: string }[];
  readonly verified: boolean;
}

/** `window.tabmesh`: the node, for the page's own origin: tools, tests, extensions of the app. */
export interface PageApi {
  /** Resolves when the node runs and the first signaling attempt ended. */
  readonly ready: Promise<void>;
  readonly version: string;
  status(): NodeStatus;
  peers(): readonly PeerView[];
  /** Called here it is the yes: logged, no dialog. Resolves when the services are offered (or withdrawn). */
  contribute(on: boolean): Promise<void>;
  invite(options?: InviteOptions): Promise<string>;
  /** A plain bus call, no receipt. Rejects with an Error that has a `code`: `nobody_offers`, `no_answer`, … */
  call(capability: string, input: unknown, options?: { timeoutMs?: number; provider?: string }): Promise<unknown>;
  ask(text: string, options?: AskOptions): AskRun;
  /** Work of any kind that can be checked and receipted, through the pipeline as `ask`. Calling it is the person's act. */
  work(capability: string, input: unknown, options?: WorkOptions): WorkRun;
  ledger(): Promise<LedgerView>;
  receipt(id: string): Promise<ReceiptView | null>;
}
