import { utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import type { Clock, Signer, Verify } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import { createManifest, openManifest, type Community } from '#core/identity/community';
import type { EconomyPolicy } from '#core/identity/economy-policy';
import { openLedger, type Ledger } from '#core/ledger/ledger';
import type { NodeStorage } from '#core/storage/ports';
import type { Signed } from '#core/wire/signed';
import { createSeedSigner } from '#adapters/signer-seed';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createVerify } from '#adapters/verify-noble';
import { createVirtualClock } from './virtual-clock';

export const testVerify: Verify = createVerify();

/** A key from a name: the same name is the same node in every run. */
export const signerNamed = (name: string): Signer => createSeedSigner(sha256(utf8(`test/${name}`)));

export interface TestCommunity {
  readonly community: Community;
  readonly manifest: Signed;
  readonly founder: Signer;
}

/** A community founded by the node called `founder`; `economy` may name keys by `signerNamed`. */
export async function foundCommunity(economy?: EconomyPolicy, name = 'Test'): Promise<TestCommunity> {
  const founder = signerNamed('founder');
  const manifest = await createManifest(founder, {
    name,
    open: true,
    createdAt: 1_000,
    ...(economy === undefined ? {} : { economy }),
  });
  return { founder, manifest, community: unwrap(await openManifest(manifest, testVerify)) };
}

export interface TestLedgerOptions {
  readonly storage?: NodeStorage;
  readonly clock?: Clock;
  readonly verify?: Verify;
  readonly in?: TestCommunity;
  readonly checkpointAfter?: number;
}

export async function tryOpenTestLedger(signer: Signer, options: TestLedgerOptions = {}) {
  const { community, manifest } = options.in ?? (await foundCommunity());
  return openLedger({
    storage: options.storage ?? (await openMemoryStorage()),
    signer,
    verify: options.verify ?? testVerify,
    clock: options.clock ?? createVirtualClock(),
    community,
    manifest,
    ...(options.checkpointAfter === undefined ? {} : { checkpointAfter: options.checkpointAfter }),
  });
}

export const openTestLedger = async (signer: Signer, options?: TestLedgerOptions): Promise<Ledger> =>
  unwrap(await tryOpenTestLedger(signer, options));
