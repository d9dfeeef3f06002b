import * as v from 'valibot';

const word = v.pipe(v.string(), v.maxLength(64));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const figure = v.pipe(v.number(), v.finite(), v.minValue(0));

/** What a graphics adapter says of itself, as WebGPU names it (GPUAdapterInfo, GPUSupportedLimits). */
export const graphicsSchema = v.strictObject({
  vendor: word,
  architecture: word,
  /** Drawn and computed by the processor: a stand-in that is slower than WebAssembly. */
  software: v.boolean(),
  features: v.pipe(v.array(word), v.maxLength(64)),
  /** `maxBufferSize`. */
  maxBufferBytes: count,
  /** `maxStorageBufferBindingSize`. */
  maxBindingBytes: count,
  /** `maxComputeWorkgroupStorageSize`. */
  maxWorkgroupBytes: count,
  /** `maxStorageBuffersPerShaderStage`. */
  maxBuffersPerStage: count,
});

/** What a browser tells of the device that it runs on; null where it says nothing. */
export const deviceSchema = v.strictObject({
  /** Null: no WebGPU, or no adapter. */
  graphics: v.nullable(graphicsSchema),
  /** A phone or a tablet: on battery, on the move, with little room for one tab. */
  phone: v.boolean(),
  cores: v.nullable(v.pipe(count, v.minValue(1))),
  /** `navigator.deviceMemory`: rounded to a power of two and capped, at 8 or, in newer browsers on desktops, at 32. */
  memoryHintGb: v.nullable(figure),
});

/** How fast this device was in three seconds of the kind of sums that models are made of. */
export const speedSchema = v.strictObject({
  /** `wasm` and `javascript` mean one thread of the processor. */
  on: v.picklist(['webgpu', 'wasm', 'javascript']),
  /** Matrix by matrix, 32 bits: what reading a prompt takes. Multiplications and additions each count. */
  gflops: figure,
  /** Matrix by vector, out of a matrix that no cache holds: what writing one token after the other takes. */
  gigabytesPerSecond: figure,
});

/** Plain data, kept by whoever asked for it; it never leaves the device unasked. */
export const deviceMeasureSchema = v.strictObject({
  v: v.literal(1),
  device: deviceSchema,
  /** Null: the kernels could not be run here. */
  measured: v.nullable(speedSchema),
});

export type Graphics = v.InferOutput<typeof graphicsSchema>;
export type DeviceFacts = v.InferOutput<typeof deviceSchema>;
export type MeasuredSpeed = v.InferOutput<typeof speedSchema>;
export type DeviceMeasure = v.InferOutput<typeof deviceMeasureSchema>;

/** The adapter when it is a real one: software adapters are slower than WebAssembly. */
export const realGraphics = ({ graphics }: DeviceFacts): Graphics | null =>
  graphics === null || graphics.software ? null : graphics;
