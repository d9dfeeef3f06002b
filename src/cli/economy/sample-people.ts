import { createNodeSigner } from '#adapters/signer-node';
import { utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import type { Signer } from '#core/base/ports';

/** Everyone in the sample. Their keys come from their names, so everybody has them: nothing that they sign is worth anything. */
export interface SamplePeople {
  readonly founder: Signer;
  readonly asker: Signer;
  readonly host: Signer;
  readonly checkers: readonly [Signer, Signer];
  readonly witnesses: readonly [Signer, Signer, Signer, Signer];
  readonly curators: readonly [Signer, Signer, Signer];
  /** The node that contributes, and the person behind it. */
  readonly author: Signer;
  readonly person: Signer;
  readonly verifiers: readonly [Signer, Signer];
  /** Keeps the data shard. */
  readonly steward: Signer;
  /** Read the terms of a model of others. */
  readonly reader: Signer;
}

export function createSamplePeople(): SamplePeople {
  const named = (name: string): Signer => createNodeSigner(sha256(utf8(`economy-sample/${name}`)));
  return {
    founder: named('founder'),
    asker: named('asker'),
    host: named('host'),
    checkers: [named('checker-1'), named('checker-2')],
    witnesses: [named('witness-1'), named('witness-2'), named('witness-3'), named('witness-4')],
    curators: [named('curator-1'), named('curator-2'), named('curator-3')],
    author: named('author'),
    person: named('person'),
    verifiers: [named('verifier-1'), named('verifier-2')],
    steward: named('steward'),
    reader: named('reader'),
  };
}
