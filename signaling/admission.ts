import { fromBase64 } from '#core/base/bytes';
import type { NodeId } from '#core/base/ids';
import type { Clock, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { InviteUses } from '#signaling/invite-uses';

/** What a redemption says, after its signatures were checked. */
export interface Redemption {
  readonly inviteId: string;
  readonly community: string;
  readonly node: NodeId;
  readonly uses: number;
  readonly expiresAt: number;
  readonly issuer: NodeId;
}

/** Decodes a redemption and checks both signatures: the issuer's under the invite, the redeemer's under the redemption. */
export type OpenRedemption = (bytes: Uint8Array, verify: Verify, now: number) => Promise<Result<Redemption>>;

/**
 * May this node enter this room? The server counts uses of invites and nothing more: a room's name is the content id
 * of a community's manifest, and whoever knows it may wait there. Membership itself is proved between the nodes, in the
 * handshake of every link, where no server has to be believed.
 */
export interface Admission {
  /** Codes: `invite_used_up`, `invite_expired`, `invite_invalid`, `server_full`, `data_unwritable`. */
  admit(room: string, node: NodeId, redemption: string | undefined): Promise<Result<void>>;
}

export interface AdmissionParts {
  readonly uses: InviteUses;
  readonly openRedemption: OpenRedemption;
  readonly verify: Verify;
  readonly clock: Clock;
}

export function createAdmission({ uses, openRedemption, verify, clock }: AdmissionParts): Admission {
  const invalid = () => fail('invite_invalid', 'This invitation is not valid for this community.');
  const expired = () => fail('invite_expired', 'This invitation has expired; ask for a new one.');

  return {
    async admit(room, node, redemption) {
      if (redemption === undefined) return ok(undefined);
      const bytes = fromBase64(redemption);
      if (bytes === null) return invalid();
      const now = clock.now();
      const opened = await openRedemption(bytes, verify, now);
      if (!opened.ok) return opened.error.code === 'invite_expired' ? expired() : invalid();
      const invite = opened.value;
      if (invite.community !== room || invite.node !== node) return invalid();
      // Admitted in time before: the same proof brings the node back for as long as it is remembered.
      if (uses.has(invite.inviteId, node)) return ok(undefined);
      if (invite.expiresAt <= now) return expired();
      return uses.count(invite, node, now);
    },
  };
}
