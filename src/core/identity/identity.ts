import * as v from 'valibot';
import { nodeIdSchema, type NodeId } from '../base/ids';
import type { Signer, Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { addSignature, openSigned, sign, type Signed } from '../wire/signed';
import { instantSchema } from './community';

/** An identity's Ed25519 public key in lower-case hex: a person, who may run many nodes. */
export type IdentityId = NodeId;

const certificateSchema = v.strictObject({
  type: v.literal('node-certificate'),
  v: v.literal(1),
  identity: nodeIdSchema,
  node: nodeIdSchema,
  issuedAt: instantSchema,
});

/** A person's word that a node is theirs, and the node's word that it is. */
export type NodeCertificate = v.InferOutput<typeof certificateSchema>;

/**
 * Signed by both keys: with the identity's signature alone a person could claim someone else's node, and with it that
 * node's memberships.
 */
export async function certifyNode(identity: Signer, node: Signer, issuedAt: number): Promise<Signed> {
  const body: NodeCertificate = {
    type: 'node-certificate',
    v: 1,
    identity: identity.nodeId,
    node: node.nodeId,
    issuedAt,
  };
  return addSignature(node, await sign(identity, body));
}

/** Codes of the gate and of `openSigned`; `bad_certificate` when keys other than the two signed too, or both are one. */
export async function openCertificate(signed: Signed, verify: Verify): Promise<Result<NodeCertificate>> {
  const opened = await openSigned(certificateSchema, signed, verify);
  if (!opened.ok) return opened;
  const { identity, node } = opened.value;
  const signers = new Set(signed.signatures.map(({ keyId }) => keyId));
  if (identity === node || signers.size !== 2 || !signers.has(identity) || !signers.has(node)) {
    return fail('bad_certificate', 'A certificate is not signed by exactly the person and the node that it names.');
  }
  return ok(opened.value);
}

/**
 * The nodes of one person, oldest first, one entry per node (its first certificate). Certificates that do not open or
 * belong to someone else are left out: a damaged one must not hide the rest.
 */
export async function nodesOfIdentity(
  identity: IdentityId,
  certificates: readonly Signed[],
  verify: Verify,
): Promise<readonly NodeCertificate[]> {
  const firstByNode = new Map<NodeId, NodeCertificate>();
  for (const signed of certificates) {
    const opened = await openCertificate(signed, verify);
    if (!opened.ok || opened.value.identity !== identity) continue;
    const known = firstByNode.get(opened.value.node);
    if (known === undefined || opened.value.issuedAt < known.issuedAt) firstByNode.set(opened.value.node, opened.value);
  }
  return [...firstByNode.values()].sort((a, b) => a.issuedAt - b.issuedAt || (a.node < b.node ? -1 : 1));
}

/** Whether two nodes are one person's by these (opened) certificates: the same node, or both certified by one identity. */
export function samePerson(a: NodeId, b: NodeId, certificates: readonly NodeCertificate[]): boolean {
  if (a === b) return true;
  const identitiesOfA = new Set(certificates.filter(({ node }) => node === a).map(({ identity }) => identity));
  return certificates.some(({ node, identity }) => node === b && identitiesOfA.has(identity));
}
