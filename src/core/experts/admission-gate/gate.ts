import type { NodeId } from '../../base/ids';
import type { Fit } from '../../engines/fit';
import type { ModelManifest } from '../../engines/model-manifest';
import type { ExpertCard } from '../expert-card';
import type { EvaluationResult, TriggerResult } from './evaluation-set';
import type { Replay } from './replay';
import type { Verification } from './verification';

/** What was measured of an expert on this device. */
export interface Measured {
  readonly target: EvaluationResult;
  readonly general: EvaluationResult;
  readonly triggers: TriggerResult;
  /** Of the target evaluation. */
  readonly replay: Replay;
}

/** An expert that is in already, with what it answered to the same questions. */
export interface KnownExpert {
  readonly expert: string;
  readonly version: string;
  readonly modelHash: string;
  readonly memoryBytes: number;
  readonly target: EvaluationResult;
  readonly general: EvaluationResult;
}

/** All that the gates look at: plain data, so that whoever has it comes to the same report. */
export interface AdmissionInput {
  readonly card: ExpertCard;
  readonly measured: Measured;
  /** The version of the same expert that is in now; null for the first. */
  readonly incumbent: Pick<KnownExpert, 'version' | 'target' | 'general'> | null;
  readonly known: readonly KnownExpert[];
  /** How the model suits this node; null before that could be told. */
  readonly fit: Pick<Fit, 'grade' | 'reasons'> | null;
  /** As a catalogue says it, and who signed that catalogue: null when nobody whom this community trusts did. */
  readonly manifest: { readonly manifest: ModelManifest; readonly signedBy: NodeId | null } | null;
  /** Opened: signatures and times hold. */
  readonly verifications: readonly Verification[];
  /** True when two nodes are, or may be, one person's: the same owner, the same branch of invitations. */
  readonly related: (a: NodeId, b: NodeId) => boolean;
}

/** What one gate found. */
export interface Finding {
  readonly passed: boolean;
  /** Whole numbers by name, thresholds among them. */
  readonly figures: Readonly<Record<string, number>>;
  /** One sentence for a person: what was found. */
  readonly sentence: string;
}

/** One condition of admission. `judge` is pure, knows no other gate and never throws on what the schemas let through. */
export interface AdmissionGate {
  /** Stable, for records. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  /** One sentence: what it takes to pass. */
  readonly demand: string;
  readonly judge: (input: AdmissionInput) => Finding;
}

export interface GateReport extends Finding {
  readonly gate: string;
  readonly label: string;
  readonly demand: string;
}
