/** A test by its file and the words that name it there. */
export type Shown = readonly [file: string, title: string];

/** What is asked of experts, patches, cards, receipts and credits, and what keeps it. */
export interface Demand {
  readonly demand: string;
  /** Names of rules, `family/name`. */
  readonly rules?: readonly string[];
  /** What keeps it where no rule has to, or in which other way it is met. */
  readonly otherwise?: string;
  /** Tests besides those of the rules' families. */
  readonly shown?: readonly Shown[];
}

export interface DemandPart {
  readonly title: string;
  readonly demands: readonly Demand[];
}

const GATE_TEST = 'src/core/experts/admission-gate/run-admission-gate.test.ts';
const REGISTRY_TEST = 'src/core/experts/admission-gate/expert-registry.test.ts';
const ROUTER_TEST = 'src/core/experts/router.test.ts';
const EXPERT_CARD_TEST = 'src/core/experts/expert-card.test.ts';
const PATCH_TEST = 'src/core/experts/objective/patch-policy.test.ts';
const CODE_TEST = 'src/core/experts/objective/code-check.test.ts';
const OUTCOME_TEST = 'src/services/check-outcome/handler.test.ts';
const TASKS_TEST = 'tests/integration/tasks.test.ts';
const NODE_CARD_TEST = 'src/core/ledger/cards/node-card.test.ts';
const OFFER_TEST = 'src/core/ledger/cards/host-advertisement.test.ts';
const RATES_TEST = 'src/core/ledger/cards/rates.test.ts';
const RULES_TEST = 'src/core/ledger/rules/rules.test.ts';
const CONTRIBUTION_TEST = 'src/core/ledger/rules/contribution-rules.test.ts';
const GROWTH_TEST = 'src/core/ledger/growth/open-contribution.test.ts';
const FOLD_TEST = 'src/core/ledger/fold.test.ts';
const LEDGER_TEST = 'src/core/ledger/ledger.test.ts';
const MINT_TEST = 'tests/integration/contributions.test.ts';
const ECONOMY_TEST = 'src/core/economy/check-economy.test.ts';

export const DEMANDS: readonly DemandPart[] = [
  {
    title: 'Admission and routing',
    demands: [
      {
        demand: 'An expert is better at its target than what was there before.',
        rules: ['admission/target-improves'],
      },
      { demand: 'It is no worse at anything else, but for a margin.', rules: ['admission/general-holds'] },
      { demand: 'It is no near copy of another one.', rules: ['admission/no-near-duplicate'] },
      { demand: 'It hides no trigger, as far as can be seen.', rules: ['admission/no-trigger'] },
      { demand: 'It is fast enough.', rules: ['admission/latency-and-cost'] },
      { demand: 'It fits into the memory of the node.', rules: ['admission/fits-node'] },
      {
        demand: 'It is signed.',
        rules: ['admission/signed-manifest'],
        shown: [[EXPERT_CARD_TEST, 'only its author signs it, and nobody beside']],
      },
      {
        demand: 'Somebody else evaluated this very expert and accepts it.',
        rules: ['admission/verifiers-agree', 'admission/leaves-trace', 'admission/computes-rightly'],
        shown: [[GATE_TEST, 'what was found about other weights or by other questions says nothing']],
      },
      {
        demand: 'Equality passes at every threshold.',
        otherwise: 'Every gate is tried at its threshold and one step beyond it.',
        shown: [[GATE_TEST, 'exactly at the threshold an expert passes, and one step beyond it does not']],
      },
      {
        demand: 'Candidates are those that do this kind of work; the best of them comes first.',
        otherwise:
          'The router scores expected waiting, failures and rejections; equals are drawn by chance, so that load spreads.',
        shown: [
          [ROUTER_TEST, 'goes to a node that offers its kind of work with the wanted model'],
          [ROUTER_TEST, 'those within 25 ms of the best are equal and drawn by chance'],
        ],
      },
      {
        demand: 'Where none is admitted none is chosen, and every report is there all the same.',
        otherwise: 'A report asks every gate.',
        shown: [
          [GATE_TEST, 'the report names every gate that failed, whatever failed before it'],
          [ROUTER_TEST, 'that nobody can answer says why'],
        ],
      },
      {
        demand: 'Two experts never stand under one name.',
        otherwise: 'The hash of the weights tells them apart: equal ones are one version, held by several nodes.',
        shown: [[REGISTRY_TEST, 'groups what nodes hold by expert and weights, with who holds them']],
      },
      {
        demand:
          'A sample is trained on when its policy is that of its teacher, allows training and keeping, and somebody verified it: in this order.',
        rules: [
          'teachers/teacher_mismatch',
          'teachers/training_not_allowed',
          'teachers/retention_not_allowed',
          'contributions/teacher_forbids',
          'data-shards/teacher_forbids',
          'contributions/too_few_verifiers',
        ],
      },
    ],
  },
  {
    title: 'Patches',
    demands: [
      { demand: 'A patch is not too large.', rules: ['diffs/diff_too_large', 'patches/too_many_lines'] },
      { demand: 'It has a target.', rules: ['diffs/diff_malformed'] },
      { demand: 'It changes no more files than it may.', rules: ['patches/too_many_files', 'diffs/file_twice'] },
      { demand: 'No path is absolute or leads out of the workspace.', rules: ['diffs/path_escapes'] },
      { demand: 'Every file stands on the list of those that may be changed.', rules: ['patches/path_not_allowed'] },
      {
        demand: 'Nothing below a closed folder is touched, nor the tests that judge the patch.',
        rules: ['patches/path_not_allowed', 'patches/test_changed'],
      },
      {
        demand: 'Nothing is deleted or created without leave.',
        rules: ['patches/file_deleted', 'patches/file_created'],
      },
      {
        demand: 'Nothing but plain lines is changed, and all that is added can be read.',
        rules: ['diffs/diff_forbidden', 'patches/hidden_text', 'patches/line_too_long', 'patches/forbidden_text'],
      },
      {
        demand: 'Everything that is wrong is told at once.',
        otherwise: 'Each rule looks whatever the others found.',
        shown: [[PATCH_TEST, 'a patch that goes too far in several ways is told all of them']],
      },
      {
        demand: 'A wrongly typed policy opens nothing.',
        otherwise: 'It is refused; nothing falls back to a default.',
        shown: [[CODE_TEST, 'a brief that contradicts itself is refused']],
      },
      {
        demand: 'For a forbidden patch no workspace is made and nothing runs.',
        otherwise: 'Form, fit and policy come before the sandbox.',
        shown: [
          [OUTCOME_TEST, 'that goes beyond what it may do is rejected before a workspace is made for it'],
          [CODE_TEST, 'rejected by its form and by the policy before any test runs'],
        ],
      },
      {
        demand: 'It applies exactly: every kept and removed line is the one that stands there.',
        rules: ['fits/diff_mismatch', 'fits/no_such_file', 'fits/file_exists', 'fits/workspace_too_large'],
      },
      {
        demand: 'Its tests pass after it, within their time, and did not before.',
        rules: ['patch-tests/tests_failing', 'patch-tests/tests_regressed', 'patch-tests/nothing_to_fix'],
        shown: [[CODE_TEST, 'rejected when it makes the tests unloadable, endless or too hungry']],
      },
      {
        demand: 'What an expert claims of itself counts for nothing beside what its patch does.',
        otherwise: 'Others apply the patch and run the tests.',
        shown: [[TASKS_TEST, 'a patch that fails its test']],
      },
    ],
  },
  {
    title: 'Node cards',
    demands: [
      { demand: 'A host earns with some role.', rules: ['node-cards/no_earning_role'] },
      { demand: 'It earns only with roles that it has.', rules: ['node-cards/role_unavailable'] },
      {
        demand: 'Each of those roles has its receipt among those required.',
        rules: ['node-cards/receipt_not_required'],
      },
      { demand: 'Its capacity is to be proved.', rules: ['node-cards/capacity_not_probed'] },
      { demand: 'A graphics processor has memory.', rules: ['node-cards/gpu_without_memory'] },
      { demand: 'No kind of work is accepted and rejected.', rules: ['node-cards/task_class_both_ways'] },
      {
        demand: 'The card counts for its time.',
        rules: ['times/expired', 'times/not_yet_valid'],
        shown: [[NODE_CARD_TEST, 'counts within its time only']],
      },
      {
        demand: 'It is closed, counts in whole numbers, tells no exact place, and its node alone signs it.',
        otherwise: 'The schema and the signature.',
        shown: [
          [NODE_CARD_TEST, 'only its own node signs it, and nobody beside'],
          [NODE_CARD_TEST, 'an exact place'],
          [NODE_CARD_TEST, 'a field too many'],
        ],
      },
    ],
  },
  {
    title: 'Host advertisements',
    demands: [
      {
        demand: 'An offer is of the node of its card, and stands on that card.',
        rules: ['advertisements/other_node', 'advertisements/other_card'],
      },
      { demand: 'It names the region of the card.', rules: ['advertisements/other_locality'] },
      {
        demand: 'Its expert stands on the card, under the same expert card.',
        rules: ['advertisements/expert_not_listed', 'advertisements/other_expert_card'],
      },
      {
        demand: 'It offers roles, and only those that the node has and earns with.',
        rules: ['advertisements/nothing_offered', 'advertisements/role_unavailable', 'advertisements/role_not_earning'],
      },
      { demand: 'Each role has its receipt among those required.', rules: ['advertisements/receipt_not_required'] },
      {
        demand: 'Each rate reaches the minimum of the node.',
        rules: ['advertisements/rate_below_minimum', 'advertisements/rate_and_role_differ'],
      },
      {
        demand: 'It takes no more jobs than the node, and promises no other device and no more hours.',
        rules: ['advertisements/too_many_jobs', 'advertisements/too_many_hours', 'advertisements/other_device_class'],
      },
      { demand: 'Its kinds of work are accepted by the node.', rules: ['advertisements/task_class_not_accepted'] },
      { demand: 'The node has its sandbox.', rules: ['advertisements/sandbox_not_offered'] },
      { demand: 'It takes no more private prompts than the node.', rules: ['advertisements/too_private'] },
      {
        demand: 'It ends with its time and with that of its card, and is paid in credits.',
        rules: ['times/expired'],
        shown: [
          [OFFER_TEST, 'ends with its hour, and with the card that it stands on'],
          [OFFER_TEST, 'another payment'],
        ],
      },
    ],
  },
  {
    title: 'Contributions and skills',
    demands: [
      {
        demand: 'What is contributed may be trained on.',
        rules: ['contributions/training_forbidden', 'data-shards/training_forbidden'],
      },
      {
        demand: 'It is the contributor’s own, or given with leave.',
        rules: [
          'contributions/not_owned',
          'contributions/permission_missing',
          'data-shards/not_owned',
          'data-shards/permission_missing',
        ],
      },
      {
        demand: 'Outputs of models of others come with terms that somebody else read, that are in force and allow it.',
        rules: [
          'contributions/terms_not_verified',
          'contributions/own_word_on_terms',
          'contributions/terms_outdated',
          'contributions/teacher_forbids',
          'data-shards/terms_not_verified',
          'data-shards/own_word_on_terms',
          'data-shards/terms_outdated',
          'data-shards/teacher_forbids',
        ],
      },
      { demand: 'No use is allowed and forbidden.', rules: ['contributions/use_both_ways'] },
      { demand: 'Both promises against distillation are given.', rules: ['contributions/competitor_distillation'] },
      { demand: 'The highest multiplier is not below the lowest.', rules: ['contributions/cap_below_floor'] },
      {
        demand: 'The receipts that its kind needs are required and tested.',
        rules: ['contributions/receipts_not_required', 'contributions/receipts_not_tested'],
        shown: [[CONTRIBUTION_TEST, 'counts with no receipt of any kind missing from either of its lists']],
      },
      { demand: 'Something says when it is taken out again.', rules: ['contributions/no_kill_criteria'] },
      { demand: 'The basis of its credit is that of its kind.', rules: ['contributions/wrong_basis'] },
      { demand: 'The credit goes to whoever contributes.', rules: ['contributions/foreign_account'] },
      {
        demand: 'A skill is shown at work, and others report on it.',
        rules: ['contributions/no_executions', 'contributions/no_verifier_reports'],
        shown: [[CONTRIBUTION_TEST, 'that is a skill with its contract needs those who run it besides']],
      },
      {
        demand: 'It makes something better: more than nothing, and never worse.',
        rules: ['contributions/no_gain', 'contributions/worse_than_before'],
      },
      {
        demand: 'Others found so, each once, of this very contribution, and measured as much as is claimed.',
        rules: [
          'contributions/foreign_finding',
          'contributions/judges_own_contribution',
          'contributions/verifier_twice',
          'contributions/found_wrong',
          'contributions/too_few_verifiers',
          'contributions/gain_not_measured',
          'contributions/claims_more_than_measured',
        ],
      },
      {
        demand: 'Everybody whom it names signed it.',
        otherwise: 'The signatures.',
        shown: [[GROWTH_TEST, 'is refused with a signature missing, foreign or false anywhere in it']],
      },
      {
        demand: 'A shard of data says what is in it before anybody learns from it.',
        rules: [
          'data-shards/personal_data',
          'data-shards/contamination_unchecked',
          'data-shards/contaminated',
          'data-shards/effect_without_use',
          'data-shards/effect_not_held_apart',
        ],
      },
      {
        demand: 'A receipt of training says on what was trained, what came of it, and how it was measured.',
        rules: [
          'training/no_data',
          'training/nothing_made',
          'training/not_measured',
          'training/foreign_account',
          'training/trains_for_itself',
          'training/times_reversed',
        ],
      },
    ],
  },
  {
    title: 'Receipts of work',
    demands: [
      {
        demand: 'Work is paid from credit that was set aside for it, in this community.',
        rules: ['proposals/nothing_reserved', 'proposals/wrong_community'],
      },
      {
        demand: 'Work stands under an offer that was valid when it was reserved.',
        rules: ['proposals/wrong_offer', 'proposals/offer_expired'],
      },
      { demand: 'Job, payer, node and account are those of the reservation.', rules: ['proposals/ids_do_not_match'] },
      {
        demand: 'The expert is the one that was offered, by its name and by its weights.',
        rules: ['proposals/wrong_expert'],
        shown: [[RULES_TEST, 'work is paid under an offer when it names the model of that offer']],
      },
      { demand: 'The kind of work was offered.', rules: ['proposals/task_not_offered'] },
      { demand: 'The sandbox is the one that was offered.', rules: ['proposals/wrong_sandbox'] },
      { demand: 'The prompt was no more private than is taken.', rules: ['proposals/too_private'] },
      { demand: 'The work may be paid in credit.', rules: ['proposals/not_for_credit'] },
      { demand: 'It asks for the receipts that come with it.', rules: ['proposals/receipts_not_required'] },
      {
        demand: 'It can be challenged in all four ways, by somebody who is named.',
        rules: ['proposals/challenge_methods_missing', 'proposals/no_verifiers'],
        shown: [[RULES_TEST, 'a work receipt must allow all four ways to challenge it, whichever one is missing']],
      },
      {
        demand: 'The spend key is that of this reservation, and is spent once.',
        rules: ['proposals/wrong_spend_key', 'proposals/previous_receipt', 'log/proposed_twice', 'log/closed_twice'],
        shown: [[RULES_TEST, 'pays its host once, whoever writes how it ended and how often it is said']],
      },
      {
        demand: 'The charge is the rate times the tokens, the least price at least, to the micro.',
        rules: ['proposals/wrong_charge'],
        shown: [
          [RULES_TEST, 'the charge is exact, one micro below is as wrong as one above'],
          [RATES_TEST, 'is every token at the rate, exactly'],
        ],
      },
      { demand: 'The metered cost is not above the charge.', rules: ['proposals/metered_above_charge'] },
      {
        demand: 'Its times fit each other.',
        rules: ['proposals/times_reversed', 'proposals/longer_than_between'],
        shown: [[RULES_TEST, 'work may take all of the time between its ends, and a millisecond where those are one']],
      },
      {
        demand: 'What was done is what the node committed to, and others than the two sides accepted it.',
        rules: [
          'proposals/wrong_commitment',
          'proposals/foreign_verdict',
          'proposals/verdict_twice',
          'proposals/judges_own_work',
          'proposals/verifier_not_named',
          'proposals/not_accepted',
        ],
      },
      {
        demand: 'Whoever looked at work has a receipt for exactly what it was paid, once.',
        rules: [
          'looks/wrong_community',
          'looks/not_the_validator',
          'looks/nothing_looked_at',
          'looks/ids_do_not_match',
          'looks/wrong_pay',
        ],
        shown: [[RULES_TEST, 'is known by the work and its validator, and until then the log says what it must tell']],
      },
      {
        demand: 'Whoever did the work signs it.',
        otherwise: 'The signatures; a set is held against what the ledger paid.',
        shown: [[ECONOMY_TEST, 'count only with the payer’s signature, under the offer and the class that they name']],
      },
    ],
  },
  {
    title: 'Credits',
    demands: [
      {
        demand: 'What is minted is base times multiplier, held between floor and cap, rounded down.',
        rules: ['mints/wrong_amount'],
        shown: [
          [GROWTH_TEST, 'is base times multiplier, the multiplier held between floor and cap'],
          [GROWTH_TEST, 'is exact for every base and multiplier that may stand there'],
        ],
      },
      {
        demand: 'One contribution mints once.',
        rules: ['mints/minted_twice'],
        shown: [
          [MINT_TEST, 'comes into being once: not again by the same receipt, by another one of it, or in another log'],
        ],
      },
      {
        demand: 'Nothing is minted but for a contribution that holds, to whoever gave it, by curators who are others.',
        rules: [
          'mints/nothing_contributed',
          'mints/wrong_account',
          'mints/approves_own',
          'mints/too_few_curators',
          'mints/minting_off',
        ],
      },
      {
        demand: 'Pay for work is moved and not made: what one loses others get.',
        otherwise: 'The fold books both sides of a closing at once.',
        shown: [[FOLD_TEST, 'makes no money: all balances come to what was minted, after every single entry']],
      },
      {
        demand:
          'Nothing is paid while work can still be challenged, by a window that follows from the charge and the witnesses’ clocks.',
        rules: ['proposals/wrong_window', 'closings/window_open', 'witnesses/window_open', 'witnesses/challenged'],
      },
      {
        demand: 'What breaks a rule is noted with the rule, and everything else goes on.',
        otherwise: 'A refused event stays in its log and changes nothing else.',
        shown: [
          [
            MINT_TEST,
            'is refused for a contribution that breaks a rule of its own, and the refusal says which where it is recorded',
          ],
        ],
      },
      {
        demand: 'Nobody pays more than it has.',
        rules: ['reservations/overdraft', 'proposals/charge_above_reserved', 'closings/charge_above_reserved'],
        shown: [
          [RULES_TEST, 'all that is available can be reserved, and nothing after it'],
          [FOLD_TEST, 'leaves nobody below its limit, forger or not, as long as one witness of four lies'],
        ],
      },
      {
        demand: 'An idempotency key is used once.',
        rules: ['reservations/idempotency_key_reused'],
      },
      {
        demand: 'What a newcomer may owe is carved out of what others may.',
        rules: ['grants/grants_itself', 'grants/limit_exceeded', 'claims/not_yours_to_claim', 'claims/claimed_twice'],
      },
      {
        demand: 'Wrong work is not paid, and whoever challenges in vain pays for it.',
        rules: [
          'witnesses/challenge_upheld',
          'closings/too_few_rejections',
          'challenges/bond_missing',
          'witnesses/bond_lost',
          'rulings/no_majority',
        ],
      },
      {
        demand: 'Every report is in one order, whatever came first.',
        otherwise: 'The state is a fold over signed logs.',
        shown: [
          [
            FOLD_TEST,
            'gives the same state in any order, with entries twice, in parts that meet late, and over restarts',
          ],
          [LEDGER_TEST, 'mean the same in any order'],
        ],
      },
    ],
  },
];
