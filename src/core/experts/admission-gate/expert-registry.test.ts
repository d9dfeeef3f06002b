import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cardFor, hexOf, resultOf } from '#tests/fakes/admission-input';
import type { OpenedExpertCard } from '../expert-card';
import { CANARY_PERCENT, chooseVersion, standingsOf, type RankedVersion, type VersionRecord } from './choose-version';
import { compareVersions, expertsOf, holdingOf, type Holding } from './expert-registry';

const base = cardFor(resultOf('target', 50, 60), resultOf('general', 30, 30));
const [A, B, C] = ['a', 'b', 'c'].map(hexOf) as [string, string, string];
const [H1, H2] = ['1', '2'].map(hexOf) as [string, string];
const card = (author: string, more: Partial<OpenedExpertCard> = {}): OpenedExpertCard => ({
  ...base,
  id: `card of ${author}`,
  author,
  modelHash: H1,
  ...more,
});
const note = (expert: string, modelHash: string): Holding => ({
  expert,
  modelHash,
  engine: 'transformers/wasm',
  card: null,
});

describe('the registry', () => {
  test('groups what nodes hold by expert and weights, with who holds them', () => {
    const experts = expertsOf(
      new Map([
        [B, [holdingOf(card(B)), note('owl', H2)]],
        [A, [holdingOf(card(A)), holdingOf(card(A, { modelHash: H2, version: '10' }))]],
        [C, [note('sage-2', H1)]],
      ]),
    );
    expect(
      experts.map(({ expert, versions }) => [
        expert,
        versions.map(({ version, replicas }) => [version, replicas.map(({ node }) => node)]),
      ]),
    ).toEqual([
      ['owl', [['22222222', [B]]]],
      [
        'sage-2',
        [
          ['10', [A]],
          ['2', [A, B, C]],
        ],
      ],
    ]);
    expect(experts[1]!.tasks).toEqual(['chat']);
    expect(experts[1]!.versions[1]!.replicas[2]!.card).toBe(null);
  });

  test('a card that somebody else signed makes nobody a holder', () => {
    expect(expertsOf(new Map([[B, [holdingOf(card(A))]]]))).toEqual([]);
  });

  test('of two cards of one node for the same weights the newer counts', () => {
    const [old, fresh] = [card(A, { at: base.at - 5, id: 'old' }), card(A, { id: 'fresh' })];
    for (const order of [
      [old, fresh],
      [fresh, old],
    ]) {
      const [expert] = expertsOf(new Map([[A, [...order.map(holdingOf), note('sage-2', H1)]]]));
      expect(expert!.versions[0]!.replicas).toEqual([{ node: A, engine: base.engine, card: fresh }]);
    }
  });

  test('one liar does not rename a version', () => {
    const holdings = new Map([
      [A, [holdingOf(card(A, { version: '99' }))]],
      [B, [holdingOf(card(B))]],
      [C, [holdingOf(card(C))]],
    ]);
    expect(expertsOf(holdings)[0]!.versions[0]!.version).toBe('2');
  });

  test('comes out the same whatever order the nodes come in', () => {
    const entries: [string, readonly Holding[]][] = [
      [A, [holdingOf(card(A)), note('owl', H2)]],
      [B, [note('owl', H1), note('owl', H2)]],
      [C, [holdingOf(card(C, { modelHash: H2, version: '1.10' }))]],
    ];
    const expected = expertsOf(new Map(entries));
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: 3 }), (order) => {
        expect(expertsOf(new Map(order))).toEqual(expected);
      }),
    );
  });

  test('versions are ordered by their numbers', () => {
    const order = ['1', '1.2', '1.10', '2', '10'].map((version) => ({ version, modelHash: H1 }));
    expect([...order].reverse().sort(compareVersions)).toEqual(order);
  });
});

describe('standing', () => {
  const version = (name: string, accepted: number, rejected: number): VersionRecord => ({
    version: name,
    modelHash: hexOf(name),
    accepted,
    rejected,
  });
  const standings = (versions: VersionRecord[], named: string | null = null, decided = new Map()) =>
    Object.fromEntries(standingsOf(versions, named, decided).map((one) => [one.version, one.standing]));

  test('a single version serves', () => {
    expect(standings([version('1', 0, 0)])).toEqual({ 1: 'settled' });
  });

  test('a newcomer is tried until its audits have spoken', () => {
    expect(standings([version('1', 200, 2), version('2', 5, 0)])).toEqual({ 1: 'settled', 2: 'canary' });
    expect(standings([version('1', 200, 2), version('2', 60, 0)])).toEqual({ 1: 'settled', 2: 'settled' });
    expect(standings([version('1', 200, 2), version('2', 20, 9)])).toEqual({ 1: 'settled', 2: 'rolled-back' });
  });

  test('without audits the catalogue decides which version serves, and a newcomer never does', () => {
    const both = [version('1', 0, 0), version('2', 3, 0)];
    expect(standings(both)).toEqual({ 1: 'settled', 2: 'canary' });
    expect(standings(both, hexOf('2'))).toEqual({ 1: 'canary', 2: 'settled' });
  });

  test('what was decided stays, and what was rolled back never serves again by its audits', () => {
    const both = [version('1', 60, 0), version('2', 90, 0)];
    expect(standings(both, null, new Map([[hexOf('2'), 'rolled-back']]))).toEqual({ 1: 'settled', 2: 'rolled-back' });
    const early = [version('1', 200, 2), version('2', 5, 0)];
    expect(standings(early, null, new Map([[hexOf('2'), 'settled']]))).toEqual({ 1: 'settled', 2: 'settled' });
    expect(standings([version('1', 0, 0)], hexOf('1'), new Map([[hexOf('1'), 'rolled-back']]))).toEqual({
      1: 'rolled-back',
    });
  });
});

describe('choosing a version', () => {
  const ranked = (version: string, standing: RankedVersion['standing']): RankedVersion => ({
    version,
    modelHash: hexOf(version),
    accepted: 0,
    rejected: 0,
    standing,
    judgement: null,
  });
  const settled = ranked('1', 'settled');
  const canary = ranked('2', 'canary');
  const traces = Array.from({ length: 20_000 }, (_, at) => `trace-${at}`);

  test('a canary gets its share of the requests, always the same ones', () => {
    const given = traces.filter((trace) => chooseVersion([settled, canary], trace, 'ordinary') === canary);
    const share = (given.length / traces.length) * 100;
    // Three standard deviations of 20,000 draws are 0.46 points.
    expect(Math.abs(share - CANARY_PERCENT)).toBeLessThan(0.5);
    const others = traces.filter((trace) => !given.includes(trace)).slice(0, 2_000);
    expect(others.every((trace) => chooseVersion([settled, canary], trace, 'ordinary') === settled)).toBe(true);
    expect(traces.filter((trace) => chooseVersion([canary, settled], trace, 'ordinary') === canary)).toEqual(given);
  });

  test('several canaries share one share', () => {
    const third = ranked('3', 'canary');
    const chosen = traces.map((trace) => chooseVersion([settled, canary, third], trace, 'ordinary'));
    const [second, last] = [canary, third].map((one) => chosen.filter((version) => version === one).length);
    expect(Math.abs(((second! + last!) / traces.length) * 100 - CANARY_PERCENT)).toBeLessThan(0.5);
    expect(Math.min(second!, last!)).toBeGreaterThan(300);
  });

  test('nothing of high stakes goes to a canary', () => {
    expect(traces.every((trace) => chooseVersion([settled, canary], trace, 'high') === settled)).toBe(true);
    expect(chooseVersion([canary], 'trace-1', 'high')).toBe(null);
  });

  test('the newest settled version serves, and what was rolled back never does', () => {
    const versions = [settled, ranked('3', 'settled'), ranked('4', 'rolled-back')];
    expect(traces.slice(0, 500).every((trace) => chooseVersion(versions, trace, 'ordinary')!.version === '3')).toBe(
      true,
    );
    expect(chooseVersion([ranked('4', 'rolled-back')], 'trace-1', 'ordinary')).toBe(null);
    expect(chooseVersion([], 'trace-1', 'ordinary')).toBe(null);
  });
});
