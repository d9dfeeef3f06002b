import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createGraphLogs, evidenceNamed, graphOf, nodeNamed, type LoggedStatement } from '#tests/fakes/graph-logs';
import { fail, ok } from '../../base/result';
import { CLAIM_RULES, MAX_REFUSALS_TOLD, STANCE_RULES, type EvidenceGraph } from './build-graph';
import { COLLECTING_RULES, createStatementSet, MAX_STATEMENTS, MAX_STATEMENTS_PER_AUTHOR } from './collect-statements';
import { MAX_NAMED } from './statement';

const standing = (graph: EvidenceGraph, id: string) => graph.claimsById.get(id)!.standing;
const rulesBroken = ({ refusals }: EvidenceGraph): string[] => refusals.map(({ rule }) => rule).sort();

describe('how a claim stands', () => {
  test('is undisputed before anybody said anything, and about what it names', () => {
    const logs = createGraphLogs();
    const id = logs.claim('ada', 'It holds.', [evidenceNamed('b'), evidenceNamed('a')]);
    const graph = logs.graph();
    expect(graph.claimsById.get(id)).toMatchObject({
      author: nodeNamed('ada'),
      text: 'It holds.',
      about: [evidenceNamed('a'), evidenceNamed('b')].sort(),
      standing: { word: 'undisputed', attestations: [], disputes: [] },
    });
    expect(graph.counts).toMatchObject({ claims: 1, edges: 2, refused: 0 });
  });

  test('is attested by each author once, and disputed as soon as anybody disputes it', () => {
    const logs = createGraphLogs();
    const id = logs.claim('ada', 'It holds.');
    logs.attest('bob', id);
    logs.attest('bob', id);
    logs.attest('eve', id, [evidenceNamed('proof')]);
    expect(standing(logs.graph(), id)).toMatchObject({ word: 'attested' });
    expect(standing(logs.graph(), id).attestations.map(({ by }) => by)).toEqual(
      [nodeNamed('bob'), nodeNamed('eve')].sort(),
    );
    logs.dispute('ivo', id, 'The source says otherwise.', [evidenceNamed('source')]);
    expect(standing(logs.graph(), id)).toMatchObject({
      word: 'disputed',
      attestations: [{}, {}],
      disputes: [{ by: nodeNamed('ivo'), reason: 'The source says otherwise.', evidence: [evidenceNamed('source')] }],
    });
  });

  test('whoever changes their mind has said the last thing in their log', () => {
    const logs = createGraphLogs();
    const id = logs.claim('ada', 'It holds.');
    logs.dispute('bob', id);
    logs.attest('bob', id);
    const graph = logs.graph();
    expect(standing(graph, id)).toMatchObject({ word: 'attested', disputes: [] });
    expect(graph.counts).toMatchObject({ attestations: 1, disputes: 0, replaced: 1, edges: 2 });
  });
});

describe('what does not count', () => {
  const every = [...STANCE_RULES, ...CLAIM_RULES].map(({ name }) => name);
  const ways: Readonly<Record<string, (logs: ReturnType<typeof createGraphLogs>, claim: string) => string>> = {
    not_a_claim: (logs, claim) => logs.attest('eve', logs.attest('bob', claim)),
    claim_unknown: (logs) => logs.dispute('bob', evidenceNamed('nowhere')),
    own_claim: (logs) => logs.attest('ada', logs.claim('ada', 'Mine.')),
    claimed_twice: (logs) => logs.claim('ada', 'It holds.'),
  };
  test.each(every)('breaks the rule %s, and changes nothing', (name) => {
    const logs = createGraphLogs();
    const claim = logs.claim('ada', 'It holds.');
    const refused = ways[name]!(logs, claim);
    const graph = logs.graph();
    expect(graph.refusals).toMatchObject([{ id: refused, rule: name }]);
    expect(graph.counts.refused).toBe(1);
    expect(graph.nodeOf(refused)).toBeNull();
    expect(standing(graph, claim).disputes).toEqual([]);
  });

  test('a claim that comes later is known then', () => {
    const logs = createGraphLogs();
    const id = logs.claim('ada', 'It holds.');
    logs.attest('bob', id);
    const [claim, attestation] = logs.entries as [LoggedStatement, LoggedStatement];
    const set = createStatementSet();
    set.add(attestation.place, attestation.opened);
    expect(rulesBroken(set.graph())).toEqual(['claim_unknown']);
    set.add(claim.place, claim.opened);
    expect(standing(set.graph(), id).word).toBe('attested');
    expect(rulesBroken(set.graph())).toEqual([]);
  });

  test('a kind that is not known is noted, and the log goes on', () => {
    const logs = createGraphLogs();
    logs.say('ada', fail('unknown_statement', 'Not known.'));
    const id = logs.claim('ada', 'It holds.');
    expect(rulesBroken(logs.graph())).toEqual(['unknown_statement']);
    expect(standing(logs.graph(), id).word).toBe('undisputed');
  });

  test('a later word that is refused leaves the earlier one in force', () => {
    const logs = createGraphLogs();
    const id = logs.claim('ada', 'It holds.');
    logs.attest('bob', id);
    logs.say('bob', fail('rests_on_itself', 'Nobody.'));
    expect(standing(logs.graph(), id).word).toBe('attested');
  });

  test('what one author says beyond the bound is refused by name, and all of it is counted', () => {
    const logs = createGraphLogs();
    const extra = MAX_REFUSALS_TOLD + 1;
    for (let at = 0; at < MAX_STATEMENTS_PER_AUTHOR + extra; at++) logs.claim('loud', `Claim ${at}.`);
    const quiet = logs.claim('quiet', 'It holds.');
    const graph = logs.graph();
    expect(graph.counts).toMatchObject({ claims: MAX_STATEMENTS_PER_AUTHOR + 1, refused: extra, leftOut: 0 });
    expect(graph.refusals).toHaveLength(MAX_REFUSALS_TOLD);
    expect(graph.refusals[0]).toMatchObject({ rule: 'author_full', sentence: COLLECTING_RULES.author_full });
    expect(graph.claimsById.has(quiet)).toBe(true);
    expect(graph.sizeOf(nodeNamed('loud'))).toBe(MAX_STATEMENTS_PER_AUTHOR);
  });
});

test('a million edges in all are cut to what the graph holds: everybody is heard before anybody is heard twice', () => {
  const authors = 125_000 / 125;
  const about = Array.from({ length: MAX_NAMED }, (_, at) => evidenceNamed(`${at}`)).sort();
  const set = createStatementSet();
  for (let author = 0; author < authors; author++)
    for (let seq = 0; seq < 125; seq++)
      set.add(
        { id: `${(author * 7_919 + seq * 104_729) % 1_000_003}/${author}/${seq}`, author: `${author}`, seq, at: 0 },
        ok({ type: 'graph-claim', v: 1, text: `${seq}`, about }),
      );
  const graph = set.graph();
  expect(graph.counts).toMatchObject({
    claims: MAX_STATEMENTS,
    edges: MAX_STATEMENTS * MAX_NAMED,
    leftOut: 125_000 - MAX_STATEMENTS,
  });
  const perAuthor = new Map<string, number>();
  for (const { author } of graph.claims) perAuthor.set(author, (perAuthor.get(author) ?? 0) + 1);
  expect(perAuthor.size).toBe(authors);
  expect([...new Set(perAuthor.values())].sort()).toEqual([4, 5]);
});

describe('whatever some members say', () => {
  const NAMES = ['ada', 'bob', 'eve', 'ivo'];
  const act = fc.tuple(fc.nat(3), fc.nat(4), fc.nat(30), fc.nat(30));
  const acts = fc.array(act, { minLength: 10, maxLength: 60 });
  /** Statements of all kinds about each other and about evidence, some of them against the rules. */
  function said(acts: readonly (readonly [number, number, number, number])[]) {
    const logs = createGraphLogs();
    const ids: string[] = [];
    const claims: string[] = [];
    for (const [who, what, first, second] of acts) {
      const by = NAMES[who]!;
      const pick = (at: number): string =>
        at < ids.length ? ids[ids.length - 1 - at]! : evidenceNamed(`thing ${at % 3}`);
      // Often a claim of the first few, so that some are spoken of again and again; now and then anything else.
      const target = first % 5 === 0 ? pick(second) : (claims[first % Math.min(claims.length, 3)] ?? pick(first));
      if (what === 0) {
        claims.push(logs.claim(by, `Claim ${second % 4}.`, [...new Set([pick(first), pick(second)])]));
        ids.push(claims.at(-1)!);
      } else if (what < 3) ids.push(logs.attest(by, target, [pick(second)]));
      else if (what === 3) ids.push(logs.dispute(by, target, 'No.', [pick(second)]));
      else ids.push(logs.say(by, fail('unknown_statement', 'Not known.')));
    }
    return logs;
  }

  test('any order of the logs, anything twice, gives the same graph, a full one too', () => {
    let [claims, stances, refused, replaced, leftOut] = [0, 0, 0, 0, 0];
    fc.assert(
      fc.property(
        acts,
        fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
        fc.constantFrom(6, 25, undefined),
        (tried, draws, most) => {
          const { entries } = said(tried);
          const expected = graphOf(entries, most);
          claims += expected.counts.claims;
          stances += expected.counts.attestations + expected.counts.disputes;
          refused += expected.counts.refused;
          replaced += expected.counts.replaced;
          leftOut += expected.counts.leftOut;
          // One log after the other's next entry, as chance has it; entries that were had already come again in between.
          const left = NAMES.map((name) => entries.filter(({ place }) => place.author === nodeNamed(name)));
          const had: LoggedStatement[] = [];
          const mixed: LoggedStatement[] = [];
          for (let at = 0; left.some((log) => log.length > 0); at++) {
            const draw = draws[at % draws.length]! + at;
            const open = left.filter((log) => log.length > 0);
            const next = open[draw % open.length]!.shift()!;
            had.push(next);
            mixed.push(next, had[draw % had.length]!);
          }
          const graph = graphOf(mixed, most);
          expect(graph.digest()).toBe(expected.digest());
          for (const { id } of expected.claims) {
            expect(graph.from(id)).toEqual(expected.from(id));
            expect(graph.to(id)).toEqual(expected.to(id));
          }
        },
      ),
      { numRuns: 60 },
    );
    for (const count of [claims, stances, refused, replaced, leftOut]) expect(count).toBeGreaterThan(0);
  });
});
