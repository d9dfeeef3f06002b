import type { NodeId } from '#core/base/ids';
import { nodeName } from '#core/base/node-name';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import type { BackupContents, KeptCommunity } from '#core/identity/backup';
import { certifyNode, nodesOfIdentity, openCertificate, type NodeCertificate } from '#core/identity/identity';
import type { IdentitySeedStore, NodeKey, PassphraseSeal, SeedSigner } from '#core/identity/ports';
import type { KeyValueStore } from '#core/storage/ports';
import type { Signed } from '#core/wire/signed';
import { createTurns } from '../economy/timers';
import type { IdentityView } from '../tab-node';

const CERTIFICATES_KEY = 'identity/certificates';
const BACKED_UP_KEY = 'identity/backed-up-at';
const SEED_BYTES = 32;

export interface PersonDeps {
  readonly records: KeyValueStore;
  readonly nodeKey: NodeKey;
  readonly seedStore: IdentitySeedStore;
  /** The code that signs with a seed is fetched when it is first needed. */
  readonly loadSeedSigner: () => Promise<SeedSigner>;
  readonly loadSeal: () => Promise<PassphraseSeal>;
  readonly verify: Verify;
  readonly chance: Chance;
  readonly clock: Clock;
}

/** The person behind this node: an identity that certifies it, its other nodes, and its backup. */
export interface Person {
  /** `identityId` is empty until the identity was established. */
  readonly view: IdentityView;
  /** Makes the identity and certifies this node, once; a node works without until its person needs it. */
  establish(): Promise<Result<void>>;
  /** Who signs in this person's name. Establishes the identity where there is none yet. */
  signer(): Promise<Result<Signer>>;
  /** This node's certificate first, then the person's other nodes. */
  readonly certificates: readonly Signed[];
  /** The certificates of these of the person's nodes. */
  certificatesOf(nodes: readonly NodeId[]): readonly Signed[];
  backup(passphrase: string, communities: readonly KeptCommunity[]): Promise<Result<string>>;
  /** Becomes the person of the backup: this node keeps its own key and is certified by the restored identity. */
  restore(fileText: string, passphrase: string): Promise<Result<BackupContents>>;
}

export async function openPerson(deps: PersonDeps): Promise<Result<Person>> {
  const { records, nodeKey, seedStore, verify, clock, chance } = deps;
  const node = nodeKey.signer;

  let identityId = '';
  let certificates: readonly Signed[] = [];
  let nodes: readonly NodeCertificate[] = [];
  let nodeByCertificate = new Map<Signed, NodeId>();
  let backedUpAt: number | null = null;
  /** Two identities that are written at once would each take the other one's seed away. */
  const inTurn = createTurns();

  /** Certifies this node when it is not yet, and writes everything down before it counts. */
  async function become(seed: Uint8Array, known: readonly Signed[], alsoStoreSeed: boolean): Promise<Result<void>> {
    const seedSigner = await deps.loadSeedSigner();
    const next = seedSigner(seed);
    const nodeOf = new Map<Signed, NodeId>();
    const own: Signed[] = [];
    const others: Signed[] = [];
    for (const signed of known) {
      const opened = await openCertificate(signed, verify);
      if (!opened.ok || opened.value.identity !== next.nodeId) continue;
      nodeOf.set(signed, opened.value.node);
      (opened.value.node === node.nodeId ? own : others).push(signed);
    }
    const mine = own[0] ?? (await certifyNode(next, node, clock.now()));
    const all = [mine, ...others];
    if (alsoStoreSeed) {
      const saved = await seedStore.save(seed);
      if (!saved.ok) return saved;
    }
    const written = await records.set(CERTIFICATES_KEY, all);
    if (!written.ok) return written;
    identityId = next.nodeId;
    certificates = all;
    nodeByCertificate = nodeOf.set(mine, node.nodeId);
    nodes = await nodesOfIdentity(next.nodeId, all, verify);
    return ok(undefined);
  }

  const stored = await records.get<readonly Signed[]>(CERTIFICATES_KEY);
  if (!stored.ok) return stored;
  const own = await openFirst(stored.value ?? [], node.nodeId, verify);
  if (own) {
    identityId = own.identity;
    certificates = stored.value!;
    nodes = await nodesOfIdentity(identityId, certificates, verify);
    for (const signed of certificates) {
      const opened = await openCertificate(signed, verify);
      if (opened.ok) nodeByCertificate.set(signed, opened.value.node);
    }
  }

  let establishing: Promise<Result<void>> | null = null;
  async function establish(): Promise<Result<void>> {
    if (identityId !== '') return ok(undefined);
    const kept = await seedStore.load();
    if (!kept.ok) return kept;
    return become(kept.value ?? chance.bytes(SEED_BYTES), stored.ok ? (stored.value ?? []) : [], kept.value === null);
  }
  function established(): Promise<Result<void>> {
    establishing ??= inTurn(establish).then((done) => {
      // A failed attempt may succeed later, when there is room again.
      if (!done.ok) establishing = null;
      return done;
    });
    return establishing;
  }

  const when = await records.get<number>(BACKED_UP_KEY);
  if (when.ok && typeof when.value === 'number') backedUpAt = when.value;

  return ok({
    get view(): IdentityView {
      return {
        nodeId: node.nodeId,
        name: nodeName(node.nodeId),
        identityId,
        keptAs: nodeKey.keptAs,
        backedUpAt,
        nodes: nodes.map((one) => ({
          nodeId: one.node,
          name: nodeName(one.node),
          certifiedAt: one.issuedAt,
          here: one.node === node.nodeId,
        })),
      };
    },
    establish: established,
    async signer() {
      const done = await established();
      if (!done.ok) return done;
      const seed = await seedStore.load();
      return seed.ok ? ok((await deps.loadSeedSigner())(seed.value!)) : seed;
    },
    get certificates() {
      return certificates;
    },
    certificatesOf: (wanted) => certificates.filter((signed) => wanted.includes(nodeByCertificate.get(signed)!)),
    async backup(passphrase, communities) {
      const done = await established();
      if (!done.ok) return done;
      const seed = await seedStore.load();
      if (!seed.ok) return seed;
      const { exportBackup } = await import('#core/identity/backup');
      const made = await exportBackup(
        { ...deps, seedSigner: await deps.loadSeedSigner(), seal: await deps.loadSeal() },
        { createdAt: clock.now(), seed: seed.value!, communities, certificates },
        passphrase,
      );
      if (made.ok) {
        backedUpAt = clock.now();
        await records.set(BACKED_UP_KEY, backedUpAt);
      }
      return made;
    },
    async restore(fileText, passphrase) {
      const { openBackup } = await import('#core/identity/backup');
      const opened = await openBackup(
        { ...deps, seedSigner: await deps.loadSeedSigner(), seal: await deps.loadSeal() },
        fileText,
        passphrase,
      );
      if (!opened.ok) return opened;
      const { seed, certificates: others } = opened.value;
      const restored = await inTurn(() => become(seed, [...certificates, ...others], true));
      return restored.ok ? opened : restored;
    },
  });
}

/** The first certificate that names this node. */
async function openFirst(
  certificates: readonly Signed[],
  node: NodeId,
  verify: Verify,
): Promise<NodeCertificate | null> {
  for (const signed of certificates) {
    const opened = await openCertificate(signed, verify);
    if (opened.ok && opened.value.node === node) return opened.value;
  }
  return null;
}
