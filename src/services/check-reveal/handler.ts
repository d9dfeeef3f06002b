import type { Handler } from '#core/bus/capability';
import { ok } from '#core/base/result';
import type { SealedVerdicts } from '#core/experts/validators/sealed-verdict';
import type { CheckRevealInput, CheckRevealOutput } from './contract';

/** `check.reveal@1` over the verdicts that this node sealed. */
export const createCheckRevealHandler =
  (sealed: SealedVerdicts): Handler<CheckRevealInput, CheckRevealOutput> =>
  async ({ jobId }, { caller }) => {
    const revealed = await sealed.reveal(caller, jobId);
    if (!revealed.ok) return revealed;
    const { verdict, salt, lookedAt } = revealed.value;
    return ok({
      verdict,
      salt,
      lookedAt: lookedAt && { positions: [...lookedAt.positions], margins: lookedAt.margins },
    });
  };
