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
    ['less memory than its manifest', { memoryBytes: 31_999_999 }],
    ['a longer context than its manifest', { contextTokens: 257 }],
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

  test('two of five that object are outvoted, three are not', () => {
    const votes = (against: number) => ({
      ...passingInput(),
      verifications: ['b', 'c', 'd', 'e', '7'].map((node, at) => verificationBy(hexOf(node), card, at >= against)),
    });
    expect(failedBy(votes(2))).toEqual([]);
    expect(failedBy(votes(3))).toEqual(['verifiers-agree']);
  });

  test('who found a score that is far from the claimed one objects', () => {
    const far = { ...verificationBy(hexOf('c'), card), scores: [{ ...card.scores[0]!, right: 51 }] };
    const near = { ...verificationBy(hexOf('c'), card), scores: [{ ...card.scores[0]!, right: 52 }] };
    const input = passingInput();
    expect(failedBy({ ...input, verifications: [input.verifications[0]!, near] })).toEqual([]);
    expect(failedBy({ ...input, verifications: [input.verifications[0]!, far] })).toEqual(['verifiers-agree']);
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
