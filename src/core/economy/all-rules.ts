import { GATE_DEMANDS } from '../evidence/bundle-policy';
import { CLAIM_RULES as GRAPH_CLAIM_RULES, STANCE_RULES } from '../evidence/graph/build-graph';
import { STATEMENT_RULES } from '../evidence/graph/statement';
import { REPLAY_RULES } from '../evidence/replay-trace';
import { ADMISSION_GATES } from '../experts/admission-gate/run-admission-gate';
import { FIT_RULES } from '../experts/objective/apply-patch';
import { PATCH_TEST_RULES } from '../experts/objective/code-check';
import { DIFF_RULES } from '../experts/objective/parse-diff';
import { PATCH_RULES } from '../experts/objective/patch-policy';
import { ADVERTISEMENT_RULES } from '../ledger/cards/advertisement-rules';
import { NODE_CARD_RULES } from '../ledger/cards/node-card-rules';
import { TEACHER_RULES } from '../ledger/cards/teacher-policy';
import { TIME_RULES } from '../ledger/cards/time-rules';
import { FOLD_RULES } from '../ledger/fold';
import { CLAIM_RULES } from '../ledger/rules/claim-rules';
import { CLOSING_RULES } from '../ledger/rules/closing-rules';
import { CONTRIBUTION_RULES } from '../ledger/rules/contribution-rules';
import { CHALLENGE_RULES, RULING_RULES } from '../ledger/rules/dispute-rules';
import { LOOKING_RULES } from '../ledger/rules/looking-rules';
import { MINT_RULES } from '../ledger/rules/mint-rules';
import { PROPOSAL_RULES } from '../ledger/rules/proposal-rules';
import type { NamedRule } from '../ledger/rules/rule';
import { SHARD_RULES } from '../ledger/rules/shard-rules';
import { GRANT_RULES, RESERVATION_RULES } from '../ledger/rules/spending-rules';
import { TRAINING_RULES } from '../ledger/rules/training-rules';
import { WITNESS_REFUSALS } from '../ledger/witness-duty';

/** Rules that judge the same thing. */
export interface RuleFamily {
  /** Stable, a word or some with `-`. */
  readonly name: string;
  /** What they judge, as the end of a sentence. */
  readonly judges: string;
  /** In the order in which they are tried; the names are unique within the family. */
  readonly rules: readonly NamedRule[];
}

const family = (name: string, judges: string, rules: readonly NamedRule[]): RuleFamily => ({ name, judges, rules });

/** Rules that are told apart where they are kept. */
const told = (sentences: Readonly<Record<string, string>>): readonly NamedRule[] =>
  Object.entries(sentences).map(([name, sentence]) => ({ name, sentence }));

/** Every rule of the mesh that has a name, by what it judges: experts, cards and patches before work, then credit, contributions, evidence. */
export const RULE_FAMILIES: readonly RuleFamily[] = [
  family(
    'admission',
    'an expert, before it is admitted; each gate says what it demands',
    ADMISSION_GATES.map(({ name, demand }) => ({ name, sentence: demand })),
  ),
  family('times', 'whatever counts for a time only', TIME_RULES),
  family('node-cards', 'the card of a node', NODE_CARD_RULES),
  family('advertisements', 'an offer beside the card of its node', ADVERTISEMENT_RULES),
  family('teachers', 'a sample of a teacher, before it is trained on', TEACHER_RULES),
  family('diffs', 'how a patch is written', told(DIFF_RULES)),
  family('fits', 'a patch beside the files that it changes', told(FIT_RULES)),
  family('patches', 'what a patch may do; all that are broken are told', PATCH_RULES),
  family('patch-tests', 'what the tests say of a patch', told(PATCH_TEST_RULES)),
  family('log', 'an entry by itself and by those before it', told(FOLD_RULES)),
  family('grants', 'a limit that is handed on', GRANT_RULES),
  family('claims', 'a limit that is taken up', CLAIM_RULES),
  family('reservations', 'credit that is set aside', RESERVATION_RULES),
  family('proposals', 'work that asks to be paid, with its receipt', PROPOSAL_RULES),
  family('witnesses', 'what a witness is asked to sign, besides the rules of proposals', told(WITNESS_REFUSALS)),
  family('closings', 'how a reservation ends', CLOSING_RULES),
  family('looks', 'the receipt of a validator for looking at work', LOOKING_RULES),
  family('challenges', 'a challenge to work', CHALLENGE_RULES),
  family('rulings', 'what a panel found of a challenge', RULING_RULES),
  family('contributions', 'a contribution and what others found of it', CONTRIBUTION_RULES),
  family('mints', 'new credit for a contribution', MINT_RULES),
  family('data-shards', 'an entry of the data ledger', SHARD_RULES),
  family('training', 'a receipt of training', TRAINING_RULES),
  family('replays', 'a trace that is read again', told(REPLAY_RULES)),
  family('evidence', 'an evidence bundle; each gate says what it demands', told(GATE_DEMANDS)),
  family('graph-statements', 'a statement of the evidence graph by itself', STATEMENT_RULES),
  family('graph-claims', 'a claim of the evidence graph beside those of its author', GRAPH_CLAIM_RULES),
  family('graph-stances', 'an attestation or a dispute of a claim', STANCE_RULES),
];
