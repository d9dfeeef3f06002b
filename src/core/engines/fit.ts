import { realGraphics, type DeviceFacts, type MeasuredSpeed } from './device-measure';
import { manifestSizeOf, type ModelManifest } from './model-manifest';

/** From good to bad. */
export const GRADES = ['comfortable', 'tight', 'will-not-fit'] as const;
export type Grade = (typeof GRADES)[number];

export interface Fit {
  readonly grade: Grade;
  /** Sentences for a person, those that decided first; never empty. */
  readonly reasons: readonly string[];
  /** False when the model cannot run here whatever the person decides; true when this is an estimate. */
  readonly overridable: boolean;
}

/** Room on the disk, as the model store tells it. */
export interface ModelRoom {
  /** Null where the browser does not say. */
  readonly freeBytes: number | null;
  /** What of this model lies on the device already. */
  readonly storedBytes?: number;
}

interface Finding {
  readonly grade: Grade;
  readonly sentence: string;
  /** A fact, no estimate: nothing to override. */
  readonly hard?: true;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** What web-llm 0.2.86 demands of an adapter before it loads anything, the lower of its two tries. */
const LEAST = {
  maxBufferBytes: 256 * MIB,
  maxBindingBytes: 128 * MIB,
  maxWorkgroupBytes: 32 * 1024,
  maxBuffersPerStage: 10,
} as const;
/** A 32-bit WebAssembly module addresses no more, weights and caches together. */
const WASM_HEAP_BYTES = 4 * GIB;

/** Of what the browser says the device has: the rest belongs to the system, the browser and other tabs. */
const COMFORTABLE_SHARE = 0.4;
const TIGHT_SHARE = 0.75;
/** The lowest value at which browsers stop counting: it means this much or more. */
const HINT_CAP_GB = 8;
/** Without a hint, a model of this size is safe anywhere where a page of pictures is. */
const SAFE_UNHINTED_BYTES = 512 * MIB;
/** Phones end a tab at about 1.5 GB, whatever they have (web-llm issue 753). */
const PHONE_TAB_BYTES = 1.5 * GIB;
/** Of the free space: other pages of this origin need some, and browsers round. */
const ROOMY_SHARE = 0.8;

/** Sampling, attention and gaps between kernels leave about half of what a bare kernel reaches. */
const EFFICIENCY = 0.5;
/** What one step costs however small the model is: on a GPU, starting hundreds of kernels and reading the result back. */
const STEP_SECONDS = { webgpu: 0.004, wasm: 0.002, javascript: 0.002 } as const;
/** A person reads about five tokens a second; below one, the answer is not worth the wait. */
const READING_TOKENS = 5;
const LEAST_TOKENS = 1;
/** Texts of 128 tokens that are embedded, ranked or classified: a search waits for some dozens. */
const TEXT_TOKENS = 128;
const READING_TEXTS = 2;
const LEAST_TEXTS = 0.2;
/** Rule of thumb for a processor that was not measured: parameters up to which it keeps pace with a reader, and at all. */
const THUMB = { easy: 0.7e9, most: 3e9 } as const;

/**
 * How well a model suits a device: what the adapter offers, memory, disk and measured speed, each judged by itself; the
 * worst decides. Everything but `features`, adapter minimums and the WebAssembly heap is an estimate that a person may
 * override. Nothing is asked of the device here.
 */
export function fitOf(
  manifest: ModelManifest,
  device: DeviceFacts,
  measured: MeasuredSpeed | null,
  room: ModelRoom,
): Fit {
  const findings = [
    ...judgeAdapter(manifest, device),
    judgeMemory(manifest, device),
    ...judgeRoom(manifest, room),
    ...judgeSpeed(manifest, device, measured),
  ].sort((a, b) => GRADES.indexOf(b.grade) - GRADES.indexOf(a.grade));
  return {
    grade: findings[0]!.grade,
    reasons: findings.map(({ sentence }) => sentence),
    overridable: !findings.some(({ hard }) => hard),
  };
}

/** Tokens a second, estimated from the measured kernels; for tasks other than chat, texts of 128 tokens a second. */
export function estimatedPace(
  manifest: Pick<ModelManifest, 'parameters' | 'quantisation' | 'tasks'>,
  speed: MeasuredSpeed,
): number {
  const { parameters, quantisation, tasks } = manifest;
  const sumsPerToken = 2 * parameters;
  const step = STEP_SECONDS[speed.on];
  const seconds = tasks.includes('chat')
    ? Math.max(
        (parameters * bitsOf(quantisation)) / 8 / (speed.gigabytesPerSecond * 1e9),
        sumsPerToken / (speed.gflops * 1e9),
      )
    : (sumsPerToken * TEXT_TOKENS) / (speed.gflops * 1e9);
  return 1 / (seconds / EFFICIENCY + step);
}

/** Bits that one weight takes while it is used, by the engine's name for the quantisation. */
function bitsOf(quantisation: string): number {
  if (/^(?:q4|bnb4)/.test(quantisation)) return 5;
  if (/^(?:q8|int8|uint8)/.test(quantisation)) return 8;
  return /16/.test(quantisation) ? 16 : 32;
}

/** Names that mean 16-bit sums need the feature even where the list forgot it: 56 of web-llm's own records do. */
const featuresOf = ({ features, quantisation }: ModelManifest): readonly string[] =>
  /f16|fp16/.test(quantisation) ? [...new Set([...features, 'shader-f16'])] : features;

const onGraphics = ({ engine }: ModelManifest, device: DeviceFacts): boolean =>
  engine === 'web-llm' || realGraphics(device) !== null;

function judgeAdapter(manifest: ModelManifest, device: DeviceFacts): Finding[] {
  const { graphics } = device;
  const findings: Finding[] = [];
  const never = (sentence: string): void => void findings.push({ grade: 'will-not-fit', sentence, hard: true });
  const needed = featuresOf(manifest);
  if (manifest.engine === 'web-llm' && graphics === null) {
    never('It runs on a graphics card alone, and this browser offers none to pages (WebGPU).');
  } else {
    const missing = needed.filter((feature) => !graphics?.features.includes(feature));
    if (missing.length > 0) {
      never(`It needs ${missing.map(featureInWords).join(' and ')}, which this device does not have.`);
    }
  }
  if (manifest.engine !== 'web-llm' || graphics === null) return findings;
  if (graphics.software) {
    findings.push({
      grade: 'will-not-fit',
      sentence: 'Only a stand-in for a graphics card is here, computed by the processor: one token would take seconds.',
    });
  }
  const largest = Math.max(...manifest.files.map(({ sizeBytes }) => sizeBytes ?? 0));
  if (Object.entries(LEAST).some(([limit, least]) => graphics[limit as keyof typeof LEAST] < least)) {
    never('The graphics card gives pages too little memory at once for this engine.');
  } else if (largest > Math.min(graphics.maxBindingBytes, graphics.maxBufferBytes)) {
    never(
      `One part of it takes ${bytes(largest)}, and the graphics card gives pages at most ${bytes(Math.min(graphics.maxBindingBytes, graphics.maxBufferBytes))} in one piece.`,
    );
  }
  return findings;
}

const featureInWords = (feature: string): string =>
  feature === 'shader-f16' ? 'a graphics card with 16-bit numbers (shader-f16)' : `the graphics feature ${feature}`;

function judgeMemory(manifest: ModelManifest, device: DeviceFacts): Finding {
  const { memoryBytes } = manifest;
  const needs = `It needs about ${bytes(memoryBytes)} of memory while it runs`;
  if (!onGraphics(manifest, device) && memoryBytes > WASM_HEAP_BYTES) {
    return {
      grade: 'will-not-fit',
      sentence: `${needs}; without a graphics card a page has 4.3 GB at most.`,
      hard: true,
    };
  }
  if (device.phone && memoryBytes > PHONE_TAB_BYTES / 2) {
    return {
      grade: memoryBytes > PHONE_TAB_BYTES ? 'will-not-fit' : 'tight',
      sentence: `${needs}; phones end a page at about ${bytes(PHONE_TAB_BYTES)}.`,
    };
  }
  const hint = device.memoryHintGb;
  if (hint === null) {
    const grade = memoryBytes > SAFE_UNHINTED_BYTES ? 'tight' : 'comfortable';
    return { grade, sentence: `${needs}; this browser does not say how much there is.` };
  }
  const capped = hint >= HINT_CAP_GB;
  const sentence = `${needs}; this device has ${capped ? `${hint} GB or more` : `about ${hint} GB`}.`;
  if (memoryBytes <= hint * GIB * COMFORTABLE_SHARE) return { grade: 'comfortable', sentence };
  return { grade: capped || memoryBytes <= hint * GIB * TIGHT_SHARE ? 'tight' : 'will-not-fit', sentence };
}

function judgeRoom(manifest: ModelManifest, { freeBytes, storedBytes = 0 }: ModelRoom): Finding[] {
  if (manifest.source.kind === 'app') return [];
  const known = manifestSizeOf(manifest);
  const size = known.sizeBytes || Math.round((manifest.parameters * bitsOf(manifest.quantisation)) / 8);
  const missing = Math.max(0, size - storedBytes);
  if (missing === 0) return [{ grade: 'comfortable', sentence: 'It lies on this device already.' }];
  const download = `${known.complete ? '' : 'About '}${bytes(missing)} ${known.complete ? 'are' : 'is'} to be downloaded`;
  if (freeBytes === null) {
    return [{ grade: 'comfortable', sentence: `${download}; this browser does not say how much room there is.` }];
  }
  const sentence = `${download}; this browser has room for ${bytes(freeBytes)}.`;
  const grade = missing > freeBytes ? 'will-not-fit' : missing > freeBytes * ROOMY_SHARE ? 'tight' : 'comfortable';
  return [{ grade, sentence }];
}

const THUMB_SENTENCES: Readonly<Record<Grade, string>> = {
  comfortable: 'Without a graphics card, as a rule of thumb, a model of this size keeps pace with a reader.',
  tight: 'Without a graphics card, as a rule of thumb, a model of this size writes slowly.',
  'will-not-fit': 'Without a graphics card, as a rule of thumb, a model of this size is too slow to wait for.',
};

function judgeSpeed(manifest: ModelManifest, device: DeviceFacts, measured: MeasuredSpeed | null): Finding[] {
  const graphics = onGraphics(manifest, device);
  if (measured === null || graphics !== (measured.on === 'webgpu')) {
    if (graphics) return [];
    const { parameters } = manifest;
    const grade = parameters > THUMB.most ? 'will-not-fit' : parameters > THUMB.easy ? 'tight' : 'comfortable';
    return [{ grade, sentence: THUMB_SENTENCES[grade] }];
  }
  const pace = estimatedPace(manifest, measured);
  const chat = manifest.tasks.includes('chat');
  const [reading, least] = chat ? [READING_TOKENS, LEAST_TOKENS] : [READING_TEXTS, LEAST_TEXTS];
  const grade = pace >= reading ? 'comfortable' : pace >= least ? 'tight' : 'will-not-fit';
  return [
    {
      grade,
      sentence: `About ${twoDigits(pace)} ${chat ? 'tokens' : 'short texts'} a second on this device, estimated from its measurement.`,
    },
  ];
}

const twoDigits = (value: number): string => String(Number(value.toPrecision(2)));

/** As hub and shops count: 1 GB is 10⁹ bytes. */
function bytes(count: number): string {
  if (count >= 1e9) return `${twoDigits(count / 1e9)} GB`;
  return count >= 1e6 ? `${Math.round(count / 1e6)} MB` : `${Math.ceil(count / 1e3)} KB`;
}
