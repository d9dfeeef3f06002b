import { readCar } from '../../base/car';
import { fail, ok, type Result } from '../../base/result';
import { MAX_ARTEFACTS, unpackBundle } from '../bundle-file';

/**
 * The content id of a bundle: that of its table of contents, by which every artefact in it is fixed. Whether the bundle verifies is
 * not looked at, only that the file is whole. Codes: those of `unpackBundle`, `bundle_damaged`.
 */
export function bundleIdOf(file: Uint8Array<ArrayBuffer>): Result<string> {
  const unpacked = unpackBundle(file);
  if (!unpacked.ok) return unpacked;
  const { root } = readCar(file, MAX_ARTEFACTS + 1);
  const fault = unpacked.value.faults[0];
  return root === null || fault !== undefined
    ? fail('bundle_damaged', `The bundle is damaged: ${fault?.message ?? 'its header cannot be read.'}`)
    : ok(root);
}
