import type { Bar, Bench, Found } from './bench';

/** Where the figures come from: without it they mean nothing. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly browser: string;
}

export interface BenchReport {
  readonly version: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly benches: Readonly<Record<string, BenchEntry>>;
  readonly bars: readonly Bar[];
  readonly failed: readonly string[];
}

export interface BenchEntry {
  readonly title: string;
  readonly tookSeconds: number;
  /** The system's load over the last minute as the bench began: above the number of cores others were at work as well. */
  readonly loadBefore: number;
  readonly figures: Found['figures'] | null;
  readonly error: string | null;
}

const words = (name: string): string => name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
const number = (value: number): string => value.toLocaleString('en-GB', { maximumFractionDigits: 3 });
const shown = (value: Found['figures'][string]): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? number(value) : value.map(number).join('  ');

/** The same report for a person. */
export function renderReport(report: BenchReport, benches: readonly Bench[]): string {
  const { machine } = report;
  const lines = [
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB; ${machine.system}; Node ${machine.node}; ${machine.browser}`,
    ...(report.quick ? ['Quick: few rounds, the figures do not stand.'] : []),
  ];
  for (const { name } of benches) {
    const entry = report.benches[name];
    if (!entry) continue;
    lines.push('', `${entry.title}  (${name}, ${entry.tookSeconds} s, load ${entry.loadBefore} before)`);
    if (entry.error !== null) lines.push(`  could not run: ${entry.error}`);
    for (const [key, value] of Object.entries(entry.figures ?? {}))
      lines.push(`  ${words(key).padEnd(36)} ${shown(value)}`);
  }
  lines.push('');
  for (const bar of report.bars) {
    lines.push(
      `${bar.met ? 'met    ' : 'NOT MET'}  ${bar.name}: ${number(bar.figure)} ${bar.unit}, ${bar.must} ${number(bar.bar)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
