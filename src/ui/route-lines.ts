import type { AuditFinding, CheckKind, RouteUpdate } from '#core/experts/route';
import type { Attempt } from './conversation';
import { atSeconds, counted, creditText, duration, list, shortId, VERDICT_WORDS } from './words';

/** A line of the route: `nodes` are shown with face and name before the text. */
export interface RouteLine {
  readonly key: string;
  readonly label: string;
  readonly nodes: readonly string[];
  readonly text: string;
  readonly at: string;
  readonly tone: 'plain' | 'good' | 'bad' | 'warn';
  /** True while this step still goes on. */
  readonly live: boolean;
}

const CHECK_WORDS: Readonly<Record<CheckKind, string>> = {
  none: 'nobody checked',
  redo: 'by doing it again',
  rescore: 'by scoring every word again with the same model',
  outcome: 'by its outcome',
};

/** What a validator's reason code says to a person; an unknown code is shown as it is. */
const REASON_WORDS: Readonly<Record<string, string>> = {
  ok: 'every word is what the model would have chosen',
  output_mismatch: 'doing it again gave something else',
  token_mismatch: 'a word is not what the model would have chosen',
  text_mismatch: 'the text is not what was committed to',
  opening_mismatch: 'the answer is not the one that was committed to',
  prefix_mismatch: 'it does not continue what was there before',
  other_model: 'it has another model',
  other_engine: 'it computes on another kind of engine',
  recorded_only: 'tokens missed on a graphics processor, where this is only recorded',
  engine_failed: 'its model failed',
  score_mismatch: 'the same model scores otherwise',
  vector_mismatch: 'the same model gives other vectors',
  unknown_label: 'the label is none of those asked for',
  preference_mismatch: 'the two orders do not give this preference',
  not_to_schema: 'the answer does not fit its schema',
  quote_mismatch: 'the text does not say that there',
  tests_failing: 'a test that must pass fails',
  tests_regressed: 'a test that passed before fails',
  test_changed: 'it changes the tests that judge it',
  malformed_claim: 'it is not what this kind of work gives',
};

/** `tokens`: whether single tokens were looked at; without them only the result is known to hold. */
export const reasonWords = (code: string, tokens = true): string =>
  code === 'ok' && !tokens ? 'the result holds' : (REASON_WORDS[code] ?? code.replace(/_/g, ' '));

type Checked = Extract<RouteUpdate, { type: 'checked' }>;

const CHECKED_LINE: Readonly<Record<Checked['verdict'], { word: string; tone: RouteLine['tone'] }>> = {
  accepted: { word: 'agrees', tone: 'good' },
  rejected: { word: 'rejects it', tone: 'bad' },
  undecided: { word: 'could not tell', tone: 'warn' },
};

const AUDITED_LINE: Readonly<Record<AuditFinding, { word: string; tone: RouteLine['tone'] }>> = {
  allow: { word: 'finds nothing against it', tone: 'good' },
  deny: { word: 'speaks against it', tone: 'bad' },
  unsure: { word: 'could not tell', tone: 'warn' },
};

/** What a route is told from: an attempt, or a trace that was kept of one. */
export type Routed = Pick<Attempt, 'state' | 'steps' | 'pieces' | 'firstTokenAt' | 'answer'>;

/** The route of an answer as lines to read, in order, with the step that goes on last. */
export function routeLines(attempt: Routed): readonly RouteLine[] {
  const lines: RouteLine[] = [];
  const add = (
    step: { at: number },
    label: string,
    text: string,
    nodes: readonly string[] = [],
    tone: RouteLine['tone'] = 'plain',
  ) => lines.push({ key: `${lines.length}`, label, nodes, text, at: atSeconds(step.at), tone, live: false });

  const lastStart = attempt.steps.findLastIndex((step) => step.type === 'started' || step.type === 'replaced');
  attempt.steps.forEach((step, index) => {
    switch (step.type) {
      case 'admitted':
        return add(step, 'Admitted', `may be asked; ${step.capability}`);
      case 'chosen':
        return add(
          step,
          'Chosen',
          step.reasons.length > 0 ? list(step.reasons.map((reason) => reason.text)) : 'the only one who offers it',
          [step.expert],
        );
      case 'started': {
        const words = index === lastStart ? streamed(attempt) : '';
        return add(step, 'Asked', words === '' ? 'has the job' : words, [step.expert]);
      }
      case 'reserved':
        return add(step, 'Reserved', `at most ${creditText(step.atMostMicros)} credits`, [step.expert]);
      case 'replaced': {
        const kept = step.atToken > 0 ? `continues after ${counted(step.atToken, 'token')}` : 'starts again';
        const words = index === lastStart && step.atToken === 0 ? streamed(attempt) : '';
        return add(
          step,
          'Replaced',
          `${kept}: ${lowerFirst(step.reason)}${words === '' ? '' : `; ${words}`}`,
          [step.from, step.to],
          'warn',
        );
      }
      case 'checked': {
        const { word, tone } = CHECKED_LINE[step.verdict];
        const reason = reasonWords(step.reason, step.evidence !== undefined);
        return add(step, 'Checked', `${word}: ${reason}`, [step.validator], tone);
      }
      case 'combined': {
        const found = `${VERDICT_WORDS[step.verdict].toLowerCase()}, ${CHECK_WORDS[step.check]}`;
        if (step.answers === 1) return add(step, 'Combined', found);
        return add(step, 'Combined', `${step.agreeing} of ${step.answers} answers agree; ${found}`, [step.expert]);
      }
      case 'audited': {
        const { word, tone } = AUDITED_LINE[step.finding];
        return add(step, 'Audited', `${word}, with a model of the family ${step.family}`, [step.auditor], tone);
      }
      case 'sealed':
        return add(step, 'Sealed', `summary signed: ${shortId(step.sealId)}`);
      case 'recorded':
        return add(step, 'Recorded', `receipt ${shortId(step.receiptId)}`);
    }
  });
  if (attempt.state === 'running' && lines.length > 0)
    lines[lines.length - 1] = { ...lines[lines.length - 1]!, live: true };
  return lines;
}

function streamed(attempt: Routed): string {
  const tokens = attempt.answer?.usage.completionTokens ?? attempt.pieces.length;
  if (attempt.firstTokenAt === null || tokens === 0) return '';
  return `first word after ${duration(attempt.firstTokenAt)}, ${counted(tokens, 'token')}`;
}

const lowerFirst = (sentence: string): string =>
  sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '');
