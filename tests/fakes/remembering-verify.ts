import { hex } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import type { Verify } from '#core/base/ports';

/** The same answers, each signature looked at once: for tests that read the same statements hundreds of times. */
export function rememberingVerify(verify: Verify): Verify {
  const answers = new Map<string, Promise<boolean>>();
  return (nodeId, bytes, signature) => {
    const key = `${nodeId} ${hex(sha256(bytes))} ${hex(signature)}`;
    const known = answers.get(key) ?? verify(nodeId, bytes, signature);
    answers.set(key, known);
    return known;
  };
}
