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
export function lineTitle({ kind, capability }: Pick<LedgerLine, 'kind' | 'capability'>): string {
  const what = capability === null ? '' : `: ${capabilityWords(capability).toLowerCase()}`;
  return `${KIND_WORDS[kind]}${what}`;
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

export const lineTone = (line: Pick<LedgerLine, 'state' | 'challenged'>): ChipTone =>
  line.challenged ? 'disputed' : STATE_TONES[line.state];

/** One or two words for the state; with `until`, when it ends. */
export function lineState(
  { state, until, challenged }: Pick<LedgerLine, 'state' | 'until' | 'challenged'>,
  nowMs: number,
): string {
  if (challenged) return 'Challenged';
  switch (state) {
    case 'reserved':
      return 'Reserved';
    case 'waiting':
      return until === null ? 'Waiting' : until <= nowMs ? 'Window is over' : `Waiting until ${moment(until)}`;
    case 'settled':
      return 'Settled';
    case 'void':
      return 'Void';
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

/** What the state means for this line, one sentence. */
export function lineSentence({ state, challenged, kind }: Pick<LedgerLine, 'state' | 'challenged' | 'kind'>): string {
  if (challenged) return 'Somebody says that the work is wrong: nothing is paid unless a panel finds it right.';
  switch (state) {
    case 'reserved':
      return kind === 'bond'
        ? 'It comes back when the challenge is upheld.'
        : 'It is set aside while the work is done and checked; nothing is paid yet.';
    case 'waiting':
      return 'The work was accepted and the charge is known; until the window ends anybody may challenge it.';
    case 'settled':
      return kind === 'minted'
        ? 'The community’s curators approved it, and it counts.'
        : 'The window ended and witnesses signed the outcome: it is final.';
    case 'void':
      return 'Those who checked found the work wrong: it is not paid, and only they get their part.';
    case 'released':
      return 'No work was to be paid, and what was set aside came back.';
    case 'expired':
      return 'Nobody asked to be paid in time, and what was set aside came back.';
    case 'given':
      return 'Whoever gets it has not counted it yet: that happens when its node is here.';
    case 'claimed':
      return kind === 'granted'
        ? 'That part of your limit is another node’s for good.'
        : 'You may owe so much more than before; it is no credit by itself.';
  }
}
