import type { Result } from '#core/base/result';
import type { ModelManifest } from '#core/engines/model-manifest';
import type { ModelCheck } from './check.harness';

export interface CheckedModel {
  readonly manifest: ModelManifest;
  readonly result: Result<ModelCheck>;
}

const COLUMNS = [
  'model',
  'engine',
  'load s',
  'read /s',
  'write /s',
  'positions',
  'agree',
  'worst',
  'golden',
  'verdict',
];

const rounded = (value: number): string => (value >= 10 ? String(Math.round(value)) : value.toFixed(1));

/** Whether the model is fit to be served as this machine computes it. */
export const isFit = ({ result }: CheckedModel): boolean =>
  result.ok && result.value.own.passed && (result.value.known?.passed ?? true);

function row({ manifest, result }: CheckedModel): readonly string[] {
  if (!result.ok) return [manifest.id, ...new Array<string>(COLUMNS.length - 2).fill('–'), result.error.code];
  const { engine, loadMs, own, known, prefillTokensPerSecond, decodeTokensPerSecond } = result.value;
  const golden = known === null ? 'none yet' : known.passed ? 'the same' : 'DIFFERS';
  return [
    manifest.id,
    engine,
    rounded(loadMs / 1_000),
    rounded(prefillTokensPerSecond),
    rounded(decodeTokensPerSecond),
    String(own.positions),
    `${rounded((own.agreeing / own.positions) * 100)} %`,
    own.worstMargin.toFixed(3),
    golden,
    isFit({ manifest, result }) ? 'fit' : 'UNFIT',
  ];
}

/** The models as a table of plain text: greedy tokens scored back by the same model, and how fast it reads and writes. */
export function renderTable(checked: readonly CheckedModel[]): string {
  const rows = [COLUMNS, ...checked.map(row)];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
