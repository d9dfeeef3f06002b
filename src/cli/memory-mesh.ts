import { sha256 } from '#core/base/canonical';
import { utf8 } from '#core/base/bytes';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, unwrap } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { createAdmit, createTally, encodeCredential } from '#core/identity/admission';
import type { NodeId } from '#core/base/ids';
import type { EconomyPolicy } from '#core/identity/economy-policy';
import type { NodeStorage } from '#core/storage/ports';
import { createManifest, openManifest, type Community } from '#core/identity/community';
import { createScriptedModel, type Lies } from '#adapters/engine-scripted';
import { createNodeSigner } from '#adapters/signer-node';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createMemoryWorld, type MemoryWorld } from '#adapters/transport-memory/memory-world';
import { createVerify } from '#adapters/verify-node';
import { createNode, type MeshNode, type NodeDeps, type Offers } from '#node/create-node';
import { openSandbox } from './open-sandbox';

/** A community whose nodes live in one process over memory links: the real core, no browser, any clock. */
export interface MemoryMesh {
  readonly world: MemoryWorld;
  readonly community: Community;
  /** The model that every member has. */
  readonly model: { readonly id: string; readonly hash: string };
  /** A node with its own key and storage; it has joined nothing yet. */
  createMember(name: string, options?: MemberOptions): Promise<MeshNode>;
}

export interface MemberOptions {
  /** Milliseconds per generated token of its scripted model. */
  readonly tokenDelayMs?: number;
  readonly lies?: Lies;
  /** Puts something between the node and its model: a checker that finds fault with everything, or with nothing. */
  readonly around?: (model: LanguageModel) => LanguageModel;
  /** Models that it can be switched to from its scripted one. */
  readonly otherModels?: readonly LanguageModel[];
  /** Transcripts by which it tests itself, and challenges others; absent: none are known. */
  readonly golden?: NodeDeps['golden'];
  /** Plants claims for those who check its answers. */
  readonly plants?: boolean;
  /** What nodes ask for their work. */
  readonly offers?: Offers;
  readonly storage?: NodeStorage;
  /** Models beside it; absent: none. */
  readonly encoders?: NodeDeps['encoders'];
  /** Where it runs code of others; absent: a sandbox in this process. */
  readonly loadSandbox?: NodeDeps['loadSandbox'];
}

export interface MemoryMeshOptions {
  /** Members pay each other, all of them invited by the node called `founder`, each by an invitation of its own. */
  readonly economy?: (founder: NodeId) => EconomyPolicy;
}

/** What the scripted model says. Every member has the same table, so every member can check every other. */
const SCRIPT: Readonly<Record<string, string>> = {
  'what is tabmesh':
    'Tabmesh is a mesh of browser tabs. Your tab is a node. Other tabs answer what you ask and a third one checks the answer before a receipt is signed by all who took part.',
};

export async function createMemoryMesh(
  clock: Clock,
  chance: Chance,
  { economy }: MemoryMeshOptions = {},
): Promise<MemoryMesh> {
  const verify: Verify = createVerify();
  const world = createMemoryWorld({ clock, chance });
  const founder = seedSignerFor('founder');
  const manifest = await createManifest(founder, {
    name: 'Memory',
    open: true,
    createdAt: clock.now(),
    ...(economy === undefined ? {} : { economy: economy(founder.nodeId) }),
  });
  const community = unwrap(await openManifest(manifest, verify));

  const admit = createAdmit({
    manifest: community,
    verify,
    now: () => clock.now(),
    isBlocked: () => false,
    tally: createTally(community.limits),
  });

  return {
    world,
    community,
    model: createScriptedModel({ answers: SCRIPT, clock }).identity,
    async createMember(
      name,
      {
        tokenDelayMs,
        lies,
        around = asItIs,
        otherModels = [],
        plants = false,
        golden,
        offers,
        storage,
        encoders,
        loadSandbox = async () => openSandbox(),
      } = {},
    ) {
      const signer = seedSignerFor(name);
      let model: LanguageModel | null = null;
      return unwrap(
        await createNode({
          signer,
          verify,
          clock,
          chance,
          storage: storage ?? (await openMemoryStorage()),
          network: world.network(signer.nodeId),
          community,
          manifest,
          credential: () => encodeCredential({ memberships: [], certificates: [] }),
          admit: async (peer, credential) => {
            const admitted = await admit(peer, credential);
            if (!admitted.ok || economy === undefined || peer === founder.nodeId) return admitted;
            return ok({ ...admitted.value, branch: peer, invitedBy: founder.nodeId });
          },
          joinProof: async () => undefined,
          models: {
            available: ['scripted-1', ...otherModels.map(({ identity }) => identity.id)],
            async load(id) {
              const other = otherModels.find(({ identity }) => identity.id === id);
              if (other !== undefined) return ok(other);
              if (id !== 'scripted-1') return fail('unknown_model', `There is no model ${id} here.`);
              model ??= around(
                createScriptedModel({
                  answers: SCRIPT,
                  clock,
                  ...(tokenDelayMs === undefined ? {} : { tokenDelayMs }),
                  ...(lies === undefined ? {} : { lies }),
                }),
              );
              return ok(model);
            },
          },
          branch: economy === undefined || name === 'founder' ? null : signer.nodeId,
          ...(offers === undefined ? {} : { offers }),
          ...(golden === undefined ? {} : { golden }),
          ...(plants ? { newSigner: async () => createNodeSigner(chance.bytes(32)) } : {}),
          defaultModel: 'scripted-1',
          ...(encoders === undefined ? {} : { encoders }),
          loadSandbox,
          family: async (id) => id,
          device: null,
          version: '0',
          preload: true,
        }),
      );
    },
  };
}

const asItIs = (model: LanguageModel): LanguageModel => model;

/** A key from a name: the same name is the same node in every run. */
export const seedSignerFor = (name: string): Signer => createNodeSigner(sha256(utf8(`memory-mesh/${name}`)));
