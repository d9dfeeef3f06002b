import type { LedgerLine, LineKind, LineState } from '#node/tab/ledger-desk-views';
import { capabilityWords } from './capability-words';
import { creditText, moment } from './words';

/** Those of a chip. */
type ChipTone = 'checked' | 'unchecked' | 'waiting' | 'rejected' | 'disputed';

/** Credits with their sign: `+0.40`, `−1.25`. */
export const signedCredit = (micros: number): string => (micros > 0 ? `+${creditText(micros)}` : creditText(micros));

const KIND_WORDS: Readonly<Record<LineKind, string>> = {
  paid: 'Paid',
  earned: 'Worked',
  checked: 'Checked',
  bond: 'Bond behind a challenge',
  granted: 'Limit given away',
  received: 'Limit received',
  minted: 'New credit for a contribution',
};

/** What a line is about, in few words. */
export function lineTitle({ kind, capability, state }: Pick<LedgerLine, 'kind' | 'capability' | 'state'>): string {
  const isUnpaid = kind === 'paid' && (state === 'void' || state === 'released' || state === 'expired');
  const what = capability === null ? '' : `: ${capabilityWords(capability).toLowerCase()}`;
  return `${isUnpaid ? 'Not paid' : KIND_WORDS[kind]}${what}`;
}

const STATE_TONES: Readonly<Record<LineState, ChipTone>> = {
  reserved: 'waiting',
  waiting: 'waiting',
  settled: 'checked',
  void: 'rejected',
  released: 'unchecked',
  expired: 'unchecked',
  given: 'waiting',
  claimed: 'checked',
};

/** What is known of how a line stands. */
type Standing = Pick<LedgerLine, 'kind' | 'state' | 'challenge' | 'amountMicros'>;

const isOpen = ({ state }: Standing): boolean => state === 'reserved' || state === 'waiting';

export function lineTone(line: Standing): ChipTone {
  if (line.kind === 'bond' && !isOpen(line))
    return line.state === 'settled' && line.amountMicros < 0 ? 'rejected' : 'checked';
  if (line.kind === 'bond' || !isOpen(line)) return STATE_TONES[line.state];
  return line.challenge === 'open' ? 'disputed' : line.challenge === 'upheld' ? 'rejected' : STATE_TONES[line.state];
}

/** One or two words for the state; with `until`, when it ends. */
export function lineState(line: Standing & Pick<LedgerLine, 'until'>, nowMs: number): string {
  const { kind, state, until, challenge, amountMicros } = line;
  if (kind === 'bond' && !isOpen(line)) return state !== 'settled' ? 'Came back' : amountMicros < 0 ? 'Lost' : 'Won';
  if (kind !== 'bond' && isOpen(line) && challenge === 'open') return 'Challenged';
  if (kind !== 'bond' && isOpen(line) && challenge === 'upheld') return 'Found wrong';
  switch (state) {
    case 'reserved':
      return 'Reserved';
    case 'waiting':
      return until === null ? 'Waiting' : until <= nowMs ? 'Window is over' : `Waiting until ${moment(until)}`;
    case 'settled':
      return 'Settled';
    case 'void':
      return 'Found wrong';
    case 'released':
      return 'Released';
    case 'expired':
      return 'Expired';
    case 'given':
      return 'Not counted yet';
    case 'claimed':
      return 'Counted';
  }
}

const FOUND_WRONG = 'It was challenged, and a panel found the work wrong';
const FOUND_RIGHT = 'It was challenged, and a panel found the work right';

function bondSentence({ state, challenge, amountMicros }: Standing): string {
  if (state === 'settled')
    return amountMicros < 0
      ? 'A panel found the work right: the bond went to the node that did it.'
      : 'Somebody challenged the work of this node, and a panel found it right: the bond is yours.';
  if (state === 'released') return 'A panel found the work wrong, as the challenge said: the bond came back.';
  if (state === 'expired') return 'No panel ruled on a challenge in time: the bond came back.';
  if (challenge === 'upheld') return 'A panel found the work wrong, as the challenge said: the bond comes back.';
  if (challenge === 'dismissed') return 'A panel found the work right: the bond goes to the node that did it.';
  return 'It comes back if a panel finds the work wrong, as the challenge says; else it goes to the node that did it.';
}

/** What the state means for this line, in one or two sentences. */
export function lineSentence(line: Standing): string {
  const { state, challenge, kind, amountMicros } = line;
  if (kind === 'bond') return bondSentence(line);
  if (isOpen(line) && challenge === 'open')
    return 'Somebody says that the work is wrong: nothing is paid unless a panel finds it right.';
  if (isOpen(line) && challenge === 'upheld') return `${FOUND_WRONG}: it is not paid.`;
  switch (state) {
    case 'reserved':
      return 'It is set aside while the work is done and checked; nothing is paid yet.';
    case 'waiting':
      return challenge === 'dismissed'
        ? `${FOUND_RIGHT}: it is paid when the window ends.`
        : 'The work was accepted and the charge is known; until the window ends anybody may challenge it.';
    case 'settled':
      if (kind === 'minted') return 'The community’s curators approved it, and it counts.';
      return `${challenge === 'dismissed' ? `${FOUND_RIGHT}. ` : ''}The window ended and witnesses signed the outcome: it is final.`;
    case 'void': {
      const why = challenge === 'upheld' ? FOUND_WRONG : 'Those who checked found the work wrong';
      return `${why}: it is not paid${amountMicros === 0 ? '' : ', and only those who looked get their part'}.`;
    }
    case 'released':
      return 'No work was to be paid, and what was set aside came back.';
    case 'expired':
      return challenge === 'upheld'
        ? `${FOUND_WRONG}: it is not paid, and what was set aside came back.`
        : 'Nobody asked to be paid in time, and what was set aside came back.';
    case 'given':
      return 'Whoever gets it has not counted it yet: that happens when its node is here.';
    case 'claimed':
      return kind === 'granted'
        ? 'That part of your limit is another node’s for good.'
        : 'You may owe so much more than before; it is no credit by itself.';
  }
}
