import { describe, expect, it } from 'vitest';
import { createThrottledStatus } from './throttled-status';

function manualTime() {
  let now = 0;
  let timers: { at: number; run: () => void }[] = [];
  return {
    nowMs: () => now,
    after(delayMs: number, run: () => void) {
      const timer = { at: now + delayMs, run };
      timers.push(timer);
      return () => void (timers = timers.filter((entry) => entry !== timer));
    },
    pass(ms: number) {
      now += ms;
      const due = timers.filter((timer) => timer.at <= now);
      timers = timers.filter((timer) => timer.at > now);
      for (const timer of due) timer.run();
    },
  };
}

function heard() {
  const time = manualTime();
  const spoken: string[] = [];
  return { time, spoken, status: createThrottledStatus((sentence) => spoken.push(sentence), time) };
}

describe('the spoken status', () => {
  it('speaks the first sentence at once', () => {
    const { spoken, status } = heard();
    status.say('Asking.');
    expect(spoken).toEqual(['Asking.']);
  });

  it('speaks at most once in a second, and then only the latest', () => {
    const { time, spoken, status } = heard();
    status.say('one');
    status.say('two');
    status.say('three');
    time.pass(999);
    expect(spoken).toEqual(['one']);
    time.pass(1);
    expect(spoken).toEqual(['one', 'three']);
    status.say('four');
    expect(spoken).toEqual(['one', 'three']);
    time.pass(1_000);
    expect(spoken).toEqual(['one', 'three', 'four']);
  });

  it('does not repeat itself', () => {
    const { time, spoken, status } = heard();
    status.say('one');
    time.pass(5_000);
    status.say('one');
    expect(spoken).toEqual(['one']);
  });

  it('takes back a waiting sentence when the earlier one holds again', () => {
    const { time, spoken, status } = heard();
    status.say('one');
    status.say('two');
    status.say('one');
    time.pass(5_000);
    expect(spoken).toEqual(['one']);
  });

  it('says nothing after it was cleared', () => {
    const { time, spoken, status } = heard();
    status.say('one');
    status.say('two');
    status.clear();
    time.pass(5_000);
    expect(spoken).toEqual(['one']);
  });
});
