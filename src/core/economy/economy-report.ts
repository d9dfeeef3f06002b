import type { NodeId } from '../base/ids';
import type { LedgerReplay } from '../ledger/replay';
import type { Bricks } from './bricks';

export const SECTIONS = ['list', 'bricks', 'cards', 'growth', 'skills', 'work', 'ledger'] as const;
export type Section = (typeof SECTIONS)[number];

/** One thing that does not hold, and the file in which. */
export interface EconomyFault {
  readonly section: Section;
  readonly file: string;
  /** Stable. */
  readonly code: string;
  readonly sentence: string;
}

/** What a check came to. */
export interface EconomyReport {
  /** Whether everything held, and there was something of every section. */
  readonly ok: boolean;
  /** The signed list: null where it could not be read. */
  readonly set: {
    readonly id: string;
    readonly signedBy: NodeId;
    readonly community: string;
    readonly at: number;
    readonly files: number;
  } | null;
  readonly sections: readonly { readonly section: Section; readonly checked: number; readonly faults: number }[];
  /** What the bricks come to, recomputed: null where they could not be read. */
  readonly bricks: Pick<Bricks, 'counts' | 'missing'> | null;
  /** What the logs come to, replayed from nothing: null where they could not be read. */
  readonly ledger: LedgerReplay | null;
  readonly faults: readonly EconomyFault[];
}

/** Collects what was looked at and what does not hold. */
export interface FaultList {
  checked(section: Section): void;
  against(section: Section, file: string, fault: { readonly code: string; readonly sentence: string }): void;
}

export function createFaultList(): FaultList & Pick<EconomyReport, 'ok' | 'sections' | 'faults'> {
  const faults: EconomyFault[] = [];
  const checkedBySection = new Map<Section, number>();
  return {
    checked: (section) => void checkedBySection.set(section, (checkedBySection.get(section) ?? 0) + 1),
    against: (section, file, { code, sentence }) => void faults.push({ section, file, code, sentence }),
    get ok() {
      return faults.length === 0;
    },
    get sections() {
      return SECTIONS.map((section) => ({
        section,
        checked: checkedBySection.get(section) ?? 0,
        faults: faults.filter((fault) => fault.section === section).length,
      }));
    },
    faults,
  };
}
