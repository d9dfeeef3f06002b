import * as v from 'valibot';
import { createEmitter } from '#core/base/events';
import type { Failure, Result } from '#core/base/result';
import { deviceMeasureSchema, type DeviceMeasure } from '#core/engines/device-measure';
import { rolesOf } from '#core/engines/device-roles';
import { fitOf } from '#core/engines/fit';
import { manifestSizeOf, type ModelManifest } from '#core/engines/model-manifest';
import { checkAgainst } from '#core/wire/gate';
import type { ServedTask } from '#core/engines/encoder-protocol';
import type { ModelsDesk, ModelsView, ModelView, Settings } from '../tab-node';
import type { ModelSourceOf, TabNodeDeps } from './deps';
import type { Running } from './lifecycle';
import { openModelLibrary, type KnownModel } from './model-library';

const MEASURE_KEY = 'models/device';
/** A measurement is taken again after this long: browsers and drivers change. */
const MEASURE_LIFE_MS = 7 * 24 * 60 * 60_000;
const HUB_HOST = 'huggingface.co';
const SERVED_TASKS: readonly ServedTask[] = ['embed', 'rerank'];
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
  /** Resolves when the server has said which community it offers, or cannot be reached. */
  readonly met: () => Promise<void>;
  /** Keeps the choice for the next start. */
  readonly remember: (change: Partial<Settings>) => Promise<Result<void>>;
}

/** Opens what this profile knows of models. A store or a record that cannot be read is told in the view, not here. */
export async function openModelsDesk(
  deps: Pick<TabNodeDeps, 'clock' | 'verify' | 'surroundings' | 'loadModelStore' | 'fetchCatalogue' | 'probe'>,
  run: Running,
  { founder, met, remember }: ModelsDeskHooks,
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
    met,
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

  /** What this model is served for beside the one that answers. */
  const besideAs = (id: string): readonly ServedTask[] =>
    SERVED_TASKS.filter((task) => run.mesh?.servedEncoders[task] === id);

  /** One choice at a time: a model is loaded and tested meanwhile. */
  async function choose(work: () => Promise<Result<unknown>>): Promise<void> {
    if (busy !== null || run.mesh === null) return;
    busy = 'choosing';
    problem = '';
    changed.emit();
    const done = await work();
    busy = null;
    tell(done.ok ? null : done.error);
  }

  async function serveBeside(tasks: readonly ServedTask[], id: string | null): Promise<Result<void>> {
    for (const task of tasks) {
      const served = await run.mesh!.serveEncoder(task, id);
      const kept = served.ok ? await remember(task === 'embed' ? { embedModel: id } : { rerankModel: id }) : served;
      if (!kept.ok) return kept;
    }
    return { ok: true, value: undefined };
  }

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
      serving: run.mesh?.servedModel === id || besideAs(id).length > 0,
      fit: fit && { grade: fit.grade, reasons: fit.reasons },
      progress,
      problem: failure?.message ?? '',
    };
  }

  const desk: OpenModelsDesk = {
    changed,
    get view(): ModelsView {
      return {
        models: library.all.map(viewOf),
        device: measure && deviceViewOf(measure, freeBytes),
        selfTests: (run.mesh?.selfTests ?? []).map(({ model: { id, name }, report }) => ({
          modelId: id,
          name,
          passed: report.passed,
          positions: report.positions,
          agreeing: report.agreeing,
        })),
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
      if (besideAs(id).length > 0)
        return tell({ code: 'in_use', message: 'This device serves that model: stop serving it first.' });
      await told(library.remove(id));
      await usage();
      changed.emit();
    },
    importFiles: (id, files) => told(library.importFiles(id, files)),
    use: (id) =>
      choose(async () => {
        const tasks = desk.manifestOf(id)?.tasks ?? [];
        const beside = SERVED_TASKS.filter((task) => tasks.includes(task));
        if (beside.length > 0 && !tasks.includes('chat')) return serveBeside(beside, id);
        const chosen = await run.mesh!.serve(id);
        return chosen.ok ? remember({ model: id }) : chosen;
      }),
    letGo: (id) => choose(() => serveBeside(besideAs(id), null)),
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
