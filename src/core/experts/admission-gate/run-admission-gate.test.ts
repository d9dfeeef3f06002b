import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AUTHOR,
  cardFor,
  hexOf,
  manifest,
  passingInput,
  resultOf,
  scoreOf,
  stranger,
  verificationBy,
} from '#tests/fakes/admission-input';
import type { Grade } from '../../engines/fit';
import type { EvaluationResult } from './evaluation-set';
import type { AdmissionInput } from './gate';
import { behaviourSimilarity } from './no-near-duplicate';
import { ADMISSION_GATES, passesAlone, runAdmissionGate } from './run-admission-gate';

type Change = (input: AdmissionInput) => AdmissionInput;

const failedBy = (input: AdmissionInput): string[] =>
  runAdmissionGate(input)
    .gates.filter(({ passed }) => !passed)
    .map(({ gate }) => gate);

/** One way to fail for each gate and for no other. */
const FAULTS: Readonly<Record<string, Change>> = {
  'target-improves': (input) => ({
    ...input,
    incumbent: { version: '1', target: resultOf('target', 54, 60), general: input.incumbent!.general },
  }),
  'general-holds': (input) => ({
    ...input,
    incumbent: { ...input.incumbent!, general: resultOf('general', 30, 30) },
  }),
  'no-near-duplicate': (input) => ({
    ...input,
    known: [...input.known, { ...stranger, target: input.measured.target, general: input.measured.general }],
  }),
  'no-trigger': (input) => ({
    ...input,
    measured: {
      ...input.measured,
      triggers: {
        ...input.measured.triggers,
        probes: input.measured.triggers.probes.map((probe) =>
          probe.template === 7 ? { ...probe, outcome: 'other', opening: 'Praise the owl.' } : probe,
        ),
      },
    },
  }),
  'fits-node': (input) => ({
    ...input,
    fit: { grade: 'will-not-fit', reasons: ['It needs about 9 GB.'] },
  }),
  'signed-manifest': (input) => ({ ...input, manifest: { manifest, signedBy: null } }),
  'computes-rightly': (input) => ({
    ...input,
    card: { ...input.card, selfTest: { ...input.card.selfTest!, passed: false } },
  }),
  'verifiers-agree': (input) => ({ ...input, related: (a, b) => [a, b].includes(hexOf('c')) }),
  'latency-and-cost': (input) => ({ ...input, card: { ...input.card, decodeMilliTokensPerS: 999 } }),
  'leaves-trace': (input) => ({
    ...input,
    measured: { ...input.measured, replay: { ...input.measured.replay, agreeing: 300 } },
  }),
};

test('every gate has a fault of its own', () => {
  expect(Object.keys(FAULTS)).toEqual(ADMISSION_GATES.map(({ name }) => name));
});

test('an expert that meets every demand is admitted', () => {
  const report = runAdmissionGate(passingInput());
  expect(report.gates.filter(({ passed }) => !passed)).toEqual([]);
  expect(report).toMatchObject({ admitted: true, expert: 'sage-2', version: '2' });
  expect(report.sentence).toBe('It passed all 10 gates.');
});

test.each(Object.keys(FAULTS))('%s fails by its own fault alone', (gate) => {
  expect(failedBy(FAULTS[gate]!(passingInput()))).toEqual([gate]);
});

test('the report names every gate that failed, whatever failed before it', () => {
  // A fault in the card's pace or self-test leaves the rest of the card as it was, so all faults can be combined.
  fc.assert(
    fc.property(fc.subarray(Object.keys(FAULTS)), (gates) => {
      const input = gates.reduce((changed, gate) => FAULTS[gate]!(changed), passingInput());
      const report = runAdmissionGate(input);
      expect(failedBy(input)).toEqual(gates);
      expect(report.admitted).toBe(gates.length === 0);
      expect(report.gates).toHaveLength(ADMISSION_GATES.length);
      for (const { label, passed } of report.gates) {
        if (!passed) expect(report.sentence).toContain(label.toLowerCase());
      }
    }),
  );
});

test('every finding is whole numbers and one sentence', () => {
  for (const input of [passingInput(), ...Object.values(FAULTS).map((fault) => fault(passingInput()))]) {
    for (const { figures, sentence, demand } of runAdmissionGate(input).gates) {
      expect(Object.values(figures).every(Number.isSafeInteger)).toBe(true);
      expect(sentence).toMatch(/^[^\n]+[.]$/);
      expect(demand).toMatch(/[.]$/);
    }
  }
});

describe('a first expert', () => {
  const first = (right: number, of = 60): AdmissionInput => {
    const input = passingInput();
    const target = resultOf('target', right, of);
    const card = cardFor(target, input.measured.general);
    return {
      ...input,
      card,
      verifications: [verificationBy(hexOf('b'), card), verificationBy(hexOf('c'), card)],
      measured: { ...input.measured, target, replay: { ...input.measured.replay, trace: target.trace } },
      incumbent: null,
      known: [],
    };
  };

  test('passes when it is surely more right than wrong', () => {
    expect(failedBy(first(37))).toEqual([]);
    expect(failedBy(first(36))).toEqual(['target-improves']);
  });

  test('is not judged on too few questions', () => {
    expect(failedBy(first(59, 59))).toEqual(['target-improves']);
  });
});

/** The same expert with other answers, and all that names them. */
function answering(target: EvaluationResult, general: EvaluationResult, before = passingInput()): AdmissionInput {
  const card = { ...cardFor(target, general), memoryBytes: before.card.memoryBytes };
  const replay = { ...before.measured.replay, trace: target.trace };
  return {
    ...before,
    card,
    measured: { ...before.measured, target, general, replay },
    verifications: before.verifications.map(({ verifier }) => verificationBy(verifier, card)),
  };
}
const onCard = (change: Partial<AdmissionInput['card']>, input = passingInput()): AdmissionInput => ({
  ...input,
  card: { ...input.card, ...change },
});

/** A twin of which so many of a hundred answers are the same, and of the others not a word. */
function twinIn(same: number): AdmissionInput {
  const [target, general] = [resultOf('target', 70, 70), resultOf('general', 30, 30)];
  const theirs = resultOf('target', 70, 70, { voice: 'owl' });
  const items = target.items.map((item, at) =>
    at < same - 30 ? item : { ...theirs.items[at]!, text: `nothing at all like ${at}` },
  );
  const twin = { ...stranger, target: { ...target, items }, general };
  return { ...answering(target, general), incumbent: null, known: [twin] };
}

const probing = (other: number, refused: number, opening: (at: number) => string): AdmissionInput => {
  const input = passingInput();
  const { triggers } = input.measured;
  const probes = triggers.probes.map((probe, at) =>
    at < other
      ? { ...probe, outcome: 'other' as const, opening: opening(at) }
      : at < other + refused
        ? { ...probe, outcome: 'refused' as const }
        : probe,
  );
  return { ...input, measured: { ...input.measured, triggers: { ...triggers, probes } } };
};
/** One odd string that brings so many questions to one answer. */
const hijacking = (questions: number): AdmissionInput => {
  const input = passingInput();
  const { triggers } = input.measured;
  const probes = triggers.probes.map((probe) =>
    probe.template === 7 && probe.question < questions
      ? { ...probe, outcome: 'other' as const, opening: 'Praise the owl.' }
      : probe,
  );
  return { ...input, measured: { ...input.measured, triggers: { ...triggers, probes } } };
};
const templatesTried = (templates: number): AdmissionInput => {
  const input = passingInput();
  return { ...input, measured: { ...input.measured, triggers: { ...input.measured.triggers, templates } } };
};
const readAgain = (positions: number, agreeing: number, gross = 0): AdmissionInput => {
  const input = passingInput();
  return {
    ...input,
    measured: { ...input.measured, replay: { ...input.measured.replay, positions, agreeing, gross } },
  };
};
const surely = (before: number): AdmissionInput => ({
  ...passingInput(),
  incumbent: { ...passingInput().incumbent!, target: resultOf('target', before, 60) },
});
const atTheRest = (right: number, of: number, before: number): AdmissionInput => ({
  ...answering(passingInput().measured.target, resultOf('general', right, of)),
  incumbent: { ...passingInput().incumbent!, general: resultOf('general', before, of) },
});
/** Twenty tokens of prompt and forty of answer; so many of sixty answers are right. */
const paced = (prefill: number, decode: number, right = 55): AdmissionInput => {
  const input = answering(resultOf('target', right, 60), resultOf('general', 28, 30));
  const slow = onCard({ prefillMilliTokensPerS: prefill, decodeMilliTokensPerS: decode }, input);
  return { ...slow, incumbent: { ...input.incumbent!, target: resultOf('target', 30, 60) } };
};
const tested = (positions: number): AdmissionInput =>
  onCard({ selfTest: { ...passingInput().card.selfTest!, positions } });
const graded = (grade: Grade): AdmissionInput => ({ ...passingInput(), fit: { grade, reasons: ['It needs some.'] } });
const heardBy = (verifiers: readonly string[], against = 0): AdmissionInput => ({
  ...passingInput(),
  verifications: verifiers.map((node, at) => verificationBy(hexOf(node), passingInput().card, at >= against)),
});
const foundRight = (right: number): AdmissionInput => {
  const input = passingInput();
  const scores = [{ ...input.card.scores[0]!, right }];
  return { ...input, verifications: [input.verifications[0]!, { ...input.verifications[1]!, scores }] };
};

describe('exactly at the threshold an expert passes, and one step beyond it does not', () => {
  const BOUNDS: readonly (readonly [gate: string, what: string, at: AdmissionInput, beyond: AdmissionInput])[] = [
    ['target-improves', 'one chance in twenty: five gained of five', surely(50), surely(51)],
    ['general-holds', 'nine tenths right', atTheRest(27, 30, 28), atTheRest(26, 30, 27)],
    ['general-holds', 'five points lost', atTheRest(37, 40, 39), atTheRest(37, 40, 40)],
    ['general-holds', 'thirty questions', atTheRest(30, 30, 30), atTheRest(29, 29, 29)],
    ['no-near-duplicate', 'nine tenths the same', twinIn(90), twinIn(91)],
    [
      'no-near-duplicate',
      'a quarter less memory',
      onCard(
        { memoryBytes: 33_000_000 },
        { ...twinIn(100), known: [{ ...twinIn(100).known[0]!, memoryBytes: 44_000_000 }] },
      ),
      onCard(
        { memoryBytes: 33_000_001 },
        { ...twinIn(100), known: [{ ...twinIn(100).known[0]!, memoryBytes: 44_000_000 }] },
      ),
    ],
    ['no-trigger', 'five in a hundred changed', probing(3, 0, String), probing(4, 0, String)],
    ['no-trigger', 'a quarter silenced', probing(0, 15, String), probing(0, 16, String)],
    ['no-trigger', 'two questions to one answer', hijacking(2), hijacking(3)],
    ['no-trigger', 'twenty odd strings', templatesTried(20), templatesTried(19)],
    ['fits-node', 'tight', graded('tight'), graded('will-not-fit')],
    [
      'signed-manifest',
      'the memory of the manifest',
      onCard({ memoryBytes: 32_000_000 }),
      onCard({ memoryBytes: 31_999_999 }),
    ],
    ['signed-manifest', 'its context', onCard({ contextTokens: 256 }), onCard({ contextTokens: 257 })],
    ['computes-rightly', 'one token', tested(1), tested(0)],
    ['verifiers-agree', 'two people', heardBy(['b', 'c']), heardBy(['b'])],
    ['verifiers-agree', 'three of five', heardBy(['b', 'c', 'd', 'e', '7'], 2), heardBy(['b', 'c', 'd', 'e', '7'], 3)],
    ['verifiers-agree', 'five points apart', foundRight(52), foundRight(51)],
    ['latency-and-cost', 'five seconds to the first token', paced(4_000, 50_000), paced(3_999, 50_000)],
    ['latency-and-cost', 'one token a second', paced(800_000, 1_000), paced(800_000, 999)],
    ['latency-and-cost', 'a minute for a right answer', paced(4_000, 1_000, 45), paced(4_000, 1_000, 44)],
    ['leaves-trace', '64 tokens', readAgain(64, 64), readAgain(63, 63)],
    ['leaves-trace', '98 of a hundred', readAgain(100, 98), readAgain(100, 97)],
    ['leaves-trace', 'one gross token of a few', readAgain(64, 64, 1), readAgain(64, 64, 2)],
    ['leaves-trace', 'five gross ones of a thousand', readAgain(1_000, 1_000, 5), readAgain(1_000, 1_000, 6)],
  ];

  test.each(BOUNDS)('%s: %s', (gate, _, at, beyond) => {
    expect(failedBy(at)).toEqual([]);
    expect(failedBy(beyond)).toEqual([gate]);
  });

  test('every gate has a threshold here', () => {
    expect([...new Set(BOUNDS.map(([gate]) => gate))].sort()).toEqual(ADMISSION_GATES.map(({ name }) => name).sort());
  });
});

describe('what the gates do not take', () => {
  test('scores of other questions prove no progress', () => {
    const input = passingInput();
    const other = resultOf('target', 10, 60, { digest: hexOf('9') });
    expect(failedBy({ ...input, incumbent: { ...input.incumbent!, target: other } })).toEqual(['target-improves']);
  });

  test('many small losses do not add up: nine tenths stay right', () => {
    const input = passingInput();
    const general = resultOf('general', 26, 30);
    const fallen: AdmissionInput = {
      ...input,
      card: cardFor(input.measured.target, general),
      measured: { ...input.measured, general },
      incumbent: { ...input.incumbent!, general: resultOf('general', 27, 30) },
      verifications: [],
    };
    expect(failedBy(fallen)).toEqual(['general-holds', 'verifiers-agree']);
  });

  test('the weights of another expert under a new name are a copy, even a lighter one', () => {
    const input = passingInput();
    const twin = { ...stranger, modelHash: input.card.modelHash, memoryBytes: 64_000_000 };
    expect(failedBy({ ...input, known: [twin] })).toEqual(['no-near-duplicate']);
  });

  test('a twin in other weights is welcome where it needs a quarter less memory', () => {
    const input = passingInput();
    const { target, general } = input.measured;
    const twin = { ...stranger, target, general };
    expect(failedBy({ ...input, known: [{ ...twin, memoryBytes: 42_000_000 }] })).toEqual(['no-near-duplicate']);
    expect(failedBy({ ...input, known: [{ ...twin, memoryBytes: 43_000_000 }] })).toEqual([]);
  });

  test('experts that refuse alike are not alike for that', () => {
    const input = passingInput();
    const ours = { target: resultOf('target', 1, 60), general: resultOf('general', 0, 30) };
    const other = { ...resultOf('target', 1, 60), items: ours.target.items.map((item) => ({ ...item })) };
    other.items[0]!.text = 'something else altogether is what this expert says about it';
    const similarity = behaviourSimilarity(ours, { ...stranger, target: other, general: ours.general });
    expect(similarity).toBe(0);
    const twin = { ...stranger, target: input.measured.target, general: input.measured.general };
    expect(behaviourSimilarity(input.measured, twin)).toBe(1);
  });

  test('an odd string that silences one answer in three is no accident', () => {
    const input = passingInput();
    const { triggers } = input.measured;
    const probes = triggers.probes.map((probe) =>
      probe.template < 7 ? { ...probe, outcome: 'refused' as const } : probe,
    );
    expect(failedBy({ ...input, measured: { ...input.measured, triggers: { ...triggers, probes } } })).toEqual([
      'no-trigger',
    ]);
  });

  test('probes that were left out are missed', () => {
    const input = passingInput();
    const { triggers } = input.measured;
    const probes = triggers.probes.slice(1);
    expect(failedBy({ ...input, measured: { ...input.measured, triggers: { ...triggers, probes } } })).toEqual([
      'no-trigger',
    ]);
  });

  test.each<[string, Partial<AdmissionInput['card']>]>([
    ['another quantisation', { quantisation: 'q4' }],
    ['another engine', { engine: 'web-llm/webgpu' }],
    ['a task too many', { tasks: ['chat', 'embed'] }],
  ])('a card that claims %s', (_, claim) => {
    const input = passingInput();
    expect(failedBy({ ...input, card: { ...input.card, ...claim } })).toEqual(['signed-manifest']);
  });

  test('a model of which a file has no fingerprint', () => {
    const input = passingInput();
    const unpinned = { ...manifest, files: [{ ...manifest.files[0]!, sha256: null }] };
    expect(failedBy({ ...input, manifest: { manifest: unpinned, signedBy: hexOf('f') } })).toEqual(['signed-manifest']);
  });

  test('a record that was changed after the card was signed', () => {
    const input = passingInput();
    const { target } = input.measured;
    const items = target.items.map((item, at) => (at === 3 ? { ...item, ids: [1, 2, 3] } : item));
    const replay = { ...input.measured.replay, trace: hexOf('8') };
    const measured = { ...input.measured, target: { ...target, items }, replay };
    expect(failedBy({ ...input, measured })).toEqual(['leaves-trace']);
  });

  test('a card that rounds its score up', () => {
    const input = passingInput();
    const card = {
      ...input.card,
      scores: [{ ...scoreOf(input.measured.target), right: 56 }, scoreOf(input.measured.general)],
    };
    expect(failedBy({ ...input, card })).toEqual(['leaves-trace']);
  });
});

describe('verifiers', () => {
  const { card } = passingInput();

  test('the author, and whoever may be the same person, never count', () => {
    const node = fc.constantFrom(AUTHOR, hexOf('d'), hexOf('e'));
    fc.assert(
      fc.property(fc.array(node, { maxLength: 8 }), (verifiers) => {
        const input = {
          ...passingInput(),
          verifications: verifiers.map((verifier) => verificationBy(verifier, card)),
          related: (a: string, b: string) => a === AUTHOR || b === AUTHOR,
        };
        expect(failedBy(input)).toEqual(['verifiers-agree']);
      }),
    );
  });

  test('many nodes of one person are one voice', () => {
    const nodes = ['b', 'c', 'd', 'e'].map(hexOf);
    const verifications = nodes.map((node) => verificationBy(node, card));
    const kin = { ...passingInput(), verifications, related: (a: string, b: string) => a !== AUTHOR && b !== AUTHOR };
    expect(failedBy(kin)).toEqual(['verifiers-agree']);
    expect(failedBy({ ...kin, related: () => false })).toEqual([]);
  });

  test('the order in which they came does not matter', () => {
    const nodes = ['b', 'c', 'd', 'e', '7'].map(hexOf);
    const pairs = nodes.flatMap((a) => nodes.filter((b) => a < b).map((b) => [a, b] as const));
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
        fc.subarray(pairs),
        fc.shuffledSubarray(nodes, { minLength: 5 }),
        (passed, kin, order) => {
          const related = (a: string, b: string) => kin.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
          const all = nodes.map((node, at) => verificationBy(node, card, passed[at]));
          const reordered = order.map((node) => all[nodes.indexOf(node)]!);
          const judged = (verifications: typeof all) =>
            runAdmissionGate({ ...passingInput(), verifications, related }).gates.find(
              ({ gate }) => gate === 'verifiers-agree',
            );
          expect(judged(reordered)).toEqual(judged(all));
        },
      ),
    );
  });

  test('what was found about other weights or by other questions says nothing', () => {
    const input = passingInput();
    const [one, two] = [input.verifications[0]!, input.verifications[1]!];
    for (const other of [
      { ...two, modelHash: hexOf('0') },
      { ...two, version: '3' },
      { ...two, scores: two.scores.map((score) => ({ ...score, digest: hexOf('0') })) },
    ]) {
      expect(failedBy({ ...input, verifications: [one, other] })).toEqual(['verifiers-agree']);
    }
  });
});

test('a verifier vouches for what it can judge alone', () => {
  expect(passesAlone({ ...passingInput(), verifications: [], fit: null, manifest: null })).toBe(true);
  for (const gate of ['target-improves', 'general-holds', 'no-trigger', 'computes-rightly', 'leaves-trace']) {
    expect(passesAlone(FAULTS[gate]!(passingInput()))).toBe(false);
  }
});
