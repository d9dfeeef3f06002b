import { pick } from '../base/chance';
import type { NodeId } from '../base/ids';
import type { Replica } from './aggregator';
import type { AuditFinding, ContentAudit, RouteUpdate } from './route';
import type { PipelineDeps, Run, WorkRequest } from './run';

/** Two models of different families rarely share a blind spot; where they differ a third decides. */
const AUDITORS = 2;
const MOST_AUDITORS = 3;

/**
 * Auditors look at what an answer says, not at how it was made: two of different model families, neither of them a node that answered, and a
 * third when they do not agree. Two findings of one kind decide. Null where the work has no question to hold the answer against.
 */
export async function* auditContent(
  deps: PipelineDeps,
  run: Run,
  request: WorkRequest,
  replicas: readonly Replica[],
  text: string,
): AsyncGenerator<RouteUpdate, ContentAudit | null> {
  const question = request.kind.question?.(request.input);
  if (question === undefined || request.provider === 'self') return null;
  const answered = replicas.flatMap(({ asked }) => asked.experts);
  const used = new Set<NodeId>([deps.signer.nodeId, ...answered]);
  const families = new Set<string>();
  const findings: AuditFinding[] = [];
  const auditors: NodeId[] = [];
  const times = (finding: AuditFinding): number => findings.filter((one) => one === finding).length;

  while (auditors.length < MOST_AUDITORS && !request.signal.aborted) {
    if (times('allow') >= AUDITORS || times('deny') >= AUDITORS) break;
    const free = deps
      .auditors()
      .filter(({ node }) => !used.has(node) && !answered.some((expert) => deps.sameOwner(node, expert)));
    const fresh = free.filter(({ family }) => !families.has(family));
    // The first two must differ in family; a third that shares one still breaks a tie.
    const one = pick(deps.chance, fresh.length > 0 || auditors.length < AUDITORS ? fresh : free);
    if (one === undefined) break;
    used.add(one.node);
    families.add(one.family);
    const found = await deps.askAudit(one.node, question, text);
    deps.outcome(one.node, found.ok ? 'completed' : found.error.code === 'no_answer' ? 'silent' : 'failed');
    if (!found.ok) continue;
    auditors.push(one.node);
    findings.push(found.value);
    yield run.step({ type: 'audited', auditor: one.node, family: one.family, finding: found.value });
  }
  const outcome = times('deny') >= AUDITORS ? 'denied' : times('allow') >= AUDITORS ? 'allowed' : 'undecided';
  return { outcome, auditors };
}
