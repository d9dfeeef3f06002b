import type { EventSource } from '#core/base/events';
import type { NodeId } from '#core/base/ids';
import type { RankedVersion, Standing } from '#core/experts/admission-gate/choose-version';
import type { Expert } from '#core/experts/admission-gate/expert-registry';
import type { AdmissionReport } from '#core/experts/admission-gate/run-admission-gate';
import type { Score } from '#core/experts/expert-card';

/** One node that holds a version. */
export interface ReplicaView {
  readonly nodeId: NodeId;
  readonly here: boolean;
  readonly engine: string;
  /** Null: the node showed no signed card. */
  readonly card: {
    readonly writesPerS: number;
    readonly scores: readonly Pick<Score, 'set' | 'right' | 'of'>[];
    readonly expiresAt: number;
  } | null;
}

export interface ExpertVersionView {
  readonly version: string;
  readonly modelHash: string;
  readonly standing: Standing;
  /** Why, one sentence; empty where nothing was compared. */
  readonly why: string;
  /** Audited answers of this version by others that this node has receipts of. */
  readonly accepted: number;
  readonly rejected: number;
  readonly replicas: readonly ReplicaView[];
  /** Null: not evaluated on this device. */
  readonly report: AdmissionReport | null;
  readonly evaluatedAt: number | null;
}

export interface ExpertView {
  readonly id: string;
  readonly name: string;
  readonly tasks: readonly string[];
  readonly versions: readonly ExpertVersionView[];
}

export interface ExpertsView {
  readonly experts: readonly ExpertView[];
  /** What it takes to be admitted. */
  readonly gates: readonly { readonly gate: string; readonly label: string; readonly demand: string }[];
  /** The expert that this device answers with, and that `evaluate` would examine. */
  readonly served: { readonly id: string; readonly name: string };
  /** Share of ordinary requests that goes to versions which are being tried, in percent. */
  readonly canaryPercent: number;
  /** Questions answered of all, while an evaluation runs. */
  readonly evaluating: { readonly done: number; readonly total: number } | null;
  readonly problem: string;
}

/** The experts that this node knows of, and the admission of the one that it holds. What fails is told in the view. */
export interface ExpertsDesk {
  readonly view: ExpertsView;
  readonly changed: EventSource<void>;
  /** Asks the linked nodes what they show of their experts. */
  refresh(): Promise<void>;
  /** Examines the served expert on this device: some 250 short answers, in its worker. */
  evaluate(): Promise<void>;
  stop(): void;
  /** Card, verification, report and every recorded token of an evaluation, as file text; null when there is none. */
  evidence(modelHash: string): string | null;
}

export function versionView(
  { version, modelHash, standing, judgement, accepted, rejected }: RankedVersion,
  { versions }: Expert,
  self: NodeId,
  evaluation: { readonly report: AdmissionReport; readonly at: number } | null,
): ExpertVersionView {
  const replicas = versions.find((each) => each.modelHash === modelHash)?.replicas ?? [];
  return {
    version,
    modelHash,
    standing,
    why: judgement?.sentence ?? '',
    accepted,
    rejected,
    replicas: replicas.map(({ node, engine, card }) => ({
      nodeId: node,
      here: node === self,
      engine,
      card: card && {
        writesPerS: card.decodeMilliTokensPerS / 1_000,
        scores: card.scores.map(({ set, right, of }) => ({ set, right, of })),
        expiresAt: card.expiresAt,
      },
    })),
    report: evaluation?.report ?? null,
    evaluatedAt: evaluation?.at ?? null,
  };
}
