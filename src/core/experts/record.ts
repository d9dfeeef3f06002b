import type { NodeId } from '../base/ids';
import { ok, type Result } from '../base/result';
import { traceDigest, type Seal } from '../evidence/seal';
import type { Receipt } from '../ledger/receipts';
import { idOfSigned, sign, type Signature, type Signed } from '../wire/signed';
import { verdictOf, type Checked, type Replica } from './aggregator';
import type { PipelineDeps, Run, WorkRequest } from './run';

/** How long the others get to sign and to take their copy; who is slower gets nothing from it and delays nobody. */
export const SIGNING_TIMEOUT_MS = 2_000;

/** Signs a summary of everything that happened so far and writes it down. Resolves to the seal's content id. */
export async function seal(deps: PipelineDeps, run: Run, combined: Checked): Promise<Result<string>> {
  const body: Seal = {
    type: 'seal',
    v: 1,
    traceId: run.traceId,
    requester: deps.signer.nodeId,
    trace: traceDigest(run.steps, deps.sealSalt?.(run.traceId)),
    steps: run.steps.length,
    verdict: combined.verdict,
    at: deps.clock.now(),
  };
  const sealed = await sign(deps.signer, body);
  const written = await deps.ledger().append({ kind: 'trace.sealed', traceId: run.traceId, seal: sealed });
  return written.ok ? ok(idOfSigned(sealed)) : written;
}

function receiptOf(deps: PipelineDeps, run: Run, request: WorkRequest, { asked, checks }: Replica): Receipt {
  const { kind } = request;
  // What each of several executors did is judged by itself, whichever answer stands.
  const combined = verdictOf(kind.check, checks);
  const { claim } = asked;
  const statements = checks.filter((one) => one.statement !== null);
  const model = kind.model(claim.output);
  const tokens = kind.tokens(claim.output);
  return {
    type: 'receipt',
    v: 1,
    jobId: asked.jobId,
    traceId: run.traceId,
    capability: kind.capability.id,
    requester: deps.signer.nodeId,
    executor: asked.executor,
    validators: statements.map((one) => one.validator),
    model: model && { id: model.id, hash: model.hash },
    commitment: idOfSigned(claim.commitment),
    verdicts: statements.map((one) => idOfSigned(one.statement!)),
    verdict: combined.verdict,
    check: combined.check,
    units: combined.verdict === 'accepted' ? kind.units(claim.input, claim.output) : 0,
    tokens: tokens && { prompt: tokens.prompt, completion: tokens.completion },
    at: deps.clock.now(),
  };
}

/** Resolves when `work` did or when the time is up, whichever is first. */
function within(deps: PipelineDeps, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const stop = deps.clock.after(SIGNING_TIMEOUT_MS, resolve);
    void work.then(() => {
      stop();
      resolve();
    });
  });
}

/**
 * Writes the receipt with this node's signature, then asks executor and validators for theirs, writes what came, and hands
 * the whole to those who signed. Resolves to the receipt's content id, the same for everyone whatever signatures it carries.
 */
export async function record(
  deps: PipelineDeps,
  run: Run,
  request: WorkRequest,
  replica: Replica,
): Promise<Result<string>> {
  const self = deps.signer.nodeId;
  const receipt = receiptOf(deps, run, request, replica);
  if (replica.asked.atMostMicros > 0) {
    const verdicts = replica.checks.flatMap(({ statement }) => (statement === null ? [] : [statement]));
    const { jobId, executor: expert } = replica.asked;
    deps.payments?.settle({ jobId, expert, verdicts, verdict: receipt.verdict });
  }
  const own = await sign(deps.signer, receipt);
  const id = idOfSigned(own);
  const written = await deps.ledger().append({ kind: 'receipt.recorded', receipt: own });
  if (!written.ok) return written;

  const others = [...new Set<NodeId>([receipt.executor, ...receipt.validators])].filter((node) => node !== self);
  if (others.length === 0) return ok(id);

  const signatures: Signature[] = [];
  await within(
    deps,
    Promise.all(
      others.map(async (node) => {
        const answer = await deps.askSignature(node, own);
        if (
          answer.ok &&
          answer.value.keyId === node &&
          (await deps.verify(node, own.payload, answer.value.signature))
        ) {
          signatures.push(answer.value);
        }
      }),
    ),
  );
  if (signatures.length === 0) return ok(id);
  const whole: Signed = { payload: own.payload, signatures: [...own.signatures, ...signatures] };
  const completed = await deps.ledger().append({ kind: 'receipt.recorded', receipt: whole });
  if (!completed.ok) return completed;
  await within(deps, Promise.all(signatures.map(({ keyId }) => deps.handReceipt(keyId, whole))));
  return ok(id);
}
