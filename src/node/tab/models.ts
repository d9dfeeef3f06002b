import * as v from 'valibot';
import { createEmitter } from '#core/base/events';
import type { Failure, Result } from '#core/base/result';
import { deviceMeasureSchema, type DeviceMeasure } from '#core/engines/device-measure';
import { rolesOf } from '#core/engines/device-roles';
import { fitOf } from '#core/engines/fit';
import { manifestSizeOf, type ModelManifest } from '#core/engines/model-manifest';
import { checkAgainst } from '#core/wire/gate';
import type { ModelsDesk, ModelsView, ModelView } from '../tab-node';
import type { ModelSourceOf, TabNodeDeps } from './deps';
import type { Running } from './lifecycle';
import { openModelLibrary, type KnownModel } from './model-library';

const MEASURE_KEY = 'models/device';
/** A measurement is taken again after this long: browsers and drivers change. */
const MEASURE_LIFE_MS = 7 * 24 * 60 * 60_000;
const HUB_HOST = 'huggingface.co';
/** What interrupts a download because the person wanted it. */
const UNTOLD = new Set(['paused']);

const keptMeasureSchema = v.strictObject({ at: v.number(), measure: deviceMeasureSchema });

export interface OpenModelsDesk extends ModelsDesk {
  /** Asks for the catalogue and wakes nothing else. */
  learn(): Promise<void>;
  manifestOf(id: string): ModelManifest | undefined;
  /** What was measured of this device, not longer ago than a week; null before the person asked for it. */
  readonly measured: DeviceMeasure | null;
  /** Where an engine finds the bytes; asks for the catalogue when the model is not known yet. */
  readonly sourceOf: ModelSourceOf;
}

export interface ModelsDeskHooks {
  readonly founder: () => string | null;
  /** Keeps the choice for the next start. */
  readonly remember: (modelId: string) => Promise<Result<void>>;
}

/** Opens what this profile knows of models. A store or a record that cannot be read is told in the view, not here. */
export async function openModelsDesk(
  deps: Pick<TabNodeDeps, 'clock' | 'verify' | 'surroundings' | 'loadModelStore' | 'fetchCatalogue' | 'probe'>,
  run: Running,
  { founder, remember }: ModelsDeskHooks,
): Promise<Result<OpenModelsDesk>> {
  const { clock, surroundings } = deps;
  const changed = createEmitter<void>();
  const opened = await openModelLibrary({
    records: run.storage.records,
    verify: deps.verify,
    clock,
    store: deps.loadModelStore,
    fetchCatalogue: deps.fetchCatalogue,
    founder,
    origin: surroundings.origin,
  });
  if (!opened.ok) return opened;
  const library = opened.value;
  let measure: DeviceMeasure | null = null;
  let freeBytes: number | null = null;
  let busy: ModelsView['busy'] = null;
  let problem = '';

  const kept = await run.storage.records.get<unknown>(MEASURE_KEY);
  const parsed = kept.ok ? checkAgainst(keptMeasureSchema, kept.value) : null;
  if (parsed?.ok && clock.now() - parsed.value.at < MEASURE_LIFE_MS) measure = parsed.value.measure;

  library.changed.on(() => changed.emit());
  const tell = (failure: Failure | null): void => {
    problem = failure === null || UNTOLD.has(failure.code) ? '' : failure.message;
    changed.emit();
  };
  const told = async (work: Promise<Result<unknown>>): Promise<void> => {
    problem = '';
    const done = await work;
    tell(done.ok ? null : done.error);
  };
  const usage = async (): Promise<void> => {
    ({ freeBytes } = await (await deps.loadModelStore()).usage());
  };

  const hostOf = ({ source, files }: ModelManifest): string => {
    if (source.kind === 'app') return '';
    const hosts = new Set(files.map(({ url }) => (url === undefined ? HUB_HOST : new URL(url).host)));
    return [...hosts].sort().join(', ');
  };

  function viewOf({ manifest, state, pinned, progress, failure }: KnownModel): ModelView {
    const { id, name, engine, quantisation, parameters, tasks, licence, memoryBytes, contextTokens } = manifest;
    const size = manifestSizeOf(manifest);
    const fit =
      measure === null
        ? null
        : fitOf(manifest, measure.device, measure.measured, {
            freeBytes,
            storedBytes: state === 'stored' ? size.sizeBytes : (progress?.doneBytes ?? 0),
          });
    return {
      id,
      name,
      engine,
      quantisation,
      parameters,
      tasks,
      licence: { name: licence.name, url: licence.url ?? null },
      sizeBytes: size.complete ? size.sizeBytes : null,
      memoryBytes,
      contextTokens,
      from: hostOf(manifest),
      state,
      pinned,
      serving: run.mesh?.servedModel === id,
      fit: fit && { grade: fit.grade, reasons: fit.reasons },
      progress,
      problem: failure?.message ?? '',
    };
  }

  const desk: OpenModelsDesk = {
    changed,
    get view(): ModelsView {
      const test = run.mesh?.selfTest ?? null;
      return {
        models: library.all.map(viewOf),
        device: measure && deviceViewOf(measure, freeBytes),
        selfTest: test && {
          passed: test.passed,
          positions: test.positions,
          agreeing: test.agreeing,
          gross: test.gross,
        },
        freeBytes,
        busy,
        problem,
      };
    },
    async refresh() {
      await told(library.refresh());
      await usage();
      await library.look();
    },
    async learn() {
      await library.refresh();
    },
    async measure() {
      if (busy !== null) return;
      busy = 'measuring';
      changed.emit();
      const measured = await deps.probe();
      busy = null;
      if (measured.ok) {
        measure = measured.value;
        await run.storage.records.set(MEASURE_KEY, { at: clock.now(), measure });
      }
      tell(measured.ok ? null : measured.error);
    },
    async download(id) {
      await told(library.download(id));
      await usage();
      changed.emit();
    },
    pause: (id) => library.pause(id),
    async remove(id) {
      if (run.mesh?.servedModel === id)
        return tell({ code: 'in_use', message: 'This device answers with that model: choose another one first.' });
      await told(library.remove(id));
      await usage();
      changed.emit();
    },
    importFiles: (id, files) => told(library.importFiles(id, files)),
    async use(id) {
      const { mesh } = run;
      if (busy !== null || mesh === null) return;
      busy = 'choosing';
      problem = '';
      changed.emit();
      const chosen = await mesh.serve(id);
      const done = chosen.ok ? await remember(id) : chosen;
      busy = null;
      tell(done.ok ? null : done.error);
    },
    get measured() {
      return measure;
    },
    manifestOf: (id) => library.all.find(({ manifest }) => manifest.id === id)?.manifest,
    async sourceOf(id) {
      const known = await library.sourceOf(id);
      if (known.ok || known.error.code !== 'unknown_model') return known;
      const refreshed = await library.refresh();
      return refreshed.ok ? library.sourceOf(id) : known;
    },
  };
  return { ok: true, value: desk };
}

function deviceViewOf(measure: DeviceMeasure, freeBytes: number | null): NonNullable<ModelsView['device']> {
  const { summary, roles } = rolesOf(measure, { freeBytes });
  return { summary: `${summary} ${factsOf(measure)}.`, roles };
}

/** What the browser told, in one line. */
function factsOf({ device, measured }: DeviceMeasure): string {
  const graphics =
    device.graphics === null
      ? 'no graphics card for pages'
      : `${[device.graphics.vendor, device.graphics.architecture].filter((word) => word !== '').join(' ') || 'a graphics card'}${device.graphics.software ? ' (computed by the processor)' : ''}`;
  const parts = [
    device.phone ? 'phone or tablet' : null,
    graphics,
    device.cores === null ? null : `${device.cores} cores`,
    device.memoryHintGb === null ? null : `${device.memoryHintGb} GB or more of memory`,
    measured === null ? null : `${Math.round(measured.gflops)} GFLOP/s on ${measured.on}`,
  ];
  return parts.filter((part) => part !== null).join(', ');
}
