/** How vectors travel: each number as a little-endian IEEE 754 single, nothing before or between them. */

const NUMBER_BYTES = 4;

export function bytesOfVector(vector: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(vector.length * NUMBER_BYTES);
  const view = new DataView(bytes.buffer);
  vector.forEach((value, at) => view.setFloat32(at * NUMBER_BYTES, value, true));
  return bytes;
}

/** The vector behind the bytes; what is left over of a number is dropped. */
export function vectorOfBytes(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: Math.floor(bytes.length / NUMBER_BYTES) }, (_, at) =>
    view.getFloat32(at * NUMBER_BYTES, true),
  );
}

/** The cosine of two vectors of length 1. Not a number when they have different dimensions. */
export const cosineOf = (a: Float32Array, b: Float32Array): number =>
  a.length === b.length ? a.reduce((sum, value, at) => sum + value * b[at]!, 0) : NaN;
